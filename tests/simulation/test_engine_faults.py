"""Latencies of pairs, failing dials, directed cuts, slow nodes, crashes that nobody announces."""

import pytest

from partisan_core.effects import Send, StartTimer
from partisan_core.events import DialFailed, Event, LinkDown, LinkUp, Reason, Received, TimerFired
from partisan_core.identity import Address
from partisan_testkit.simulator import Faults, LinkTimes, SimulatedNode, Simulation
from partisan_testkit.simulator.node import own_address
from tests.simulation.talkers import Pair, Talker, Word, heard, talker

STEADY = Faults(latency=(10, 10))
SILENT = LinkTimes(silent_crashes=True)


def say(pair: Pair, source: SimulatedNode, target: SimulatedNode, number: int) -> None:
    pair.do(source, Send(target.spec, Word(number)))


def moments(node: SimulatedNode, kind: type[Event]) -> list[float]:
    return [round(now, 3) for now, event in talker(node).heard if isinstance(event, kind)]


def both_ways(pair: Pair) -> tuple[list[int], list[int]]:
    say(pair, pair.alpha, pair.beta, 1)
    say(pair, pair.beta, pair.alpha, 2)
    pair.simulation.run(0.5)
    return pair.numbers_of(pair.beta), pair.numbers_of(pair.alpha)


def test_each_pair_may_have_its_own_latency_in_each_direction() -> None:
    pair = Pair(latency=lambda source, target: 7 if source.name == "alpha" else 30)
    start = pair.simulation.timeline.seconds
    both_ways(pair)
    assert moments(pair.beta, Received) == [pytest.approx(start + 0.007)]
    assert moments(pair.alpha, Received) == [pytest.approx(start + 0.030)]


def test_a_dial_takes_two_round_trips_of_its_pair() -> None:
    pair = Pair(latency=lambda source, target: 7 if source.name == "alpha" else 30)
    assert moments(pair.alpha, LinkUp) == [pytest.approx(7e-3 + 2 * 30e-3)]


def test_dials_fail_as_often_as_asked_for_and_are_tried_again() -> None:
    simulation = Simulation(Talker, 3, faults=Faults(dial_failures=0.3), times=LinkTimes(redial_limit=50))
    nodes = [simulation.start(f"node-{number}") for number in range(300)]
    hub = simulation.start("hub")
    for node in nodes:
        talker(node).wanted = {"hub": hub.spec}
        simulation.feed(node, TimerFired("now"))
    simulation.run(1.5)
    failed = [node for node in nodes if DialFailed(hub.spec, Reason.UNREACHABLE) in heard(node)]
    assert 0.25 < len(failed) / len(nodes) < 0.35
    simulation.run(30.0)
    assert all(hub.spec.instance in node.links for node in nodes)


def test_a_dial_that_fails_takes_its_time() -> None:
    pair = Pair(Faults(dial_failures=1.0, latency=(10, 10)))
    gamma = pair.simulation.start("gamma")
    start = pair.simulation.timeline.seconds
    say(pair, pair.beta, gamma, 1)
    pair.simulation.run(2.0)
    assert moments(pair.beta, DialFailed) == [pytest.approx(start + 1.01)]


@pytest.mark.parametrize("means", ["zones", "single cut"])
def test_a_one_way_partition_lets_the_other_direction_through(means: str) -> None:
    pair = Pair()
    if means == "zones":
        pair.simulation.network.partition({"beta": 1}, one_way=True)
    else:
        pair.simulation.network.cut("alpha", "beta")
    assert both_ways(pair) == ([], [2])
    pair.simulation.network.heal()
    assert both_ways(pair) == ([1], [2, 2])


def test_zones_cut_one_way_let_pass_what_goes_down() -> None:
    pair = Pair()
    pair.simulation.network.partition({"alpha": 2, "beta": 1}, one_way=True)
    assert both_ways(pair) == ([1], [])


def test_a_one_way_cut_breaks_the_link_at_both_ends_after_the_grace() -> None:
    pair = Pair()
    talker(pair.beta).wanted = {"alpha": pair.alpha.spec}
    pair.do(pair.beta)
    start = pair.simulation.timeline.seconds
    pair.simulation.network.cut("alpha", "beta")
    pair.simulation.run(10.0)
    for node, peer in ((pair.alpha, pair.beta), (pair.beta, pair.alpha)):
        assert LinkDown(peer.spec, Reason.UNREACHABLE) in heard(node)
        assert moments(node, LinkDown) == [pytest.approx(start + 3.0)]
        assert DialFailed(peer.spec, Reason.UNREACHABLE) in heard(node)
    pair.simulation.network.heal()
    pair.simulation.run(12.0)
    assert pair.alpha.links
    assert pair.beta.links


def test_a_later_cut_between_others_does_not_lengthen_the_grace() -> None:
    pair = Pair()
    pair.simulation.network.cut("alpha", "beta")
    start = pair.simulation.timeline.seconds
    pair.simulation.run(2.0)
    pair.simulation.network.cut("gamma", "delta")
    pair.simulation.run(5.0)
    assert moments(pair.alpha, LinkDown) == [pytest.approx(start + 3.0)]


