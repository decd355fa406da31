"""What one node does with what comes: waits, delivers, confirms, forgets."""

import pytest

from partisan_causal import CausalityError, CausalOrder, Delivery, Life, Overtaken, Stamp, Triple
from partisan_causal.order import MOST_HELD, MOST_KNOWN
from partisan_causal.stamps import LAST_NUMBER, MOST_TRIPLES
from tests.causality.lives import A, B, C


def three() -> tuple[CausalOrder[str], CausalOrder[str], CausalOrder[str]]:
    return CausalOrder(A), CausalOrder(B), CausalOrder(C)


def messages(deliveries: list[Delivery[str]]) -> list[str | None]:
    return [delivery.message for delivery in deliveries]


def test_a_to_c_then_a_to_b_then_b_to_c_arrives_in_this_order() -> None:
    """Partisan 5.0.3 delivers the third before the first."""
    a, b, c = three()
    first, second = a.stamp(C), a.stamp(B)
    assert messages(b.arrive(A, second, "m2")) == ["m2"]
    assert c.arrive(B, b.stamp(C), "m3") == []
    assert c.awaited == [A]
    assert messages(c.arrive(A, first, "m1")) == ["m1", "m3"]
    assert (c.held, c.awaited) == (0, [])


def test_messages_of_one_sender_over_different_lanes_are_put_in_order() -> None:
    a, b, _ = three()
    stamps = [a.stamp(B) for _ in range(3)]
    assert b.arrive(A, stamps[2], "3") == b.arrive(A, stamps[1], "2") == []
    assert messages(b.arrive(A, stamps[0], "1")) == ["1", "2", "3"]


def test_what_comes_twice_is_delivered_once_even_while_it_waits() -> None:
    a, b, _ = three()
    first, second = a.stamp(B), a.stamp(B)
    assert b.arrive(A, second, "2") == b.arrive(A, second, "2") == []
    assert messages(b.arrive(A, first, "1")) == ["1", "2"]
    assert b.arrive(A, first, "1") == b.arrive(A, second, "2") == []


def test_a_confirmation_ends_what_the_sender_keeps() -> None:
    a, b, _ = three()
    [delivery] = b.arrive(A, a.stamp(B), "m")
    assert a.unsettled == 1
    a.confirm(B, delivery.number)
    assert (a.unsettled, a.owed) == (0, [])


def test_a_confirmation_leaves_what_was_sent_since() -> None:
    a, _, _ = three()
    first = a.stamp(B)
    a.stamp(B)
    a.confirm(B, first.number)
    assert a.unsettled == 1


def test_who_has_heard_of_a_message_but_sends_nothing_there_asks_by_a_probe() -> None:
    a, b, c = three()
    first, second = a.stamp(C), a.stamp(B)
    b.arrive(A, second, "m2")
    assert b.owed == [C]
    probe = b.probe(C)
    assert b.owed == []
    assert c.arrive(B, probe, None) == []
    deliveries = c.arrive(A, first, "m1")
    assert deliveries == [Delivery(A, first.number, "m1"), Delivery(B, probe.number, None)]
    b.confirm(C, probe.number)
    assert b.unsettled == c.unsettled == 0


def test_the_origin_tells_by_its_next_message_what_is_settled() -> None:
    a, b, c = three()
    first = a.stamp(C)
    b.arrive(A, a.stamp(B), "m2")
    assert b.unsettled == 1
    [delivery] = c.arrive(A, first, "m1")
    a.confirm(C, delivery.number)
    b.arrive(A, a.stamp(B), "m3")
    assert b.unsettled == 0


def test_what_waits_for_a_dead_node_goes_on() -> None:
    a, b, c = three()
    lost, second = a.stamp(C), a.stamp(B)
    b.arrive(A, second, "m2")
    c.arrive(B, b.stamp(C), "m3")
    assert messages(c.forget(A)) == ["m3"]
    with pytest.raises(Overtaken, match="message 1 of"):
        c.arrive(A, lost, "m1")


