"""The star on the simulated network: joining, failing over, leaving, eviction, restarts."""

from random import Random

from partisan_clientserver import Client, ClientServerConfig, Server
from partisan_clientserver.plugin import make_member
from partisan_core.effects import Retire
from partisan_core.events import Reason
from partisan_core.host import Outcome
from partisan_core.identity import NodeSpec
from partisan_testkit.simulator import Faults, SimulatedNode, Simulation


class Star:
    """Servers s0, s1, … and clients c0, c1, … on a simulated network, joined through s0."""

    def __init__(self, servers: int, clients: int, seed: int = 1) -> None:
        self.retired: list[tuple[str, Reason]] = []
        self.simulation = Simulation(self._make, seed, observers=[self])
        self.servers = [self.start(f"s{number}") for number in range(servers)]
        self.clients = [self.start(f"c{number}") for number in range(clients)]
        for node in (*self.servers[1:], *self.clients):
            self.simulation.join(node, lambda: self.servers[0])
        self.settle()

    @staticmethod
    def _make(me: NodeSpec, rng: Random) -> Server | Client:
        return make_member(me, ClientServerConfig(servers=2), rng)

    def on_outcome(self, node: SimulatedNode, outcome: Outcome) -> None:
        if isinstance(outcome, Retire):
            self.retired.append((node.name, outcome.reason))

    def on_delivery(self, source: SimulatedNode, target: SimulatedNode) -> None:
        """Deliveries are not written down."""

    def start(self, name: str, snapshot: bytes = b"") -> SimulatedNode:
        labels = {"role": "server" if name.startswith("s") else "client"}
        return self.simulation.start(name, snapshot=snapshot, labels=labels)

    def settle(self, limit: float = 20.0) -> None:
        self.simulation.run_until(self.is_settled, limit)

    def is_settled(self) -> bool:
        """Every view is right, every client has its servers, and both ends of each link want it."""
        living = {node.name: node for node in self.simulation.living}
        servers = {name for name in living if name.startswith("s")}
        for name, node in living.items():
            linked = set(node.host.neighbours)
            view = {known for known in node.view if known in living}
            if name in servers:
                holding = {one for one in living.keys() - servers if name in living[one].host.neighbours}
                right = linked == (servers - {name}) | holding and view == living.keys()
            else:
                right = linked <= servers and len(linked) == min(2, len(servers)) and view == servers | {name}
            if not right:
                return False
        return True

    def knowing(self, name: str) -> set[str]:
        return {node.name for node in self.simulation.living if name in node.view}


def test_servers_know_everybody_and_clients_know_the_servers() -> None:
    star = Star(3, 6)
    assert all(len(server.view) == 9 for server in star.servers)
    assert all(set(client.view) == {"s0", "s1", "s2", client.name} for client in star.clients)


def test_a_star_forms_when_a_third_of_all_messages_is_lost() -> None:
    star = Star(3, 0)
    star.simulation.network.faults = Faults(loss=0.3)
    for number in range(5):
        star.simulation.join(star.start(f"c{number}"), lambda: star.servers[1])
    star.settle()


def test_clients_move_to_the_servers_that_live() -> None:
    star = Star(4, 8)
    star.simulation.crash(star.servers[0])
    star.simulation.crash(star.servers[2])
    star.settle()
    assert all(set(client.host.neighbours) == {"s1", "s3"} for client in star.clients)
    assert "s0" in star.clients[0].view, "a crash ends no membership"


def test_clients_of_a_star_without_servers_find_the_first_that_comes_back() -> None:
    star = Star(3, 3)
    for server in star.servers:
        star.simulation.crash(server)
    star.simulation.run(30.0)
    star.simulation.start("s1", star.servers[1].spec.addresses[0], labels={"role": "server"})
    star.simulation.run_until(lambda: all("s1" in one.host.neighbours for one in star.clients), 60.0)


def test_who_joins_through_a_client_ends_up_at_the_servers() -> None:
    star = Star(2, 1)
    for name in ("c9", "s9"):
        star.simulation.join(star.start(name), lambda: star.clients[0])
    star.settle()


def test_all_forget_a_client_and_a_server_that_leave() -> None:
    star = Star(3, 4)
    star.simulation.leave(star.clients[0])
    star.simulation.leave(star.servers[0])
    star.settle()
    star.simulation.run(20.0)
    assert star.knowing("c0") | star.knowing("s0") == set()
    assert star.retired == []


def test_an_evicted_client_and_an_evicted_server_are_told_and_forgotten() -> None:
    star = Star(3, 4)
    star.simulation.evict(star.servers[1], star.clients[2].spec)
    star.simulation.evict(star.servers[1], star.servers[2].spec)
    star.settle()
    assert sorted(star.retired) == [("c2", Reason.EVICTED), ("s2", Reason.EVICTED)]
    assert star.knowing("c2") | star.knowing("s2") == set()


def test_a_client_that_was_evicted_while_cut_off_is_told_when_it_is_back() -> None:
    star = Star(3, 2)
    star.simulation.network.partition({"c0": 1})
    star.simulation.evict(star.servers[0], star.clients[0].spec)
    star.simulation.run(20.0)
    star.simulation.network.heal()
    star.simulation.run_until(lambda: not star.clients[0].alive, 60.0)
    assert star.retired == [("c0", Reason.EVICTED)]


def test_a_server_that_never_heard_that_a_client_evicted_it_is_told_when_that_client_joins_it() -> None:
    star = Star(1, 1)
    star.simulation.network.faults = Faults(loss=1.0)
    star.simulation.evict(star.clients[0], star.servers[0].spec)
    star.simulation.run(2.0)
    star.simulation.network.faults = Faults()
    star.simulation.join(star.clients[0], lambda: star.servers[0])
    star.simulation.run_until(lambda: not star.servers[0].alive, 5.0)
    assert star.retired == [("s0", Reason.EVICTED)]


def test_a_newer_life_of_a_server_and_of_a_client_replaces_the_older() -> None:
    star = Star(3, 3)
    for old in (star.servers[1], star.clients[1]):
        star.simulation.crash(old)
        new = star.start(old.name)
        star.simulation.join(new, lambda: star.servers[0])
        star.settle()
        assert star.servers[0].view[old.name] == new.spec


def test_of_two_clients_of_one_name_the_newer_one_wins() -> None:
    star = Star(2, 2)
    twin = star.start("c0")
    star.simulation.join(twin, lambda: star.servers[1])
    star.simulation.run_until(lambda: not star.clients[0].alive, 20.0)
    star.settle()
    assert star.retired == [("c0", Reason.NAME_IN_USE)]


def test_a_client_that_remembers_needs_no_contact_after_a_restart() -> None:
    star = Star(3, 2)
    snapshot = star.simulation.crash(star.clients[0])
    star.start("c0", snapshot)
    star.settle()


def test_a_client_that_left_remembers_nothing_and_a_broken_memory_is_ignored() -> None:
    star = Star(2, 1)
    star.simulation.leave(star.clients[0])
    assert star.clients[0].strategy.snapshot() == b""
    assert set(star.start("c5", b"\xc1 no snapshot").view) == {"c5"}
