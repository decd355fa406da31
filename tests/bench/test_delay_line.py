"""The line of one direction, on a clock of the test's."""

from hypothesis import given
from hypothesis import strategies as st

from partisan_bench.delay.line import DelayLine

DELAY, WINDOW = 10.0, 100


def out(line: DelayLine, now: float) -> bytes | None:
    """What is due."""
    data = line.due(now)
    return None if data is None else bytes(data)


STEPS = st.lists(st.tuples(st.floats(0, 15), st.integers(0, WINDOW), st.integers(0, WINDOW)), max_size=60)
"""Time that passes, bytes that want in, bytes that the other end has room for."""


@given(STEPS)
def test_bytes_come_out_in_order_not_before_their_time_and_never_more_than_a_window_per_round_trip(
    steps: list[tuple[float, int, int]],
) -> None:
    line, now, went_in = DelayLine(DELAY, WINDOW), 0.0, 0
    entered, left = list[float](), list[float]()
    for passes, offered, wanted in steps:
        now += passes
        while wanted and (data := line.due(now)):
            count = min(wanted, len(data))
            assert [*data[:count]] == [number % 256 for number in range(len(left), len(left) + count)]
            line.take(count, now)
            left += [now] * count
            wanted -= count
        taken = min(offered, line.room(now))
        if taken:
            line.put(bytes(number % 256 for number in range(went_in, went_in + taken)), now)
        went_in += taken
        entered += [now] * taken
        assert all(leaving - entering >= DELAY for entering, leaving in zip(entered, left, strict=False))
        held = went_in - len(left)
        recent = sum(moment + DELAY > now for moment in left)
        assert held + recent == WINDOW - line.room(now) <= WINDOW


def test_what_is_due_comes_out_at_once_and_what_is_not_stays() -> None:
    line = DelayLine(DELAY, WINDOW)
    line.put(b"one", 0.0)
    line.put(b"two", 1.0)
    assert out(line, 9.9) is None
    assert out(line, 10.0) == b"one"
    line.take(3, 10.0)
    assert out(line, 10.9) is None
    assert out(line, 11.0) == b"two"


def test_the_end_comes_out_behind_the_last_byte() -> None:
    line = DelayLine(DELAY, WINDOW)
    line.put(b"last", 0.0)
    line.put(b"", 0.0)
    assert out(line, 10.0) == b"last"
    line.take(4, 10.0)
    assert out(line, 10.0) == b""


def test_a_window_is_free_again_a_round_trip_after_it_went_in() -> None:
    line = DelayLine(DELAY, WINDOW)
    line.put(bytes(WINDOW), 0.0)
    line.take(WINDOW, 10.0)
    assert line.room(19.9) == 0
    assert line.room(20.0) == WINDOW
