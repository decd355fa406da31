from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.detection import (
    DetectorEvent,
    PeerDown,
    PeerLost,
    PeerResumed,
    PeerUp,
    Probed,
    Suspect,
    Trust,
)
from partisan_core.detectors.tcp import TcpDetector, partisan_failure_detector
from partisan_core.events import TimerFired
from partisan_core.identity import NodeSpec
from partisan_core.kinds import NoOptions

BETA = NodeSpec("beta", 1, 1)
NEWER_BETA = NodeSpec("beta", 2, 1)
GAMMA = NodeSpec("gamma", 1, 1)

peers = st.sampled_from([BETA, NEWER_BETA, GAMMA])
detector_events = st.one_of(
    st.sampled_from([PeerUp, PeerLost, PeerResumed, PeerDown]).flatmap(lambda event: peers.map(event)),
    st.just(TimerFired("stale")),
    peers.map(lambda peer: Probed(peer, 0.1)),
)


@pytest.fixture
def detector() -> TcpDetector:
    return TcpDetector(NoOptions(), Random(0))


def test_a_peer_whose_connection_is_lost_is_suspected_once(detector: TcpDetector) -> None:
    assert detector.handle(PeerUp(BETA), 0.0) == []
    assert detector.handle(PeerLost(BETA), 1.0) == [Suspect(BETA)]
    assert detector.handle(PeerLost(BETA), 2.0) == []


def test_a_resumed_session_takes_the_suspicion_back(detector: TcpDetector) -> None:
    detector.handle(PeerLost(BETA), 1.0)
    assert detector.handle(PeerResumed(BETA), 2.0) == [Trust(BETA)]
    assert detector.handle(PeerResumed(BETA), 3.0) == []


def test_a_link_that_is_down_ends_the_suspicion_without_a_word(detector: TcpDetector) -> None:
    detector.handle(PeerLost(BETA), 1.0)
    assert detector.handle(PeerDown(BETA), 2.0) == []
    assert detector.handle(PeerUp(BETA), 3.0) == []


def test_a_newer_life_takes_the_suspicion_back(detector: TcpDetector) -> None:
    detector.handle(PeerLost(BETA), 1.0)
    assert detector.handle(PeerUp(NEWER_BETA), 2.0) == [Trust(NEWER_BETA)]


def test_news_of_an_older_life_changes_nothing_for_the_newer_one(detector: TcpDetector) -> None:
    detector.handle(PeerLost(NEWER_BETA), 1.0)
    assert detector.handle(PeerLost(BETA), 2.0) == []
    assert detector.handle(PeerDown(BETA), 2.0) == []
    assert detector.handle(PeerResumed(BETA), 2.0) == []
    assert detector.handle(PeerResumed(NEWER_BETA), 3.0) == [Trust(NEWER_BETA)]


@given(st.lists(detector_events, max_size=30))
def test_nobody_is_trusted_who_was_not_suspected(events: list[DetectorEvent]) -> None:
    detector = TcpDetector(NoOptions(), Random(0))
    suspected: set[str] = set()
    for event in events:
        for effect in detector.handle(event, 0.0):
            if isinstance(effect, Trust):
                assert effect.peer.name in suspected
                suspected.remove(effect.peer.name)
            elif isinstance(effect, Suspect):
                suspected.add(effect.peer.name)


def test_the_plugin_makes_the_detector() -> None:
    assert isinstance(partisan_failure_detector().make(NoOptions(), Random(0)), TcpDetector)
