"""Whatever happens in whatever order: up and down alternate, and a wanted link that is not up is being dialled."""

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from partisan_core.events import Reason
from partisan_core.kernel._links import (
    Action,
    Backoff,
    Dial,
    Down,
    Failed,
    Link,
    LinkState,
    Lost,
    Resumed,
    StartGrace,
    Up,
)

FAILURES = st.sampled_from([Reason.GONE, Reason.UNREACHABLE, Reason.REJECTED])
ENDS = st.sampled_from([Reason.LEFT, Reason.EVICTED, Reason.RELEASED, Reason.GONE])
LIVES = st.tuples(st.integers(1, 3), st.just(0))


class AnyOrder(RuleBasedStateMachine):
    """Plays the part of `Peers`: keeps the dials and graces that were asked for, and lets them end in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.link = Link(Backoff(0.05, 10.0, Random(0)), refusal_pause=0.4)
        self.up = False
        self.lost = False
        self.life: tuple[int, int] | None = None
        self.scheduled = 0
        self.dialling = False
        self.graces: list[int] = []

    def do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Up():
                    assert not self.up
                    self.up = True
                case Down(reason):
                    assert self.up
                    assert isinstance(reason, Reason)
                    self.up = self.lost = False
                case Lost():
                    assert self.up
                    assert not self.lost
                    self.lost = True
                case Resumed():
                    assert self.up
                    assert self.lost
                    self.lost = False
                case Failed():
                    assert not self.up
                case StartGrace(token):
                    self.graces.append(token)
                case Dial(after):
                    assert 0 <= after <= 10
                    self.scheduled += 1

    @rule()
    def want(self) -> None:
        self.do(self.link.want())

    @rule()
    def release(self) -> None:
        self.link.release()

    @precondition(lambda self: self.scheduled)
    @rule()
    def a_scheduled_dial_is_due(self) -> None:
        self.scheduled -= 1
        if self.link.wants_dial and not self.dialling:
            self.dialling = True

    @precondition(lambda self: self.dialling)
    @rule(reason=FAILURES)
    def a_dial_fails(self, reason: Reason) -> None:
        self.dialling = False
        self.do(self.link.dial_failed(reason))

    @precondition(lambda self: self.dialling)
    @rule()
    def a_dial_yields(self) -> None:
        self.dialling = False
        self.do(self.link.dial_yielded())

    @precondition(lambda self: self.dialling)
    @rule(life=LIVES)
    def a_dial_succeeds(self, life: tuple[int, int]) -> None:
        self.dialling = False
        self.connect(life)

    @rule(life=LIVES)
    def the_peer_dials(self, life: tuple[int, int]) -> None:
        self.connect(life)

    def connect(self, life: tuple[int, int]) -> None:
        was_up, known = self.up, self.life
        actions = self.link.connected(life)
        if was_up and life == known:
            assert not {Up, Down} & {type(action) for action in actions}
        self.do(actions)
        self.life, self.lost = life, False
        assert self.up

    @precondition(lambda self: self.up and not self.lost)
    @rule()
    def the_connection_breaks(self) -> None:
        self.do(self.link.lost())

    @precondition(lambda self: self.up and not self.lost)
    @rule(reason=ENDS)
    def a_goodbye(self, reason: Reason) -> None:
        self.do(self.link.ended(reason))
        assert not self.up

    @precondition(lambda self: self.graces)
    @rule(data=st.data())
    def a_grace_ends(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(self.graces))
        self.graces.remove(token)
        was_lost, newer = self.lost, any(other > token for other in self.graces)
        self.do(self.link.grace_expired(token))
        if newer:
            assert self.lost == was_lost

    @precondition(lambda self: self.link.life is not None)
    @rule()
    def a_newer_life_is_learnt(self) -> None:
        self.do(self.link.superseded())

    @invariant()
    def the_machine_agrees_about_up(self) -> None:
        assert (self.link.state in (LinkState.UP, LinkState.LOST)) == self.up
        assert (self.link.state is LinkState.LOST) == self.lost

    @invariant()
    def a_wanted_link_without_a_connection_is_dialled(self) -> None:
        if self.link.wanted and (self.lost or not self.up):
            assert self.scheduled or self.dialling

    @invariant()
    def nobody_waits_for_a_lost_link_for_ever(self) -> None:
        assert not self.lost or self.graces


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
