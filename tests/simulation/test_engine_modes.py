"""What the simulator may leave out changes nothing of what happens; what is made of a seed is the same everywhere."""

import os
import subprocess
import sys
from random import Random

import pytest
from msgspec import Struct

from partisan_core.effects import Send
from partisan_core.events import Received
from partisan_core.identity import NodeSpec
from partisan_hyparview import HyParView, HyParViewConfig
from partisan_testkit.flooding import flood
from partisan_testkit.simulator import Faults, LinkTimes, Simulation
from partisan_testkit.simulator.checkpoints import Checkpoint, checkpoint
from partisan_testkit.simulator.conditions import CALM
from partisan_testkit.simulator.timeline import Timeline
from partisan_testkit.simulator.transit import Transit
from tests.simulation.talkers import Pair, Talker, Word, heard

ALL_FAULTS = Faults(loss=0.05, duplication=0.1, reordering=0.2, dial_failures=0.1)


def make(me: NodeSpec, rng: Random) -> HyParView:
    return HyParView(me, HyParViewConfig(shuffle_interval=2.0), rng)


def formed(*, wire: bool = True, recording: bool = True) -> tuple[int, Checkpoint]:
    simulation = Simulation(make, 5, faults=Faults(loss=0.02), wire=wire, recording=recording)
    for number in range(15):
        node = simulation.start(f"node-{number}")
        if number:
            simulation.join(node, lambda: simulation.nodes[0])
        simulation.run(0.1)
    simulation.run(10.0)
    return simulation.timeline.events, checkpoint(simulation, "formed")


def test_without_wire_and_log_the_same_happens() -> None:
    assert formed(wire=False, recording=False) == formed(wire=False) == formed(recording=False) == formed()


@pytest.mark.parametrize("wire", [True, False])
def test_without_the_wire_messages_are_handed_over_and_not_counted(*, wire: bool) -> None:
    pair, word = Pair(wire=wire), Word(1)
    pair.do(pair.alpha, Send(pair.beta.spec, word))
    pair.simulation.run(1.0)
    got: list[Struct] = [event.message for event in heard(pair.beta) if isinstance(event, Received)]
    assert got == [word]
    assert (got[0] is word) is not wire
    assert (pair.alpha.sent_bytes > 0) is (pair.beta.received_bytes > 0) is wire


def test_the_log_without_the_wire_shows_the_messages() -> None:
    pair = Pair(wire=False)
    pair.do(pair.alpha, Send(pair.beta.spec, Word(7)))
    pair.simulation.run(1.0)
    assert pair.simulation.timeline.last_lines()[-1].endswith("message alpha beta Word(number=7)")


def test_a_run_without_a_log_has_no_hash_that_could_be_compared() -> None:
    timeline = Pair(recording=False).simulation.timeline
    assert timeline.last_lines() == []
    with pytest.raises(RuntimeError, match="recording=False"):
        _ = timeline.log_hash


def test_with_a_quantum_everything_happens_at_its_multiples() -> None:
    pair = Pair(quantum=10)
    moments = []
    for number in range(50):
        pair.do(pair.alpha, Send(pair.beta.spec, Word(number)))
        pair.simulation.run(0.003)
    pair.simulation.run(1.0)
    assert isinstance(pair.beta.strategy, Talker)
    moments = [now for now, event in pair.beta.strategy.heard if isinstance(event, Received)]
    assert pair.numbers_of(pair.beta) == list(range(50))
    assert all(round(now * 1000) % 10 == 0 for now in moments)
    assert len(set(moments)) < 20


def test_actions_run_in_the_order_of_time_then_of_planning_and_the_late_ones_of_a_moment_last() -> None:
    timeline, order = Timeline(), list[str]()
    timeline.after(5, lambda: order.append("second"))
    timeline.after(3, lambda: timeline.after(2, lambda: order.append("fourth")))
    timeline.after(5, lambda: timeline.after(0, lambda: order.append("last")))
    timeline.after(5, lambda: order.append("third"))
    timeline.after(1, lambda: order.append("first"))
    timeline.after(6, lambda: order.append("later"))
    timeline.run(0.005)
    assert order == ["first", "second", "third", "fourth", "last"]
    assert (timeline.now, timeline.events) == (5, 7)


def test_after_an_action_that_raises_the_rest_still_happens_once() -> None:
    timeline, order = Timeline(), list[str]()
    timeline.after(1, lambda: order.append("before"))
    timeline.after(1, lambda: 1 // 0)
    timeline.after(1, lambda: order.append("after"))
    with pytest.raises(ZeroDivisionError):
        timeline.run(1.0)
    timeline.run(1.0)
    assert order == ["before", "after"]


def test_arrivals_that_are_over_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partisan_testkit.simulator.transit._KEPT_ARRIVALS", 10)
    simulation = Simulation(Talker, 1)
    nodes = [simulation.start(f"node-{number}") for number in range(40)]
    transit = Transit(simulation.timeline, Random(1), CALM, None)
    for source in nodes:
        for target in nodes:
            transit.message(source, target)
        simulation.run(1.0)
    assert transit.on_the_way <= 2 * len(nodes)


def run_with_every_fault() -> str:
    """A run that touches every fault; its log."""
    times = LinkTimes(silent_crashes=True, redial_limit=1000)
    simulation = Simulation(make, 9, faults=ALL_FAULTS, times=times, latency=lambda one, other: 5 + len(one.links))
    nodes = [simulation.start(f"node-{number}") for number in range(12)]
    for node in nodes[1:]:
        simulation.join(node, lambda: nodes[0])
    simulation.run(5.0)
    simulation.network.slow(nodes[3], 150)
    simulation.network.partition({node.name: number % 2 for number, node in enumerate(nodes)}, one_way=True)
    simulation.network.cut("node-1", "node-3")
    snapshot = simulation.crash(nodes[5])
    flood(simulation, nodes[0])
    simulation.run(5.0)
    simulation.network.heal()
    simulation.start("node-5", snapshot=snapshot)
    simulation.run(10.0)
    flood(simulation, nodes[1])
    simulation.run(1.0)
    return simulation.timeline.log_hash


def test_a_run_with_every_fault_does_not_depend_on_the_hash_seed() -> None:
    command = [sys.executable, "-c", f"from {__name__} import run_with_every_fault as run; print(run())"]
    runs = [
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True)
        for seed in ("1", "2")
    ]
    assert {run.stdout.strip() for run in runs} == {run_with_every_fault()}
