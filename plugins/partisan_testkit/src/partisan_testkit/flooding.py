"""A broadcast by flooding, to measure an overlay with: how many it reaches, how far, and how often in vain.

It runs beside the strategies, over the links that they want and have, under the latencies and faults of the
simulated network. Who is told for the first time passes it on to all its neighbours but the one who told it.
"""

from partisan_testkit.simulator.graph import Flood
from partisan_testkit.simulator.node import SimulatedNode
from partisan_testkit.simulator.simulation import Simulation


class Broadcast:
    """One message on its way to everybody, and what it has come to so far."""

    def __init__(self, simulation: Simulation, source: SimulatedNode) -> None:
        self.hops = {source: 0}
        """Over how many links it came to each node that was told, on the way on which it came first."""
        self._timeline, self._network = simulation.timeline, simulation.network
        self._audience = simulation.living
        self._payloads = 0
        self._pass_on(source, None)

    @property
    def reliability(self) -> float:
        """The share that was told of those who lived when it was sent and still do; 1 when nobody does."""
        audience = [node for node in self._audience if node.alive]
        return sum(node in self.hops for node in audience) / len(audience) if audience else 1.0

    @property
    def flood(self) -> Flood:
        """How many were told, over how many hops, and how often it was sent, lost messages too.

        With unequal latencies the first way is not the shortest, so the hops are more than `Graph.flood` finds.
        """
        return Flood(len(self.hops), max(self.hops.values()), self._payloads)

    def _pass_on(self, node: SimulatedNode, teller: SimulatedNode | None) -> None:
        for peer in node.host.neighbours.values():
            other = node.links.get(peer.instance)
            if other is not None and other is not teller:
                self._payloads += 1
                self._network.carry(node, other, self.hops[node] + 1, self._arrive)

    def _arrive(self, source: SimulatedNode, target: SimulatedNode, hops: int) -> None:
        self._timeline.record("flood", source.name, target.name, hops)
        if not target.alive:
            self._network.reset(source, target)
        elif target not in self.hops:
            self.hops[target] = hops
            self._pass_on(target, source)


def flood(simulation: Simulation, source: SimulatedNode) -> Broadcast:
    """Begin a broadcast at `source`; let the simulation run to see what it comes to."""
    return Broadcast(simulation, source)
