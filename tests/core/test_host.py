from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

import pytest
from msgspec import Struct

from partisan_core.effects import Effect, Note, StartTimer
from partisan_core.events import Event, Join, LinkDown, LinkUp, Reason, Started
from partisan_core.host import Connect, Outcome, Release, StrategyHost
from partisan_core.identity import NodeSpec
from partisan_core.notices import MemberJoined, MemberLeft, NeighbourDown, NeighbourUp

BETA = NodeSpec("beta", 1, 1)
NEWER_BETA = NodeSpec("beta", 2, 1)
GAMMA = NodeSpec("gamma", 1, 1)


class Wishes:
    """A strategy that wants what the test wants, and remembers what it was told."""

    messages: ClassVar[Sequence[type[Struct]]] = ()
    capabilities: ClassVar[Collection[str]] = frozenset()

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self.known: dict[str, NodeSpec] = {}
        self.wanted: dict[str, NodeSpec] = {}
        self.effects: list[Effect] = []
        self.raises = False

    def handle(self, event: Event, now: float) -> list[Effect]:
        self.heard.append(event)
        if self.raises:
            raise ZeroDivisionError
        effects, self.effects = self.effects, []
        return effects

    def members(self) -> Mapping[str, NodeSpec]:
        return self.known

    def links(self) -> Mapping[str, NodeSpec]:
        return self.wanted

    def next_hop(self, name: str) -> str | None:
        return None

    def snapshot(self) -> bytes:
        return b""

    def restore(self, data: bytes) -> None:
        """Nothing is remembered."""


@pytest.fixture
def wishes() -> Wishes:
    return Wishes()


@pytest.fixture
def host(wishes: Wishes) -> StrategyHost:
    return StrategyHost(wishes)


def feed(host: StrategyHost, event: Event | None = None) -> list[Outcome]:
    return list(host.feed(event or Started(), 0.0))


def link_up(host: StrategyHost, peer: NodeSpec) -> list[Outcome]:
    return list(host.link_up(peer, 0.0))


def link_down(host: StrategyHost, peer: NodeSpec, reason: Reason = Reason.GONE) -> list[Outcome]:
    return list(host.link_down(peer, reason, 0.0))


def want(host: StrategyHost, *peers: NodeSpec) -> list[Outcome]:
    strategy = host.strategy
    assert isinstance(strategy, Wishes)
    strategy.wanted = {peer.name: peer for peer in peers}
    return feed(host)


def test_a_link_that_is_wanted_first_is_announced_when_it_is_up(host: StrategyHost, wishes: Wishes) -> None:
    assert want(host, BETA) == [Connect(BETA)]
    assert link_up(host, BETA) == [NeighbourUp(BETA)]
    assert wishes.heard == [Started(), LinkUp(BETA)]
    assert host.neighbours == {"beta": BETA}


def test_a_link_that_is_up_first_is_announced_when_it_is_wanted(host: StrategyHost, wishes: Wishes) -> None:
    assert link_up(host, BETA) == []
    assert wishes.heard == []
    assert want(host, BETA) == [Connect(BETA), NeighbourUp(BETA)]
    assert wishes.heard == [Started(), LinkUp(BETA)]


def test_links_that_nobody_wants_are_not_mentioned(host: StrategyHost, wishes: Wishes) -> None:
    assert link_up(host, BETA) == []
    assert link_down(host, BETA) == []
    assert wishes.heard == []


def test_a_wanted_link_that_breaks_is_announced_and_stays_wanted(host: StrategyHost, wishes: Wishes) -> None:
    want(host, BETA)
    link_up(host, BETA)
    assert link_down(host, BETA, Reason.UNREACHABLE) == [NeighbourDown(BETA, Reason.UNREACHABLE)]
    assert wishes.heard[-1] == LinkDown(BETA, Reason.UNREACHABLE)
    assert host.neighbours == {}
    assert link_up(host, BETA) == [NeighbourUp(BETA)]


def test_a_link_no_longer_wanted_is_released_for_the_reason_noted(host: StrategyHost, wishes: Wishes) -> None:
    want(host, BETA, GAMMA)
    link_up(host, BETA)
    wishes.effects = [Note(BETA, Reason.LEFT)]
    assert want(host)[1:] == [
        NeighbourDown(BETA, Reason.LEFT),
        Release(BETA, Reason.LEFT),
        Release(GAMMA, Reason.DEMOTED),
    ]


def test_a_noted_reason_does_not_outlive_its_event(host: StrategyHost, wishes: Wishes) -> None:
    want(host, BETA)
    wishes.effects = [Note(BETA, Reason.EVICTED)]
    feed(host)
    assert want(host) == [Release(BETA, Reason.DEMOTED)]


