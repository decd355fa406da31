"""The level of suspicion, and what follows from it."""

from random import Random
from statistics import NormalDist, mean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.detection import (
    DetectorEffect,
    DetectorEvent,
    PeerDown,
    PeerLost,
    PeerResumed,
    PeerUp,
    Probe,
    Probed,
    Suspect,
    Trust,
)
from partisan_core.effects import StartTimer
from partisan_core.errors import ConfigError
from partisan_core.events import TimerFired
from partisan_core.identity import NodeSpec
from partisan_detector_phi import Arrivals, PhiConfig, PhiDetector
from tests.core.kernel.nodes import opened
from tests.detector_phi.clockwork import Clockwork

BETA = NodeSpec("beta", 1, 1)
NEWER_BETA = NodeSpec("beta", 2, 1)
GAMMA = NodeSpec("gamma", 1, 1)

BARE = PhiConfig(pause=0.0, minimum_deviation=0.001)


@given(st.lists(st.floats(0.01, 5), min_size=1, max_size=30), st.floats(0, 8))
def test_phi_is_that_of_the_normal_distribution_of_the_intervals(intervals: list[float], silence: float) -> None:
    arrivals, now = Arrivals(BARE, 0.0), 0.0
    for interval in intervals:
        now += interval
        arrivals.add(now)
    known = [0.75, 1.25, *intervals]
    usual = NormalDist(mean(known), max(0.001, pstdev(known)))
    later = usual.cdf(2 * usual.mean - silence)  # what lies above `silence`, without the loss of 1 - cdf
    if later > 1e-15:
        assert 10 ** -arrivals.phi(now + silence) == pytest.approx(later, rel=1e-3, abs=1e-12)


def test_the_level_grows_with_silence_and_stays_a_number() -> None:
    arrivals = Arrivals(PhiConfig(), 0.0)
    levels = [arrivals.phi(tenth / 10) for tenth in range(1000)]
    assert levels == sorted(levels)
    assert levels[0] < 0.01
    assert levels[-1] == pytest.approx(300)


@given(st.lists(st.floats(0.01, 5), min_size=20, max_size=60))
def test_only_the_window_counts(intervals: list[float]) -> None:
    """What came before the window is forgotten: two histories that agree in it are equally suspicious."""
    window = PhiConfig(window=10, pause=0.0)
    long, short = Arrivals(window, 0.0), Arrivals(window, 0.0)
    for skipped, arrivals in ((0, long), (len(intervals) - 10, short)):
        arrivals.last, now = 0.0, 0.0
        for interval in intervals[skipped:]:
            now += interval
            arrivals.add(now)
        arrivals.last = 0.0
    for silence in (0.5, 1.0, 3.0):
        assert long.phi(silence) == pytest.approx(short.phi(silence), rel=1e-6, abs=1e-9)


def test_a_silent_peer_is_suspected_once_and_trusted_when_it_answers() -> None:
    clockwork = Clockwork(PhiDetector(PhiConfig(), Random(0)))
    clockwork.answering.add("beta")
    clockwork.tell(PeerUp(BETA))
    assert clockwork.run(100.0) == []
    clockwork.answering.clear()
    (suspicion,) = clockwork.run(60.0)
    assert suspicion.effect == Suspect(BETA)
    assert 3.0 <= suspicion.at - 100.0 <= 4.6, "interval, pause, a deviation of 0.1 s, and a quarter of the interval"
    clockwork.answering.add("beta")
    assert [one.effect for one in clockwork.run(60.0)] == [Trust(BETA)]


def test_who_stops_for_two_seconds_is_not_suspected() -> None:
    clockwork = Clockwork(PhiDetector(PhiConfig(), Random(0)))
    clockwork.answering.add("beta")
    clockwork.tell(PeerUp(BETA))
    for _ in range(20):
        clockwork.run(17.3)
        clockwork.answering.clear()
        assert clockwork.run(2.0) == []
        clockwork.answering.add("beta")


