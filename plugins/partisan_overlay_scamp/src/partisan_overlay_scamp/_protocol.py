"""SCAMP: views that grow with the logarithm of a size that nobody knows.

Theory of operation
-------------------
A node wants links to the members of its PartialView; whose PartialView it is in, it knows as its InView. So arcs have
a direction, though a link carries messages both ways.

A joiner subscribes with a contact, which becomes its first member, and sends a copy of the subscription to each of its
own members, and c more. Whoever gets a copy keeps the subscriber with probability 1 / (1 + the size of its view), else
passes the copy on. Each join thus makes about as many arcs as a view has members, and c + 1 more, which sums up to a
mean of (c + 1) ln n. A copy has a hop limit: where it ends it is kept whatever the odds. In the version of 2003 the
contact is not whom the joiner knows but where a random walk ends. The walk is Metropolis and Hastings', over both
views, so every node is equally likely its end.

A subscription has a lease. Before it is over the node subscribes again, through a random member, with as many copies
as it is in views: each lives elsewhere then. A member that is lost to a failure is dropped; if the same life answers
a later probe, it is put back, which mends a partition. Who leaves tells all but c + 1 of those that hold it to hold one
of its own members instead.

Heartbeats go along the arcs. A node that hears none is in nobody's view, and one without members reaches nobody:
either is isolated, and subscribes anew through whomever it knows, or remembers.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import cycle
from random import Random
from typing import ClassVar

from msgspec import DecodeError, Struct
from msgspec.msgpack import decode, encode

from partisan_core.effects import Effect
from partisan_core.events import (
    DialFailed,
    Event,
    Join,
    Leave,
    LinkDown,
    LinkUp,
    Reason,
    Received,
    Started,
    Suspected,
    TimerFired,
    Trusted,
)
from partisan_core.identity import NodeSpec
from partisan_overlay_scamp._neighbours import Neighbourhood
from partisan_overlay_scamp.config import ScampConfig
from partisan_overlay_scamp.messages import Forward, Heartbeat, Probe, Subscribe, Unsubscribe, Walk, Welcome

RENEWAL = (0.9, 0.98)
"""When in its lease a subscription is renewed: late, as until the old lease ends a node is in twice as many views, but
not so late that the new copies come after that."""
MAX_DOUBLINGS = 5
"""How often the pause of an isolated node doubles: by default it tries about twice a minute then."""

_STEPS = 256
"""Steps of copies that are remembered, to know repeated ones. Chosen: a message is repeated within seconds."""

_BEAT, _RENEW, _RETRY = "beat", "renew", "retry"


class Scamp:
    """One node of a SCAMP overlay, of either version."""

    messages: ClassVar[Sequence[type[Struct]]] = (Subscribe, Walk, Forward, Heartbeat, Welcome, Unsubscribe, Probe)
    capabilities: ClassVar[Collection[str]] = frozenset()

    def __init__(self, me: NodeSpec, config: ScampConfig, rng: Random) -> None:
        self._me, self._config, self._rng = me, config, rng
        self._near = Neighbourhood(me, config, rng)
        self._remembered: tuple[NodeSpec, ...] = ()
        """The view of the life before this one, until this one starts."""
        self._contact: NodeSpec | None = None
        self._is_joining = False
        """It has asked a contact, and nobody has welcomed it yet."""
        self._serial = 0
        self._tries, self._is_waiting = 0, False
        """How often this node has tried to be isolated no more, and whether it waits to try again."""
        self._left = False
        self._copies = 0
        self._steps: dict[tuple[object, ...], None] = {}
        """The latest steps of copies through this node."""
        self.ignored: Counter[str] = Counter()
        """Messages that were stale, forged or out of place, by type."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        """The only way in. A node that has left is deaf."""
        if self._left:
            return []
        self._near.now, self._near.effects = now, []
        self._dispatch(event)
        if not self._left:
            self._look_for_company()
            self._near.show()
        return self._near.effects

    def members(self) -> Mapping[str, NodeSpec]:
        """This node, whom it holds in its PartialView, and who holds it."""
        return self._near.members

    def links(self) -> Mapping[str, NodeSpec]:
        """The PartialView."""
        return self._near.partial.peers

    def next_hop(self, name: str) -> str | None:
        """None: random views know no routes."""
        return None

    def snapshot(self) -> bytes:
        """The PartialView; nothing once this node has left."""
        return b"" if self._left else encode((*self.links().values(),))

    def restore(self, data: bytes) -> None:
        """Take back a snapshot: this life begins with that view."""
        try:
            self._remembered = decode(data, type=tuple[NodeSpec, ...])
        except DecodeError:
            return

    # -- what the host tells ------------------------------------------------------------------------------------

    def _dispatch(self, event: Event) -> None:
        match event:
            case Received(peer, message):
                self._on_message(peer, message)
            case TimerFired(token):
                self._handle_timer(token)
            case LinkUp() | LinkDown() | DialFailed() | Suspected() | Trusted():
                self._handle_link(event)
            case Started():
                self._handle_start()
            case Join(contact):
                self._handle_join(contact)
            case Leave():
                self._handle_leave()

    def _handle_link(self, event: LinkUp | LinkDown | DialFailed | Suspected | Trusted) -> None:
        """The connection layer tells facts soon enough; until then a suspicion only turns walks aside."""
        if isinstance(event, Suspected):
            if event.peer.name in self.members():
                self._near.suspected.add(event.peer.name)
            return
        self._near.suspected.discard(event.peer.name)
        match event:
            case LinkUp(peer):
                self._near.supersede(peer)
                self._near.lost.drop(peer.name)
            case LinkDown(peer, reason) if reason is not Reason.RESTARTED:  # else its new life is about to be up
                self._near.fail(peer, reason, was_up=True)
            case DialFailed(peer, reason):
                self._near.fail(peer, reason, was_up=False)

    def _handle_start(self) -> None:
        """A member that does not answer at once is asked after later, like one that was lost."""
        for peer in self._remembered:
            if self._near.is_credible(peer) and self._near.keep(peer):
                self._near.lost.add(peer, self._near.now)
        self._near.start_timer(_BEAT, self._config.heartbeat_interval * self._rng.random())
        self._start_lease()

    def _handle_join(self, contact: NodeSpec) -> None:
        """One that is in an overlay takes the contact for a member: two overlays are one then, without any copies."""
        if self._is_isolated:
            self._contact, self._is_joining = contact, True
            self._send_subscription(contact)
        elif contact.name not in self.links():
            self._near.keep(contact)

    def _handle_timer(self, token: str) -> None:
        if token == _BEAT:
            self._near.beat()
            self._near.start_timer(_BEAT, self._config.heartbeat_interval)
        elif token == _RENEW:
            self._renew()
            self._start_lease()
        elif token == _RETRY:
            self._is_waiting = False
            self._subscribe_anew()

    def _start_lease(self) -> None:
        self._near.start_timer(_RENEW, self._config.lease * self._rng.uniform(*RENEWAL))

    def _handle_leave(self) -> None:
        """All but c + 1 of those that hold this node get one of its members to hold instead, in turn."""
        keepers, members = self._near.inward.peers, self._near.partial.peers
        in_turn = cycle(members.values())
        replaced = len(keepers) - self._config.extra_copies - 1 if members else 0
        for number, keeper in enumerate(self._rng.sample([*keepers.values()], len(keepers))):
            offered = next(in_turn) if number < replaced else None
            if offered is not None and offered.name == keeper.name:
                offered = next(in_turn)
            self._near.send(keeper, Unsubscribe(offered))
        for peer in [peer for name, peer in members.items() if name not in keepers]:
            self._near.send(peer, Unsubscribe())
        self._left = True
        self._near.clear()

    # -- what peers say -----------------------------------------------------------------------------------------

    def _on_message(self, peer: NodeSpec, message: Struct) -> None:
        if not self._near.is_credible(peer):
            self._ignore(message)
            return
        self._near.supersede(peer)
        match message:
            case Forward():
                self._on_forward(message)
            case Heartbeat():
                if not self._near.hear(peer):
                    self._ignore(message)
            case Subscribe(serial, copies):
                self._on_walk(peer, Walk(peer, serial, copies, self._config.walk))
            case Walk():
                self._on_walk(peer, message)
            case Welcome():
                self._on_welcome(peer, message)
            case Unsubscribe():
                self._on_unsubscribe(peer, message)
            case Probe():
                self._near.send(peer, Welcome())

    def _on_walk(self, peer: NodeSpec, walk: Walk) -> None:
        """Metropolis and Hastings: a step to a node of more neighbours may be turned away, so none is favoured.

        Turned away or not, it is one step: where many are turned away, walks would end more often otherwise.
        """
        if not self._near.is_credible(walk.subscriber):
            self._ignore(walk)
            return
        others = self._near.steps(walk.subscriber)
        hops = min(walk.hops, self._config.walk)
        if walk.degree > 0 and self._rng.random() * len(others) > walk.degree:
            self._near.send(peer, Walk(walk.subscriber, walk.serial, walk.copies, hops))
        elif hops > 0 and others:
            onward = Walk(walk.subscriber, walk.serial, walk.copies, hops - 1, len(others))
            self._near.send(self._rng.choice(others), onward)
        else:
            self._admit(walk)

    def _admit(self, walk: Walk) -> None:
        """Be the contact: send copies to the members of the view, in turn, and let a new subscriber have this node."""
        subscriber, is_new = walk.subscriber, walk.copies <= 0
        members = [one for name, one in self.links().items() if name != subscriber.name]
        if members:
            copies = len(members) + self._config.extra_copies if is_new else min(walk.copies, self._config.view_max)
            rounds, rest = divmod(copies, len(members))
            for member in members * rounds + self._rng.sample(members, rest):
                self._copies += 1
                number = (self._me.instance + self._copies) % 2**32  # another at every contact
                self._near.send(member, Forward(subscriber, walk.serial, self._config.hop_limit, number))
        elif not self._near.keep(subscriber, walk.serial):
            self._ignore(walk)
        if is_new:
            self._near.send(subscriber, Welcome())

    def _on_forward(self, copy: Forward) -> None:
        """Keep the subscriber, or pass the copy on. Who holds it by an earlier subscription keeps it by this one."""
        subscriber, view = copy.subscriber, self._near.partial
        if self._is_repeated(copy) or not self._near.is_credible(subscriber):
            self._ignore(copy)
            return
        held = view.peers.get(subscriber.name)
        if held is not None and held.life == subscriber.life and view.serial(held.name) < copy.serial:
            self._near.keep(held, copy.serial)
            return
        hops = min(copy.hops, self._config.hop_limit) - 1
        following = view.draw(self._rng, subscriber.name) if hops > 0 else None
        is_chosen = following is None or self._rng.random() * (1 + len(view.peers)) < 1
        if is_chosen and held is None and not view.is_full:
            if not self._near.keep(subscriber, copy.serial):
                self._ignore(copy)
        elif following is not None:
            self._near.send(following, Forward(subscriber, copy.serial, hops, copy.number))

    def _is_repeated(self, copy: Forward) -> bool:
        """A network that repeats one message in ten would turn one copy into thousands on its way."""
        step = (copy.subscriber.name, copy.subscriber.life, copy.number, copy.hops)
        is_repeated = step in self._steps
        self._steps[step] = None
        if len(self._steps) > _STEPS:
            del self._steps[next(iter(self._steps))]
        return is_repeated

    def _on_welcome(self, peer: NodeSpec, message: Welcome) -> None:
        """A contact, or a lost member; one that has begun a new life subscribes for itself."""
        lost = self._near.lost.peers.get(peer.name)
        self._near.lost.drop(peer.name)
        if self._is_joining or not self.links() or (lost is not None and lost.life == peer.life):
            self._is_joining = False
            self._near.keep(peer)
        elif lost is None:
            self._ignore(message)

    def _on_unsubscribe(self, peer: NodeSpec, message: Unsubscribe) -> None:
        is_held, replacement = peer.name in self.links(), message.replacement
        if peer.name not in self.members():
            self._ignore(message)
            return
        self._near.depart(peer)
        if replacement is None or not is_held or replacement.name in self.links():
            return
        if not (self._near.is_credible(replacement) and self._near.keep(replacement)):
            self._ignore(message)

    # -- subscriptions ------------------------------------------------------------------------------------------

    def _renew(self) -> None:
        """As many copies as it replaces: with more, each lease would add to all views."""
        member = self._near.partial.draw(self._rng)
        if member is not None:
            self._send_subscription(member, max(len(self._near.inward.peers), self._config.extra_copies + 1))

    @property
    def _is_isolated(self) -> bool:
        """A joiner is, until its contact welcomes it: who joins through it meanwhile is as isolated as it is itself."""
        return self._is_joining or not (self._near.partial.peers and self._near.inward.peers)

    def _look_for_company(self) -> None:
        """Try again after a while, when this node is isolated and knows whom to ask."""
        if not self._is_isolated:
            self._tries = 0
        elif not self._is_waiting and self._acquaintances():
            self._is_waiting = True
            pause = self._config.retry_interval * 2 ** min(self._tries, MAX_DOUBLINGS)
            self._near.start_timer(_RETRY, pause * self._rng.uniform(0.5, 1.0))

    def _subscribe_anew(self) -> None:
        acquaintances = self._acquaintances()
        if self._is_isolated and acquaintances:
            self._tries += 1
            self._send_subscription(self._rng.choice(acquaintances))

    def _acquaintances(self) -> list[NodeSpec]:
        """Whom to subscribe with: at first a joiner's contact, then members, who holds this node, whom it remembers."""
        near, contacts = self._near, [self._contact] if self._contact else []
        if self._is_joining and self._tries < MAX_DOUBLINGS:
            return contacts
        return [*near.partial.peers.values()] or [*near.inward.peers.values()] or [*near.lost.peers.values(), *contacts]

    def _send_subscription(self, contact: NodeSpec, copies: int = 0) -> None:
        self._serial += 1
        self._near.send(contact, Subscribe(self._serial, copies))

    def _ignore(self, message: Struct) -> None:
        self.ignored[type(message).__name__] += 1
