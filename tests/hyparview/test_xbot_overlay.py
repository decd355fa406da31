"""X-BOT on the simulated network: cheaper links, whole overlays, and faults at any step of an exchange."""

from functools import cache

import pytest

from partisan_core.events import Received
from partisan_hyparview import HyParViewConfig, XbotConfig
from partisan_hyparview.messages import DisconnectWait, ExchangeReply, Optimization, Replace, Switch
from partisan_testkit.simulator import CALM, Faults, SimulatedNode, seeded
from partisan_testkit.simulator.graph import Graph
from tests.hyparview import xbot_claims
from tests.hyparview.xbot_overlays import OptimisedCluster, Square


def test_links_get_cheaper_and_every_exchange_leaves_all_four_as_many_neighbours() -> None:
    plain, biased = (xbot_claims.run(80, 1, xbot, cycles=20) for xbot in (None, XbotConfig()))
    assert plain.exchanges == 0
    assert biased.exchanges >= 50
    assert {*biased.steps} == {"i", "c", "d", "o"}
    assert biased.unequal == 0
    assert biased.cost <= 0.65 * biased.start_cost
    assert plain.cost >= 0.9 * plain.start_cost
    assert (biased.components, biased.asymmetric) == (1, 0)
    assert biased.path <= 1.3 * plain.path
    assert biased.hops <= 1.5 * plain.hops


def test_most_links_stay_within_a_zone_and_the_unbiased_ones_hold_the_zones_together() -> None:
    config = HyParViewConfig(xbot=XbotConfig(cost="label:zone", period=2.0))
    cluster = OptimisedCluster(60, config, labels=lambda number: {"zone": "abc"[number % 3]})
    zones = {node.name: ord(node.spec.labels["zone"]) for node in cluster.living}
    cluster.simulation.run(60.0)
    graph = Graph.of(cluster.living)
    assert graph.cross_share(zones) <= 0.3
    assert len(graph.component_sizes()) == 1


def test_measured_round_trips_draw_the_nodes_of_a_site_together() -> None:
    """The simulator dials anew for each message to a stranger, so that a stranger seems four times as far."""
    sites = {f"node-{number}": number % 3 for number in range(45)}

    def latency(one: SimulatedNode, other: SimulatedNode) -> int:
        return 1 if sites[one.name] == sites[other.name] else 30

    cluster = OptimisedCluster(45, HyParViewConfig(xbot=XbotConfig(period=2.0)), latency=latency)
    assert Graph.of(cluster.living).cross_share(sites) >= 0.5
    cluster.simulation.run(80.0)
    graph = Graph.of(cluster.living)
    assert graph.cross_share(sites) <= 0.3
    assert len(graph.component_sizes()) == 1


class Meddled:
    """A small overlay whose first whole exchange is disturbed at one of its messages."""

    FOUR = ("i", "c", "d", "o")
    MESSAGES = 7
    """Three requests, three replies, and the word of the old neighbour to the initiator."""

    def __init__(self, number: int = 0, at: int = 0, fault: str = "") -> None:
        config = HyParViewConfig(active_max=3, neighbour_timeout=1.0, xbot=XbotConfig(period=1.0))
        self.square = Square(1)
        self.square.is_open = False
        self.cluster = OptimisedCluster(12, config, self.square.cost)
        self.cluster.simulation.run(20.0)
        self.square.is_open = True
        self.roles: dict[int, dict[str, str]] = {}
        self.seen: dict[int, int] = {}
        self._number, self._at, self._fault = number, at, fault
        self.cluster.exchanges.meddle = self._meddle

    def _meddle(self, name: str, event: Received) -> bool:
        peer, message = event.peer.name, event.message
        assert isinstance(message, Optimization | Replace | Switch | ExchangeReply | DisconnectWait)
        roles = self.roles.setdefault(message.number, {})
        self.seen[message.number] = self.seen.get(message.number, 0) + 1
        match message:
            case Optimization(_, old):
                roles |= {"i": peer, "c": name, "o": old.name}
            case Replace():
                roles |= {"d": name}
        if message.number == self._number and self.seen[message.number] == self._at:
            return self._disturb(name)
        return False

    def _disturb(self, receiver: str) -> bool:
        if self._fault == "omitted":
            return True
        victim = _whole_exchange()[1][self._fault]
        self.cluster.simulation.crash(next(node for node in self.cluster.living if node.name == victim))
        return victim == receiver

    def run(self) -> "Meddled":
        """Until the exchange is over, whatever becomes of it; then no other begins."""
        simulation = self.cluster.simulation
        simulation.run_until(lambda: self.seen.get(self._number, 0) >= self._at, limit=30.0)
        self.square.is_open = False
        simulation.run(60.0)
        return self


