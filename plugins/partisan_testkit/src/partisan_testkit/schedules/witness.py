"""The witness: everything that is asked of an overlay, while a schedule runs and after it."""

from collections.abc import Iterator, Sequence
from random import Random

from partisan_core.host import Outcome
from partisan_core.identity import NodeSpec
from partisan_core.notices import NeighbourUp
from partisan_core.strategy import MembershipStrategy
from partisan_testkit.schedules.aftermath import Aftermath, Rule
from partisan_testkit.schedules.history import History
from partisan_testkit.schedules.promises import Shape
from partisan_testkit.schedules.rules import everybody, links
from partisan_testkit.schedules.rules.members import LastingMembers, all_agree
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.schedules.stage import Subject
from partisan_testkit.schedules.watched import Watched

_OF_A_SHAPE: dict[Shape, tuple[Rule, ...]] = {
    Shape.FREE: (links.is_connected,),
    Shape.MESH: (links.is_connected, links.all_are_linked),
    Shape.SYMMETRIC: (links.is_connected, links.links_are_symmetric),
    Shape.STAR: (links.star_holds,),
    Shape.DRAWN: (links.links_are_as_drawn,),
}


class Witness:
    """Observes a simulation; raises at the first step that breaks a promise, and judges the end."""

    def __init__(self, cluster: ClusterSettings) -> None:
        self.history = History()
        self._cluster = cluster
        self._retirements = everybody.Retirements(self.history)
        self._members = LastingMembers(self.history) if cluster.promises.lasting_members else None
        self._rules = [*self._choose_rules()]

    def make(self, me: NodeSpec, rng: Random) -> MembershipStrategy:
        """Make the strategy of a node, and watch it."""
        self.history.starts(me)
        most = getattr(self._cluster.config(me.name), self._cluster.promises.bound, None)
        strategy = self._cluster.make(me, rng)
        return Watched(me, strategy, self.history, most)  # type: ignore[return-value]  # its class variables vary

    def inherits(self, heir: Subject, crashed: Subject) -> None:
        """A life began with the snapshot of a crashed one."""
        self.history.inherits(heir.spec, crashed.spec)
        if self._members is not None:
            self._members.inherit(heir, crashed)

    def on_outcome(self, node: Subject, outcome: Outcome) -> None:
        """Check each step."""
        if isinstance(outcome, NeighbourUp):
            self.history.meets(node.spec, outcome.peer)
        self._retirements.on_outcome(node, outcome)
        if self._members is not None:
            self._members.on_outcome(node, outcome)

    def on_delivery(self, source: Subject, target: Subject) -> None:
        """What is delivered is seen by the strategies, which are watched."""

    def objections(self, living: Sequence[Subject]) -> Iterator[str]:
        """Yield what breaks a promise now, with faults over and time to settle: nothing, when all is well."""
        aftermath = Aftermath(self._cluster, self.history, living)
        for rule in self._rules:
            yield from rule(aftermath)

    def _choose_rules(self) -> Iterator[Rule]:
        """In the order in which they are worth reading: a lost membership explains a missing link."""
        promises = self._cluster.promises
        yield everybody.nobody_left_in_silence
        if promises.retires:
            yield everybody.names_are_single
        yield everybody.shows_itself
        if "full_view" in self._cluster.plugin.capabilities:
            yield all_agree
        if self._members is not None:
            yield self._members.objections
        yield everybody.nobody_keeps_the_departed
        if promises.forgets_the_dead:
            yield links.no_links_to_the_dead
        yield everybody.wanted_links_work
        for rule in _OF_A_SHAPE[promises.shape]:
            if rule is not links.is_connected or self._cluster.joins:
                yield rule
