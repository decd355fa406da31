"""A witness of a simulation: knows what was really done to the members, and what every node was told.

Written for overlays with the capability `full_view`. It raises at the first step that breaks a promise:

- *no resurrection*: who saw a life of a member end never shows that life, or an older one, again;
- *no lost member*: a membership ends only when that life, or a newer one of the name, left or was evicted;
- *no false retirement*: a node retires only when it was evicted or a newer life of its name exists.

`check_agreement` is for after the quiet period: all living nodes know the same members, each other among
them, are linked to each other, and hold no member whose end a living node was told of.
"""

from collections import defaultdict
from collections.abc import Iterable

from partisan_core.effects import Retire
from partisan_core.events import Reason
from partisan_core.host import Outcome
from partisan_core.identity import NodeSpec
from partisan_core.notices import MemberJoined, MemberLeft
from partisan_testkit.simulator import SimulatedNode, lives

Life = tuple[int, int]


class Violation(AssertionError):
    """A promise was broken."""


class Memory:
    """What one process was shown: per name the newest life that it saw, and that it saw end."""

    def __init__(self) -> None:
        self.seen: dict[str, Life] = {}
        self.ended: dict[str, Life] = {}


class Witness:
    """Observes every outcome and every message of those who leave."""

    def __init__(self) -> None:
        self.ends: dict[str, dict[Life, Reason]] = defaultdict(dict)
        """The truth: which lives were told to leave, or to be evicted, by name."""
        self.newest: dict[str, Life] = {}
        """The truth: the newest life of each name."""
        self.told: dict[tuple[str, Life], list[SimulatedNode]] = defaultdict(list)
        """Who was surely told of the end of a life."""
        self._memories: dict[SimulatedNode, Memory] = defaultdict(Memory)
        self._farewells: dict[SimulatedNode, int] = {}

    # -- what the schedule does ------------------------------------------------------------------------------

    def started(self, node: SimulatedNode, heir_of: SimulatedNode | None) -> None:
        """A life began; with `heir_of` it took over the snapshot of a crashed one."""
        self.newest[node.name] = max(node.spec.life, self.newest.get(node.name, node.spec.life))
        if heir_of is not None:
            memory, inherited = self._memories[node], self._memories[heir_of]
            memory.seen |= {name: life for name, life in inherited.seen.items() if name != node.name}
            memory.ended |= {name: life for name, life in inherited.ended.items() if name != node.name}
            for witnesses in self.told.values():
                if heir_of in witnesses:
                    witnesses.append(node)

    def leaves(self, node: SimulatedNode) -> None:
        """The node is about to be told to leave."""
        self.ends[node.name][node.spec.life] = Reason.LEFT
        if node.host.neighbours:
            self._farewells[node] = node.sent_bytes

    def evicts(self, node: SimulatedNode, peer: NodeSpec) -> None:
        """The node is about to be told to evict the peer."""
        self.ends[peer.name][peer.life] = Reason.EVICTED
        self.told[peer.name, peer.life].append(node)

    # -- what the simulation reports -------------------------------------------------------------------------

    def on_outcome(self, node: SimulatedNode, outcome: Outcome) -> None:
        """Check each step."""
        match outcome:
            case MemberJoined(peer):
                self._on_added(node, peer)
            case MemberLeft(peer):
                self._on_removed(node, peer)
            case Retire(reason):
                self._on_retired(node, reason)

    def on_delivery(self, source: SimulatedNode, target: SimulatedNode) -> None:
        """A message of a node that leaves tells of its leaving."""
        if source.leaving and not target.leaving:
            self.told[source.name, source.spec.life].append(target)

    def _on_added(self, node: SimulatedNode, peer: NodeSpec) -> None:
        memory = self._memories[node]
        if memory.ended.get(peer.name, (-1, -1)) >= peer.life:
            raise Violation(f"{node} shows {peer} again, whose end it saw")
        memory.seen[peer.name] = peer.life

    def _on_removed(self, node: SimulatedNode, peer: NodeSpec) -> None:
        if not any(life >= peer.life for life in self.ends[peer.name]):
            raise Violation(f"{node} lost {peer}, who neither left nor was evicted")
        self._memories[node].ended[peer.name] = peer.life

    def _on_retired(self, node: SimulatedNode, reason: Reason) -> None:
        newer = self.newest[node.name] > node.spec.life
        evicted = self.ends[node.name].get(node.spec.life) is Reason.EVICTED
        if not (newer if reason is Reason.NAME_IN_USE else evicted):
            raise Violation(f"{node} retired as {reason.value}, without a reason")

    # -- after the quiet period ------------------------------------------------------------------------------

    def check_agreement(self, living: Iterable[SimulatedNode]) -> None:
        """Check what must hold once faults are over.

        Raises:
            Violation: naming the first node and member that break it.
        """
        nodes = list(living)
        for node in nodes:
            self._check_view(node, nodes[0])
            self._check_memory(node)
        for node, sent_before in self._farewells.items():
            if node.sent_bytes == sent_before:
                raise Violation(f"{node} left without a word")
        everybody = {node.name: node for node in nodes}
        if len(everybody) != len(nodes):
            raise Violation("two living nodes have one name")
        for node in nodes:
            self._check_links(node, everybody)

    def _check_view(self, node: SimulatedNode, first: SimulatedNode) -> None:
        mine, theirs = lives(node.view), lives(first.view)
        if mine != theirs:
            differing = sorted(name for name in mine | theirs if mine.get(name) != theirs.get(name))
            raise Violation(f"{node} and {first} disagree about {', '.join(differing)}")
        if mine.get(node.name) != node.spec.life:
            raise Violation(f"{node} is not in its own view")

    def _check_memory(self, node: SimulatedNode) -> None:
        view, memory = lives(node.view), self._memories[node]
        for name, life in memory.seen.items():
            if memory.ended.get(name, (-1, -1)) < life and view.get(name, (-1, -1)) < life:
                raise Violation(f"{node} lost {name}@{life[0]} without a word")
        for name, life in view.items():
            if life in self.ends[name] and any(node.alive for node in self.told[name, life]):
                raise Violation(f"{node} still shows {name}@{life[0]}, of whose end a living node was told")

    def _check_links(self, node: SimulatedNode, everybody: dict[str, SimulatedNode]) -> None:
        missing = sorted(everybody.keys() - node.host.neighbours.keys() - {node.name})
        if missing:
            raise Violation(f"{node} has no link to {', '.join(missing)}")
