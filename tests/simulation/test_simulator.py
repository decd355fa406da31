"""The simulated network does what it is told to do: no more faults than asked for, and no fewer."""

import pytest

from partisan_core.effects import Send, StartTimer
from partisan_core.events import DialFailed, Join, LinkDown, LinkUp, Reason, TimerFired
from partisan_testkit.simulator import Faults, SimulatedNode, Simulation
from tests.simulation.talkers import MESSAGES, Pair, Talker, Word, heard, talker


def test_without_faults_every_message_arrives_once_and_in_order() -> None:
    assert Pair().exchange() == list(range(MESSAGES))


def test_lost_messages_are_about_as_many_as_asked_for() -> None:
    arrived = Pair(Faults(loss=0.2)).exchange()
    assert 0.75 < len(arrived) / MESSAGES < 0.85
    assert arrived == sorted(set(arrived))


def test_duplicated_messages_arrive_twice() -> None:
    arrived = Pair(Faults(duplication=0.2)).exchange()
    assert set(arrived) == set(range(MESSAGES))
    assert 1.15 < len(arrived) / MESSAGES < 1.25


def test_reordered_messages_are_overtaken_by_later_ones() -> None:
    arrived = Pair(Faults(reordering=0.2)).exchange()
    assert sorted(arrived) == list(range(MESSAGES))
    assert arrived != sorted(arrived)


def test_only_the_end_that_wants_a_link_hears_of_it() -> None:
    pair = Pair()
    assert LinkUp(pair.beta.spec) in heard(pair.alpha)
    assert all(not isinstance(event, LinkUp) for event in heard(pair.beta))


def test_a_link_is_closed_when_nobody_wants_it_any_more() -> None:
    pair = Pair()
    talker(pair.alpha).wanted = {}
    pair.do(pair.alpha)
    pair.simulation.run(1.0)
    assert pair.alpha.links == {}
    assert pair.beta.links == {}


def test_a_crash_is_seen_at_once_and_redialled_in_vain() -> None:
    pair = Pair()
    crashed = pair.simulation.timeline.seconds
    pair.simulation.crash(pair.beta)
    pair.simulation.run(5.0)
    seen = next(now for now, event in talker(pair.alpha).heard if isinstance(event, LinkDown))
    assert seen - crashed <= 0.02
    assert LinkDown(pair.beta.spec, Reason.GONE) in heard(pair.alpha)
    assert DialFailed(pair.beta.spec, Reason.GONE) in heard(pair.alpha)


def test_a_newer_life_at_the_same_address_answers_the_redial() -> None:
    pair = Pair()
    pair.simulation.crash(pair.beta)
    newer = pair.simulation.start("beta", pair.beta.spec.addresses[0])
    pair.simulation.run(3.0)
    assert LinkUp(newer.spec) in heard(pair.alpha)


def test_another_node_at_the_address_is_rejected() -> None:
    pair = Pair()
    pair.simulation.crash(pair.beta)
    pair.simulation.start("gamma", pair.beta.spec.addresses[0])
    pair.simulation.run(3.0)
    assert DialFailed(pair.beta.spec, Reason.REJECTED) in heard(pair.alpha)


def test_a_partition_breaks_links_after_the_grace_and_heals() -> None:
    pair = Pair()
    cut = pair.simulation.timeline.seconds
    pair.simulation.network.partition({"beta": 1})
    pair.simulation.run(10.0)
    down = [(now, event) for now, event in talker(pair.alpha).heard if isinstance(event, LinkDown)]
    assert down == [(cut + 3.0, LinkDown(pair.beta.spec, Reason.UNREACHABLE))]
    assert DialFailed(pair.beta.spec, Reason.UNREACHABLE) in heard(pair.alpha)
    pair.simulation.network.heal()
    pair.simulation.run(12.0)
    assert heard(pair.alpha)[-1] == LinkUp(pair.beta.spec)


def test_a_partition_shorter_than_the_grace_breaks_no_link() -> None:
    pair = Pair()
    pair.simulation.network.partition({"beta": 1})
    pair.simulation.run(2.9)
    pair.simulation.network.heal()
    pair.simulation.run(10.0)
    assert all(not isinstance(event, LinkDown) for event in heard(pair.alpha))


def test_a_message_without_a_link_is_carried_on_demand_or_fails() -> None:
    pair = Pair()
    gamma = pair.simulation.start("gamma")
    pair.do(pair.beta, Send(gamma.spec, Word(1)))
    pair.simulation.run(0.5)
    assert pair.numbers_of(gamma) == [1]
    assert gamma.spec.instance in pair.beta.links, "the answer would have to dial"
    pair.simulation.run(1.0)
    assert gamma.spec.instance not in pair.beta.links, "nobody wants it"
    pair.simulation.crash(gamma)
    pair.do(pair.beta, Send(gamma.spec, Word(2)))
    pair.simulation.run(1.0)
    assert heard(pair.beta)[-1] == DialFailed(gamma.spec, Reason.GONE)


def test_timers_fire_when_they_are_due() -> None:
    pair = Pair()
    pair.do(pair.alpha, StartTimer(0.25, "due"))
    start = pair.simulation.timeline.seconds
    pair.simulation.run(1.0)
    now, event = talker(pair.alpha).heard[-1]
    assert now == pytest.approx(start + 0.25)
    assert event == TimerFired("due")


def test_joining_is_tried_again_until_a_contact_answers() -> None:
    simulation = Simulation(Talker, 1)
    alpha, beta = simulation.start("alpha"), simulation.start("beta")
    contacts: list[SimulatedNode | None] = [None, alpha, beta]
    simulation.join(alpha, lambda: contacts.pop(0))
    simulation.run(2.0)
    assert Join(beta.spec) in heard(alpha)


def test_waiting_for_what_never_happens_ends_with_the_seed() -> None:
    with pytest.raises(TimeoutError, match="seed 1"):
        Pair().simulation.run_until(lambda: False, limit=0.1)


def test_the_same_seed_gives_the_same_log_and_another_seed_another() -> None:
    logs = []
    for seed in (1, 1, 2):
        pair = Pair(Faults(loss=0.1), seed)
        pair.exchange()
        logs.append(pair.simulation.timeline.log_hash)
    assert logs[0] == logs[1]
    assert logs[0] != logs[2]
