"""A memory network whose connections can be cut, and go silent, at the will of a test."""

from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import trio

from partisan_core.identity import Address
from partisan_core.kinds import TransportPlugin, Wire
from partisan_core.transports.memory import MemoryNetwork


class FrailWire:
    """The dialler's end: silent, it takes what is sent and gives nothing, as when the cable is out."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.remote = wire.remote
        self.silent = self.closed = False
        self.pace: int | None = None
        """Bytes that it takes each second; None: as many as come."""
        self._credit = 0

    def try_send(self, data: bytes | bytearray | memoryview) -> int:
        if self.pace is not None:
            if not self._credit:
                raise BlockingIOError
            sent, self._credit = self._wire.try_send(data[: self._credit]), 0
            return sent
        return len(data) if self.silent else self._wire.try_send(data)

    def try_recv_into(self, buffer: bytearray | memoryview) -> int:
        if self.silent:
            raise BlockingIOError
        return self._wire.try_recv_into(buffer)

    async def wait_readable(self) -> None:
        await self._wire.wait_readable()
        if self.silent:
            await trio.sleep_forever()

    async def wait_writable(self) -> None:
        if self.pace is not None:
            await trio.sleep(1)
            self._credit = self.pace
        await self._wire.wait_writable()

    def interrupt(self) -> None:
        self._wire.interrupt()

    def close(self) -> None:
        self.closed = True
        if not self.silent:
            self._wire.close()


class FrailNetwork(MemoryNetwork):
    """Registers itself under a name, for `frail`."""

    _names = count()
    known: ClassVar["dict[str, FrailNetwork]"] = {}

    def __init__(self) -> None:
        super().__init__()
        self.name = f"frail-{next(self._names)}"
        self.known[self.name] = self
        self.silent = False
        self.pace: int | None = None
        """Of the wires that are dialled from now on."""
        self.dials: list[float] = []
        self.wires: list[FrailWire] = []

    async def dial(self, address: Address) -> Wire:
        self.dials.append(trio.current_time())
        if self.silent:
            await trio.sleep_forever()
        wire = FrailWire(await super().dial(address))
        wire.pace = self.pace
        self.wires.append(wire)
        return wire

    def cut(self) -> None:
        """Break every connection, at both ends."""
        for wire in self.wires:
            wire.close()
        self.wires.clear()

    def silence(self) -> None:
        """From now on nothing arrives, and nobody is told."""
        self.silent = True
        for wire in self.wires:
            wire.silent = True
        self.wires.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class FrailOptions:
    """Which network."""

    network: str


frail = TransportPlugin(make=lambda options: FrailNetwork.known[options.network], config=FrailOptions, private=True)
