"""Sessions under any schedule of sends, losses, repeats, reconnects, lost handshakes and lost memories.

Never is a message delivered twice or out of order, and every message sent is delivered or counted as lost
exactly once: by the sender always, by the receiver within the sessions that it knew.
"""

import random
from collections import deque
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from partisan_core.wire.session import Losses, Session

ENDS = st.integers(0, 1)


class End:
    """One node: its session, what its application got, and what it was told to be lost."""

    def __init__(self) -> None:
        self.session = Session()
        self.sent = 0
        self.delivered: list[int] = []
        self.told_outgoing = 0
        self.told_incoming = 0
        self.told_of_a_hole = False
        """A loss, of a known or unknown number of messages, was told since the last message was delivered."""
        self.never_heard_of = 0
        """Messages of the peer in sessions that were never resumed: only the sender knows that loss."""
        self.pipe: deque[tuple[int, list[int]]] = deque()
        """Frames on their way to the other end: the number of the first message, and the messages."""
        self.history: dict[int, int] = {}
        """Number to message, in this session."""

    def learn(self, losses: Losses) -> None:
        self.told_outgoing += losses.outgoing
        self.told_incoming += losses.incoming or 0
        self.told_of_a_hole |= losses.incoming != 0

    def receive(self, first: int, messages: list[int]) -> int:
        """Take a frame in; returns how many of its messages were taken for known."""
        skip, gap = self.session.admit(first, len(messages))
        self.told_incoming += gap
        self.told_of_a_hole |= gap > 0
        if messages[skip:]:
            whole = not self.delivered or messages[skip] == self.delivered[-1] + 1
            assert whole or self.told_of_a_hole, "messages are missing, and nobody said so"
            self.told_of_a_hole = False
        self.delivered += messages[skip:]
        return skip


class Schedule(RuleBasedStateMachine):
    """Two ends and the network between them."""

    def __init__(self) -> None:
        super().__init__()
        self.ends = (End(), End())
        self.connected = False
        self.rng = random.Random(1)

    @precondition(lambda self: self.connected)
    @rule(who=ENDS, count=st.integers(1, 4))
    def send(self, who: int, count: int) -> None:
        end = self.ends[who]
        messages = list(range(end.sent, end.sent + count))
        end.sent += count
        first = end.session.number(count)
        end.history |= dict(enumerate(messages, first))
        end.pipe.append((first, messages))

    @precondition(lambda self: self.connected)
    @rule(who=ENDS)
    def deliver(self, who: int) -> None:
        if self.ends[who].pipe:
            assert self.ends[1 - who].receive(*self.ends[who].pipe.popleft()) == 0, "new messages were skipped"

    @precondition(lambda self: self.connected)
    @rule(who=ENDS, back=st.integers(0, 6), length=st.integers(1, 6))
    def repeat(self, who: int, back: int, length: int) -> None:
        """Messages that have been counted come again, cut into another batch."""
        receiver, history = self.ends[1 - who], self.ends[who].history
        last = receiver.session.received - back
        again = [history[number] for number in range(max(1, last - length + 1), last + 1)]
        if again:
            receiver.receive(last - len(again) + 1, again)

    @precondition(lambda self: self.connected)
    @rule(who=ENDS)
    def repeat_and_go_on(self, who: int) -> None:
        """A batch whose beginning has been counted and whose end is new."""
        sender, receiver = self.ends[who], self.ends[1 - who]
        received = receiver.session.received
        if sender.pipe and received and sender.pipe[0][0] == received + 1:
            _, messages = sender.pipe.popleft()
            receiver.receive(received, [sender.history[received], *messages])

    @precondition(lambda self: self.connected)
    @rule(who=ENDS)
    def reconnect(self, who: int) -> None:
        self.cut()
        self.handshake(who, "done")

    @precondition(lambda self: self.connected)
    @rule()
    def cut(self) -> None:
        self.connected = False
        for end in self.ends:
            end.pipe.clear()

    @precondition(lambda self: not self.connected)
    @rule(who=ENDS, fate=st.sampled_from(["done", "proof lost", "welcome lost"]))
    def handshake(self, who: int, fate: str) -> None:
        dialler, accepter = self.ends[who], self.ends[1 - who]
        proof = dialler.session.offer()
        if fate == "proof lost":
            return
        answer = accepter.session.answer(proof, self.rng)
        accepter.learn(answer.losses)
        if not answer.welcome.resumed:
            accepter.history.clear()
        if fate == "welcome lost":
            return
        dialler.learn(dialler.session.adopt(answer.welcome))
        if not answer.welcome.resumed:
            dialler.history.clear()
            self.write_off()
        self.connected = True

    def write_off(self) -> None:
        for sender, receiver in (self.ends, self.ends[::-1]):
            receiver.never_heard_of = sender.sent - len(receiver.delivered) - receiver.told_incoming

    @precondition(lambda self: not self.connected)
    @rule(who=ENDS, count=st.integers(1, 3))
    def send_into_a_welcome_that_gets_lost(self, who: int, count: int) -> None:
        """The accepter may send at once behind its welcome: nothing of it arrives."""
        self.handshake(1 - who, "welcome lost")
        self.send(who, count)
        self.cut()

    @invariant()
    def nothing_is_delivered_twice_or_out_of_order(self) -> None:
        for end in self.ends:
            assert all(earlier < later for earlier, later in pairwise(end.delivered))

    def teardown(self) -> None:
        """After a last reconnect every message is accounted for."""
        self.cut()
        self.handshake(0, "done")
        for sender, receiver in (self.ends, self.ends[::-1]):
            arrived = len(receiver.delivered)
            assert sender.sent == arrived + sender.told_outgoing
            assert sender.sent == arrived + receiver.told_incoming + receiver.never_heard_of


class ForgetfulSchedule(Schedule):
    """Ends also forget: they took the other for dead, and their lanes begin anew."""

    def __init__(self) -> None:
        super().__init__()
        self.forgot = [False, False]

    @precondition(lambda self: not self.connected)
    @rule(who=ENDS)
    def forget(self, who: int) -> None:
        self.forgot[who] = True
        self.ends[who].session = Session()
        self.ends[who].told_of_a_hole = True  # the peer was down, which says as much
        self.ends[who].history.clear()

    def teardown(self) -> None:
        """An end that did not forget never takes a lost message for an arrived one."""
        self.cut()
        self.handshake(0, "done")
        for who, sender in enumerate(self.ends):
            arrived = len(self.ends[1 - who].delivered)
            assert self.forgot[who] or sender.sent <= arrived + sender.told_outgoing


def run(machine: type[Schedule], examples: int) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=30, deadline=None))


def test_no_schedule_delivers_twice_or_out_of_order_and_every_loss_is_counted_and_told() -> None:
    run(Schedule, 100)


def test_no_schedule_with_ends_that_forget_delivers_twice_skips_what_is_new_or_hides_a_loss() -> None:
    run(ForgetfulSchedule, 100)
