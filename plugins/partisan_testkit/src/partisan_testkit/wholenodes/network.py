"""The virtual network: who listens where, who can reach whom, and how long it takes."""

import contextlib
import errno
import math
from collections.abc import Callable, Mapping
from random import Random

import trio

from partisan_core.errors import AddressInUse
from partisan_core.identity import Address
from partisan_core.kernel.timers import Timers
from partisan_core.kinds import Listener, Wire
from partisan_testkit.simulator import CALM, Faults
from partisan_testkit.simulator.log import Log
from partisan_testkit.simulator.partitions import Partitions
from partisan_testkit.wholenodes.wires import Place, VirtualWire

Latency = Callable[[str, str], float]
"""The one-way milliseconds from a host to another, beside a jitter of the faults' `latency`."""

_FIRST_PORT = 49152

_KNOCK_AGAIN = 1.0
"""Seconds until a dial that met nobody is tried again, within the same dial; doubles. Linux's."""


class VirtualListener:
    """Where others dial to."""

    def __init__(self, endpoint: "Endpoint", address: Address) -> None:
        self.endpoint, self.address = endpoint, address
        self._arrived, self._waiting = trio.open_memory_channel[Wire](math.inf)

    async def accept(self) -> Wire:
        """Wait for the next connection."""
        return await self._waiting.receive()

    def arrive(self, wire: Wire) -> None:
        """A dial has arrived."""
        self._arrived.send_nowait(wire)

    def close(self) -> None:
        """Stop listening. Idempotent."""
        listeners = self.endpoint.network.listeners
        if listeners.get(self.address) is self:
            del listeners[self.address]
        with contextlib.suppress(trio.WouldBlock, trio.ClosedResourceError):
            while True:
                self._waiting.receive_nowait().close()
        self._waiting.close()


class Endpoint:
    """What one process has of the network: a transport whose dials come from its host."""

    def __init__(self, network: "VirtualNetwork", host: str, name: str) -> None:
        self.network, self.host, self.name = network, host, name
        self.is_on = True
        self.is_dark = False
        """Its machine is gone, too."""
        self.wires: dict[VirtualWire, None] = {}

    async def listen(self, address: Address) -> Listener:
        """Listen on `address`; port 0 takes any free one.

        Raises:
            AddressInUse: somebody listens there.
        """
        await trio.lowlevel.checkpoint()
        listeners = self.network.listeners
        if address.port == 0:
            taken = {other.port for other in listeners}
            address = Address(address.host, next(p for p in range(_FIRST_PORT, 65536) if p not in taken))
        if address in listeners:
            raise AddressInUse(f"another node of this virtual network listens on {address}; nothing was started")
        self.network.dark.discard(address)
        self.network.homes[address] = self.host
        listener = listeners[address] = VirtualListener(self, address)
        return listener

    async def dial(self, address: Address) -> Wire:
        """Connect to `address`; the caller's deadline ends a dial that nobody answers.

        Raises:
            ConnectionRefusedError: nobody listens there.
        """
        network, pause = self.network, _KNOCK_AGAIN
        network.record("dial", self.name, str(address))
        if network.ignores_dial():
            await trio.sleep_forever()
        while True:
            there = network.homes.get(address, self.host)  # of a place where nobody ever was nothing is known
            await trio.sleep(network.latency(self.host, there))
            if not self.is_on:
                raise OSError(errno.ENETDOWN, "this process has ended")
            if address not in network.dark and not network.partitions.separate(self.host, there):
                break
            await trio.sleep(pause)
            pause *= 2
        listener = network.listeners.get(address)
        if listener is None:
            await trio.sleep(network.latency(there, self.host))
            raise ConnectionRefusedError(f"nobody listens on {address} in this virtual network")
        wire = self._connect(listener)
        try:
            await trio.sleep(network.latency(there, self.host))
        except BaseException:
            wire.close()
            raise
        return wire

    def end(self) -> None:
        """The process ends, as by a signal: its sockets are closed, and everybody at their other ends is told."""
        self._stop()
        for wire in list(self.wires):
            wire.close()

    def darken(self) -> None:
        """The machine is gone: nobody is told, and nobody answers at its addresses."""
        self.is_dark = True
        self.network.dark |= self._stop()
        for wire in list(self.wires):
            wire.vanish()

    def _stop(self) -> set[Address]:
        self.is_on = False
        mine = [listener for listener in self.network.listeners.values() if listener.endpoint is self]
        for listener in mine:
            listener.close()
        return {listener.address for listener in mine}

    def _connect(self, listener: VirtualListener) -> VirtualWire:
        near, far = VirtualWire(self, str(listener.address)), VirtualWire(listener.endpoint, self.name)
        near.other, far.other = far, near
        self.wires[near] = listener.endpoint.wires[far] = None
        listener.arrive(far)
        return near


