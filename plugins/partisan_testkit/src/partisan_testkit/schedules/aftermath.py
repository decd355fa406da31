"""What is there once faults are over: the living, what they show, and what really happened."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from partisan_core.identity import NodeSpec
from partisan_testkit.schedules.history import History, Life
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.schedules.stage import Subject
from partisan_testkit.schedules.watched import ANY_LIFE


@dataclass
class Aftermath:
    """One moment after the last fault, looked at from outside."""

    cluster: ClusterSettings
    history: History
    living: Sequence[Subject] = field(default_factory=list)

    @cached_property
    def by_name(self) -> Mapping[str, Subject]:
        """The newest living node of each name."""
        return {node.name: node for node in sorted(self.living, key=lambda node: node.spec.life)}

    def means(self, peer: NodeSpec) -> Subject | None:
        """Return the living node that a spec stands for; None when that life, or every life, is over."""
        node = self.by_name.get(peer.name)
        return node if node is not None and stands_for(peer, node.spec) else None

    def wants(self, node: Subject, other: Subject) -> bool:
        """Say whether one wants a link to the other as it is now."""
        wanted = node.strategy.links().get(other.name)
        return wanted is not None and stands_for(wanted, other.spec)

    def is_linked(self, node: Subject, other: Subject) -> bool:
        """Say whether one has the other, as it is now, for a neighbour."""
        held = node.host.neighbours.get(other.name)
        return held is not None and held.life == other.spec.life


Rule = Callable[[Aftermath], Iterator[str]]
"""Yields what breaks a promise, in words."""


def stands_for(peer: NodeSpec, life: NodeSpec) -> bool:
    """Say whether `peer`, as it is held somewhere, is that life; a configured peer is any at its address."""
    if peer.incarnation == ANY_LIFE:
        return peer.addresses == life.addresses
    return peer.life == life.life


def same_life(one: Life | None, other: Life | None) -> bool:
    """Compare what two nodes hold of one name; what is known by configuration agrees with every life."""
    if one is None or other is None:
        return one is other
    return one == other or ANY_LIFE in {one[0], other[0]}
