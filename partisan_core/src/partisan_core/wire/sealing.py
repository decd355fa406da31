"""Sealed frames: a keyed tag in the place of the checksum, on connections that others could reach into.

The tag covers the frame and its place in the order of all frames of that direction. The place is counted by both ends
and not sent, so a frame that was changed, forged, repeated, left out or put elsewhere has a tag that does not match.
"""

from hashlib import blake2b
from typing import NamedTuple

from partisan_core.wire.frames import CHECKSUM, TAG_SIZE

_PLACE_BYTES = 8


class Seal:
    """Makes the tags of one direction of one connection, in the order of its frames."""

    __slots__ = ("_keyed", "_place")

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=TAG_SIZE)
        self._place = 0

    def tag(self, covered: memoryview) -> bytes:
        """The tag of the next frame: of its header and body."""
        keyed = self._keyed.copy()
        keyed.update(self._place.to_bytes(_PLACE_BYTES, "little"))
        keyed.update(covered)
        self._place += 1
        return keyed.digest()

    def seal(self, frame: bytes) -> bytes:
        """The next frame with its tag instead of its checksum."""
        covered = memoryview(frame)[: -CHECKSUM.size]
        return b"".join((covered, self.tag(covered)))


class Seals(NamedTuple):
    """Both directions of one connection, as one end sees them."""

    outgoing: Seal
    incoming: Seal
