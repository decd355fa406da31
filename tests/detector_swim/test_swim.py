"""The rules of SWIM and Lifeguard, one machine at a time."""

import math
from random import Random

import pytest
from msgspec import Struct
from msgspec.msgpack import Decoder, encode

from partisan_core.detection import (
    DetectorEffect,
    PeerDown,
    PeerLost,
    PeerResumed,
    PeerUp,
    Started,
    Suspect,
    Trust,
)
from partisan_core.effects import Send, StartTimer
from partisan_core.events import Received, TimerFired
from partisan_core.identity import NodeSpec
from partisan_detector_swim import SwimConfig, SwimDetector
from partisan_detector_swim._rumours import Gossip
from partisan_detector_swim._suspicion import Doubt, LocalHealth, Patience
from partisan_detector_swim.messages import LEAP, ROOM, Ack, Nack, Ping, PingRequest, Rumour

ME, BETA, GAMMA, DELTA = (NodeSpec(name, 1, 1) for name in ("me", "beta", "gamma", "delta"))
OTHERS = (BETA, GAMMA, DELTA)


class One:
    """One detector with three members, and a hand on its clock."""

    def __init__(self, *members: NodeSpec, **options: object) -> None:
        self.now = 0.0
        self.detector = SwimDetector(SwimConfig(**options), Random(7))  # type: ignore[arg-type]
        self.timers: list[tuple[float, str]] = []
        self.sent: list[tuple[str, Struct]] = []
        self.opinions: list[Suspect | Trust] = []
        self.tell(Started(ME))
        for member in members or OTHERS:
            self.tell(PeerUp(member, converses=True))

    def tell(self, event: object) -> list[tuple[str, Struct]]:
        """Hand over an event; what it sends."""
        sent: list[tuple[str, Struct]] = []
        effects: list[DetectorEffect] = self.detector.handle(event, self.now)  # type: ignore[arg-type]
        for effect in effects:
            match effect:
                case Send(peer, message):
                    sent.append((peer.name, message))
                case StartTimer(after, token):
                    self.timers.append((self.now + after, token))
                case Suspect() | Trust():
                    self.opinions.append(effect)
        self.sent += sent
        return sent

    def hear(self, peer: NodeSpec, message: Struct) -> list[tuple[str, Struct]]:
        return self.tell(Received(peer, message))

    def run(self, seconds: float, *answering: NodeSpec) -> None:
        """Let timers fire; those peers answer pings at once."""
        end = self.now + seconds
        while due := sorted(timer for timer in self.timers if timer[0] <= end)[:1]:
            self.timers.remove(due[0])
            self.now = max(self.now, due[0][0])
            for name, message in self.tell(TimerFired(due[0][1])):
                peer = next(peer for peer in OTHERS if peer.name == name)
                if isinstance(message, Ping) and peer in answering:
                    self.hear(peer, Ack(message.number, 0))
        self.now = end

    def said(self, kind: type[Struct]) -> list[str]:
        """To whom messages of that kind were sent."""
        return [name for name, message in self.sent if isinstance(message, kind)]


def doubt_of(spec: NodeSpec, incarnation: int, accuser: NodeSpec) -> Rumour:
    return Rumour(spec.name, spec.life, incarnation, accuser.name)


def alive(spec: NodeSpec, incarnation: int) -> Rumour:
    return Rumour(spec.name, spec.life, incarnation)


def test_each_period_one_member_is_pinged_and_in_a_round_each_once() -> None:
    one = One()
    one.run(30.0, *OTHERS)
    pinged = one.said(Ping)
    assert len(pinged) == 30
    assert all({*pinged[begin : begin + 3]} == {"beta", "gamma", "delta"} for begin in range(0, 30, 3))
    assert one.said(PingRequest) == []
    assert one.opinions == []


def test_who_does_not_answer_is_pinged_by_others_before_it_is_doubted() -> None:
    one = One()
    one.run(1.0, GAMMA, DELTA)
    while "beta" not in one.said(Ping):
        one.run(0.1, GAMMA, DELTA)
    one.run(0.51, GAMMA, DELTA)
    assert sorted(one.said(PingRequest)) == ["delta", "gamma"]
    (request,) = {message for _, message in one.sent if isinstance(message, PingRequest)}
    assert (request.name, request.life) == ("beta", BETA.life)
    one.hear(GAMMA, Ack(request.number, 0))
    one.run(1.0, GAMMA, DELTA)
    assert not any(rumour.accuser for _, message in one.sent for rumour in message.rumours)  # type: ignore[attr-defined]


