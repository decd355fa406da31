"""`partisan bench memory`: the most memory at either end, by the size of a message."""

import pytest

from partisan_bench import harness
from partisan_bench.cases import BLOCKING, PARTISAN, Subject
from partisan_bench.memory.meter import Meter, large, shares
from partisan_bench.work import NUMBER, Record

EMPTY: Record = (0, "", False, b"")
FULL: Record = (1, "", False, b"full")
SIZE = 64 << 20  # what malloc always maps anew, and gives back


def test_the_most_is_what_there_was_at_once_even_when_it_is_gone() -> None:
    meter = Meter()
    meter.taken(EMPTY)
    data = b"\xff" * SIZE
    del data
    assert meter.taken(FULL) == pytest.approx(SIZE, rel=0.1)


def test_with_an_empty_record_the_most_is_forgotten_but_not_the_idle_level() -> None:
    meter = Meter()
    meter.taken(EMPTY)
    gone, kept = b"\xff" * SIZE, b"\xff" * SIZE
    del gone
    assert meter.taken(EMPTY) == pytest.approx(len(kept), rel=0.1)


def test_an_empty_record_comes_before_the_large_ones_which_are_two_at_least() -> None:
    first, *others = large(1000, seconds=0.0)
    assert first[NUMBER] == 0
    assert len(others) == 2
    assert {len(payload) for *_, payload in others} == {1000}


def test_memory_is_reported_by_the_size_of_a_message() -> None:
    assert shares(sender=300, receiver=200, size=100) == {"sender": 3.0, "receiver": 2.0}


@pytest.mark.parametrize("subject", [PARTISAN, BLOCKING], ids=lambda subject: subject.name)
def test_either_end_has_at_least_the_message_itself(subject: Subject) -> None:
    (samples,) = harness.run("memory", [subject], pairs=1, seconds=0.02, containing="8MiB")
    assert samples[0].figures["sender"] >= 1
    assert samples[0].figures["receiver"] >= 1