def test_members_are_compared_after_every_event(host: StrategyHost, wishes: Wishes) -> None:
    wishes.known = {"beta": BETA}
    assert feed(host) == [MemberJoined(BETA)]
    wishes.known = {"beta": NEWER_BETA, "gamma": GAMMA}
    assert feed(host) == [MemberJoined(NEWER_BETA), MemberJoined(GAMMA)]
    wishes.known, wishes.effects = {"gamma": GAMMA}, [Note(NEWER_BETA, Reason.EVICTED)]
    assert feed(host)[1:] == [MemberLeft(NEWER_BETA, Reason.EVICTED)]
    wishes.known = {}
    assert feed(host) == [MemberLeft(GAMMA, Reason.FORGOTTEN)], "nothing was noted"


def test_wanting_a_newer_life_replaces_the_neighbour(host: StrategyHost, wishes: Wishes) -> None:
    want(host, BETA)
    link_up(host, BETA)
    wishes.effects = [Note(BETA, Reason.REPLACED)]
    assert want(host, NEWER_BETA)[1:] == [NeighbourDown(BETA, Reason.REPLACED), Connect(NEWER_BETA)]
    assert wishes.heard[-1] == LinkDown(BETA, Reason.REPLACED)
    assert link_up(host, NEWER_BETA) == [NeighbourUp(NEWER_BETA)]


def test_a_link_to_an_older_life_than_the_wanted_is_no_neighbour(host: StrategyHost) -> None:
    want(host, NEWER_BETA)
    assert link_up(host, BETA) == []
    assert host.neighbours == {}


def test_a_newer_life_that_answers_replaces_the_neighbour(host: StrategyHost, wishes: Wishes) -> None:
    want(host, BETA)
    link_up(host, BETA)
    assert link_up(host, NEWER_BETA) == [NeighbourDown(BETA, Reason.RESTARTED), NeighbourUp(NEWER_BETA)]
    assert wishes.heard[-2:] == [LinkDown(BETA, Reason.RESTARTED), LinkUp(NEWER_BETA)]
    assert host.neighbours == {"beta": NEWER_BETA}


def test_who_is_let_go_is_named_by_the_life_that_was_the_neighbour(host: StrategyHost, wishes: Wishes) -> None:
    want(host, BETA)
    link_up(host, NEWER_BETA)
    assert NeighbourDown(NEWER_BETA, Reason.DEMOTED) in want(host)


def test_news_of_an_older_life_does_not_touch_the_link_to_a_newer(host: StrategyHost, wishes: Wishes) -> None:
    want(host, BETA)
    link_up(host, NEWER_BETA)
    assert link_up(host, BETA) == []
    assert link_down(host, BETA) == []
    assert host.neighbours == {"beta": NEWER_BETA}
    assert link_down(host, NEWER_BETA) == [NeighbourDown(NEWER_BETA, Reason.GONE)]


def test_the_strategy_is_never_called_recursively(host: StrategyHost, wishes: Wishes) -> None:
    wishes.effects = [StartTimer(1.0, "one"), StartTimer(2.0, "two")]
    outer = host.feed(Started(), 0.0)
    assert next(outer) == StartTimer(1.0, "one")
    assert list(host.feed(Join(BETA), 0.0)) == []
    assert wishes.heard == [Started()]
    wishes.effects = [StartTimer(3.0, "three")]
    assert list(outer) == [StartTimer(2.0, "two"), StartTimer(3.0, "three")]
    assert wishes.heard == [Started(), Join(BETA)]


def test_an_event_that_raises_is_dropped_and_the_next_one_handled(host: StrategyHost, wishes: Wishes) -> None:
    want(host, BETA)
    wishes.raises = True
    with pytest.raises(ZeroDivisionError):
        link_up(host, BETA)
    wishes.raises = False
    assert host.neighbours == {"beta": BETA}
    assert feed(host, Join(GAMMA)) == []
    assert wishes.heard == [Started(), LinkUp(BETA), Join(GAMMA)]


def test_events_behind_one_that_raises_are_not_lost(host: StrategyHost, wishes: Wishes) -> None:
    want(host, BETA)
    link_up(host, BETA)
    wishes.raises = True
    with pytest.raises(ZeroDivisionError):
        link_up(host, NEWER_BETA)
    wishes.raises = False
    feed(host, Join(GAMMA))
    assert wishes.heard[-2:] == [LinkUp(NEWER_BETA), Join(GAMMA)]