def test_who_stays_silent_is_suspected_once_and_after_the_patience() -> None:
    one = One(lifeguard=False)
    one.run(8.0, *OTHERS)
    start = one.now
    one.run(4.0, GAMMA, DELTA)
    assert one.opinions == []
    one.run(60.0, GAMMA, DELTA)
    assert one.opinions == [Suspect(BETA)]
    assert start + 4.0 < one.now


def test_a_doubt_that_is_refuted_is_no_suspicion() -> None:
    one = One()
    one.hear(GAMMA, Ping(1, 0, (doubt_of(BETA, 0, GAMMA),)))
    one.hear(DELTA, Ping(1, 0, (alive(BETA, 1),)))
    one.run(600.0, *OTHERS)
    assert one.opinions == []


@pytest.mark.parametrize("message", [Ack(99, 1), Ping(99, 1), Nack(99, 1)])
def test_a_suspicion_is_taken_back_when_the_member_itself_refutes_it(message: Struct) -> None:
    one = One()
    one.hear(GAMMA, Ping(1, 0, (doubt_of(BETA, 0, GAMMA),)))
    one.run(600.0, *OTHERS)
    assert one.opinions == [Suspect(BETA)], "an answer in the same incarnation refutes nothing"
    one.hear(BETA, message)
    assert one.opinions == [Suspect(BETA), Trust(BETA)]


def test_an_old_refutation_does_not_end_a_newer_doubt() -> None:
    one = One()
    one.hear(GAMMA, Ping(1, 0, (doubt_of(BETA, 5, GAMMA), alive(BETA, 5), alive(BETA, 4))))
    one.run(600.0, *OTHERS)
    assert one.opinions == [Suspect(BETA)]


def test_a_doubt_of_an_earlier_incarnation_is_stale() -> None:
    one = One()
    one.hear(GAMMA, Ping(1, 0, (alive(BETA, 5), doubt_of(BETA, 4, GAMMA))))
    one.run(600.0, *OTHERS)
    assert one.opinions == []


@pytest.mark.parametrize("ahead", [0, 1, LEAP, 2**31])
def test_a_doubt_of_oneself_is_refuted_with_a_greater_incarnation(ahead: int) -> None:
    one = One()
    ((name, answer),) = one.hear(GAMMA, Ping(1, 0, (doubt_of(ME, ahead, DELTA),)))
    assert (name, answer) == ("gamma", Ack(1, ahead + 1, (alive(ME, ahead + 1),)))
    assert one.detector.ignored["swim_forged"] == (ahead > 0)
    ((_, again),) = one.hear(DELTA, Ping(2, 0, (doubt_of(ME, ahead, GAMMA),)))
    assert again.incarnation == ahead + 1, "it is refuted already"  # type: ignore[attr-defined]


def test_a_doubt_of_an_earlier_life_of_oneself_is_nobodys() -> None:
    one = One()
    ((_, answer),) = one.hear(GAMMA, Ping(1, 0, (doubt_of(NodeSpec("me", 0, 9), 7, DELTA),)))
    assert answer == Ack(1, 0, ())


def test_a_relay_pings_and_says_yes_or_in_time_no() -> None:
    one = One()
    ((name, ping),) = one.hear(GAMMA, PingRequest(77, 0, "beta", BETA.life))
    assert (name, type(ping)) == ("beta", Ping)
    assert one.hear(DELTA, Ack(ping.number, 0)) == [], "it was not asked"  # type: ignore[attr-defined]
    assert one.hear(BETA, Ack(ping.number, 0)) == [("gamma", Ack(77, 0))]  # type: ignore[attr-defined]
    one.hear(GAMMA, PingRequest(78, 0, "beta", BETA.life))
    one.run(0.41, GAMMA, DELTA)
    assert ("gamma", Nack(78, 0)) in one.sent
    assert one.hear(GAMMA, PingRequest(79, 0, "nobody", (1, 1))) == [("gamma", Nack(79, 0))]
    assert one.hear(GAMMA, PingRequest(80, 0, "beta", (1, 2))) == [("gamma", Nack(80, 0))]


def test_a_flood_of_requests_is_bounded() -> None:
    one = One()
    for number in range(1000):
        one.hear(GAMMA, PingRequest(number, 0, "beta", BETA.life))
    assert len(one.said(Ping)) == 256
    assert one.detector.ignored["swim_flood"] == 1000 - 256
    one.run(1.0)
    one.hear(GAMMA, PingRequest(1, 0, "beta", BETA.life))
    assert one.detector.ignored["swim_flood"] == 1000 - 256


