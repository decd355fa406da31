"""Pings beside a bulk: small runs on real processes, some of them through the proxy."""

from itertools import product

import pytest

from partisan_bench import harness
from partisan_bench.cases import PARTISAN, TRIO_STREAM
from partisan_bench.delay.process import WINDOW
from partisan_bench.hol.traffic import BULK, PING, Tally, answer, record
from partisan_bench.rows import Sample


def test_a_ping_comes_back_whole_and_of_a_large_message_only_that_it_came() -> None:
    assert answer(record(PING, b"ball")) == record(PING, b"ball")
    assert answer(record(BULK, bytes(1000))) == record(BULK, b"")


def test_pings_are_reported_in_milliseconds_and_the_bulk_by_what_was_acknowledged() -> None:
    tally = Tally(started=5.0, seconds=1.0, times=[0.003, 0.001, 0.002], acknowledged=4)
    assert tally.figures(bulk=1_000_000, now=7.0) == pytest.approx({"p50": 2.0, "p99": 3.0, "bulk": 2.0})


def test_a_run_without_time_sends_one_of_each_all_the_same() -> None:
    tally = Tally(started=5.0, seconds=0.0)
    assert tally.wants_bulk(now=6.0, sent=0)
    assert not tally.wants_bulk(now=6.0, sent=1)
    assert tally.wants_ping(now=6.0)
    tally.times.append(1.0)
    assert not tally.wants_ping(now=6.0)


@pytest.fixture(scope="module", params=[PARTISAN, TRIO_STREAM], ids=lambda subject: subject.name)
def samples(request: pytest.FixtureRequest) -> list[Sample]:
    """What one short turn of a subject measures."""
    (turn,) = harness.run("hol", [request.param], pairs=1, seconds=0.05)
    return turn


def test_pings_and_bulk_are_measured_together_on_one_way_and_on_two(samples: list[Sample]) -> None:
    beside = [sample for sample in samples if sample.case.bulk]
    ways = {(sample.case.is_apart, sample.case.round_trip > 0) for sample in beside}
    assert ways == set(product((True, False), repeat=2))
    for sample in beside:
        assert 0 < sample.figures["p50"] <= sample.figures["p99"]
        assert sample.figures["bulk"] > 0


def test_with_a_round_trip_every_connection_goes_through_the_proxy(samples: list[Sample]) -> None:
    for sample in samples:
        if sample.case.round_trip:
            assert sample.figures["p50"] >= 1000 * sample.case.round_trip
            window_rate = WINDOW / sample.case.round_trip / 1e6
            assert sample.figures["bulk"] < 1.2 * window_rate, "more than the window of one connection lets through"
