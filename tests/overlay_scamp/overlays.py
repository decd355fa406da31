"""SCAMP on the simulated network, and what holds for all its nodes."""

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any

from partisan_core.identity import NodeSpec
from partisan_overlay_scamp import Scamp, ScampConfig, ScampV2Config
from partisan_testkit.simulator import CALM, Faults, LinkTimes, SimulatedNode, Simulation, seeded

CONFIGS: Mapping[int, type[ScampConfig]] = {1: ScampConfig, 2: ScampV2Config}

NO_OPTIONS: Mapping[str, Any] = {}
JOINS_ALONE: Mapping[str, Any] = {"heartbeat_interval": 3600.0, "isolation_timeout": 7200.0, "lease": 86_400.0}
"""For measuring what joins alone lead to: the formula speaks of them. And the simulation is spared the heartbeats."""


class Cluster:
    """Nodes that join through a random one, as SCAMP's first version wants it, one every `pause` seconds."""

    def __init__(
        self,
        version: int,
        count: int,
        *,
        seed: int = 1,
        pause: float = 0.3,
        faults: Faults = CALM,
        recording: bool = False,
        single_contact: bool = False,
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> None:
        config = CONFIGS[version](**options)

        def make(me: NodeSpec, rng: Random) -> Scamp:
            return Scamp(me, config, rng)

        self.simulation = Simulation(
            make, seed, faults=faults, times=LinkTimes(redial_limit=4000), wire=recording, recording=recording
        )
        self._pause, self._single_contact = pause, single_contact
        self._rng = seeded(seed, "contacts")
        self.nodes = [self.simulation.start("node-0")]
        self.grow(count)

    def grow(self, count: int, prefix: str = "node") -> None:
        """Let more nodes join until there are `count`."""
        for number in range(len(self.nodes), count):
            node = self.simulation.start(f"{prefix}-{number}")
            contacts = self.nodes[: 1 if self._single_contact else number]
            self.simulation.join(node, partial(self._rng.choice, contacts))
            self.nodes.append(node)
            self.simulation.run(self._pause)

    def settle(self, limit: float = 60.0) -> float:
        """Wait until the overlay is sound; return how long it took."""
        return self.simulation.run_until(self.is_sound, limit, step=0.1)

    def is_sound(self) -> bool:
        """It is one piece, nobody holds who is dead, and everybody is held."""
        graph = self.graph()
        living = self.simulation.living
        return (
            all(set(node.strategy.links()) == graph[node.name] for node in living)
            and all(set(node.host.neighbours) >= graph[node.name] for node in living)
            and min(self.in_degrees()) > 0
            and len(self.components()) == 1
        )

    def graph(self) -> dict[str, set[str]]:
        """Who holds whom, of the living."""
        living = {node.name for node in self.simulation.living}
        return {node.name: living & set(node.strategy.links()) for node in self.simulation.living}

    def degrees(self) -> list[int]:
        """The sizes of the PartialViews, sorted."""
        return sorted(len(held) for held in self.graph().values())

    def in_degrees(self) -> list[int]:
        """In how many PartialViews each is, sorted."""
        graph = self.graph()
        counts = dict.fromkeys(graph, 0)
        for held in graph.values():
            for name in held:
                counts[name] += 1
        return sorted(counts.values())

    def components(self) -> list[set[str]]:
        """The weakly connected pieces: a link carries messages both ways."""
        graph = self.graph()
        both: dict[str, set[str]] = {name: set(held) for name, held in graph.items()}
        for name, held in graph.items():
            for other in held:
                both[other].add(name)
        found, unseen = list[set[str]](), set(both)
        while unseen:
            component: set[str] = set()
            edge = {unseen.pop()}
            while edge:
                component |= edge
                edge = {other for name in edge for other in both[name]} - component
            found.append(component)
            unseen -= component
        return found

    def node(self, name: str) -> SimulatedNode:
        """The newest life of a name."""
        return next(node for node in reversed(self.simulation.nodes) if node.name == name)
