"""One node, and what it answers: each rule by itself."""

from random import Random

import pytest
from msgspec import Struct

from partisan_core.effects import Effect, Note, Send, StartTimer
from partisan_core.events import DialFailed, Event, Join, Leave, LinkDown, Reason, Received, Started, TimerFired
from partisan_core.identity import Address, NodeSpec
from partisan_hyparview import HyParView, HyParViewConfig
from partisan_hyparview.messages import (
    Accept,
    Cause,
    Disconnect,
    ForwardJoin,
    JoinRequest,
    Neighbour,
    Refuse,
    Shuffle,
    ShuffleReply,
    Test,
)


def spec(name: str, incarnation: int = 1) -> NodeSpec:
    return NodeSpec(name, incarnation, 0, (Address("10.0.0.1", 1),))


A, B, C, D, X = (spec(name) for name in "abcdx")


class One:
    """A node called `me`, with neighbours."""

    def __init__(self, *neighbours: NodeSpec, active_max: int = 3, passive_max: int = 30, seed: int = 0) -> None:
        config = HyParViewConfig(active_max=active_max, passive_max=passive_max)
        self.node = HyParView(spec("me"), config, Random(seed))
        self.feed(Started())
        for peer in neighbours:
            self.hears(peer, Neighbour(True))

    def feed(self, event: Event, now: float = 0.0) -> list[Effect]:
        return self.node.handle(event, now)

    def hears(self, peer: NodeSpec, message: Struct) -> list[tuple[str, Struct]]:
        return sent(self.feed(Received(peer, message)))

    @property
    def neighbours(self) -> set[str]:
        return set(self.node.links())

    @property
    def others(self) -> set[str]:
        return set(self.node.members()) - self.neighbours - {"me"}


def sent(effects: list[Effect]) -> list[tuple[str, Struct]]:
    return [(effect.peer.name, effect.message) for effect in effects if isinstance(effect, Send)]


def test_a_contact_takes_the_joiner_in_and_tells_every_other_neighbour() -> None:
    one = One(A, B)
    assert one.hears(X, JoinRequest()) == [("x", Accept()), ("a", ForwardJoin(X, 6)), ("b", ForwardJoin(X, 6))]
    assert one.neighbours == {"a", "b", "x"}


def test_a_full_contact_evicts_somebody_who_is_told_and_hears_of_no_walk() -> None:
    one = One(A, B, C)
    said = one.hears(X, JoinRequest())
    [evicted] = {"a", "b", "c"} - one.neighbours
    assert [type(message) for name, message in said if name == evicted] == [Disconnect]
    assert len([message for _, message in said if isinstance(message, ForwardJoin)]) == 2
    assert evicted in one.others


def test_a_joiner_has_no_neighbour_before_the_contact_accepts() -> None:
    one = One()
    assert sent(one.feed(Join(A))) == [("a", JoinRequest())]
    assert one.neighbours == set()
    one.hears(A, Accept())
    assert one.neighbours == {"a"}


def test_a_walk_goes_on_to_neither_its_sender_nor_the_joiner() -> None:
    one = One(A, B, X)
    assert one.hears(A, ForwardJoin(X, 5)) == [("b", ForwardJoin(X, 4))]


def test_a_walk_makes_the_joiner_known_where_prwl_hops_are_left() -> None:
    one = One(A, B)
    one.hears(A, ForwardJoin(X, 4))
    assert one.others == set()
    assert one.hears(A, ForwardJoin(X, 3)) == [("b", ForwardJoin(X, 2))]
    assert one.others == {"x"}


@pytest.mark.parametrize(("neighbours", "ttl"), [((A, B), 0), ((A,), 5)], ids=["no hops", "no next hop"])
def test_the_end_of_a_walk_offers_itself_to_the_joiner(neighbours: tuple[NodeSpec, ...], ttl: int) -> None:
    one = One(*neighbours)
    assert one.hears(A, ForwardJoin(X, ttl)) == [("x", Neighbour(False))]
    assert "x" not in one.neighbours
    one.hears(X, Accept())
    assert "x" in one.neighbours


def test_a_walk_that_comes_back_to_the_joiner_ends_there() -> None:
    one = One(A)
    assert one.hears(A, ForwardJoin(spec("me"), 0)) == []


