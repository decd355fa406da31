"""One node, and what it answers: each rule by itself."""

from random import Random

import pytest
from msgspec import Struct

from partisan_core import events
from partisan_core.effects import Effect, Note, Send, StartTimer
from partisan_core.events import DialFailed, Event, Join, Leave, LinkDown, LinkUp, Reason, Received, Started, TimerFired
from partisan_core.identity import Address, NodeSpec
from partisan_overlay_scamp import Scamp, ScampConfig, ScampV2Config
from partisan_overlay_scamp.messages import Forward, Heartbeat, Probe, Subscribe, Unsubscribe, Walk, Welcome


def spec(name: str, incarnation: int = 1) -> NodeSpec:
    return NodeSpec(name, incarnation, 0, (Address("10.0.0.1", 1),))


A, B, C, D, X = (spec(name) for name in "abcdx")


class One:
    """A node called `me`, with members in its view."""

    def __init__(self, *held: NodeSpec, config: ScampConfig | None = None, seed: int = 0) -> None:
        self.node = Scamp(spec("me"), config or ScampConfig(c=1), Random(seed))
        self.feed(Started())
        for peer in held:
            self.hears(peer, Forward(peer, 1, 1))

    def feed(self, event: Event, now: float = 0.0) -> list[Effect]:
        return self.node.handle(event, now)

    def hears(self, peer: NodeSpec, message: Struct, now: float = 0.0) -> list[tuple[str, Struct]]:
        return sent(self.feed(Received(peer, message), now))

    @property
    def held(self) -> set[str]:
        return set(self.node.links())

    @property
    def keepers(self) -> set[str]:
        return set(self.node.members()) - self.held - {"me"}


def sent(effects: list[Effect]) -> list[tuple[str, Struct]]:
    return [(effect.peer.name, effect.message) for effect in effects if isinstance(effect, Send)]


def test_a_contact_sends_a_copy_to_each_member_and_c_more_and_welcomes_the_joiner() -> None:
    said = One(A, B).hears(X, Subscribe(1))
    copies = [(name, message) for name, message in said if isinstance(message, Forward)]
    assert [copy for _, copy in copies] == [Forward(X, 1, 100, number) for number in (1, 2, 3)]
    assert {name for name, _ in copies} == {"a", "b"}
    assert said[-1] == ("x", Welcome())


def test_a_contact_that_holds_nobody_holds_the_joiner() -> None:
    one = One()
    assert one.hears(X, Subscribe(1)) == [("x", Heartbeat()), ("x", Welcome())]
    assert one.held == {"x"}


def test_a_joiner_holds_the_first_that_welcomes_it_and_nobody_who_does_so_unasked() -> None:
    one = One()
    assert sent(one.feed(Join(A))) == [("a", Subscribe(1))]
    one.hears(B, Welcome())
    one.hears(C, Welcome())
    assert one.held == {"b"}
    assert one.node.ignored == {"Welcome": 1}


def test_who_is_in_an_overlay_and_joins_again_holds_the_contact_without_a_subscription() -> None:
    one = One(A)
    one.hears(A, Heartbeat())
    assert sent(one.feed(Join(B))) == [("b", Heartbeat())]
    assert one.feed(Join(B)) == []
    assert one.held == {"a", "b"}


@pytest.mark.parametrize("size", [1, 3, 9])
def test_a_copy_is_kept_with_a_probability_of_one_in_one_more_than_the_view_has(size: int) -> None:
    held = [spec(f"n{number}") for number in range(size)]
    trials = 1000
    kept = sum(One(*held, seed=seed).hears(A, Forward(X, 1, 50)) == [("x", Heartbeat())] for seed in range(trials))
    assert abs(kept / trials - 1 / (1 + size)) < 0.05


def test_a_copy_is_passed_on_with_a_hop_less_and_never_to_whom_it_is_about() -> None:
    one = One(A, X)
    assert one.hears(X, Forward(X, 1, 50)) == [("a", Forward(X, 1, 49))]


def test_a_copy_that_the_network_repeats_goes_on_once_and_one_that_walks_back_goes_on_again() -> None:
    one = One(A, X)
    said = [one.hears(A, Forward(X, 1, hops, 7)) for hops in (50, 50, 48)]
    assert said == [[("a", Forward(X, 1, 49, 7))], [], [("a", Forward(X, 1, 47, 7))]]


def test_where_its_hops_end_a_copy_is_kept_whatever_the_odds() -> None:
    one = One(*(spec(f"n{number}") for number in range(50)))
    assert one.hears(A, Forward(X, 1, 1)) == [("x", Heartbeat())]


