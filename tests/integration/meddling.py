"""Somebody on the way who knows the format of frames, and meddles with one of them."""

import secrets
from collections.abc import Callable
from zlib import crc32

from partisan_core.wire.frames import CHECKSUM, FRAME_OVERHEAD, HEADER, HEADER_SIZE, Kind, encode_frame
from partisan_core.wire.sealing import TAG_SIZE

Deed = Callable[[bytes], list[bytes]]
"""What becomes of one frame."""

_HANDSHAKE = {Kind.HELLO, Kind.PROOF, Kind.WELCOME, Kind.REFUSAL}


class Meddler:
    """Lets everything pass, but for the next frame that holds `mark`, once a deed is planned."""

    def __init__(self, mark: bytes, *, sealed: bool) -> None:
        self._mark = mark
        self._trailer = TAG_SIZE if sealed else CHECKSUM.size
        self._deed: Deed | None = None
        self._done = 0
        self.directions = 0
        """Of connections that it sits on, or sat on: two of each."""

    def plan(self, deed: Deed) -> None:
        """Do it to the next frame."""
        self._deed = deed

    def has_done(self, deeds: int) -> bool:
        """Whether so many deeds are done."""
        return self._done == deeds

    def make_editor(self) -> Callable[[bytes], bytes]:
        """For one direction of one connection."""
        held = bytearray()
        self.directions += 1

        def edit(data: bytes) -> bytes:
            held.extend(data)
            passed = b""
            while len(held) >= HEADER_SIZE and len(held) >= (size := self._size(held)):
                passed += self._pass(bytes(held[:size]))
                del held[:size]
            return passed

        return edit

    def _size(self, held: bytearray) -> int:
        length, kind, *_ = HEADER.unpack_from(held)
        return HEADER_SIZE + int(length) + (CHECKSUM.size if kind in _HANDSHAKE else self._trailer)

    def _pass(self, frame: bytes) -> bytes:
        if self._deed is None or self._mark not in frame:
            return frame
        deed, self._deed = self._deed, None
        self._done += 1
        return b"".join(deed(frame))


def alter(frame: bytes) -> list[bytes]:
    """Change the last letter of the last message; a tag stays what it was, a checksum is made to fit."""
    return [_altered(frame, TAG_SIZE)]


def alter_and_repair(frame: bytes) -> list[bytes]:
    """The same, and a checksum that fits."""
    covered = _altered(frame, CHECKSUM.size)[: -CHECKSUM.size]
    return [covered + CHECKSUM.pack(crc32(covered))]


def _altered(frame: bytes, trailer: int) -> bytes:
    last = len(frame) - trailer - 1
    return frame[:last] + b"!" + frame[last + 1 :]


def inject(frame: bytes) -> list[bytes]:
    """A frame of one's own with the next number, and after it the real one."""
    body = frame[HEADER_SIZE:-TAG_SIZE]
    number = int(HEADER.unpack_from(frame)[-1])
    forged = encode_frame(Kind.DATA, body[:-1] + b"!", number)[: -CHECKSUM.size]
    assert len(forged) == len(frame) - TAG_SIZE
    return [forged + secrets.token_bytes(TAG_SIZE), frame]


def repeat(frame: bytes) -> list[bytes]:
    """The real one, twice."""
    return [frame, frame]


def leave_out(frame: bytes) -> list[bytes]:
    """Nothing."""
    assert len(frame) > FRAME_OVERHEAD
    return []


def swallow_and_return() -> tuple[Deed, Deed]:
    """The first keeps its frame back, the second lets it pass behind its own."""
    kept: list[bytes] = []

    def keep(frame: bytes) -> list[bytes]:
        kept.append(frame)
        return []

    return keep, lambda frame: [frame, *kept]
