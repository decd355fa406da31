"""A strategy that says what a test lets it say and writes down what it hears, and two nodes that run it."""

from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import ClassVar

from msgspec import Struct

from partisan_core.effects import Effect, Send
from partisan_core.events import Event, Join, Received, TimerFired
from partisan_core.identity import NodeSpec
from partisan_testkit.simulator import CALM, Faults, LinkTimes, SimulatedNode, Simulation
from partisan_testkit.simulator.transit import Latency

MESSAGES = 1000


class Word(Struct, frozen=True, array_like=True, tag="w"):
    number: int


class Talker:
    """Wants a link to its contact, and writes down whatever happens."""

    messages: ClassVar[Sequence[type[Struct]]] = (Word,)
    capabilities: ClassVar[Collection[str]] = frozenset()

    def __init__(self, me: NodeSpec, rng: Random) -> None:
        self.heard: list[tuple[float, Event]] = []
        self.wanted: dict[str, NodeSpec] = {}
        self.answer: list[Effect] = []

    def handle(self, event: Event, now: float) -> list[Effect]:
        self.heard.append((now, event))
        if isinstance(event, Join):
            self.wanted = {event.contact.name: event.contact}
        answer, self.answer = self.answer, []
        return answer

    def members(self) -> Mapping[str, NodeSpec]:
        return {}

    def links(self) -> Mapping[str, NodeSpec]:
        return self.wanted

    def next_hop(self, name: str) -> str | None:
        return None

    def snapshot(self) -> bytes:
        return b""

    def restore(self, data: bytes) -> None:
        """Nothing is remembered."""


class Pair:
    """Alpha, which wants a link to beta, and beta, which wants none."""

    def __init__(
        self,
        faults: Faults = CALM,
        seed: int = 1,
        *,
        times: LinkTimes | None = None,
        latency: Latency | None = None,
        wire: bool = True,
        recording: bool = True,
        quantum: int = 1,
    ) -> None:
        self.simulation = Simulation(
            Talker,
            seed,
            faults=faults,
            times=times,
            latency=latency,
            wire=wire,
            recording=recording,
            quantum=quantum,
        )
        self.alpha, self.beta = self.simulation.start("alpha"), self.simulation.start("beta")
        self.simulation.join(self.alpha, lambda: self.beta)
        self.simulation.run(1.0)

    def do(self, node: SimulatedNode, *effects: Effect) -> None:
        talker(node).answer = list(effects)
        self.simulation.feed(node, TimerFired("now"))

    def numbers_of(self, node: SimulatedNode) -> list[int]:
        words = [event.message for event in heard(node) if isinstance(event, Received)]
        return [word.number for word in words if isinstance(word, Word)]

    def exchange(self) -> list[int]:
        for number in range(MESSAGES):
            self.do(self.alpha, Send(self.beta.spec, Word(number)))
            self.simulation.run(0.001)
        self.simulation.run(1.0)
        return self.numbers_of(self.beta)


def talker(node: SimulatedNode) -> Talker:
    assert isinstance(node.strategy, Talker)
    return node.strategy


def heard(node: SimulatedNode) -> list[Event]:
    return [event for _, event in talker(node).heard]
