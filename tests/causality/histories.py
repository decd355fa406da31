"""Random histories: nodes that talk under one label over a network which loses nothing for ever, and all else.

Whatever is on its way is in one pool, out of which anything may come next: a message that is lost and sent again is one
that comes late. Nodes die and come back as other lives, links end with what is on them, waits are abandoned too soon.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import permutations
from random import Random
from typing import NamedTuple

from partisan_causal import CausalityError, CausalOrder, Delivery, Life, Overtaken, TooMuch, read_stamp, write_stamp
from partisan_testkit.happens_before import Delivered, Event, Sent, violations

LABEL = "history"
ROUNDS = 50
"""Of probes until all is quiet; four are enough as a rule."""

Make = Callable[[Life], CausalOrder[int]]


class Flight(NamedTuple):
    """Something on its way."""

    origin: Life
    destination: Life
    what: str
    """message, confirm, refuse, or death: of the origin."""
    number: int = 0
    stamp: bytes = b""
    message: int | None = None


class Rates(NamedTuple):
    """How probable each event is at a step."""

    send: float
    double: float
    crash: float
    breakage: float
    abandon: float
    withdraw: float
    """Of the messages: they are stamped, and then not sent."""


@dataclass
class Outcome:
    """What was found, and how much happened."""

    seed: int
    log: list[Event] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    most_triples: int = 0
    most_held: int = 0
    probes: int = 0
    refused: int = 0
    too_much: int = 0

    def __str__(self) -> str:
        return "\n".join([f"seed {self.seed}:", *self.faults, "log:", *map(str, self.log)])


class History:
    """One run."""

    def __init__(self, seed: int, make: Make = CausalOrder) -> None:
        self.rng = Random(seed)
        self.outcome = Outcome(seed)
        self._make = make
        self._nodes = {Life(name, 1): make(Life(name, 1)) for name in "abcdefgh"[: self.rng.randint(3, 8)]}
        self._dead: list[Life] = []
        self._pool: list[Flight] = []
        self._sent: dict[tuple[Life, Life], dict[int, int]] = {}
        """By origin and destination, the messages not confirmed, by number."""
        pairs = list(permutations((life.name for life in self._nodes), 2))
        self._slow = set(self.rng.sample(pairs, len(pairs) // self.rng.randint(2, 6)))
        self._excused: set[int | None] = set()
        """Messages of which the sender was told that they may be lost."""

    def run(self, steps: int = 150) -> Outcome:
        """Do so many random things, then wait until all is quiet, and look."""
        calm, stormy = Rates(0.3, 0.05, 0.0, 0.0, 0.0, 0.0), Rates(0.3, 0.05, 0.01, 0.02, 0.02, 0.05)
        rates = self.rng.choice([calm, stormy, stormy._replace(crash=0.03), stormy._replace(crash=0.0, breakage=0.08)])
        for _ in range(steps):
            self._step(rates)
        self._settle_down()
        self.outcome.faults += violations(self.outcome.log) + self._missing() + self._left_over()
        return self.outcome

    def _step(self, rates: Rates) -> None:
        draw = self.rng.random
        if draw() < rates.crash:
            self._crash_and_return()
        if draw() < rates.breakage:
            self._break(*self.rng.sample(list(self._nodes), 2))
        if draw() < rates.abandon:
            self._abandon(self.rng.choice(list(self._nodes)))
        if draw() < rates.send or not self._pool:
            origin, destination = self.rng.sample(list(self._nodes), 2)
            if draw() < rates.withdraw:
                self._nodes[origin].withdraw(destination, self._nodes[origin].stamp(destination))
            else:
                self.send(origin, destination)
        else:
            flight = self._next()
            if draw() < rates.double:
                self._pool.append(flight)
            self.fly(flight)

    def _next(self) -> Flight:
        """Anything that is on its way, but rarely what is on a slow link."""
        places = self.rng.sample(range(len(self._pool)), min(4, len(self._pool)))
        return self._pool.pop(min(places, key=lambda place: self._is_slow(self._pool[place])))

    def _is_slow(self, flight: Flight) -> bool:
        return (flight.origin.name, flight.destination.name) in self._slow

    # -- what nodes do ------------------------------------------------------------------------------------------

    def send(self, origin: Life, destination: Life) -> int:
        """Send a message; returns which."""
        message = sum(isinstance(event, Sent) for event in self.outcome.log)
        stamp = self._nodes[origin].stamp(destination)
        self.outcome.most_triples = max(self.outcome.most_triples, len(stamp.before))
        self._sent.setdefault((origin, destination), {})[stamp.number] = message
        self.outcome.log.append(Sent(origin, message, destination))
        self._pool.append(Flight(origin, destination, "message", stamp.number, write_stamp(LABEL, stamp), message))
        return message

    def fly(self, flight: Flight) -> None:
        """Something comes to where it goes."""
        origin, destination, what, number, _, message = flight
        node = self._nodes.get(destination)
        if node is None:
            return
        if what == "message":
            self._arrive(flight, node)
        elif what == "death":
            self._deliver(destination, node.forget(origin))
        elif what == "confirm":
            self._sent.get((destination, origin), {}).pop(number, None)
            node.confirm(origin, number)
        else:
            unconfirmed = self._sent.get((destination, origin), {})
            self._excused.update(unconfirmed.pop(last) for last in list(unconfirmed) if last <= number)
            self._excused.add(message)
            node.give_up(origin, number)

    def _arrive(self, flight: Flight, node: CausalOrder[int]) -> None:
        origin, destination, _, number, stamp, message = flight
        try:
            deliveries = node.arrive(origin, read_stamp(stamp)[1], message)
        except (Overtaken, TooMuch) as error:
            self.outcome.refused += isinstance(error, Overtaken)
            self.outcome.too_much += isinstance(error, TooMuch)
            self._pool.append(Flight(destination, origin, "refuse", number, message=message))
            self._pool.append(Flight(destination, origin, "refuse", number, message=message))
        else:
            self._deliver(destination, deliveries)
        self.outcome.most_held = max(self.outcome.most_held, node.held)

    def _deliver(self, at: Life, deliveries: list[Delivery[int]]) -> None:
        for origin, number, message in deliveries:
            if message is not None:
                self.outcome.log.append(Delivered(at, message))
            self._pool.append(Flight(at, origin, "confirm", number))

    # -- what happens to them -----------------------------------------------------------------------------------

    def _crash_and_return(self) -> None:
        life = self.rng.choice(list(self._nodes))
        del self._nodes[life]
        self._dead.append(life)
        self._lose(lambda flight: flight.origin == life)
        self._pool += [Flight(life, other, "death") for other in self._nodes]
        newer = Life(life.name, life.incarnation + 1)
        self._nodes[newer] = self._make(newer)

    def _break(self, origin: Life, destination: Life) -> None:
        """The link ends: the sender is told that some of what is not confirmed may be lost; some of that is."""
        unconfirmed = self._sent.get((origin, destination))
        if unconfirmed:
            last = self.rng.choice(sorted(unconfirmed))
            self._lose(lambda flight: flight[:3] == (origin, destination, "message") and flight.number <= last)
            self._excused.update(unconfirmed.pop(number) for number in list(unconfirmed) if number <= last)
            self._nodes[origin].give_up(destination, last)

    def _abandon(self, life: Life) -> None:
        for origin in self._nodes[life].awaited:
            self._deliver(life, self._nodes[life].abandon(origin))

    def _lose(self, concerns: Callable[[Flight], bool]) -> None:
        self._pool = [flight for flight in self._pool if not concerns(flight) or self.rng.random() < 0.5]

    # -- the end ------------------------------------------------------------------------------------------------

    def _settle_down(self) -> None:
        """Without new messages, until nothing is on its way and nobody owes a probe."""
        for _ in range(ROUNDS):
            while self._pool:
                self.fly(self._pool.pop(self.rng.randrange(len(self._pool))))
            for life, node in self._nodes.items():
                self._look_after(life, node)
            if not self._pool:
                return
        self.outcome.faults.append(f"there is no end to the probes after {ROUNDS} rounds")

    def _look_after(self, life: Life, node: CausalOrder[int]) -> None:
        for destination in node.owed:
            if destination in self._nodes:
                self.outcome.probes += 1
                stamp = node.probe(destination)
                self._pool.append(Flight(life, destination, "message", stamp.number, write_stamp(LABEL, stamp)))
            else:
                self._deliver(life, node.forget(destination))
        for origin in node.awaited:
            if origin not in self._nodes:
                self._deliver(life, node.forget(origin))

    def _missing(self) -> list[str]:
        done = {event.message for event in self.outcome.log if isinstance(event, Delivered)} | self._excused
        return [
            f"message {event.message} of {event.at} never came to {event.to}"
            for event in self.outcome.log
            if isinstance(event, Sent)
            and event.message not in done
            and event.at in self._nodes
            and event.to in self._nodes
        ]

    def _left_over(self) -> list[str]:
        return [
            f"{life} still holds {node.held} messages and {node.unsettled} triples, and awaits {node.awaited}"
            for life, node in self._nodes.items()
            if node.held or node.unsettled or node.awaited
        ]


def first_fault(seeds: range, make: Make = CausalOrder) -> Outcome | None:
    """Run them until one fails; an error is a fault, too."""
    for seed in seeds:
        history = History(seed, make)
        try:
            outcome = history.run()
        except (CausalityError, AssertionError, KeyError) as error:
            outcome = history.outcome
            outcome.faults.append(f"{type(error).__name__}: {error}")
        if outcome.faults:
            return outcome
    return None
