"""A connection in memory of which every step is the test's: how much each end takes, and what arrives changed."""

from partisan_core.kinds import Wire


class Stepwise:
    """One end, below TLS. Nothing waits here: what was waited for is written down."""

    remote = "stepwise"

    def __init__(self, incoming: bytearray, outgoing: bytearray) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.room: int | None = None
        """Bytes that it still takes; None for all."""
        self.waited_for: list[str] = []
        self.is_over = False
        """Nothing comes after what is in `incoming`."""

    def try_send(self, data: bytes | bytearray | memoryview) -> int:
        if self.room == 0:
            raise BlockingIOError
        taken = len(data) if self.room is None else min(self.room, len(data))
        if self.room is not None:
            self.room -= taken
        self.outgoing += data[:taken]
        return taken

    def try_recv_into(self, buffer: bytearray | memoryview) -> int:
        if not self.incoming and not self.is_over:
            raise BlockingIOError
        count = min(len(self.incoming), len(buffer))
        buffer[:count] = self.incoming[:count]
        del self.incoming[:count]
        return count

    async def wait_readable(self) -> None:
        self.waited_for.append("readable")

    async def wait_writable(self) -> None:
        self.waited_for.append("writable")

    def interrupt(self) -> None:
        """Nobody waits here."""

    def close(self) -> None:
        self.is_over = True


def stepwise_pair() -> tuple[Stepwise, Stepwise]:
    there, back = bytearray(), bytearray()
    return Stepwise(back, there), Stepwise(there, back)


def receive_all(wire: Wire, most: int = 256 * 1024) -> bytes:
    """What is there now."""
    data, buffer = b"", bytearray(most)
    try:
        while count := wire.try_recv_into(buffer):
            data += buffer[:count]
    except BlockingIOError:
        pass
    return data


def shake(*wires: Wire) -> None:
    """Go through the TLS handshake, and have each end receive a byte."""
    for wire in (*wires, *wires):
        receive_all(wire)
    for wire in wires:
        assert wire.try_send(b"!") == 1
    for wire in wires:
        assert receive_all(wire) == b"!"
