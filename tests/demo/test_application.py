"""The application on a network of a few lines: any graph, order, loss and repetition; nodes die and come back."""

from dataclasses import dataclass, field
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from partisan_cli.demo.application import Application
from partisan_cli.demo.messages import Message
from partisan_cli.demo.placement import Placement

FILES = [b"file %d" % number for number in range(40)]


@dataclass
class Network:
    """Nodes by name, links as pairs, messages on the way."""

    rng: Random
    loss: float
    nodes: dict[str, Application] = field(default_factory=dict)
    links: set[frozenset[str]] = field(default_factory=set)
    wire: list[tuple[str, Message]] = field(default_factory=list)
    counted: int = 0

    def start(self, name: str, incarnation: int) -> None:
        self.nodes[name] = Application(name, incarnation, Placement(FILES))
        self.show_links()

    def kill(self, name: str) -> None:
        del self.nodes[name]
        self.show_links()

    def show_links(self) -> None:
        for name, node in self.nodes.items():
            beside = {other for link in self.links if name in link for other in link - {name}}
            node.set_neighbours(
                {other: self.nodes[other].roster.own.incarnation for other in sorted(beside & set(self.nodes))}
            )

    def step(self) -> None:
        """Everybody sends, counts at most one file, and hears some of what is on the way, in any order."""
        for node in self.nodes.values():
            self.wire += node.drain()
            node.tick()
            file = node.next_file()
            if file is not None and self.rng.random() < 0.5:
                node.counted(file, b"words of " + FILES[file])
                self.counted += 1
        self.rng.shuffle(self.wire)
        staying = len(self.wire) // 4
        arriving, self.wire = self.wire[staying:], self.wire[:staying]
        for name, message in arriving:
            copies = self.rng.choice((1, 1, 1, 2)) if self.rng.random() >= self.loss else 0
            for _ in range(copies if name in self.nodes else 0):
                self.nodes[name].receive(over_the_wire(message))

    def settle(self) -> int:
        """Steps until everybody has everything; nothing is lost any more."""
        self.loss = 0.0
        for steps in range(300):
            if all(node.results.is_complete for node in self.nodes.values()) and len(self.rosters()) == 1:
                return steps
            self.step()
        raise AssertionError("not settled")

    def rosters(self) -> set[tuple[tuple[str, int], ...]]:
        return {tuple(node.roster.living.items()) for node in self.nodes.values()}


def over_the_wire(message: Message) -> Message:
    """As a serializer of plain data brings it."""
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(message))
    converted: Message = msgspec.convert(plain, Message)
    return converted


def make_network(size: int, chords: int, loss: float, seed: int) -> Network:
    """A ring, with some chords."""
    names = [f"n{number}" for number in range(size)]
    rng = Random(seed)
    ring = {frozenset((names[index - 1], names[index])) for index in range(size)}
    network = Network(rng, loss, links=ring | {frozenset(rng.sample(names, 2)) for _ in range(chords)})
    for name in names:
        network.start(name, 1)
    return network


@settings(max_examples=50, deadline=None)
@given(st.integers(3, 7), st.integers(0, 10), st.floats(0, 0.6), st.integers(0, 2**32))
def test_any_order_loss_and_repetition_ends_in_the_same_once_everybody_has_talked(
    size: int, chords: int, loss: float, seed: int
) -> None:
    network = make_network(size, chords, loss, seed)
    for _ in range(network.rng.randrange(60)):
        network.step()
    network.settle()
    assert network.rosters() == {tuple((name, 1) for name in sorted(network.nodes))}
    assert len({tuple(node.results.fingerprints()) for node in network.nodes.values()}) == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(4, 7), st.integers(0, 10), st.floats(0, 0.4), st.integers(0, 2**32))
def test_nodes_that_die_at_work_and_come_back_as_new_lives_lose_nothing(
    size: int, chords: int, loss: float, seed: int
) -> None:
    network = make_network(size, chords, loss, seed)
    victims = network.rng.sample(sorted(network.nodes), network.rng.randint(1, size - 1))
    for victim in victims:
        for _ in range(network.rng.randrange(8)):
            network.step()
        network.kill(victim)
    for victim in victims:
        for _ in range(network.rng.randrange(8)):
            network.step()
        network.start(victim, 2)
    network.settle()
    expected = {name: 2 if name in victims else 1 for name in sorted(network.nodes)}
    assert network.rosters() == {tuple(expected.items())}
    assert len({tuple(node.results.fingerprints()) for node in network.nodes.values()}) == 1


def test_on_a_full_mesh_a_result_travels_once_to_each_node() -> None:
    network = make_network(5, 0, 0.0, seed=1)
    network.links = {frozenset((one, two)) for one in network.nodes for two in network.nodes if one != two}
    network.show_links()
    talk_until_silent(network)
    network.nodes["n0"].counted(0, b"words")
    assert talk_until_silent(network) == 4
    assert all(0 in node.results for node in network.nodes.values())


def test_news_of_a_death_reaches_everybody_without_a_tick() -> None:
    network = make_network(6, 0, 0.0, seed=1)
    talk_until_silent(network)
    network.kill("n3")
    talk_until_silent(network)
    assert all("n3" not in node.roster.living for node in network.nodes.values())


def test_a_stranger_that_asks_for_what_nobody_has_gets_nothing() -> None:
    node = Application("alpha", 1, Placement(FILES))
    node.receive(over_the_wire(msgspec.convert(["want", "eve", [0, 10**6]], Message)))
    assert node.drain() == []


def talk_until_silent(network: Network) -> int:
    """Deliver everything in order, without ticks; returns the number of messages."""
    sent = 0
    while True:
        batch = [letter for node in network.nodes.values() for letter in node.drain()]
        if not batch:
            return sent
        sent += len(batch)
        for name, message in batch:
            network.nodes[name].receive(message)
