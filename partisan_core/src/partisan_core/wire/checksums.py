"""The checksum of the frames after a handshake: the CRC-32, or a faster one that both ends have.

Each end names in its hello what it has beside the CRC-32, which everybody has; both come to the same choice by `agree`.
The trailer stays 4 bytes, and the header check stays what it is. What 32 bits of another function find and what the
CRC-32 finds: decision 0031.
"""

from collections.abc import Callable, Sequence

from partisan_core.kinds import Digest
from partisan_core.wire.frames import CHECKSUM

CRC32 = "crc32"
"""What everybody has."""


def agree(dialler: Sequence[str], accepter: Sequence[str]) -> str:
    """The name of the checksum that two ends use: the first of the dialler's that the accepter has, too."""
    return next((name for name in dialler if name in accepter), CRC32)


class Checksum:
    """The trailer that a digest makes: the last 4 bytes of it, over header and body. One object serves all wires."""

    __slots__ = ("_new", "name")

    size = CHECKSUM.size
    fault = "the checksum of a frame does not match: bits changed on the way"

    def __init__(self, name: str, new: Callable[[bytes | memoryview], Digest]) -> None:
        self.name = name
        self._new = new

    def make(self, covered: bytes | memoryview, more: bytes | memoryview = b"", /) -> bytes:
        """The trailer of a frame: of its header and body, given in one part or two."""
        digest = self._new(covered)
        if more:
            digest.update(more)
        return digest.digest()[-CHECKSUM.size :]
