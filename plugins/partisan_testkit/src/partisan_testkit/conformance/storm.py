"""A storm: one machine, and everything that a host and a network may bring it, in an order that a seed draws.

When it has left or retired, it is told a few more things, and a new life of it begins, with what the old one wanted to
be remembered, or without.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from msgspec import Struct

from partisan_core.effects import Effect, Retire, Send, StartTimer
from partisan_core.events import (
    DialFailed,
    Event,
    Evict,
    Join,
    Leave,
    LinkDown,
    LinkUp,
    Reason,
    Received,
    Reconcile,
    Reserve,
    Started,
    Suspected,
    TimerFired,
    Trusted,
)
from partisan_core.identity import NodeSpec
from partisan_core.strategy import MembershipStrategy
from partisan_testkit.conformance.forging import Forger
from partisan_testkit.conformance.subjects import NODES, OverlaySubject
from partisan_testkit.simulator import seeded

STEPS = 400
"""How much happens in a storm. Chosen: some tens of each kind of event, in a few hundredths of a second."""

_LIVES = 3
"""Lives of each node that a storm knows of."""
_DEAF = 10
"""Events after the end of a membership."""
_ECHOES = 50
"""Messages of the machine that are kept, to be sent back to it."""

_BLOWS = {
    "join": 4,
    "link_up": 16,
    "link_down": 6,
    "dial_failed": 6,
    "forged": 30,
    "echo": 10,
    "repeat": 6,
    "timer": 20,
    "opinion": 2,
    "operator": 4,
    "leave": 0.5,
}


@dataclass(slots=True)
class Shown:
    """What a machine shows at one moment: its objects, and a copy of what is in them."""

    members: Mapping[str, NodeSpec]
    links: Mapping[str, NodeSpec]
    members_copy: dict[str, NodeSpec] = field(init=False)
    links_copy: dict[str, NodeSpec] = field(init=False)

    def __post_init__(self) -> None:
        self.members_copy, self.links_copy = dict(self.members), dict(self.links)

    def still_holds(self, strategy: MembershipStrategy) -> bool:
        """Whether it still shows the same objects."""
        return strategy.members() is self.members and strategy.links() is self.links


@dataclass(slots=True)
class Step:
    """One event, and what became of it."""

    machine: "Machine"
    event: Event
    before: Shown
    after: Shown
    effects: list[Effect]
    is_member: bool
    """Neither left nor retired."""
    error: Exception | None = None


class Storm:
    """Yields the steps; ends with the one that the machine does not survive.

    Args:
        overlay: makes the machine.
        seed: decides everything.
        steps: how much happens.
        leaving: whether the node may be told to leave, too.
    """

    def __init__(self, overlay: OverlaySubject, seed: int, *, steps: int = STEPS, leaving: bool = True) -> None:
        self._overlay, self._seed, self._steps, self._leaving = overlay, seed, steps, leaving
        self._rng = seeded(seed, "storm")
        self._number = seed % 3  # so that each role of the first nodes gets its turn
        self._lives = 0
        self._now = 0.0
        usurped = seed % 2 == 1
        others = [number for number in range(NODES) if number != self._number]
        self._peers = [overlay.spec(number, life) for number in others for life in range(_LIVES)]
        self._usurpers = [overlay.spec(self._number, 1_000_000)] if usurped else []

    def __iter__(self) -> Iterator[Step]:
        snapshot = b""
        while self._steps > 0:
            machine = self._begin(snapshot)
            yield from self._live(machine)
            if machine.failed:
                return
            snapshot = machine.strategy.snapshot() if self._rng.random() < 0.5 else b""

    def _begin(self, snapshot: bytes) -> "Machine":
        me = self._overlay.spec(self._number, self._lives)
        self._lives += 1
        forger = Forger(self._rng, [*self._peers, me, *self._usurpers])
        machine = Machine(self._overlay, me, seeded(self._seed, self._lives), self._now, forger)
        if snapshot:
            machine.strategy.restore(snapshot)
        return machine

    def _live(self, machine: "Machine") -> Iterator[Step]:
        yield machine.feed(Started(), self._now)
        deaf = _DEAF
        while self._steps > 0 and deaf > 0 and not machine.failed:
            self._steps -= 1
            deaf -= not machine.is_member
            self._now += self._rng.choice((0.0, 0.001, 0.05, 0.3))
            event = self._draw(machine)
            if event is not None:
                yield machine.feed(event, self._now)

    def _draw(self, machine: "Machine") -> Event | None:
        (blow,) = self._rng.choices(list(_BLOWS), list(_BLOWS.values()))
        event: Event | None = getattr(self, f"_{blow}")(machine)
        return event

    # -- what may happen -----------------------------------------------------------------------------------------

    def _peer(self) -> NodeSpec:
        return self._rng.choice(self._peers)

    def _reason(self) -> Reason:
        return self._rng.choice(list(Reason))

    def _join(self, machine: "Machine") -> Event:
        return Join(self._peer())

    def _link_up(self, machine: "Machine") -> Event | None:
        """Of links that are wanted, to the wanted life or a newer one, as the host sees to."""
        wanted = [peer for peer in self._peers if machine.wants(peer) and peer.name not in machine.up]
        if not wanted:
            return None
        peer = self._rng.choice(wanted)
        machine.up[peer.name] = peer
        return LinkUp(peer)

    def _link_down(self, machine: "Machine") -> Event:
        """Of a link that was up, or of nobody in particular."""
        peer = self._rng.choice([*machine.up.values(), self._peer()])
        machine.up.pop(peer.name, None)
        return LinkDown(peer, self._reason())

    def _dial_failed(self, machine: "Machine") -> Event:
        wanted = list(machine.strategy.links().values())
        return DialFailed(self._rng.choice([*wanted, self._peer()]), self._reason())

    def _forged(self, machine: "Machine") -> Event | None:
        kinds = machine.strategy.messages
        message = machine.forger.message(kinds) if kinds else None
        return None if message is None else Received(self._peer(), message)

    def _echo(self, machine: "Machine") -> Event | None:
        return Received(self._peer(), self._rng.choice(machine.said)) if machine.said else None

    def _repeat(self, machine: "Machine") -> Event | None:
        """The network repeats messages; nobody repeats what the host says."""
        return machine.last if isinstance(machine.last, Received) else None

    def _timer(self, machine: "Machine") -> Event | None:
        """The next one, when it is due or later: whatever it was for may be long past."""
        if machine.due is None:
            return None
        self._now = max(self._now, machine.due)
        return machine.take_timer()

    def _opinion(self, machine: "Machine") -> Event:
        return self._rng.choice((Suspected, Trusted))(self._peer())

    def _operator(self, machine: "Machine") -> Event | None:
        """Only what the overlay claims to be able to."""
        some = tuple(self._rng.sample(self._peers, self._rng.randrange(4)))
        orders: dict[str, Event] = {
            "evict": Evict(self._peer()),
            "reconcile": Reconcile(tuple({peer.name: peer for peer in some}.values())),
            "reserved_slots": Reserve("zone", self._rng.choice("ab"), self._rng.choice((0, 1, 5, 1000))),
        }
        possible = [order for capability, order in orders.items() if capability in self._overlay.capabilities]
        return self._rng.choice(possible) if possible else None

    def _leave(self, machine: "Machine") -> Event | None:
        return Leave() if machine.is_member and self._leaving else None


class Machine:
    """One life of the machine, and what a host keeps of it."""

    def __init__(self, overlay: OverlaySubject, me: NodeSpec, rng: Random, now: float, forger: Forger) -> None:
        self.me, self.forger = me, forger
        self.strategy = overlay.make(me, rng)
        self.up: dict[str, NodeSpec] = {}
        self.said: list[Struct] = []
        self.last: Event | None = None
        self.failed = False
        self.is_member = True
        self.now = now
        self.timers: list[tuple[float, int, str]] = []
        self._started = 0

    def wants(self, peer: NodeSpec) -> bool:
        """Say whether it wants a link to this life of the peer, or to an older one."""
        wanted = self.strategy.links().get(peer.name)
        return wanted is not None and wanted.life <= peer.life

    @property
    def due(self) -> float | None:
        """When the next timer is due."""
        return self.timers[0][0] if self.timers else None

    def take_timer(self) -> TimerFired:
        """The next timer, which is then no longer pending."""
        return TimerFired(heappop(self.timers)[2])

    def fire(self) -> None:
        """Let the next timer fire, now or when it is due."""
        due = self.due
        assert due is not None
        self.feed(self.take_timer(), max(self.now, due))

    def feed(self, event: Event, now: float) -> Step:
        """Hand an event over, and remember what the host would."""
        before, error, effects = self._look(), None, list[Effect]()
        self.last, self.now = event, now
        try:
            effects = self.strategy.handle(event, now)
            self._follow(effects)
        except Exception as raised:  # noqa: BLE001 - what it raises is what a rule is about
            self.failed, error = True, raised
        self.is_member = self.is_member and not isinstance(event, Leave)
        after = self._look()
        self.up = {name: peer for name, peer in self.up.items() if name in after.links}
        return Step(self, event, before, after, effects, self.is_member, error)

    def _look(self) -> Shown:
        return Shown(self.strategy.members(), self.strategy.links())

    def _follow(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case StartTimer(after, token):
                    self._started += 1
                    heappush(self.timers, (self.now + after, self._started, token))
                case Send(_, message):
                    self.said = [*self.said[-_ECHOES:], message]
                case Retire():
                    self.is_member = False
