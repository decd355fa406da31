"""Rules for every overlay, whatever it promises."""

from collections.abc import Iterator

from partisan_core.effects import Retire
from partisan_core.events import Reason
from partisan_core.host import Outcome
from partisan_testkit.schedules.aftermath import Aftermath
from partisan_testkit.schedules.history import History
from partisan_testkit.schedules.stage import Subject
from partisan_testkit.schedules.violation import Violation


class Retirements:
    """A node retires only when it was evicted, or a newer life of its name exists. Checked at every step."""

    def __init__(self, history: History) -> None:
        self._history = history

    def on_outcome(self, node: Subject, outcome: Outcome) -> None:
        """Check each step."""
        if isinstance(outcome, Retire):
            newer = self._history.newest[node.name] > node.spec.life
            evicted = self._history.ends[node.name].get(node.spec.life) is Reason.EVICTED
            if not (newer if outcome.reason is Reason.NAME_IN_USE else evicted):
                raise Violation(f"{node} retired as {outcome.reason.value}, without a reason")


def shows_itself(aftermath: Aftermath) -> Iterator[str]:
    """Every living node is in its own view, as the life that it is."""
    for node in aftermath.living:
        held = node.view.get(node.name)
        if held is None or held.life != node.spec.life:
            yield f"{node} is not in its own view"


def wanted_links_work(aftermath: Aftermath) -> Iterator[str]:
    """Who is wanted and lives is a neighbour."""
    for node in aftermath.living:
        for peer in node.strategy.links().values():
            other = aftermath.means(peer)
            if other is not None and not aftermath.is_linked(node, other):
                yield f"{node} wants a link to {other} and has none"


def nobody_keeps_the_departed(aftermath: Aftermath) -> Iterator[str]:
    """Who was told by a node that it leaves does not want a link to it."""
    history = aftermath.history
    for node in aftermath.living:
        for peer in node.strategy.links().values():
            if history.ends[peer.name].get(peer.life) is Reason.LEFT and history.was_told(node.spec, peer):
                yield f"{node} still wants a link to {peer}, who told it that it leaves"


def nobody_left_in_silence(aftermath: Aftermath) -> Iterator[str]:
    """Who left, and had neighbours, said something."""
    for node in aftermath.history.silent:
        yield f"{node} left without a word"


def names_are_single(aftermath: Aftermath) -> Iterator[str]:
    """Of two living nodes of one name the older has retired."""
    for node in aftermath.living:
        if aftermath.by_name[node.name] is not node:
            yield f"two living nodes have one name: {node} and {aftermath.by_name[node.name]}"
