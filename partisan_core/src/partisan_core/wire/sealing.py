"""Sealed frames: a keyed tag in the place of the checksum, on connections that others could reach into.

The tag covers the frame and its place in the order of all frames of that direction. The place is counted by both ends
and not sent, so a frame that was changed, forged, repeated, left out or put elsewhere has a tag that does not match.
"""

from hashlib import blake2b

TAG_SIZE = 16
"""Bytes of a tag: one guess in 2**128 is right, and a wrong one ends the connection."""

_PLACE_BYTES = 8


class Seal:
    """Makes the tags of one direction of one connection, in the order of its frames."""

    __slots__ = ("_keyed", "_place")

    name = "keyed"
    size = TAG_SIZE
    fault = "the keyed tag of a frame does not match: somebody on the way changed, forged, repeated or left out a frame"

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=TAG_SIZE)
        self._place = 0

    def make(self, covered: bytes | memoryview, more: bytes | memoryview = b"", /) -> bytes:
        """The tag of the next frame: of its header and body, given in one part or two."""
        keyed = self._keyed.copy()
        keyed.update(self._place.to_bytes(_PLACE_BYTES, "little"))
        keyed.update(covered)
        keyed.update(more)
        self._place += 1
        return keyed.digest()