class VirtualNetwork:
    """Connects the processes of one simulation. Everything it draws follows from `rng`."""

    def __init__(self, rng: Random, log: Log, latency: Latency | None = None) -> None:
        self.faults: Faults = CALM
        """May be changed at any time. A stream is neither doubled nor reordered: these two shares are for the workload
        that meddles with frames. What is lost is sent again, late, with all that is behind it."""
        self.homes: dict[Address, str] = {}
        """The host of whoever listened at an address last."""
        self.listeners: dict[Address, VirtualListener] = {}
        self.dark: set[Address] = set()
        """Where nobody answers, not even that nobody listens."""
        self.partitions = Partitions()
        self.endpoints: dict[str, Endpoint] = {}
        self._rng, self._log, self._latency = rng, log, latency
        self._slowness: dict[str, float] = {}
        self._timers = Timers()

    async def run(self) -> None:
        """Let things arrive, for ever."""
        await self._timers.run()

    def after(self, delay: float, action: Callable[[], None]) -> None:
        """Do something in `delay` seconds."""
        self._timers.call_later(delay, action)

    def record(self, *words: object) -> None:
        """Add a line to the log."""
        self._log.add((round(trio.current_time(), 6), *words))

    def endpoint(self, host: str, name: str) -> Endpoint:
        """Make the endpoint of a process on a host."""
        made = self.endpoints[name] = Endpoint(self, host, name)
        return made

    # -- faults --------------------------------------------------------------------------------------------------

    def partition(self, zones: Mapping[str, int], *, one_way: bool = False) -> None:
        """Cut the network between hosts of different zones; who is not mentioned is in zone 0.

        With `one_way` only what goes from a lower zone to a higher one is lost.
        """
        self.record("one-way" if one_way else "partition", dict(sorted(zones.items())))
        self.partitions.divide(zones, one_way=one_way)

    def cut(self, source: str, target: str) -> None:
        """Lose what goes from one host to another, beside what is cut already."""
        self.record("cut", source, target)
        self.partitions.cut(source, target)

    def heal(self) -> None:
        """Let everybody reach everybody. What was held up goes on when it is sent again."""
        self.record("heal")
        self.partitions.heal()

    def slow(self, host: str, milliseconds: float) -> None:
        """Let everything from and to the host take so much longer; 0 ends it."""
        self._slowness[host] = milliseconds / 1000

    def reset(self, one: str, other: str) -> int:
        """Break all connections between two hosts, for both ends; return how many there were."""
        self.record("reset", one, other)
        hosts = {(one, other), (other, one)}
        ends = [wire for endpoint in self.endpoints.values() for wire in endpoint.wires]
        broken = [wire for wire in ends if (wire.endpoint.host, wire.other.endpoint.host) in hosts]
        for wire in broken:
            wire.fail(errno.ECONNRESET)
        return len(broken) // 2

    # -- what wires ask ------------------------------------------------------------------------------------------

    def latency(self, source: str, target: str) -> float:
        """Draw the seconds that something takes from one host to another."""
        least = self._latency(source, target) if self._latency else 0.0
        slowness = self._slowness.get(source, 0.0) + self._slowness.get(target, 0.0)
        return (least + self._rng.uniform(*self.faults.latency)) / 1000 + slowness

    def loses(self, source: Place, target: Place) -> bool:
        """Draw whether a segment is lost on its way."""
        if target.is_dark:
            return True
        if not self.partitions.none and self.partitions.block(source.host, target.host):
            return True
        return self._draw(self.faults.loss)

    def resets(self) -> bool:
        """Draw whether a connection breaks."""
        return self._draw(self.faults.resets)

    def ignores_dial(self) -> bool:
        """Draw whether nobody answers a dial."""
        return self._draw(self.faults.dial_failures)

    def flip(self, data: bytes) -> bytes:
        """Change a bit, perhaps."""
        if not data or not self._draw(self.faults.flips):
            return data
        changed = bytearray(data)
        changed[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)
        self.record("flip")
        return bytes(changed)

    def _draw(self, share: float) -> bool:
        return share > 0 and self._rng.random() < share
