"""What was really done to a cluster: who ever lived, who left, who was evicted, and who was told of it."""

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from partisan_core.effects import Effect, Send
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec

Life = tuple[int, int]
Who = tuple[str, Life]


def who(node: NodeSpec) -> Who:
    """Return what tells one life from all others."""
    return node.name, node.life


class History:
    """The truth, as the run of a schedule makes it; what nodes show is compared with it."""

    def __init__(self) -> None:
        self.lives: dict[Who, NodeSpec] = {}
        """Everybody who ever started."""
        self.newest: dict[str, Life] = {}
        """The newest life of each name."""
        self.ends: dict[str, dict[Life, Reason]] = defaultdict(dict)
        """Which lives were told to leave, or were evicted by somebody, by name."""
        self.evictions: dict[tuple[Who, str], Life] = {}
        """By whom, and of which name: the life that was evicted last."""
        self.told: dict[Who, list[Who]] = defaultdict(list)
        """Who was surely told of the end of a life."""
        self.met: set[tuple[Who, Who]] = set()
        """Who had whom for a neighbour at some time."""
        self.silent: list[NodeSpec] = []
        """Who left while it had links, and said nothing to anybody."""
        self._farewells: dict[tuple[Who, str], list[Struct]] = defaultdict(list)
        """What was said when leaving, by whom and to whom."""

    def starts(self, spec: NodeSpec) -> None:
        """A life is about to begin."""
        self.lives[who(spec)] = spec
        self.newest[spec.name] = max(spec.life, self.newest.get(spec.name, spec.life))

    def meets(self, node: NodeSpec, peer: NodeSpec) -> None:
        """The node has the peer for a neighbour."""
        self.met.add((who(node), who(peer)))

    def could_meet_again(self, node: NodeSpec, peer: NodeSpec) -> bool:
        """Say whether the one had the other for a neighbour, and knows of no end of it."""
        is_newest = peer.life == self.newest[peer.name]
        return is_newest and (who(node), who(peer)) in self.met and not self.was_told(node, peer)

    def inherits(self, heir: NodeSpec, crashed: NodeSpec) -> None:
        """A life began with the snapshot of a crashed one: it was told what that one was told."""
        for hearers in self.told.values():
            if who(crashed) in hearers:
                hearers.append(who(heir))

    def evicts(self, node: NodeSpec, peer: NodeSpec) -> None:
        """The node is about to be told to evict the peer."""
        self.ends[peer.name][peer.life] = Reason.EVICTED
        self.evictions[who(node), peer.name] = peer.life
        self.told[who(peer)].append(who(node))

    def may_go(self, node: NodeSpec) -> None:
        """The node is about to be told to leave."""
        self.ends[node.name].setdefault(node.life, Reason.LEFT)

    def leaves(self, node: NodeSpec, effects: Iterable[Effect], *, has_links: bool) -> None:
        """The node was told to leave, and this is what it did."""
        self.may_go(node)
        words = [effect for effect in effects if isinstance(effect, Send)]
        for word in words:
            self._farewells[who(node), word.peer.name].append(word.message)
        if has_links and not words:
            self.silent.append(node)

    def hears(self, node: NodeSpec, source: NodeSpec, message: Struct) -> None:
        """The node is about to get a message: one that was sent in leaving tells of it."""
        if message in self._farewells.get((who(source), node.name), ()):
            self.told[who(source)].append(who(node))

    def was_told(self, node: NodeSpec, over: NodeSpec) -> bool:
        """Say whether the node was surely told that a life is over."""
        return who(node) in self.told.get(who(over), ())