def test_a_regular_peer_is_suspected_sooner_than_an_irregular_one() -> None:
    regular, irregular = Arrivals(BARE, 0.0), Arrivals(BARE, 0.0)
    for number in range(1, 500):
        regular.add(number)
        irregular.add(number + 0.4 * (number % 2))
    assert regular.phi(regular.last + 1.6) > 8 > irregular.phi(irregular.last + 1.6)


def test_the_silence_that_ended_a_suspicion_does_not_become_usual() -> None:
    detector = PhiDetector(PhiConfig(), Random(0))
    clockwork = Clockwork(detector)
    clockwork.answering.add("beta")
    clockwork.tell(PeerUp(BETA))
    clockwork.run(10.1)
    before = detector.phi("beta", clockwork.now + 4.0)
    clockwork.answering.clear()
    clockwork.run(1000.0)
    clockwork.answering.add("beta")
    clockwork.run(1.0)
    assert detector.phi("beta", clockwork.now + 4.0) == pytest.approx(before, rel=0.1)


def test_a_node_that_did_not_run_itself_suspects_nobody() -> None:
    clockwork = Clockwork(PhiDetector(PhiConfig(), Random(0)))
    clockwork.answering.update(("beta", "gamma"))
    clockwork.tell(PeerUp(BETA))
    clockwork.tell(PeerUp(GAMMA))
    clockwork.run(10.0)
    clockwork.stall(600.0)
    assert clockwork.run(10.0) == []
    clockwork.answering.clear()
    assert [one.effect for one in clockwork.run(5.0)] == [Suspect(BETA), Suspect(GAMMA)]


def test_a_link_that_is_down_is_forgotten_with_its_timer() -> None:
    clockwork = Clockwork(PhiDetector(PhiConfig(), Random(0)))
    clockwork.tell(PeerUp(BETA))
    clockwork.run(60.0)
    clockwork.tell(PeerDown(BETA))
    assert clockwork.run(60.0) == []
    assert clockwork.timers == 0


def test_a_newer_life_takes_the_suspicion_back_and_an_older_one_changes_nothing() -> None:
    clockwork = Clockwork(PhiDetector(PhiConfig(), Random(0)))
    clockwork.tell(PeerUp(BETA))
    clockwork.run(60.0)
    assert clockwork.tell(PeerUp(NEWER_BETA)) == [Trust(NEWER_BETA)]
    assert clockwork.tell(PeerDown(BETA)) == []
    assert clockwork.tell(Probed(BETA, 0.1)) == []
    assert [one.effect for one in clockwork.run(60.0)] == [Suspect(NEWER_BETA)]


peers = st.sampled_from([BETA, NEWER_BETA, GAMMA])
detector_events = st.one_of(
    st.sampled_from([PeerUp, PeerLost, PeerResumed, PeerDown]).flatmap(lambda event: peers.map(event)),
    peers.map(lambda peer: Probed(peer, 0.1)),
    st.sampled_from(["", "beta", "1 beta", "2 beta", "3 gamma", "1 "]).map(TimerFired),
)


@given(st.lists(st.tuples(detector_events, st.floats(0, 10))))
def test_whatever_is_told_nobody_is_trusted_who_was_not_suspected(events: list[tuple[DetectorEvent, float]]) -> None:
    detector, now = PhiDetector(PhiConfig(), Random(0)), 0.0
    suspected: set[str] = set()
    for event, after in events:
        now += after
        effects: list[DetectorEffect] = detector.handle(event, now)
        if isinstance(event, PeerDown) and detector.phi(event.peer.name, now) == 0.0:
            suspected.discard(event.peer.name)
        for effect in effects:
            match effect:
                case Suspect(peer):
                    assert peer.name not in suspected
                    suspected.add(peer.name)
                case Trust(peer):
                    suspected.remove(peer.name)
                case Probe() | StartTimer():
                    pass


@pytest.mark.parametrize(
    ("key", "value"),
    [("threshold", 0), ("threshold", -1), ("threshold", "8"), ("threshold", True), ("window", 1), ("interval", "0s")],
)
async def test_a_bad_option_is_named(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"failure_detector\.{key}"):
        async with opened("alpha", failure_detector={"use": "phi", key: value}):
            """Not reached."""