def test_a_copy_of_a_known_subscription_ends_with_its_hops() -> None:
    assert One(A, X).hears(A, Forward(X, 1, 1, 9)) == []


@pytest.mark.parametrize("hops", [-(2**63), -1, 0, 2**64 - 1])
def test_a_forged_number_of_hops_makes_no_longer_walk(hops: int) -> None:
    for _, message in One(A, X).hears(A, Forward(X, 1, hops)):
        assert isinstance(message, Forward)
        assert message.hops < 100


def test_a_later_subscription_renews_the_lease_of_who_is_held() -> None:
    one = One(A, X)
    assert one.hears(A, Forward(X, 2, 50), now=400.0) == [("x", Heartbeat())]
    one.feed(TimerFired("beat"), 700.0)
    assert one.held == {"x"}


def test_who_does_not_renew_is_forgotten_when_its_lease_is_over() -> None:
    one = One(A)
    one.feed(TimerFired("beat"), 600.0)
    assert set(one.node.members()) == {"me"}


def test_a_subscription_is_renewed_with_as_many_copies_as_it_replaces() -> None:
    one = One(A)
    for number in range(7):
        one.hears(spec(f"n{number}"), Heartbeat())
    assert sent(one.feed(TimerFired("renew"), 10.0)) == [("a", Subscribe(1, 7))]
    said = One(A, B).hears(X, Subscribe(2, 7))
    assert [(message.serial, message.hops) for _, message in said if isinstance(message, Forward)] == [(2, 100)] * 7


def test_a_renewal_by_a_node_in_few_views_makes_as_many_copies_as_would_stay_when_it_left() -> None:
    one = One(A)
    one.hears(B, Heartbeat())
    assert sent(one.feed(TimerFired("renew"), 10.0)) == [("a", Subscribe(1, 2))]


def test_heartbeats_go_to_all_members_and_who_sends_none_holds_this_node_no_more() -> None:
    one = One(A, B)
    one.hears(C, Heartbeat())
    assert one.keepers == {"c"}
    assert sent(one.feed(TimerFired("beat"), 29.0)) == [("a", Heartbeat()), ("b", Heartbeat())]
    assert one.keepers == {"c"}
    one.feed(TimerFired("beat"), 30.0)
    assert one.keepers == set()


def test_a_leaver_has_itself_replaced_except_in_c_and_one_views() -> None:
    one = One(A, B, C)
    keepers = [A, D, X, *(spec(f"n{number}") for number in range(4))]
    for keeper in keepers:
        one.hears(keeper, Heartbeat())
    said = sent(one.feed(Leave()))
    told = {name: message.replacement for name, message in said if isinstance(message, Unsubscribe)}
    assert set(told) == {keeper.name for keeper in keepers} | {"b", "c"}
    offered = [told[keeper.name] for keeper in keepers]
    assert offered.count(None) == 2
    assert {peer.name for peer in offered if peer is not None} == {"a", "b", "c"}
    assert told["a"] != A


def test_who_has_left_is_deaf_and_remembers_nothing() -> None:
    one = One(A)
    one.feed(Leave())
    assert one.hears(X, Subscribe(1)) == []
    assert not one.node.members()
    assert not one.node.links()
    assert one.node.snapshot() == b""


def test_a_member_that_leaves_is_replaced_by_whom_it_names() -> None:
    one = One(A)
    effects = one.feed(Received(A, Unsubscribe(B)))
    assert Note(A, Reason.LEFT) in effects
    assert sent(effects) == [("b", Heartbeat())]
    assert one.held == {"b"}


def test_who_leaves_and_is_held_by_nobody_here_brings_nobody_in() -> None:
    one = One(A)
    one.hears(B, Heartbeat())
    assert one.hears(B, Unsubscribe(X)) == []
    assert set(one.node.members()) == {"me", "a"}


def test_what_was_under_way_about_a_leaver_brings_it_not_back() -> None:
    one = One(A, B)
    one.hears(A, Unsubscribe())
    one.hears(A, Heartbeat())
    one.hears(B, Forward(A, 1, 1))
    assert set(one.node.members()) == {"me", "b"}
    one.hears(B, Forward(spec("a", 2), 1, 1))
    assert one.held == {"a", "b"}


def test_invented_leavers_do_not_fill_a_node() -> None:
    one = One(A)
    for number in range(1000):
        one.hears(spec(f"ghost-{number}"), Heartbeat())
        one.hears(spec(f"ghost-{number}"), Unsubscribe())
    assert len(one.node._near._departed) == 64