def test_a_cut_concerns_only_the_two_and_adds_to_other_cuts() -> None:
    pair = Pair()
    gamma = pair.simulation.start("gamma")
    pair.simulation.network.cut("alpha", "gamma")
    pair.simulation.network.cut("beta", "gamma")
    assert both_ways(pair) == ([1], [2])
    say(pair, pair.beta, gamma, 3)
    say(pair, gamma, pair.alpha, 4)
    pair.simulation.run(2.0)
    assert pair.numbers_of(gamma) == []
    assert 4 not in pair.numbers_of(pair.alpha)
    assert DialFailed(gamma.spec, Reason.UNREACHABLE) in heard(pair.beta)


def test_a_slow_node_handles_messages_and_timers_late_and_others_do_not() -> None:
    pair = Pair(STEADY)
    pair.simulation.network.slow(pair.beta, 500)
    start = pair.simulation.timeline.seconds
    say(pair, pair.alpha, pair.beta, 1)
    say(pair, pair.beta, pair.alpha, 2)
    pair.do(pair.beta, StartTimer(0.2, "late"))
    pair.simulation.run(1.0)
    assert moments(pair.beta, Received) == [pytest.approx(start + 0.51)]
    assert moments(pair.alpha, Received) == [pytest.approx(start + 0.01)]
    late = [now for now, event in talker(pair.beta).heard if event == TimerFired("late")]
    assert late == [pytest.approx(start + 0.7)]


def test_a_node_that_is_no_longer_slow_keeps_the_order() -> None:
    pair = Pair(STEADY)
    pair.simulation.network.slow(pair.beta, 500)
    say(pair, pair.alpha, pair.beta, 1)
    pair.simulation.network.slow(pair.beta, 0)
    say(pair, pair.alpha, pair.beta, 2)
    pair.simulation.run(0.4)
    assert pair.numbers_of(pair.beta) == []
    pair.simulation.run(0.6)
    assert pair.numbers_of(pair.beta) == [1, 2]


def test_a_slow_node_answers_dials_late() -> None:
    pair = Pair(STEADY)
    gamma = pair.simulation.start("gamma")
    pair.simulation.network.slow(gamma, 200)
    talker(pair.beta).wanted = {"gamma": gamma.spec}
    start = pair.simulation.timeline.seconds
    pair.do(pair.beta)
    pair.simulation.run(1.0)
    assert moments(pair.beta, LinkUp) == [pytest.approx(start + 0.23)]


def test_a_silent_crash_is_noticed_by_who_sends_and_then_at_once() -> None:
    pair = Pair(STEADY, times=SILENT)
    pair.simulation.crash(pair.beta)
    pair.simulation.run(60.0)
    assert moments(pair.alpha, LinkDown) == []
    start = pair.simulation.timeline.seconds
    say(pair, pair.alpha, pair.beta, 1)
    pair.simulation.run(1.0)
    assert moments(pair.alpha, LinkDown) == [pytest.approx(start + 0.02)]
    assert LinkDown(pair.beta.spec, Reason.GONE) in heard(pair.alpha)
    assert pair.alpha.links == {}


def test_a_silent_crash_is_never_noticed_when_no_reset_comes_back() -> None:
    pair = Pair(STEADY, times=SILENT)
    pair.simulation.network.cut("beta", "alpha")
    pair.simulation.crash(pair.beta)
    say(pair, pair.alpha, pair.beta, 1)
    pair.simulation.run(1.0)
    assert moments(pair.alpha, LinkDown) == []


def test_the_dead_hear_nothing_of_dials_that_fail_after_their_death() -> None:
    pair = Pair(STEADY)
    gamma = pair.simulation.start("gamma")
    pair.simulation.crash(gamma)
    say(pair, pair.beta, gamma, 1)
    before = list(heard(pair.beta))
    pair.simulation.crash(pair.beta)
    pair.simulation.run(5.0)
    assert heard(pair.beta) == before


def test_the_dead_can_be_forgotten_and_are_replaced_by_lives_of_their_own() -> None:
    pair = Pair()
    pair.simulation.crash(pair.beta)
    pair.simulation.forget_the_dead()
    assert pair.simulation.nodes == [pair.alpha]
    newer = pair.simulation.start("beta")
    assert newer.spec.life > pair.beta.spec.life
    assert newer.spec.addresses != pair.beta.spec.addresses
    pair.simulation.run(10.0)
    assert pair.simulation.living == [pair.alpha, newer]


def test_lives_have_valid_addresses_of_their_own_however_many_there_are() -> None:
    numbers = [*range(49_990, 50_010), 99_999, 100_000, 12_499_999, 12_500_000]
    addresses = [own_address(number) for number in numbers]
    assert len(set(addresses)) == len(numbers)
    assert [Address.parse(str(address)) for address in addresses] == addresses
