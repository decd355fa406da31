"""The paper's echo: a short run of real nodes through the proxy."""

import pytest

from partisan_bench import harness
from partisan_bench.cases import CASES, PARTISAN, Way
from partisan_bench.delay.process import WINDOW


def test_every_echo_is_measured_in_all_three_ways_and_the_others_are_compared_with_one_lane() -> None:
    echoes = [case for case in CASES if case.benchmark == "echo"]
    assert {case.round_trip for case in echoes} == {0.001, 0.02}
    for case in echoes:
        siblings = [
            other
            for other in echoes
            if (other.payload, other.callers, other.round_trip) == (case.payload, case.callers, case.round_trip)
        ]
        assert {other.way for other in siblings} == set(Way)
        one_lane = next(other.name for other in siblings if other.way is Way.ONE_LANE)
        assert case.against == (None if case.way is Way.ONE_LANE else one_lane)


def test_a_call_takes_a_round_trip_in_every_way() -> None:
    (samples,) = harness.run("echo", [PARTISAN], pairs=1, seconds=0.1, containing="20ms 1KiB 16 actors")
    assert [sample.case.way for sample in samples] == list(Way)
    for sample in samples:
        assert 20_000 <= sample.figures["p50"] < 200_000
        assert 0 < sample.figures["rate"] <= 16 / 0.02


def test_one_lane_carries_no_more_than_its_window() -> None:
    (samples,) = harness.run("echo", [PARTISAN], pairs=1, seconds=0.1, containing="20ms 512KiB 64 actors one-lane")
    (sample,) = samples
    carried = sample.figures["rate"] * sample.case.payload
    assert carried < 1.2 * WINDOW / sample.case.round_trip


@pytest.mark.parametrize("way", Way)
def test_large_messages_come_back(way: Way) -> None:
    (samples,) = harness.run("echo", [PARTISAN], pairs=1, seconds=0.01, containing=f"1ms 8MiB 1 actors {way}")
    assert samples[0].figures["rate"] > 0