def test_a_full_view_refuses_a_request_unless_it_is_urgent() -> None:
    one = One(A, B, C)
    assert one.hears(X, Neighbour(False))[0] == ("x", Refuse())
    assert ("x", Accept()) in one.hears(X, Neighbour(True))


def test_a_full_view_evicts_nobody_of_its_older_half() -> None:
    for seed in range(20):
        one = One(A, B, C, D, active_max=4, seed=seed)
        one.hears(X, JoinRequest())
        assert {"a", "b", "x"} <= one.neighbours


def test_who_is_evicted_asks_the_newcomer_first() -> None:
    one = One(A, B, C)
    [contacts] = [said.contacts for _, said in one.hears(X, JoinRequest()) if isinstance(said, Disconnect)]
    assert contacts[0] == X
    other = One(A, B, C)
    other.hears(A, ForwardJoin(D, 3))
    assert other.hears(A, Disconnect(Cause.EVICTED, (X, D)))[0] == ("x", Neighbour(False))


def test_who_is_refused_is_led_to_the_one_who_was_refused_before() -> None:
    one = One(A, B, C)
    assert one.hears(X, Neighbour(False))[0] == ("x", Refuse())
    assert one.hears(D, Neighbour(False))[0] == ("d", Refuse((X,)))
    seeker = One(A, B, C)
    seeker.hears(A, ForwardJoin(D, 3))
    assert sent(seeker.feed(LinkDown(A, Reason.GONE))) == [("d", Neighbour(False))]
    assert seeker.hears(D, Refuse((X,))) == [("x", Neighbour(False))]


def test_a_full_node_that_refuses_tests_one_link_after_the_other_at_random() -> None:
    one = One(A, B, C)
    tested = set()
    for _ in range(30):
        [_, (name, message)] = one.hears(X, Neighbour(False))
        assert message == Test()
        tested.add(name)
    assert tested == {"a", "b", "c"}


def test_a_test_says_nothing_to_a_neighbour_and_shows_a_stranger_that_it_is_none() -> None:
    one = One(A, B, C)
    assert one.hears(A, Test()) == []
    assert one.node.ignored == {}
    [(name, message)] = one.hears(X, Test())
    assert (name, type(message)) == ("x", Disconnect)


def test_a_joiner_with_few_neighbours_asks_its_contacts_again_less_and_less_often() -> None:
    one = One()
    one.feed(Join(A))
    one.hears(A, Accept())
    asked = []
    for second in range(120):
        said = sent(one.feed(TimerFired("rejoin"), float(second)))
        asked += [second] * [message for _, message in said].count(JoinRequest())
    assert asked == [1, 3, 7, 15, 31, 63]
    one.hears(B, Neighbour(True))
    assert sent(one.feed(TimerFired("rejoin"), 500.0)) == []


def test_a_node_that_lost_everybody_asks_any_contact_or_neighbour_it_had() -> None:
    asked = set()
    for seed in range(20):
        one = One(C, seed=seed)
        for contact in (A, B):
            one.feed(Join(contact))
            one.feed(DialFailed(contact, Reason.GONE))
        one.feed(LinkDown(C, Reason.GONE))
        asked |= {name for name, said in sent(one.feed(TimerFired("rejoin"), 1.0)) if said == JoinRequest()}
    assert asked == {"a", "b", "c"}


def test_who_falls_out_of_the_passive_view_goes_without_a_word_and_who_cannot_be_dialled_is_gone() -> None:
    one = One(A, B, C, passive_max=1)
    one.hears(A, ForwardJoin(X, 3))
    assert not [effect for effect in one.feed(Received(A, ForwardJoin(D, 3))) if isinstance(effect, Note)]
    assert one.others == {"d"}
    assert Note(D, Reason.GONE) in one.feed(DialFailed(D, Reason.GONE))
    assert one.others == set()


def test_a_snapshot_names_whom_it_lost_after_whom_it_has() -> None:
    one = One(A, B)
    one.feed(LinkDown(A, Reason.UNREACHABLE))
    again = One()
    again.node.restore(one.node.snapshot())
    assert again.others == {"a", "b"}


