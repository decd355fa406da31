"""The queue alone: a model of a connection that carries, confirms, and breaks at any time."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from partisan_policy_monotonic import Rule, StateQueue
from partisan_policy_monotonic.policy import Latest
from tests.policy_monotonic.states import Ordered, Vectors, join

SLOTS = "abc"


@dataclass
class Line:
    """A connection: what was taken arrives in order, unless it breaks before."""

    queue: StateQueue
    now: float = 0.0
    sent: int = 0
    on_the_way: list[tuple[int, bytes]] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    arrived: int = 0

    def put(self, slot: str, piece: bytes) -> None:
        self.queue.store(slot, self.queue.settle(slot, piece), self.now)

    def take(self) -> None:
        pieces = self.queue.take(20, self.sent + 1, self.now)
        self.on_the_way += enumerate(pieces, self.sent + 1)
        self.sent += len(pieces)

    def arrive(self, count: int) -> None:
        for number, piece in self.on_the_way[:count]:
            self.received.append(piece)
            self.arrived = number
        del self.on_the_way[:count]

    def confirm(self) -> None:
        self.queue.confirm(self.arrived)

    def break_(self) -> None:
        self.on_the_way.clear()
        self.queue.resume(self.arrived)
        self.sent = max(self.sent, self.arrived)

    def begin_anew(self) -> None:
        """The session is not resumed: nobody knows what arrived."""
        self.on_the_way.clear()
        self.queue.resume(0)
        self.sent = self.arrived = 0

    def drain(self) -> None:
        while self.queue.count:
            self.now += 1.0
            self.take()
        self.arrive(len(self.on_the_way))
        self.confirm()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(SLOTS), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("arrive"), st.integers(0, 3)),
        st.sampled_from([("take",), ("confirm",), ("break",), ("anew",), ("tick",)]),
    ),
    max_size=60,
)


def act(line: Line, script: list[tuple[object, ...]], make: object) -> dict[str, list[bytes]]:
    """Let it happen, then let everything arrive; return what was put, by slot."""
    put: dict[str, list[bytes]] = {}
    for step in script:
        match step:
            case ("put", str(slot), int(x), int(y)):
                piece = make(slot, x, y, sum(map(len, put.values())))  # type: ignore[operator]
                put.setdefault(slot, []).append(piece)
                line.put(slot, piece)
            case ("arrive", int(count)):
                line.arrive(count)
            case ("take",):
                line.take()
            case ("confirm",):
                line.confirm()
            case ("break",):
                line.break_()
            case ("anew",):
                line.begin_anew()
            case ("tick",):
                line.now += 0.4
        check_counts(line.queue)
    line.drain()
    return put


def check_counts(queue: StateQueue) -> None:
    waiting = [piece for slot in SLOTS for piece in queue.waiting(slot)]
    assert queue.count == len(waiting)
    assert queue.size == sum(map(len, waiting))


def numbered(slot: str, x: int, y: int, number: int) -> bytes:
    return slot.encode() + number.to_bytes(2, "big")


def versioned(slot: str, x: int, y: int, number: int) -> bytes:
    return slot.encode() + bytes((4 * x + y,))


def vector(slot: str, x: int, y: int, number: int) -> bytes:
    return slot.encode() + bytes((x, y))


def of(slot: str, pieces: list[bytes]) -> list[bytes]:
    return [piece for piece in pieces if piece[:1] == slot.encode()]


@given(steps, st.sampled_from([0.0, 1.0]))
def test_the_last_state_of_each_slot_arrives_and_none_after_a_later_one(
    script: list[tuple[object, ...]], every: float
) -> None:
    line = Line(StateQueue(Latest(), every))
    put = act(line, script, numbered)
    for slot, pieces in put.items():
        received = of(slot, line.received)
        assert received[-1] == pieces[-1]
        assert received == sorted(received)


@given(steps)
def test_by_a_total_order_the_greatest_state_arrives(script: list[tuple[object, ...]]) -> None:
    line = Line(StateQueue(Ordered()))
    put = act(line, script, versioned)
    for slot, pieces in put.items():
        assert max(of(slot, line.received)) == max(pieces)


@given(steps, st.booleans())
def test_of_concurrent_states_all_that_they_say_together_arrives(
    script: list[tuple[object, ...]], merges: bool
) -> None:
    rule: Rule = Vectors(merges=merges)
    line = Line(StateQueue(rule))
    put = act(line, script, vector)
    for slot, pieces in put.items():
        assert join(*of(slot, line.received)) == join(*pieces)


def test_a_state_takes_the_place_of_the_one_that_it_supersedes_so_that_none_starves() -> None:
    line = Line(StateQueue(Latest()))
    for piece in (b"a1", b"b1", b"a2", b"c1", b"a3"):
        line.put(piece[:1].decode(), piece)
    assert line.queue.take(100, 1, 0.0) == [b"a3", b"b1", b"c1"]


def test_concurrent_states_of_a_slot_go_in_as_many_frames_as_it_takes() -> None:
    line = Line(StateQueue(Vectors(merges=False)))
    for number in range(10):
        line.put("a", bytes((number, 9 - number)) * 20)
    taken = [line.queue.take(100, 1 + 2 * turn, 0.0) for turn in range(5)]
    assert [len(pieces) for pieces in taken] == [2] * 5
    assert line.queue.count == line.queue.size == 0


def test_under_constant_change_one_state_goes_out_each_time_the_seconds_are_over() -> None:
    queue = StateQueue(Latest(), every=1.0)
    taken: list[tuple[float, bytes]] = []
    for tick in range(50):
        now = tick / 10
        queue.store("a", queue.settle("a", bytes((tick,))), now)
        taken += [(now, piece) for piece in queue.take(100, len(taken) + 1, now)]
    assert taken == [(0.0, b"\x00"), (1.0, b"\x0a"), (2.0, b"\x14"), (3.0, b"\x1e"), (4.0, b"\x28")]
    assert 0 < queue.due(4.9) <= 0.1 + 1e-9


def test_what_was_sent_and_is_not_known_to_have_arrived_is_sent_again_unless_a_newer_one_waits() -> None:
    queue = StateQueue(Latest())
    for piece in (b"a1", b"b1"):
        queue.store(piece[:1].decode(), queue.settle(piece[:1].decode(), piece), 0.0)
    assert queue.take(100, 1, 0.0) == [b"a1", b"b1"]
    queue.store("b", queue.settle("b", b"b2"), 0.0)
    queue.store("c", queue.settle("c", b"c1"), 0.0)
    queue.resume(0)
    assert queue.take(100, 3, 0.0) == [b"a1", b"b2", b"c1"]
    queue.confirm(5)
    assert queue.in_flight == 0
    queue.resume(5)
    assert queue.take(100, 6, 0.0) == []
