"""Messages to oneself: not through the wire, but under its rules: encoded, decoded, bounded."""

from collections.abc import Hashable

from partisan_core.errors import EncodeError, WouldBlock
from partisan_core.identity import NodeSpec
from partisan_core.kernel.channels import DECODE_ERRORS, Channel
from partisan_core.kernel.postoffice import PostOffice
from partisan_core.kernel.receipts import DELIVERED, Progress, Receipt


class LocalLane:
    """Stands where the lane to a peer would; never open for the short way of `Outlet.post`."""

    def __init__(self, channel: Channel, mailbox: str, me: NodeSpec, postoffice: PostOffice) -> None:
        self._channel, self._mailbox = channel, mailbox
        self._me, self._postoffice = me, postoffice
        self.pieces: list[bytes] = []
        self.bytes = self.open_bytes = self.max_messages = self.large_from = self.taken = self.acked_until = 0
        self.progress = Progress()

    def put_nowait(self, piece: bytes, slot: Hashable = None) -> None:
        """Deliver an encoded message.

        Raises:
            WouldBlock: the mailbox is full.
        """
        box = self._postoffice.find(self._mailbox)
        if box is not None and box.is_full:
            raise WouldBlock(f"mailbox {self._mailbox!r} of this node is full; nothing was queued")
        self._channel.deliver(self._me, self._decode(piece), None)

    def put_acked_nowait(self, piece: bytes, slot: Hashable = None) -> Receipt:
        """The same, with the receipt of what has arrived already."""
        self.put_nowait(piece)
        return DELIVERED

    async def put_acked(self, piece: bytes, slot: Hashable = None) -> Receipt:
        """The same, waiting for room."""
        await self.put(piece)
        return DELIVERED

    def _decode(self, piece: bytes) -> list[tuple[str, object]]:
        codec = self._channel.codec
        try:
            return codec.decode_batch(memoryview(codec.join([piece])))
        except DECODE_ERRORS as error:
            raise EncodeError(f"the message could be encoded, but not decoded: {error}. Nothing was sent") from error

    async def put(self, piece: bytes, slot: Hashable = None) -> None:
        """Deliver an encoded message, waiting for room in its mailbox."""
        while (box := self._postoffice.find(self._mailbox)) is not None and box.is_full:
            await box.wait_room()
        self.put_nowait(piece)