@pytest.mark.parametrize(
    ("rumour", "kind"),
    [
        (Rumour("nobody", (1, 1), 0, "gamma"), "swim_unknown"),
        (Rumour("beta", (1, 2), 0, "gamma"), "swim_unknown"),
        (Rumour("beta", BETA.life, 0, "nobody"), "swim_unknown"),
        (Rumour("beta", BETA.life, 0, "beta"), "swim_forged"),
        (Rumour("beta", BETA.life, LEAP + 1, "gamma"), "swim_forged"),
        (Rumour("beta", BETA.life, LEAP + 1), "swim_forged"),
    ],
)
def test_a_rumour_that_cannot_be_is_counted_and_changes_nothing(rumour: Rumour, kind: str) -> None:
    one = One()
    one.hear(GAMMA, Ping(1, 0, (rumour,)))
    assert one.detector.ignored == {kind: 1}
    one.run(600.0, *OTHERS)
    assert one.opinions == []
    assert rumour not in [told for _, message in one.sent for told in message.rumours]  # type: ignore[attr-defined]


def test_who_is_no_member_is_not_heard() -> None:
    one = One()
    stranger = NodeSpec("stranger", 1, 1)
    assert one.hear(stranger, Ping(1, 0, (doubt_of(BETA, 0, GAMMA),))) == []
    assert one.hear(NodeSpec("beta", 1, 2), Ping(1, 0)) == []
    assert one.detector.ignored == {"swim_stranger": 2}


def test_a_forged_answer_does_not_save_the_silent() -> None:
    """Only who was pinged, and who was asked to ping it, can say that it answered."""
    one = One(BETA, GAMMA, DELTA, indirect=0)
    while not one.said(Ping):
        one.run(0.1)
    name, ping = one.sent[-1]
    for peer in OTHERS:
        if peer.name != name:
            one.hear(peer, Ack(ping.number, 0))  # type: ignore[attr-defined]
    one.run(1.0)
    rumours = [told for _, message in one.sent for told in message.rumours]  # type: ignore[attr-defined]
    assert ("me", name) in [(told.accuser, told.name) for told in rumours]


def test_who_is_doubted_is_told_with_the_next_ping() -> None:
    one = One()
    one.hear(GAMMA, Ping(1, 0, (doubt_of(BETA, 3, GAMMA),)))
    one.run(200.0, GAMMA, DELTA)
    pings = [message for name, message in one.sent if name == "beta" and isinstance(message, Ping)]
    assert len(pings) > 10
    assert all(message.rumours[0] == doubt_of(BETA, 3, GAMMA) for message in pings)


def test_a_connection_that_is_lost_lets_its_peer_be_pinged_next() -> None:
    for peer in OTHERS:
        one = One()
        one.run(7.3, *OTHERS)
        one.tell(PeerLost(peer))
        before = len(one.said(Ping))
        one.run(1.01, *OTHERS)
        assert one.said(Ping)[before] == peer.name


def test_a_peer_with_another_detector_is_judged_by_its_connection() -> None:
    one, other = One(), NodeSpec("other", 1, 1)
    one.tell(PeerUp(other))
    one.tell(PeerLost(other))
    one.tell(PeerResumed(other))
    assert one.opinions == [Suspect(other), Trust(other)]
    one.run(100.0, *OTHERS)
    assert "other" not in one.said(Ping)


def test_a_member_that_is_down_is_forgotten() -> None:
    one = One()
    one.hear(GAMMA, Ping(1, 0, (doubt_of(BETA, 0, GAMMA),)))
    one.tell(PeerDown(BETA))
    before = len(one.sent)
    one.run(600.0, *OTHERS)
    assert one.opinions == []
    assert not any(told.name == "beta" for _, message in one.sent[before:] for told in message.rumours)  # type: ignore[attr-defined]


def test_a_node_that_did_not_run_itself_accuses_nobody() -> None:
    one = One()
    one.run(10.0, *OTHERS)
    one.hear(GAMMA, Ping(1, 0, (doubt_of(BETA, 0, GAMMA),)))
    one.now += 600.0
    one.run(0.5, *OTHERS)
    assert one.opinions == []
    one.hear(BETA, Ping(1, 1))
    one.run(300.0, *OTHERS)
    assert one.opinions == []


# Lifeguard's parts.


