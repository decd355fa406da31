"""What a compression of the frames of a channel has to do."""

from typing import Protocol


class Compression(Protocol):
    """Makes the payloads of frames smaller, each by itself. One object serves all connections of a channel."""

    def compress(self, data: bytes | memoryview, /) -> bytes:
        """Return it smaller, or not: what did not get smaller is sent as it was. MUST NOT raise.

        Runs in the node's own thread: everything else waits for it.
        """

    def decompress(self, data: memoryview, size: int, /) -> bytes:
        """Undo it. MUST NOT make more than `size` bytes, whatever `data` says. `data` MUST NOT be kept.

        Raises:
            Exception: any, when `data` is not what `compress` makes, is of more bytes, or is followed by something.
        """
