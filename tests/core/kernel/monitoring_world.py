"""Both ends of monitors on a network that loses and doubles words, without sockets and without a clock: seeds decide.

What is checked after each step: nothing is told twice, nothing of what lives. And when calm has come: everything that
ended was told, with a reason that fits, and nobody remembers anything that is over.
"""

import random
from collections import defaultdict, deque
from collections.abc import Callable
from itertools import count
from typing import Any

from msgspec import Struct, field

from partisan_core.config.model import DEFAULT_CHANNEL
from partisan_core.downs import Down, DownReason, Ending
from partisan_core.drops import DropReason
from partisan_core.errors import NodeDown
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.kernel.monitoring import ears
from partisan_core.kernel.monitors import Monitors
from partisan_core.kernel.requests import Requests
from partisan_core.kernel.watchers import Watchers
from partisan_core.mailboxes import Mailbox
from partisan_core.monitors import Monitor
from partisan_core.refs import Ref
from partisan_core.wire.monitoring import read

NAMES = ("alpha", "beta", "gamma")
BOXES = ("one", "two")
RELAY = "gamma"
"""In half of the worlds the other two have no link."""


class Link(Struct):
    """A node as another sees it."""

    spec: NodeSpec
    is_up: bool = True
    is_idle: bool = False
    """There is none: it is made when it is needed."""

    def feeder(self, channel: str, key: str) -> None:
        """Nobody reads: see `World`."""


class Case(Struct):
    """One monitor, and what happened to what it watches."""

    by: str
    monitor: Monitor
    ref: Ref
    inbox: Mailbox
    endings: list[Ending] = field(default_factory=list)
    """Of mailboxes of that name: up to the first that ended when it was set, or all while it was under way."""
    is_final: bool = False
    is_doubtful: bool = False
    """The link was down meanwhile, at the end that watches."""
    is_forgotten: bool = False
    """The other end has taken this one for dead, or let the link go."""
    was_set: bool = False
    was_missing: bool = False
    """There was no such mailbox at some time."""
    is_cancelled: bool = False

    @property
    def told(self) -> list[Down]:
        """All that has come."""
        return [*self.inbox._queue]

    def goes(self, world: "World", by: str, node: str) -> bool:
        """Whether its words go over that link."""
        ends = self.by, self.ref.node
        if ends in world.pairs or ends[0] == ends[1]:
            return ends == (by, node)
        return (by, node) in ((ends[0], RELAY), (RELAY, ends[1]))

    def end(self, ending: Ending) -> None:
        """What it watches has ended."""
        if not self.is_final:
            self.endings.append(ending)
            self.is_final = self.was_set


class Member:
    """A life of a node."""

    def __init__(self, world: "World", spec: NodeSpec) -> None:
        self.world, self.spec = world, spec
        self.table = dict[str, Link]()
        self.boxes: dict[str, Mailbox] = {}
        self.dropped = list[DropReason]()
        this: Any = self
        self.requests = Requests(this, self.call_later, this)
        self.monitors = Monitors(lambda: self.spec, lambda name: None, this, this, self.requests, self.dropped.append)
        table: Any = self.table
        office: Any = Office(self.boxes)
        proxy = self.monitors.open_for
        self.watchers = Watchers(
            lambda: self.spec, table, office, self.requests, self.dropped.append, proxy, True, 1000
        )
        self.routes: Any = defaultdict(dict)
        self.timers = list[Callable[[], None]]()
        self.held = set[str]()

    def call_later(self, after: float, callback: Callable[[], None]) -> None:
        self.timers.append(callback)

    def tick(self) -> None:
        timers, self.timers = self.timers, []
        for timer in timers:
            timer()

    # -- what stands for the outlets, the pins and the post office ----------------------------------------------

    def find_peer(self, ref: Ref) -> Link:
        link = self.table.get(ref.node) or self.table[RELAY]
        if not link.is_up:
            raise NodeDown(f"{link.spec} is down")
        return link

    def find(self, ref: Any, channel: str, behind: str | None = None) -> "Post":
        if ref.node != self.spec.name:
            self.find_peer(ref).is_idle = False
            self.world.members[ref.node].table[self.spec.name].is_idle = False
        return Post(self.world, self.spec, ref.node)

    def find_box(self, name: str) -> Mailbox | None:
        return self.boxes.get(name)

    def hold(self, peer: Link) -> None:
        self.held.add(peer.spec.name)

    def free(self, name: str) -> None:
        self.held.discard(name)

    # -- what arrives -------------------------------------------------------------------------------------------

    def take_in(self, peer: NodeSpec, data: object) -> None:
        word = read(data)
        ears(self.monitors, self.watchers)[type(word)](peer, word)

    def link_down(self, peer: NodeSpec, reason: Reason, ending: Ending) -> None:
        self.watchers.on_link_down(peer)
        self.monitors.on_link_down(peer, reason, ending)


