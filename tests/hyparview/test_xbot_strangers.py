"""One node that measures round trips, one that does not optimise at all, and what nobody should have said."""

from random import Random

import pytest
from msgspec import Struct

from partisan_core.events import DialFailed, Event, LinkDown, Reason, Received, Started, TimerFired
from partisan_core.identity import NodeSpec
from partisan_hyparview import HyParView, HyParViewConfig, XbotConfig
from partisan_hyparview.messages import (
    Accept,
    Cause,
    Disconnect,
    DisconnectWait,
    Echo,
    ExchangeReply,
    ForwardJoin,
    Neighbour,
    Optimization,
    Probe,
    Replace,
    Switch,
    XbotMessage,
)
from tests.hyparview.one_xbot_node import ME, NO, YES, A, B, C, One, X, Y, Z, spec

# Measured costs.


def measuring() -> One:
    one = One()
    one.node = HyParView(ME, HyParViewConfig(active_max=3, xbot=XbotConfig()), Random(0))
    one.feed(Started())
    for peer in (A, B, C):
        one.hears(peer, Neighbour(True))
    return one


def answer(one: One, peer: NodeSpec, probe: Struct, at: float) -> list[tuple[str, Struct]]:
    assert isinstance(probe, Probe)
    return one.feed(Received(peer, Echo(probe.number)), at)


def test_anybody_is_echoed() -> None:
    assert measuring().hears(Z, Probe(3)) == [("z", Echo(3))]


def test_neighbours_and_candidates_are_probed_in_pairs_each_period() -> None:
    one = measuring()
    one.hears(A, ForwardJoin(X, 3))
    probes = dict(one.feed(TimerFired("xbot")))
    assert set(probes) == {"a", "b", "c", "x"}
    [(name, second)] = answer(one, X, probes["x"], 1.0)
    assert name == "x"
    assert answer(one, X, second, 1.5) == []


def test_who_is_given_up_measures_the_old_neighbour_before_it_decides() -> None:
    one = measuring()
    for name, first in one.feed(TimerFired("xbot")):
        [(_, second)] = answer(one, spec(name), first, 1.0)
        answer(one, spec(name), second, 1.1)
    [(name, first)] = one.hears(B, Replace(7, "x", X))
    assert name == "x"
    [(_, second)] = answer(one, X, first, 3.0)
    assert isinstance(second, Probe)
    assert answer(one, X, second, 3.01) == [("x", Switch(7, "x"))]


def test_who_measures_in_vain_gives_up() -> None:
    one = measuring()
    for name, first in one.feed(TimerFired("xbot")):
        [(_, second)] = answer(one, spec(name), first, 1.0)
        answer(one, spec(name), second, 1.1)
    one.hears(B, Replace(7, "x", X))
    assert ("b", NO) in one.waits_in_vain()
    assert not one.is_busy


# Switched off, and forged.

ANY = (Optimization(7, Z), Replace(7, "b", Z), Switch(7, "b"), YES, NO, DisconnectWait(7), Probe(7), Echo(7))


@pytest.mark.parametrize("message", ANY, ids=lambda message: type(message).__name__)
def test_a_node_that_does_not_optimise_says_nothing_and_changes_nothing(message: XbotMessage) -> None:
    one = One(A, B, C, config=HyParViewConfig(active_max=3))
    for peer in (A, X):
        assert one.hears(peer, message) == []
    assert one.neighbours == {"a", "b", "c"}
    assert one.node.ignored[type(message).__name__] == 2
    assert not [token for token in one.timers if token.startswith("xbot")]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_from_whomever_views_keep_their_bounds_and_nobody_waits_for_ever(seed: int) -> None:
    rng = Random(seed)
    peers = [A, B, C, X, Y, Z, ME, spec("a", 2), spec("x", 0), NodeSpec("no-address", 1, 0)]
    one = One(A, B, C, knows=(X,))
    for _ in range(400):
        number = one.node._xbot.exchange.number if one.node._xbot and one.node._xbot.exchange else rng.randrange(3)
        number = rng.choice((number, rng.randrange(3)))
        named, peer = rng.choice(peers), rng.choice(peers)
        said = (
            *(Optimization(number, named), Replace(number, named.name, named), Switch(number, named.name)),
            *(ExchangeReply(number, rng.random() < 0.5), DisconnectWait(number), Probe(number), Echo(number)),
            *(Neighbour(rng.random() < 0.5), Accept(), Disconnect(Cause.EVICTED), ForwardJoin(named, rng.randrange(4))),
        )
        events: tuple[Event, ...] = (
            *(Received(peer, message) for message in said),
            *(TimerFired("xbot"), LinkDown(peer, Reason.GONE), DialFailed(peer, Reason.GONE)),
            TimerFired(rng.choice(one.timers)),
        )
        one.feed(rng.choice(events))
        assert len(one.neighbours) <= 3
        assert "me" not in one.neighbours
    for token in [token for token in one.timers if token.startswith("xbot ")]:
        one.feed(TimerFired(token))
    assert not one.is_busy
