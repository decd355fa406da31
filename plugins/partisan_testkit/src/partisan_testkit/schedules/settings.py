"""How a cluster of any overlay is set up: who its nodes are, where they listen, what each is told beforehand.

Schedules, the conformance kit and simulated scenarios ask here, so that what is special about an overlay stands
in one place. An overlay that nobody here has heard of gets plain options; when its configuration has an option
`peers`, it is told all nodes beforehand, in order, as `name=host:port`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import pairwise
from random import Random

from partisan_core.config.loader import structure_options
from partisan_core.config.model import Selection
from partisan_core.identity import Address, NodeSpec
from partisan_core.kinds import OverlayPlugin
from partisan_core.plugins import Plugins
from partisan_core.strategy import MembershipStrategy
from partisan_testkit.schedules.promises import Promises, Shape, promises_of

SERVERS = 2
"""How many nodes of a star are servers, the first ones, unless somebody says. Chosen: the least that fails over."""


@dataclass(frozen=True)
class ClusterSettings:
    """A cluster of one overlay: everything its nodes are told before they start."""

    overlay: str
    plugin: OverlayPlugin
    names: tuple[str, ...]
    promises: Promises
    servers: int = SERVERS
    chosen: Mapping[str, object] = field(default_factory=dict)
    """Options that somebody chose: they win over those that follow from the nodes."""

    @cached_property
    def addresses(self) -> Mapping[str, Address]:
        """Where each node listens at first; beside those that a `Simulation` gives to who has none."""
        return {name: Address("10.0.0.2", 10_000 + number) for number, name in enumerate(self.names)}

    @cached_property
    def edges(self) -> frozenset[frozenset[str]]:
        """The links of an overlay whose links are drawn by people: a ring with a chord across it."""
        if self.promises.shape is not Shape.DRAWN:
            return frozenset()
        names = self.names
        ends = [*pairwise((*names, names[0])), (names[0], names[len(names) // 2])]
        return frozenset(frozenset(edge) for edge in ends if edge[0] != edge[1])

    @cached_property
    def speaks(self) -> bool:
        """Whether its nodes say anything to each other: who has no messages can tell nobody that it leaves."""
        first = self.names[0]
        me = NodeSpec(first, 1, 1, (self.addresses[first],), dict(self.labels(first)))
        return bool(self.make(me, Random(0)).messages)

    @property
    def joins(self) -> bool:
        """Whether nodes find one another by joining, and are not told of all peers beforehand."""
        return not self._takes_peers

    def labels(self, name: str) -> Mapping[str, str]:
        """Return the labels of a node."""
        if self.promises.shape is not Shape.STAR:
            return {}
        return {"role": "server" if self.is_server(name) else "client"}

    def is_server(self, name: str) -> bool:
        """Say whether a node of a star is a server."""
        return name in self.names[: self.servers]

    def is_approached(self, name: str) -> bool:
        """Say whether others ever turn to a node by themselves; to a client of a star nobody does."""
        return self.promises.shape is not Shape.STAR or self.is_server(name)

    def options(self, name: str) -> Mapping[str, object]:
        """Return the table `[overlay]` of a node, without `use`."""
        if not self._takes_peers:
            return self.chosen
        return {"peers": [f"{peer}={self.addresses[peer]}" for peer in self._peers(name)], **self.chosen}

    def may_move(self, name: str) -> bool:
        """Say whether a node may come back at another address: of two peers by configuration only one ever may."""
        return self.joins or (self.promises.shape is Shape.DRAWN and self.names.index(name) % 2 == 1)

    def make(self, me: NodeSpec, rng: Random) -> MembershipStrategy:
        """Make the strategy of a node: what a `Simulation` asks for."""
        return self.plugin.make(me, self.config(me.name), rng)

    def config(self, name: str) -> object:
        """Return the options of a node, read as those of a configuration file are."""
        return self._configs[name]

    @cached_property
    def _configs(self) -> Mapping[str, object]:
        if not self._takes_peers:
            return dict.fromkeys(self.names, self._structure(self.chosen))
        return {name: self._structure(self.options(name)) for name in self.names}

    def _structure(self, options: Mapping[str, object]) -> object:
        selection = Selection(use=self.overlay, options=dict(options))
        return structure_options(selection, self.plugin.config, "overlay")

    @cached_property
    def _takes_peers(self) -> bool:
        return any(option.name == "peers" for option in fields(self.plugin.config))

    def _peers(self, name: str) -> Iterable[str]:
        """Its ends of edges where links are drawn, else everybody."""
        if not self.edges:
            return self.names
        return [other for other in self.names if frozenset((name, other)) in self.edges]


def settings_of(
    overlay: str,
    nodes: int,
    *,
    servers: int = SERVERS,
    promises: Promises | None = None,
    options: Mapping[str, object] | None = None,
) -> ClusterSettings:
    """Return the settings of `nodes` nodes, `node-0` to `node-…`.

    Args:
        overlay: an installed name, or `package.module:object`.
        nodes: how many.
        servers: how many of them, the first ones, are servers in a star.
        promises: what a witness looks for, when not what is known of the overlay.
        options: of the overlay, as in its table; they win over those that follow from the nodes.

    Raises:
        PluginError: there is no such overlay, or it is broken.
    """
    plugin = Plugins().overlay(overlay)
    names = tuple(f"node-{number}" for number in range(nodes))
    return ClusterSettings(overlay, plugin, names, promises or promises_of(overlay, plugin), servers, options or {})