def test_what_is_here_of_a_dead_node_still_comes_first() -> None:
    a, b, c = three()
    before = (Triple(Life("x", 1), C, 1),)
    first = a.stamp(C)._replace(before=before)
    second = a.stamp(B)
    b.arrive(A, second, "m2")
    assert c.arrive(A, first, "m1") == []
    third = b.stamp(C)
    assert c.arrive(B, third._replace(before=(*third.before, *before)), "m3") == c.forget(A) == []
    assert messages(c.abandon(Life("x", 1))) == ["m1", "m3"]


def test_a_newer_life_is_not_taken_for_the_dead_one() -> None:
    _, b, _ = three()
    b.forget(A)
    newer = CausalOrder[str](Life("a", 2))
    assert messages(b.arrive(Life("a", 2), newer.stamp(B), "again")) == ["again"]
    with pytest.raises(Overtaken):
        b.arrive(A, Stamp(1, 0, ()), "of the older")


def test_an_abandoned_message_is_refused_and_later_ones_are_let_in() -> None:
    a, b, _ = three()
    first, second, third = a.stamp(B), a.stamp(B), a.stamp(B)
    b.arrive(A, second, "2")
    assert messages(b.abandon(A)) == ["2"]
    with pytest.raises(Overtaken):
        b.arrive(A, first, "1")
    assert messages(b.arrive(A, third, "3")) == ["3"]


def test_what_a_living_sender_gave_up_is_waited_for_no_longer_by_anybody() -> None:
    a, b, c = three()
    a.stamp(C)  # lost with its link
    b.arrive(A, a.stamp(B), "m2")
    assert c.arrive(B, b.stamp(C), "m3") == []
    a.give_up(C, 1)
    assert a.owed == [C]
    assert messages(c.arrive(A, a.probe(C), None)) == ["m3", None]


def test_triples_toward_the_dead_are_forgotten() -> None:
    a, b, _ = three()
    a.stamp(C)
    b.arrive(A, a.stamp(B), "m2")
    b.forget(C)
    assert b.unsettled == 0


def test_triples_toward_an_earlier_life_are_forgotten_with_the_dead_one() -> None:
    a, _, _ = three()
    a.stamp(Life("c", 1))
    a.stamp(Life("c", 3))
    a.forget(Life("c", 2))
    assert a.destinations == [Life("c", 3)]


def test_what_was_stamped_and_not_sent_is_waited_for_by_nobody() -> None:
    a, b, _ = three()
    first = a.stamp(B)
    a.withdraw(B, a.stamp(B))
    assert messages(b.arrive(A, first, "1") + b.arrive(A, a.stamp(B), "2")) == ["1", "2"]
    a.withdraw(C, a.stamp(C))
    assert a.destinations == [B]
    to_the_dead = a.stamp(C)
    a.forget(C)
    a.withdraw(C, to_the_dead)
    assert a.destinations == [B]


def test_a_lost_confirmation_is_asked_for_again() -> None:
    a, b, _ = three()
    b.arrive(A, a.stamp(B), "m")
    assert a.owed == []
    a.ask_again(B)
    assert a.owed == [B]
    [delivery] = b.arrive(A, a.probe(B), None)
    a.confirm(B, delivery.number)
    assert (a.unsettled, a.owed) == (0, [])


def test_triples_toward_who_is_known_no_longer_are_dropped() -> None:
    a, _, _ = three()
    a.stamp(C)
    a.drop(C)
    assert a.destinations == []


