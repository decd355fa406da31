"""Many of them together: the dead are found, the living are not suspected, and slowness of a few is theirs."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partisan_core.detection import (
    DetectorEvent,
    PeerDown,
    PeerLost,
    PeerResumed,
    PeerUp,
    Probed,
    Started,
    Suspect,
    Trust,
)
from partisan_core.effects import Send, StartTimer
from partisan_core.events import Received, TimerFired
from partisan_core.identity import NodeSpec
from partisan_detector_swim import SwimConfig, SwimDetector
from partisan_detector_swim.messages import ROOM, Ack, Nack, Ping, PingRequest, Rumour
from tests.detector_swim.claims import detection, false_suspicions
from tests.detector_swim.village import stalling, village


@pytest.mark.parametrize("seed", range(2))
def test_of_a_village_that_is_well_nobody_is_suspected(seed: int) -> None:
    company = village(16, seed)
    assert company.run(120.0) == []
    assert company.messages <= 2 * 16 * 121, "a ping and its answer for each member and second"


@pytest.mark.parametrize("seed", range(2))
def test_all_come_to_suspect_who_has_crashed_and_nobody_else(seed: int) -> None:
    company = village(16, seed)
    company.run(10.0)
    company.crash("n3", "n7")
    company.run(60.0)
    for name in company.specs.keys() - company.gone:
        assert company.suspected_by(name) == {"n3", "n7"}, f"seed {seed}"


def test_lifeguard_finds_the_dead_as_soon() -> None:
    without, lifeguarded = (detection(32, 0, lifeguard=lifeguard) for lifeguard in (False, True))
    assert lifeguarded[1] <= 1.2 * without[1]


@pytest.mark.parametrize("seed", range(2))
def test_two_that_cannot_reach_each_other_are_not_suspected_as_others_reach_both(seed: int) -> None:
    company = village(16, seed)
    company.cut |= {frozenset(("n1", "n2")), frozenset(("n3", "n4"))}
    assert company.run(300.0) == []


@pytest.mark.parametrize("seed", range(2))
def test_loss_alone_makes_nobody_suspected(seed: int) -> None:
    company = village(16, seed, loss=0.1)
    assert company.run(300.0) == [], f"seed {seed}"


@pytest.mark.parametrize("seed", range(2))
def test_what_was_suspected_wrongly_is_trusted_again(seed: int) -> None:
    """Half of them is cut off from the other half for a while; the links were not given up."""
    company = village(8, seed)
    names = [*company.specs]
    company.run(10.0)
    company.cut |= {frozenset((one, other)) for one in names[:4] for other in names[4:]}
    company.run(120.0)
    assert all(company.suspected_by(one) == {*names[4:]} for one in names[:4]), f"seed {seed}"
    company.cut.clear()
    company.run(60.0)
    assert all(company.suspected_by(name) == set() for name in names), f"seed {seed}"


def test_who_is_down_is_no_longer_spoken_of() -> None:
    company = village(8, 0)
    company.crash("n0")
    company.run(5.0)
    company.bury("n0")
    assert [one for one in company.run(120.0) if one.about == "n0"] == []


def test_with_lifeguard_a_tenth_of_the_false_suspicions_is_left_when_a_few_are_slow() -> None:
    """`python -m tests.detector_swim.claims` has 128 members."""
    without = false_suspicions(32, 3, 8.0, 60.0, 0, lifeguard=False)
    lifeguarded = false_suspicions(32, 3, 8.0, 60.0, 0, lifeguard=True)
    assert without >= 10
    assert lifeguarded * 10 <= without


def test_a_slow_one_blames_itself() -> None:
    company = village(16, 0)
    company.wakes = stalling(["n0"], 6.0, 1.0, Random(0))
    company.run(60.0)
    scores = {
        name: detector.health.score
        for name, detector in company.detectors.items()
        if isinstance(detector, SwimDetector)
    }
    assert scores.pop("n0") >= 2
    assert max(scores.values()) <= 1


# Whatever it is told.

ME = NodeSpec("me", 1, 1)
names = st.sampled_from(["me", "beta", "gamma", "delta", ""])
specs = st.builds(NodeSpec, st.sampled_from(["beta", "gamma", "delta"]), st.integers(1, 2), st.just(1))
numbers = st.one_of(st.integers(0, 40), st.just(2**53))
lives = st.tuples(st.integers(1, 2), st.just(1))
rumours = st.lists(st.builds(Rumour, names, lives, numbers, names), max_size=ROOM).map(tuple)
messages = st.one_of(
    st.builds(Ping, numbers, numbers, rumours),
    st.builds(Ack, numbers, numbers, rumours),
    st.builds(Nack, numbers, numbers, rumours),
    st.builds(PingRequest, numbers, numbers, names, lives, rumours),
)
events = st.one_of(
    st.builds(PeerUp, specs, st.booleans()),
    *(st.builds(kind, specs) for kind in (PeerLost, PeerResumed, PeerDown)),
    st.builds(Probed, specs, st.just(0.1)),
    st.builds(Received, specs, messages),
    st.just(None),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(events, st.floats(0, 3)), max_size=60), st.integers(0, 3))
def test_nobody_is_suspected_twice_or_trusted_who_was_not_suspected(
    history: list[tuple[DetectorEvent | None, float]], seed: int
) -> None:
    """None: a timer fires. What it says is bounded, and it never raises."""
    detector, now = SwimDetector(SwimConfig(), Random(seed)), 0.0
    timers: list[str] = []
    suspected: dict[str, NodeSpec] = {}
    for event, after in [(Started(ME), 0.0), *history]:
        now += after
        if event is None:
            event = TimerFired(timers.pop(0) if timers else "period 1")
        effects = detector.handle(event, now)
        assert len(effects) <= 4 + 2 * ROOM
        for effect in effects:
            match effect:
                case StartTimer(after=seconds, token=token):
                    assert 0 <= seconds < 1000
                    timers.append(token)
                case Send(peer, message):
                    assert peer.name != "me"
                    assert len(getattr(message, "rumours", ())) <= ROOM
                case Suspect(peer):
                    assert peer.name not in suspected or suspected[peer.name].life < peer.life
                    suspected[peer.name] = peer
                case Trust(peer):
                    del suspected[peer.name]
        if isinstance(event, PeerDown) and suspected.get(event.peer.name, event.peer).life <= event.peer.life:
            suspected.pop(event.peer.name, None)