@pytest.mark.parametrize(
    ("members", "least", "most"), [(10, 4, 24), (100, 8, 48), (1000, 12, 72), (10_000, 16, 96), (1, 4, 4), (3, 4, 4)]
)
def test_the_patience_is_that_of_memberlist(members: int, least: float, most: float) -> None:
    patience = Patience.among(members, SwimConfig())
    assert [patience.least, patience.most] == pytest.approx([least, most])
    assert patience.after(0) == pytest.approx(most)
    assert patience.after(2) == pytest.approx(least)
    assert patience.after(50) == pytest.approx(least)
    if most > least:
        assert patience.after(1) == pytest.approx(most - (most - least) * math.log(2) / math.log(3))


def test_independent_confirmations_shorten_a_doubt_and_repeated_ones_do_not() -> None:
    patience = Patience.among(100, SwimConfig())
    doubt = Doubt(0, "a", patience, 1, 100.0)
    assert doubt.due == 100.0 + patience.most
    assert not doubt.confirm("a")
    assert doubt.confirm("b")
    assert doubt.due == 100.0 + patience.after(1)
    assert doubt.confirm("c")
    assert doubt.due == 100.0 + patience.least
    assert not doubt.confirm("d"), "enough"


def test_without_lifeguard_nothing_is_waited_for() -> None:
    config = SwimConfig(lifeguard=False)
    patience, health = Patience.among(100, config), LocalHealth(config)
    health.note(5)
    assert (patience.least, patience.most, health.multiplier) == (patience.least, patience.least, 1)


def test_the_local_health_is_bounded_both_ways() -> None:
    health = LocalHealth(SwimConfig())
    health.note(-1)
    assert health.multiplier == 1
    for _ in range(20):
        health.note(3)
    assert health.multiplier == 8
    health.note(-1)
    assert health.multiplier == 7


def test_a_node_that_hears_nobody_waits_longer_and_recovers() -> None:
    one = One()
    one.run(200.0)
    before = len(one.said(Ping))
    one.run(80.0)
    assert 9 <= len(one.said(Ping)) - before <= 12, "one ping in eight seconds"
    one.run(200.0, *OTHERS)
    before = len(one.said(Ping))
    one.run(80.0, *OTHERS)
    assert len(one.said(Ping)) - before >= 79


def test_relays_that_say_no_put_the_blame_on_the_target() -> None:
    blamed = []
    for declines in (True, False):
        one = One()
        for _ in range(20):
            before = len(one.sent)
            one.run(0.5, GAMMA, DELTA)
            for name, message in one.sent[before:]:
                if isinstance(message, PingRequest) and declines:
                    one.hear(next(peer for peer in OTHERS if peer.name == name), Nack(message.number, 0))
        blamed.append(len(one.said(Ping)))
    assert blamed[0] > blamed[1]


# Rumours.


def test_a_rumour_is_told_so_many_times_as_the_logarithm_of_the_members_says() -> None:
    for members, times in ((1, 4), (9, 4), (10, 8), (99, 8), (100, 12), (999, 12)):
        gossip = Gossip(4)
        gossip.add(alive(BETA, 1))
        assert sum(len(gossip.pick(members)) for _ in range(100)) == times


def test_what_was_told_least_often_goes_first_and_no_more_than_there_is_room_for() -> None:
    gossip = Gossip(4)
    for number in range(20):
        gossip.add(Rumour(f"n{number}", (1, 1), 1))
    told = [rumour.name for _ in range(5) for rumour in gossip.pick(100)]
    assert len(told) == 5 * ROOM
    assert all(told.count(f"n{number}") == 2 for number in range(20))


def test_word_of_life_takes_the_place_of_what_was_said_against_it() -> None:
    gossip = Gossip(4)
    gossip.add(doubt_of(BETA, 0, GAMMA))
    gossip.add(doubt_of(BETA, 0, DELTA))
    gossip.add(doubt_of(GAMMA, 0, DELTA))
    gossip.add(alive(BETA, 1))
    assert {*gossip.pick(10)} == {alive(BETA, 1), doubt_of(GAMMA, 0, DELTA)}


def test_a_message_is_small() -> None:
    rumours = tuple(Rumour("n" * 20, (2**41, 2**63), 7, "m" * 20) for _ in range(ROOM))
    encoded = encode(Ping(2**40, 7, rumours))
    assert len(encoded) < 700
    assert Decoder(Ping | Ack).decode(encoded) == Ping(2**40, 7, rumours)