def test_a_walk_is_passed_on_with_the_number_of_those_it_could_have_gone_to() -> None:
    one = One(A, B, config=ScampV2Config())
    one.hears(C, Heartbeat())
    [(name, message)] = one.hears(X, Subscribe(1))
    assert name in {"a", "b", "c"}
    assert message == Walk(X, 1, 0, 19, 3)


def test_a_walk_goes_to_nobody_whose_connection_is_broken_and_may_be_given_up() -> None:
    one = One(A, B, config=ScampV2Config())
    one.feed(events.Suspected(A))
    assert one.hears(X, Subscribe(1)) == [("b", Walk(X, 1, 0, 19, 1))]
    one.feed(events.Suspected(B))
    assert ("x", Welcome()) in one.hears(X, Subscribe(2))
    for news in (events.Trusted(A), LinkUp(B)):
        one.feed(news)
        [(name, message)] = one.hears(X, Subscribe(3))
        assert (name, type(message)) == (news.peer.name, Walk)
        one.feed(events.Suspected(news.peer))


def test_a_walk_is_turned_away_by_a_node_of_more_neighbours_as_often_as_it_has_more() -> None:
    held = [spec(f"n{number}") for number in range(8)]
    trials = 1000
    back = 0
    for seed in range(trials):
        one = One(*held, config=ScampV2Config(), seed=seed)
        back += one.hears(A, Walk(X, 1, 0, 5, 2)) == [("a", Walk(X, 1, 0, 5))]
    assert abs(back / trials - (1 - 2 / 8)) < 0.05


def test_a_walk_that_was_turned_away_goes_on_and_one_that_is_over_has_found_the_contact() -> None:
    one = One(A, config=ScampV2Config())
    assert one.hears(A, Walk(X, 1, 0, 5)) == [("a", Walk(X, 1, 0, 4, 1))]
    assert one.hears(A, Walk(X, 1, 0, 0, 1))[:-1] == [("a", Forward(X, 1, 100, number)) for number in range(1, 6)]


def test_no_copies_are_made_beyond_what_a_view_holds() -> None:
    config = ScampConfig(view_max=10)
    assert len(One(A, config=config).hears(X, Subscribe(1, 2**63))) == 10


def test_a_view_that_is_full_keeps_nobody() -> None:
    one = One(A, B, config=ScampConfig(view_max=2))
    assert one.hears(A, Forward(X, 1, 1)) == []
    for keeper in (A, B, C):
        one.hears(keeper, Heartbeat())
    assert set(one.node.members()) == {"me", "a", "b"}
    assert one.node.ignored == {"Heartbeat": 1}


def test_a_member_whose_link_fails_is_dropped_with_the_reason_and_put_back_when_it_answers() -> None:
    one = One(A, B)
    effects = one.feed(LinkDown(A, Reason.UNREACHABLE))
    assert Note(A, Reason.UNREACHABLE) in effects
    assert one.held == {"b"}
    assert ("a", Probe()) in sent(one.feed(TimerFired("beat"), 10.0))
    assert ("a", Heartbeat()) in one.hears(A, Welcome())
    assert one.held == {"a", "b"}
    assert one.hears(A, Probe()) == [("a", Welcome())]


def test_probes_of_one_lost_member_become_rare() -> None:
    one = One(A, B)
    one.feed(LinkDown(A, Reason.GONE))
    probed = [
        second for second in range(0, 400, 10) if ("a", Probe()) in sent(one.feed(TimerFired("beat"), float(second)))
    ]
    assert probed == [10, 30, 70, 130, 190, 250, 310, 370]


def test_a_lost_member_that_has_begun_a_new_life_is_not_put_back_for_it_subscribes_itself() -> None:
    one = One(A, B)
    one.feed(LinkDown(A, Reason.GONE))
    one.hears(spec("a", 2), Welcome())
    assert one.held == {"b"}
    assert ("a", Probe()) not in sent(one.feed(TimerFired("beat"), 10.0))


def test_who_could_never_be_linked_to_is_dropped_and_not_remembered() -> None:
    one = One(A, B)
    one.feed(DialFailed(A, Reason.GONE))
    assert one.held == {"b"}
    assert sent(one.feed(TimerFired("beat"), 10.0)) == [("b", Heartbeat())]


def test_the_end_of_an_earlier_life_is_no_news_and_it_is_not_listened_to() -> None:
    one = One(spec("a", 5))
    one.feed(LinkDown(spec("a", 4), Reason.GONE))
    assert one.hears(spec("a", 4), Unsubscribe()) == []
    assert one.held == {"a"}
    assert one.node.ignored == {"Unsubscribe": 1}