@cache
def _whole_exchange() -> tuple[int, dict[str, str]]:
    """The first exchange that is completed by four nodes when nothing disturbs it, and who they are."""
    calm = Meddled()
    found: list[int] = []

    def is_found() -> bool:
        found[:] = [number for number, seen in calm.seen.items() if seen == Meddled.MESSAGES]
        return bool(found)

    calm.cluster.simulation.run_until(is_found, limit=30.0)
    return found[0], calm.roles[found[0]]


@pytest.mark.parametrize("at", range(1, Meddled.MESSAGES + 1))
@pytest.mark.parametrize("fault", ["omitted", *Meddled.FOUR])
def test_the_loss_of_any_message_and_the_crash_of_any_of_the_four_at_any_step_are_mended(fault: str, at: int) -> None:
    number, roles = _whole_exchange()
    assert set(roles) == {*Meddled.FOUR}
    cluster = Meddled(number, at, fault).run().cluster
    assert len(cluster.living) == 12 - (fault != "omitted")

    def is_mended() -> bool:
        graph = Graph.of(cluster.living)
        is_full = sum(graph.degrees()) >= 3 * len(graph) - 2
        return is_full and graph.asymmetric() == 0 and cluster.busy() == [] and len(graph.component_sizes()) == 1

    cluster.simulation.run_until(is_mended, limit=30.0)


class Trouble:
    """Eight to sixteen nodes of which some crash and start again at any moment, on a network that loses messages."""

    def __init__(self, seed: int) -> None:
        self.rng = seeded(seed, "trouble")
        rng = self.rng
        self.square = Square(seed)
        self.config = HyParViewConfig(
            active_max=rng.randint(2, 4),
            passive_max=8,
            neighbour_timeout=rng.choice((0.3, 1.0, 3.0)),
            xbot=XbotConfig(period=rng.choice((0.2, 0.5, 1.0))),
        )
        faults = Faults(
            loss=rng.choice((0.0, 0.02, 0.1)),
            duplication=rng.choice((0.0, 0.05)),
            reordering=rng.choice((0.0, 0.05, 0.2)),
        )
        self.cluster = OptimisedCluster(rng.randint(8, 16), self.config, self.square.cost, seed=seed, faults=faults)

    def happen(self) -> None:
        names = sorted({node.name for node in self.cluster.simulation.nodes})
        for _ in range(25):
            self.cluster.simulation.run(self.rng.uniform(0.1, 1.5))
            name = self.rng.choice(names)
            living = {node.name: node for node in self.cluster.living}
            if name not in living:
                self.cluster.begin(name)
            elif len(living) > 4:
                self.cluster.simulation.crash(living[name])

    def end(self) -> None:
        """A calm network, and then no cost that is known, so that no exchange begins."""
        self.cluster.simulation.network.faults = CALM
        self.cluster.simulation.run(10.0)
        self.square.is_open = False
        self.cluster.simulation.run(60.0)


@pytest.mark.parametrize("seed", range(1, 16))
def test_crashes_and_losses_at_any_step_leave_no_one_sided_link_and_nobody_waiting(seed: int) -> None:
    trouble = Trouble(seed)
    trouble.happen()
    trouble.end()
    cluster = trouble.cluster
    assert Graph.of(cluster.living).asymmetric() == 0
    assert cluster.busy() == []
    assert max(Graph.of(cluster.living).degrees()) <= trouble.config.active_max