FORGED = {
    "number zero": Stamp(0, 0, ()),
    "a number beyond all": Stamp(LAST_NUMBER + 1, 0, ()),
    "given up what was not sent": Stamp(3, 3, ()),
    "given up less than nothing": Stamp(3, -1, ()),
    "after itself": Stamp(3, 0, (Triple(A, B, 3),)),
    "after what we never sent": Stamp(3, 0, (Triple(B, C, 9),)),
    "after what somebody sent to himself": Stamp(3, 0, (Triple(C, C, 1),)),
    "after message zero": Stamp(3, 0, (Triple(C, B, 0),)),
    "too many": Stamp(3, 0, tuple(Triple(C, Life("b", n), 1) for n in range(MOST_TRIPLES + 1))),
}


@pytest.mark.parametrize("stamp", FORGED.values(), ids=FORGED.keys())
def test_a_stamp_that_cannot_be_is_named_and_changes_nothing(stamp: Stamp) -> None:
    a, b, _ = three()
    with pytest.raises(CausalityError, match=r"cannot be"):
        b.arrive(A, stamp, "forged")
    assert (b.held, b.unsettled, b.awaited, b.owed) == (0, 0, [], [])
    assert messages(b.arrive(A, a.stamp(B), "right")) == ["right"]


def test_a_message_that_says_it_comes_from_ourselves_is_named() -> None:
    with pytest.raises(CausalityError, match="cannot be"):
        CausalOrder[str](B).arrive(B, Stamp(1, 0, ()), "forged")


@pytest.mark.parametrize("number", [0, 2, -1])
def test_an_answer_to_what_was_never_sent_is_named_and_changes_nothing(number: int) -> None:
    a, _, _ = three()
    a.stamp(B)
    for answer in (a.confirm, a.give_up):
        with pytest.raises(CausalityError, match="of 1 that were sent"):
            answer(B, number)
    assert (a.unsettled, a.owed) == (1, [])


def test_a_flood_that_waits_for_a_stranger_is_bounded_and_hurts_nobody_else() -> None:
    _, b, c = three()
    for number in range(1, MOST_HELD + 1):
        assert b.arrive(A, Stamp(number, 0, (Triple(Life("nobody", 7), B, 1),)), "waits") == []
    with pytest.raises(CausalityError, match="too much"):
        b.arrive(A, Stamp(MOST_HELD + 1, 0, (Triple(Life("nobody", 7), B, 1),)), "one more")
    assert messages(b.arrive(C, c.stamp(B), "right")) == ["right"]
    assert len(b.abandon(Life("nobody", 7))) == MOST_HELD


def test_a_flood_of_invented_origins_is_forgotten_and_no_neighbour_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partisan_causal.order.MOST_KNOWN", 10)
    a, b, _ = three()
    lost, given_up = a.stamp(B), a.stamp(B)._replace(given_up=1)
    assert messages(b.arrive(A, given_up, "2")) == ["2"]
    for number in range(1, 100):
        b.arrive(C, Stamp(number, 0, (Triple(Life("nobody", number), B, 1),)), "waits")
        assert messages(b.abandon(Life("nobody", number))) == ["waits"]
    assert len(b._lost) == 10
    with pytest.raises(Overtaken):
        b.arrive(A, lost, "1")


def test_what_others_wait_for_is_let_in_however_many_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partisan_causal.order.MOST_HELD", 2)
    a, b, _ = three()
    first, second, third = (a.stamp(B) for _ in range(3))
    assert b.arrive(A, second, "2") == b.arrive(A, third, "3") == []
    assert messages(b.arrive(A, first, "1")) == ["1", "2", "3"]


def test_a_flood_of_invented_destinations_is_bounded() -> None:
    _, b, _ = three()
    whole = MOST_KNOWN // MOST_TRIPLES
    stamps = [
        Stamp(number, 0, tuple(Triple(C, Life("d", number * MOST_TRIPLES + n), 1) for n in range(MOST_TRIPLES)))
        for number in range(1, whole + 2)
    ]
    for stamp in stamps[:whole]:
        b.arrive(A, stamp, "m")
    with pytest.raises(CausalityError, match="too much"):
        b.arrive(A, stamps[whole], "m")
    assert b.unsettled == MOST_KNOWN