def test_a_request_in_progress_keeps_no_place_from_who_asks() -> None:
    one = One(A, B)
    assert one.hears(A, ForwardJoin(X, 0)) == [("x", Neighbour(False))]
    assert one.hears(D, Neighbour(False)) == [("d", Accept())]
    assert one.neighbours == {"a", "b", "d"}
    [(evicted, message)] = one.hears(X, Accept())
    assert (evicted in {"b", "d"}, type(message)) == (True, Disconnect)
    assert len(one.neighbours) == 3


def test_requests_that_cross_are_both_accepted() -> None:
    one = One(A, B)
    one.hears(A, ForwardJoin(X, 0))
    assert one.hears(X, Neighbour(False)) == [("x", Accept())]
    assert one.hears(X, Accept()) == []


def test_a_failed_neighbour_is_replaced_and_not_kept() -> None:
    one = One(A, B, C)
    one.hears(A, ForwardJoin(X, 3))
    effects = one.feed(LinkDown(A, Reason.GONE))
    assert Note(A, Reason.GONE) in effects
    assert sent(effects) == [("x", Neighbour(False))]
    assert "a" not in one.node.members()


def test_a_node_without_neighbours_asks_urgently() -> None:
    one = One(A)
    assert one.hears(A, Disconnect(Cause.LEAVING, (B,))) == [("b", Neighbour(True))]


def test_a_refusal_keeps_the_candidate_but_pauses_it() -> None:
    one = One(A, B, C)
    one.hears(A, ForwardJoin(X, 3))
    one.feed(LinkDown(A, Reason.GONE))
    assert one.hears(X, Refuse()) == []
    assert "x" in one.others
    assert sent(one.feed(TimerFired("repair"), 1.0)) == []
    assert sent(one.feed(TimerFired("repair"), 6.0)) == [("x", Neighbour(False))]


def test_who_does_not_answer_in_time_is_forgotten() -> None:
    one = One(A, B)
    effects = one.feed(Received(A, ForwardJoin(X, 0)))
    [token] = [effect.token for effect in effects if isinstance(effect, StartTimer) and effect.after == 6.0]
    one.feed(TimerFired(token), 6.0)
    assert one.hears(X, Accept()) == [("x", Disconnect(Cause.ASYMMETRIC))]


def test_who_is_evicted_keeps_the_other_as_known_and_takes_its_contacts() -> None:
    one = One(A, B)
    assert one.hears(A, Disconnect(Cause.EVICTED, (X,))) == [("x", Neighbour(False))]
    assert one.neighbours == {"b"}
    assert one.others == {"a", "x"}


def test_who_leaves_is_not_kept() -> None:
    one = One(A, B)
    effects = one.feed(Received(A, Disconnect(Cause.LEAVING, (X,))))
    assert Note(A, Reason.LEFT) in effects
    assert set(one.node.members()) == {"me", "b", "x"}


def test_a_leaver_tells_its_neighbours_whom_to_try_and_is_deaf() -> None:
    one = One(A, B)
    assert sent(one.feed(Leave())) == [
        ("a", Disconnect(Cause.LEAVING, (B,))),
        ("b", Disconnect(Cause.LEAVING, (A,))),
    ]
    assert "me" not in one.node.members()
    assert one.neighbours == set()
    assert one.hears(X, JoinRequest()) == []
    assert one.node.snapshot() == b""


def test_a_shuffle_is_passed_on_with_its_origin() -> None:
    one = One(A, B)
    assert one.hears(A, Shuffle(X, (D,), 6)) == [("b", Shuffle(X, (D,), 5))]


def test_the_end_of_a_shuffle_answers_its_origin_and_learns() -> None:
    one = One(A, B)
    assert one.hears(A, Shuffle(X, (D,), 1)) == [("x", ShuffleReply(()))]
    assert one.others == {"x", "d"}


def test_the_answer_to_a_shuffle_is_taken_once() -> None:
    one = One(A, B, C)
    [(_, shuffle)] = sent(one.feed(TimerFired("shuffle")))
    assert isinstance(shuffle, Shuffle)
    assert shuffle.origin.name == "me"
    one.hears(D, ShuffleReply((X,)))
    one.hears(D, ShuffleReply((spec("y"),)))
    assert one.others == {"x"}
    assert one.node.ignored == {"ShuffleReply": 1}


