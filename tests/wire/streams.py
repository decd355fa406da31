"""What the tests of the wire share: frames to send, ways to split a stream, a reader fed with it."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import strategies as st

from partisan_core.plugins import Plugins
from partisan_core.wire.checksums import CRC32, Checksum
from partisan_core.wire.frames import Frame, FrameReader, Kind, Trailer, encode_frame

ROOM = 4096
"""The largest body in these tests."""

_PLUGINS = Plugins()
CHECKSUMS: dict[str, Checksum | None] = {
    CRC32: None,
    "sha256": Checksum("sha256", sha256),
    **{name: Checksum(name, _PLUGINS.checksum(name).new) for name in _PLUGINS.names("checksum")},
}
"""The CRC-32, one that needs no plugin, and all that are installed."""

with_each_checksum = pytest.mark.parametrize("trailer", CHECKSUMS.values(), ids=CHECKSUMS.keys())


class Sent(NamedTuple):
    """A frame as values that can be compared."""

    kind: int
    number: int
    body: bytes

    def encode(self, flags: int = 0, trailer: Trailer | None = None) -> bytes:
        return encode_frame(self.kind, self.body, self.number, flags, trailer)


sent_frames = st.builds(
    Sent,
    kind=st.sampled_from([int(kind) for kind in Kind]),
    number=st.integers(0, 2**64 - 1),
    body=st.binary(max_size=300),
)
streams = st.lists(sent_frames, min_size=1, max_size=8)
cuts = st.lists(st.integers(0, 3000), max_size=12)


def pieces(stream: bytes, at: list[int]) -> Iterator[bytes]:
    """`stream` split at these places."""
    places = [0, *sorted(min(place, len(stream)) for place in at), len(stream)]
    return (stream[start:end] for start, end in pairwise(places))


def keep(frames: list[Frame]) -> list[Sent]:
    """Copies: the bodies are valid only until the next feed."""
    return [Sent(frame.kind, frame.number, bytes(frame.body)) for frame in frames]


def read(
    stream: bytes, at: list[int], max_body: int = ROOM, trailer: Trailer | None = None
) -> tuple[list[Sent], FrameReader]:
    """Feed `stream`, split at these places, through one buffer that is overwritten each time."""
    reader = FrameReader(max_body, trailer)
    buffer = bytearray(max(1, len(stream)))
    seen: list[Sent] = []
    for piece in pieces(stream, at):
        buffer[: len(piece)] = piece
        seen += keep(reader.feed(memoryview(buffer)[: len(piece)]))
    return seen, reader