class Office:
    """`Watchers` asks the post office for a mailbox."""

    def __init__(self, boxes: dict[str, Mailbox]) -> None:
        self.find = boxes.get


class Post(Struct):
    """The way to one node."""

    world: "World"
    sender: NodeSpec
    node: str

    def post(self, word: object) -> None:
        if self.node == self.sender.name:
            self.world.members[self.node].take_in(self.sender, word)
        else:
            self.world.words[self.sender.name, self.node].append(word)


class World:
    """Members, links, and words under way: in order between two nodes, with losses and doubles."""

    def __init__(self, seed: int, loss: float = 0.2, double: float = 0.1) -> None:
        self.rng = random.Random(seed)
        self.loss, self.double = loss, double
        self.members: dict[str, Member] = {}
        self.words: dict[tuple[str, str], deque[object]] = {
            (one, other): deque() for one in NAMES for other in NAMES if one != other
        }
        self.cases: list[Case] = []
        far = {("alpha", "beta"), ("beta", "alpha")} if seed % 2 else set()
        self.pairs = sorted({*self.words} - far)
        """Between whom there are links."""
        faults = (self.cancel, self.part, self.misjudge, self.let_go, self.restart)
        self.faults = self.rng.sample(faults, self.rng.randrange(len(faults) + 1))
        """Not all of them in each history: one hides what another shows."""
        self._incarnations, self._serials = count(1), count(1)
        for name in NAMES:
            self.members[name] = self._live(name)
        for one, other in self.pairs:
            self.members[one].table[other] = Link(self.members[other].spec)

    def _live(self, name: str) -> Member:
        return Member(self, NodeSpec(name, next(self._incarnations), 1))

    # -- what happens -------------------------------------------------------------------------------------------

    def step(self) -> None:
        """One thing, chosen by the seed; then the check."""
        things = (
            [self.deliver] * 12
            + [lambda: self._any().tick()] * 3
            + [self.monitor] * 4
            + [self.open] * 2
            + [self.end] * 2
        )
        self.rng.choice([*things, *self.faults])()
        self.check()

    def deliver(self) -> None:
        """The first word of one pair arrives, or is lost; twice, now and then."""
        ways = [way for way, words in self.words.items() if words]
        if ways:
            one, other = self.rng.choice(ways)
            word = self.words[one, other].popleft()
            for _ in range(2 if self.rng.random() < self.double else 1):
                if self.rng.random() >= self.loss:
                    self.members[other].take_in(self.members[one].spec, word)

    def tick(self) -> None:
        self._any().tick()

    def monitor(self) -> None:
        """Of a mailbox anywhere, or of a node; by name or by life."""
        member, node = self._any(), self.rng.choice(NAMES)
        box = self.rng.choice((*BOXES, "")) if node != member.spec.name else self.rng.choice(BOXES)
        ref = Ref.reserved(node, box, self.rng.choice((None, self.members[node].spec.incarnation)))
        inbox = Mailbox("inbox", 10, lambda box: None)
        missing = bool(box) and box not in self.members[node].boxes
        monitor = member.monitors.open(ref, DEFAULT_CHANNEL, to=inbox)
        self.cases.append(Case(member.spec.name, monitor, ref, inbox, was_missing=missing))

    def open(self) -> None:
        member, name = self._any(), self.rng.choice(BOXES)
        if name not in member.boxes:
            member.boxes[name] = Mailbox(name, 10, lambda box: None, next(self._serials))

    def end(self) -> None:
        """A mailbox is closed, for a reason of its own."""
        member, name = self._any(), self.rng.choice(BOXES)
        box = member.boxes.pop(name, None)
        if box is not None:
            reason = f"because {self.rng.random()}"
            for case in self._of(member.spec.name, name):
                case.was_missing = True
                case.end(Ending(DownReason.FAILED, reason))
            box.close(reason)

    def cancel(self) -> None:
        living = [case for case in self.cases if not case.monitor.is_over]
        if living:
            case = self.rng.choice(living)
            case.is_cancelled = True
            case.monitor.cancel()

    def part(self) -> None:
        """A link is down at both ends, one after the other, and works again."""
        for link in self._break(Reason.UNREACHABLE):
            link.is_up = True

    def let_go(self) -> None:
        """Both ends wanted it no longer, as they thought."""
        for link in self._break(Reason.RELEASED):
            link.is_up = link.is_idle = True

    def misjudge(self) -> None:
        """One end takes the other for dead, which never learns why its session begins anew."""
        one, other = self.rng.choice(self.pairs)
        self._doubt(one, other)
        self._forget(other, one)
        self._lose_words(one, other)
        self._down(one, other, Reason.UNREACHABLE).is_up = True
        self.members[other].monitors.on_anew(self.members[one].spec)
        self.members[other].watchers.on_anew(self.members[one].spec)

    def restart(self) -> None:
        """A node dies, and its next life is met by the others."""
        name = self.rng.choice(NAMES)
        for case in [*self.cases]:
            if case.by == name:
                self.cases.remove(case)
        others = [other for one, other in self.pairs if one == name]
        for case in self.cases:
            if case.ref.node == name:
                case.was_missing = True
                case.endings.append(Ending(DownReason.RESTARTED))
        for other in others:
            if name == RELAY:
                self._doubt(other, name)
            self._lose_words(name, other)
            if not self.members[other].table[name].is_idle:
                self._down(other, name, Reason.RESTARTED)
        self.members[name] = self._live(name)
        for other in others:
            self.members[name].table[other] = Link(self.members[other].spec)
            self.members[other].table[name] = Link(self.members[name].spec)

    def calm_down(self) -> None:
        """No faults any more, and time."""
        self.loss = self.double = 0
        for _ in range(120):
            for member in self.members.values():
                member.tick()
            while any(self.words.values()):
                self.deliver()
                self.check()

    # -- what must hold -----------------------------------------------------------------------------------------

    def check(self) -> None:
        """Always."""
        for case in self.cases:
            assert len(case.told) <= 1, f"told twice: {case}"
            assert not (case.told and case.is_cancelled), f"told after it was cancelled: {case}"
            for down in case.told:
                self._check_reason(case, down)
            case.was_set = case.was_set or (case.monitor.is_settled and not case.monitor.is_over)

    def _check_reason(self, case: Case, down: Down) -> None:
        if down.reason is DownReason.FAILED:
            assert (down.reason, down.detail) in case.endings, f"another reason: {case}"
        elif down.reason is DownReason.NOPROC:
            assert case.was_missing, f"there was one: {case}"
            assert not case.was_set, f"it was set: {case}"
        elif down.reason is DownReason.RESTARTED:
            assert Ending(DownReason.RESTARTED) in case.endings, f"it lives: {case}"
        else:
            assert case.is_doubtful or (case.is_forgotten and case.endings), f"the link has always worked: {case}"

    def check_calm(self) -> None:
        """In the end."""
        for case in self.cases:
            living = self.members[case.ref.node]
            box = case.ref.mailbox
            if not case.is_cancelled and not case.told:
                assert not box or (box in living.boxes), f"not told: {case}"
                assert case.monitor.is_settled, f"not set: {case}"
                assert not case.is_final, f"what it was set on has ended: {case}"
        for member in self.members.values():
            assert not len(member.requests), f"unanswered at {member.spec}: {[*member.requests._open]}"
            assert not member.monitors._leaving
        for case in self.cases:
            case.monitor.cancel()
        self.calm_down()
        for member in self.members.values():
            left = len(member.monitors), len(member.watchers), len(member.requests), len(member.held)
            assert left == (0, 0, 0, 0), f"{member.spec} remembers {left}"
            assert all(not box.watchers for box in member.boxes.values())

    # -- inside -------------------------------------------------------------------------------------------------

    def _any(self) -> Member:
        return self.members[self.rng.choice(NAMES)]

    def _of(self, node: str, box: str) -> list[Case]:
        return [case for case in self.cases if (case.ref.node, case.ref.mailbox) == (node, box)]

    def _doubt(self, by: str, node: str) -> None:
        for case in self.cases:
            case.is_doubtful |= case.goes(self, by, node)

    def _forget(self, by: str, node: str) -> None:
        for case in self.cases:
            case.is_forgotten |= case.goes(self, by, node)

    def _lose_words(self, one: str, other: str) -> None:
        self.words[one, other].clear()
        self.words[other, one].clear()

    def _break(self, reason: Reason) -> list[Link]:
        one, other = self.rng.choice(self.pairs)
        self._lose_words(one, other)
        links = []
        for at, of in ((one, other), (other, one)):
            (self._forget if reason is Reason.RELEASED else self._doubt)(at, of)
            links.append(self._down(at, of, reason))
        return links

    def _down(self, at: str, of: str, reason: Reason) -> Link:
        member, link = self.members[at], self.members[at].table[of]
        link.is_up = False
        kind = DownReason.RESTARTED if reason is Reason.RESTARTED else DownReason.NOCONNECTION
        member.link_down(link.spec, reason, Ending(kind, f"{of} is down: {reason}"))
        return link


def play(seed: int, steps: int = 150) -> None:
    """One schedule; says its seed when something is wrong."""
    world = World(seed)
    try:
        for _ in range(steps):
            world.step()
        world.calm_down()
        world.check_calm()
    except Exception as error:
        raise AssertionError(f"seed {seed}: {error!r}") from error