def test_a_stranger_that_takes_us_for_a_neighbour_is_asked_when_there_is_room_and_told_when_not() -> None:
    assert One(A).hears(X, Shuffle(X, (), 1)) == [("x", Neighbour(False))]
    [(name, message)] = One(A, B, C).hears(X, Shuffle(X, (), 1))
    assert name == "x"
    assert isinstance(message, Disconnect)
    assert message.cause is Cause.ASYMMETRIC


@pytest.mark.parametrize(
    "message", [Refuse(), Disconnect(Cause.EVICTED, (X,)), ShuffleReply((X,))], ids=lambda one: type(one).__name__
)
def test_what_nobody_asked_for_is_ignored_and_counted(message: Struct) -> None:
    one = One(A, B, C)
    before = one.node.members()
    assert one.hears(D, message) == []
    assert one.node.members() is before
    assert one.node.ignored == {type(message).__name__: 1}


def test_an_earlier_life_is_not_listened_to_and_its_end_is_no_news() -> None:
    one = One(spec("a", 5))
    assert one.hears(spec("a", 4), Disconnect(Cause.LEAVING)) == []
    one.feed(LinkDown(spec("a", 4), Reason.GONE))
    assert one.neighbours == {"a"}
    assert one.node.ignored == {"Disconnect": 1}


def test_a_newer_life_takes_the_place_of_the_older() -> None:
    one = One(A)
    effects = one.feed(Received(spec("a", 2), Neighbour(False)))
    assert Note(A, Reason.RESTARTED) in effects
    assert one.node.links()["a"] == spec("a", 2)


@pytest.mark.parametrize(
    "hearsay",
    [NodeSpec("x", 1, 1), NodeSpec("a name", 1, 1, X.addresses), spec("x", -1)],
    ids=["no door", "name", "age"],
)
def test_hearsay_that_cannot_be_true_is_left_out(hearsay: NodeSpec) -> None:
    one = One(A, B, C)
    one.hears(A, ForwardJoin(hearsay, 0))
    one.hears(A, Shuffle(hearsay, (), 0))
    one.hears(A, Disconnect(Cause.EVICTED, (hearsay,)))
    assert set(one.node.members()) == {"me", "a", "b", "c"}


@pytest.mark.parametrize("ttl", [-(2**63), -1, 2**64 - 1])
def test_a_forged_number_of_hops_makes_no_longer_walk(ttl: int) -> None:
    one = One(A, B)
    for _, message in [*one.hears(A, ForwardJoin(X, ttl)), *one.hears(A, Shuffle(X, (), ttl))]:
        assert not isinstance(message, ForwardJoin | Shuffle) or message.ttl <= 5


def test_walks_for_invented_joiners_fill_no_node() -> None:
    one = One(A, B)
    asked = sum(len(one.hears(A, ForwardJoin(spec(f"ghost-{number}"), 0))) for number in range(1000))
    assert asked == 32


def test_views_are_the_same_objects_while_nothing_changes() -> None:
    one = One(A, B)
    members, links = one.node.members(), one.node.links()
    one.hears(A, Neighbour(False))
    assert one.node.members() is members
    assert one.node.links() is links


@pytest.mark.parametrize(("share", "urgent"), [(0, False), (100, True)])
def test_a_lost_neighbour_is_probed_and_a_share_of_the_probes_cannot_be_refused(share: int, urgent: bool) -> None:
    node = HyParView(spec("me"), HyParViewConfig(urgent_probes=share), Random(0))
    for event in (Started(), Received(A, Neighbour(True)), Received(B, Neighbour(True)), LinkDown(A, Reason.GONE)):
        node.handle(event, 0.0)
    assert ("a", Neighbour(urgent)) in sent(node.handle(TimerFired("shuffle"), 1.0))
    assert "a" not in dict(sent(node.handle(TimerFired("shuffle"), 2.0)))


def test_a_restarted_node_asks_whom_it_remembers() -> None:
    again = HyParView(spec("me", 2), HyParViewConfig(), Random(0))
    again.restore(One(A, B).node.snapshot())
    said = sent(again.handle(Started(), 0.0))
    assert {name for name, _ in said} == {"a", "b"}
    assert [message for _, message in said] == [Neighbour(True), Neighbour(False)]


def test_a_snapshot_that_cannot_be_read_is_ignored() -> None:
    one = One()
    one.node.restore(b"\xc1 no snapshot")
    assert set(one.node.members()) == {"me"}