@pytest.mark.parametrize("event", [LinkUp(spec("a", 2)), Received(spec("a", 2), Heartbeat())], ids=["link", "message"])
def test_a_newer_life_takes_the_place_of_the_older_and_is_told_that_it_is_held(event: Event) -> None:
    one = One(A)
    one.feed(LinkDown(A, Reason.RESTARTED))
    effects = one.feed(event)
    assert Note(A, Reason.RESTARTED) in effects
    assert ("a", Heartbeat()) in sent(effects)
    assert one.node.links()["a"] == one.node.members()["a"] == spec("a", 2)


def test_an_isolated_node_subscribes_again_with_pauses_that_double() -> None:
    one = One()
    effects = [*one.feed(Join(A)), *(effect for _ in range(7) for effect in one.feed(TimerFired("retry")))]
    assert [message for _, message in sent(effects)] == [Subscribe(number) for number in range(1, 9)]
    pauses = [effect.after for effect in effects if isinstance(effect, StartTimer)]
    for pause, longest in zip(pauses, (1, 2, 4, 8, 16, 32, 32, 32), strict=True):
        assert longest / 2 <= pause <= longest


def test_a_node_that_holds_and_is_held_tries_no_more() -> None:
    one = One(A)
    one.hears(A, Heartbeat())
    assert one.feed(TimerFired("retry")) == []


def test_a_node_that_nobody_holds_any_more_subscribes_through_a_member() -> None:
    one = One(A)
    assert sent(one.feed(TimerFired("retry"))) == [("a", Subscribe(1))]


def test_a_node_that_holds_nobody_any_more_holds_who_welcomes_it() -> None:
    one = One()
    one.hears(A, Heartbeat())
    assert sent(one.feed(TimerFired("retry"))) == [("a", Subscribe(1))]
    one.hears(A, Welcome())
    assert one.held == {"a"}


def test_a_first_node_waits_for_others_without_a_timer() -> None:
    node = Scamp(spec("me"), ScampConfig(), Random(0))
    assert {effect.token for effect in node.handle(Started(), 0.0) if isinstance(effect, StartTimer)} == {
        "beat",
        "renew",
    }


@pytest.mark.parametrize(
    "hearsay",
    [NodeSpec("x", 1, 1), NodeSpec("a name", 1, 1, X.addresses), spec("x", -1), spec("me"), spec("me", 9)],
    ids=["no door", "name", "age", "itself", "its next life"],
)
def test_hearsay_that_cannot_be_true_is_left_out_and_counted(hearsay: NodeSpec) -> None:
    one = One(A)
    one.hears(A, Forward(hearsay, 1, 1))
    one.hears(A, Unsubscribe(hearsay))
    one.hears(A, Walk(hearsay, 1, 0, 0))
    assert set(one.node.members()) <= {"me", "a"}
    assert one.node.ignored["Forward"] == 1
    assert one.node.ignored["Unsubscribe"] == 1


@pytest.mark.parametrize("message", [Unsubscribe(X), Welcome()], ids=lambda one: type(one).__name__)
def test_what_nobody_asked_for_is_ignored_and_counted(message: Struct) -> None:
    one = One(A)
    before = one.node.members()
    assert one.hears(D, message) == []
    assert one.node.members() is before
    assert one.node.ignored == {type(message).__name__: 1}


def test_views_are_the_same_objects_while_nothing_changes() -> None:
    one = One(A)
    one.hears(B, Heartbeat())
    members, links = one.node.members(), one.node.links()
    one.hears(B, Heartbeat())
    one.hears(A, Forward(A, 2, 5))
    assert one.node.members() is members
    assert one.node.links() is links


def test_a_restarted_node_holds_again_whom_it_held_and_asks_after_those_that_do_not_answer() -> None:
    again = Scamp(spec("me", 2), ScampConfig(), Random(0))
    again.restore(One(A, B).node.snapshot())
    assert sent(again.handle(Started(), 5.0)) == [("a", Heartbeat()), ("b", Heartbeat())]
    again.handle(LinkUp(A), 5.0)
    again.handle(DialFailed(B, Reason.GONE), 5.0)
    assert set(again.links()) == {"a"}
    assert ("b", Probe()) in sent(again.handle(TimerFired("beat"), 15.0))


def test_a_snapshot_that_cannot_be_read_is_ignored() -> None:
    one = One()
    one.node.restore(b"\xc1 no snapshot")
    one.feed(Started())
    assert set(one.node.members()) == {"me"}
