"""Rules for overlays whose memberships last: only leaving and eviction end one. Checked at every step.

- *no resurrection*: who saw a life of a member end never shows that life, or an older one, again;
- *no lost member*: a membership ends only when that life, or a newer one of the name, left or was evicted.

After the quiet period: nobody lost a member without a word, or holds one of whose end a living node was told; and
of an overlay with the capability `full_view` all living nodes know the same members.
"""

from collections import defaultdict
from collections.abc import Iterator

from partisan_core.host import Outcome
from partisan_core.identity import NodeSpec
from partisan_core.notices import MemberJoined, MemberLeft
from partisan_testkit.schedules.aftermath import Aftermath, same_life
from partisan_testkit.schedules.history import History, Life, Who, who
from partisan_testkit.schedules.stage import Subject
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.simulator import lives

_NEVER: Life = (-1, -1)


class Memory:
    """What one process was shown: per name the newest life that it saw, and that it saw end."""

    def __init__(self) -> None:
        self.seen: dict[str, Life] = {}
        self.ended: dict[str, Life] = {}


class LastingMembers:
    """Remembers what every node was told of its members."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._memories: dict[Subject, Memory] = defaultdict(Memory)

    def on_outcome(self, node: Subject, outcome: Outcome) -> None:
        """Check each step."""
        match outcome:
            case MemberJoined(peer):
                self._on_added(node, peer)
            case MemberLeft(peer):
                self._on_removed(node, peer)

    def inherit(self, node: Subject, heir_of: Subject) -> None:
        """Take over what a crashed life was shown, but for what it knew of its own name."""
        mine, theirs = self._memories[node], self._memories[heir_of]
        mine.seen |= {name: life for name, life in theirs.seen.items() if name != node.name}
        mine.ended |= {name: life for name, life in theirs.ended.items() if name != node.name}

    def objections(self, aftermath: Aftermath) -> Iterator[str]:
        """Say who lost a member without a word, or holds one that is none any more."""
        living = {who(node.spec) for node in aftermath.living}
        for node in aftermath.living:
            view, memory = lives(node.view), self._memories[node]
            for name, life in memory.seen.items():
                if memory.ended.get(name, _NEVER) < life and view.get(name, _NEVER) < life:
                    yield f"{node} lost {name}@{life[0]} without a word"
            for name, life in view.items():
                if self._is_over((name, life), living):
                    yield f"{node} still shows {name}@{life[0]}, of whose end a living node was told"

    def _is_over(self, life: Who, living: set[Who]) -> bool:
        return not living.isdisjoint(self._history.told.get(life, ()))

    def _on_added(self, node: Subject, peer: NodeSpec) -> None:
        memory = self._memories[node]
        if memory.ended.get(peer.name, _NEVER) >= peer.life:
            raise Violation(f"{node} shows {peer} again, whose end it saw")
        memory.seen[peer.name] = peer.life

    def _on_removed(self, node: Subject, peer: NodeSpec) -> None:
        if not any(life >= peer.life for life in self._history.ends[peer.name]):
            raise Violation(f"{node} lost {peer}, who neither left nor was evicted")
        self._memories[node].ended[peer.name] = peer.life


def all_agree(aftermath: Aftermath) -> Iterator[str]:
    """All living nodes know the same members (L1)."""
    first = aftermath.living[0] if aftermath.living else None
    for node in aftermath.living[1:]:
        assert first is not None
        mine, theirs = lives(node.view), lives(first.view)
        differing = sorted(name for name in mine | theirs if not same_life(mine.get(name), theirs.get(name)))
        if differing:
            yield f"{node} and {first} disagree about {', '.join(differing)}"
