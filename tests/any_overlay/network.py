"""A memory network that knows who dials whom: the connections of one pair can break, go silent, and stay so."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import trio

from partisan_core.identity import Address
from partisan_core.kinds import Listener, TransportPlugin, Wire
from partisan_core.transports.memory import MemoryNetwork
from tests.core.kernel.frail import FrailWire

Pair = frozenset[str]


class Network(MemoryNetwork):
    """Registers itself under a name, for `transport`."""

    _names = count()
    known: ClassVar["dict[str, Network]"] = {}

    def __init__(self) -> None:
        super().__init__()
        self.name = f"any-overlay-{next(self._names)}"
        self.known[self.name] = self
        self.separated: set[Pair] = set()
        """Who cannot reach each other: a dial between them is not answered."""
        self._wires: defaultdict[Pair, list[FrailWire]] = defaultdict(list)

    async def dial_from(self, dialler: str, address: Address) -> Wire:
        """Connect a node with the one at `address`, whose host begins with its name."""
        pair = Pair({dialler, address.host.removesuffix(".memory")})
        if pair in self.separated:
            await trio.sleep_forever()
        wire = FrailWire(await self.dial(address))
        self._wires[pair].append(wire)
        return wire

    def cut(self, one: str, other: str) -> None:
        """Break all connections of two nodes, at both ends."""
        for wire in self._wires.pop(Pair({one, other}), []):
            wire.close()

    def silence(self, one: str, other: str) -> None:
        """Nothing arrives any more over the connections that two nodes have now, and nobody is told."""
        for wire in self._wires.pop(Pair({one, other}), []):
            wire.silent = True

    def separate(self, one: str, other: str) -> None:
        """The same for new connections, too, until they are `joined` again."""
        self.separated.add(Pair({one, other}))
        self.silence(one, other)

    def rejoin(self, one: str, other: str) -> None:
        """New connections work again."""
        self.separated.discard(Pair({one, other}))


class Door:
    """The network as one node has it."""

    def __init__(self, network: Network, node: str) -> None:
        self._network, self._node = network, node

    async def listen(self, address: Address) -> Listener:
        return await self._network.listen(address)

    async def dial(self, address: Address) -> Wire:
        return await self._network.dial_from(self._node, address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which network, and who is at this end."""

    network: str
    node: str


transport = TransportPlugin(
    make=lambda options: Door(Network.known[options.network], options.node), config=Options, private=True
)
