"""Causal order in a node: notes of the messages, answers, probes, and what becomes of peers."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Hashable, Iterable
from typing import NamedTuple

import msgspec
import trio

from partisan_causal.config import CausalConfig
from partisan_causal.labels import Deliver, Label
from partisan_causal.order import Delivery, Overtaken
from partisan_causal.stamps import (
    LAST_NUMBER,
    Answer,
    CausalityError,
    Life,
    Stamp,
    decode_answer,
    encode_answer,
    read_stamp,
    write_stamp,
)
from partisan_core import Node
from partisan_core.errors import NodeClosed, SendError, UnknownNode
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.kernel.receipts import Receipt
from partisan_core.mailboxes import Mailbox
from partisan_core.notices import MemberJoined, MemberLeft, Notice, Snapshot, Undelivered
from partisan_core.ordering import Post
from partisan_core.refs import Ref
from partisan_core.spelling import did_you_mean

_STAMP, _ANSWER = "s", "a"
"""What a note begins with."""

_NOBODY = ""
"""The mailbox of what no application gets."""

_YIELD_MESSAGES = 32
"""`send` lets other tasks run after so many (chosen: their frame is then as large as others')."""

_DEATHS = frozenset({Reason.LEFT, Reason.EVICTED, Reason.REPLACED, Reason.RESTARTED})
"""Why a member goes for good. Of one that only cannot be reached, nobody knows."""


async def serve(options: CausalConfig, node: Node, *, task_status: trio.TaskStatus[None]) -> None:
    """Keep the order of all labels for the life of a node."""
    async with trio.open_nursery() as nursery:
        orderer = Orderer(options, node, nursery)
        with node.order_by(orderer) as orderer.post:
            nursery.start_soon(orderer.look_after)
            task_status.started()
            await orderer.listen()


class _Due(NamedTuple):
    """An answer."""

    peer: Life
    label: str
    is_refusal: bool


class Orderer:
    """See `partisan_core.ordering.Orderer`."""

    def __init__(self, options: CausalConfig, node: Node, nursery: trio.Nursery) -> None:
        self._node, self._options, self._nursery = node, options, nursery
        self._me = _life(node.spec())
        self._labels = {name: Label(name, self._me) for name in options.labels}
        self._answers: dict[_Due, int] = {}
        self._full: dict[_Due, Mailbox] = {}
        """A mailbox that has to have room again before the answer."""
        self.post: Post
        """How it sends: set as soon as it may."""

    # -- sending ------------------------------------------------------------------------------------------------

    async def send(self, destination: Ref, message: object, label: str, channel: str, key: Hashable) -> Receipt:
        """Send a message in the order of a label; see `Node.send`."""
        if label not in self._labels:
            raise SendError(
                f"no label {label!r} is kept in causal order{did_you_mean(label, self._labels)}; nothing was sent. "
                f"Add it to extensions.causal.labels on every node"
            )
        if destination.node == self._node.name:
            return await self._node.send(destination, message, channel=channel, key=key, ack=True)
        to = _life(self._node.spec(destination.node))
        if destination.incarnation is None:
            destination = Ref(destination.node, destination.mailbox, to.incarnation)
        known = self._find(label)
        await known.wait_room(to)
        async with known.begin_stamping():
            if known is not self._find(label):
                raise NodeClosed(f"node {self._node.name} has begun a new life meanwhile; nothing was sent. Send again")
            stamp = known.order.stamp(to)
            try:
                receipt = await self.post(destination, _note(label, stamp), message, channel, key)
            except BaseException:
                known.order.withdraw(to, stamp)
                raise
            known.on_sent(to, stamp.number, receipt)
        if not stamp.number % _YIELD_MESSAGES:
            await trio.lowlevel.cancel_shielded_checkpoint()
        return receipt

    # -- receiving ----------------------------------------------------------------------------------------------

    def arrived(self, peer: NodeSpec, note: str, deliver: Deliver) -> None:
        """See `partisan_core.ordering.Orderer`."""
        try:
            kind, data = note[:1], urlsafe_b64decode(note[1:])
            if kind == _ANSWER:
                self._on_answer(_life(peer), decode_answer(data))
            else:
                self._on_message(_life(peer), *read_stamp(data), deliver)
        except Overtaken:
            self._node.counters["causal_overtaken"] += 1
        except (CausalityError, ValueError, msgspec.DecodeError):
            self._node.counters["causal_discarded"] += 1

    def _on_message(self, origin: Life, label: str, stamp: Stamp, deliver: Deliver) -> None:
        known = self._find(label)
        try:
            deliveries = known.order.arrive(origin, stamp, None if stamp.is_probe else deliver)
        except CausalityError:
            self._answer(_Due(origin, label, is_refusal=True), stamp.number)
            raise
        self._deliver(known, deliveries)

    def _on_answer(self, peer: Life, answer: Answer) -> None:
        label, number, is_refusal = answer
        known = self._find(label)
        (known.order.give_up if is_refusal else known.order.confirm)(peer, number)
        known.settle(peer, number)

    def _find(self, label: str) -> Label:
        if label not in self._labels:
            raise CausalityError(f"there is no label {label!r} here")
        self._keep_to_life()
        return self._labels[label]

    def _keep_to_life(self) -> None:
        """A node that left and joined again is another one."""
        me = _life(self._node.spec())
        if me != self._me:
            ended, self._me = self._labels, me
            self._labels = {name: Label(name, me) for name in ended}
            for label in ended.values():
                label.unconfirmed.clear()
                label.room.unpark_all()

    def _deliver(self, label: Label, deliveries: Iterable[Delivery[Deliver]]) -> None:
        for origin, number, deliver in deliveries:
            due = _Due(origin, label.name, is_refusal=False)
            full = None if deliver is None else deliver()
            if full is not None:
                self._full[due] = full
            self._answer(due, number)

    # -- answers ------------------------------------------------------------------------------------------------

    def _answer(self, due: _Due, number: int) -> None:
        """Answer in a moment: what comes until then goes with it."""
        if due not in self._answers:
            self._nursery.start_soon(self._send_answer, due)
        self._answers[due] = number

    async def _send_answer(self, due: _Due) -> None:
        while (full := self._full.pop(due, None)) is not None:
            await full.wait_room()  # so the sender waits for who does not read
        answer = Answer(due.label, self._answers.pop(due), due.is_refusal)
        await self._post_if_possible(due.peer, _ANSWER + urlsafe_b64encode(encode_answer(answer)).decode())

    async def _post_if_possible(self, peer: Life, note: str) -> bool:
        try:
            await self.post(Ref.reserved(peer.name, _NOBODY, peer.incarnation), note, None, "default", None)
        except (SendError, NodeClosed):
            return False
        return True

    # -- what becomes of peers ----------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Hear who died, and what will not arrive."""
        async with self._node.open_events() as events:
            async for notice in events:
                self._hear(notice)

    def _hear(self, notice: Notice) -> None:
        match notice:
            case Snapshot(members):
                for member in members:
                    self._forget(_before(member))
                for label in self._labels.values():  # or in the place of what nobody read in time
                    for destination in list(label.unconfirmed):
                        label.on_undelivered(destination)
            case MemberJoined(peer):
                self._forget(_before(peer))
            case MemberLeft(peer, reason) if reason in _DEATHS:
                self._forget(_life(peer))
            case Undelivered(peer):
                for label in self._labels.values():
                    label.on_undelivered(_life(peer))

    def _forget(self, life: Life) -> None:
        for label in self._labels.values():
            self._deliver(label, label.order.forget(life))
            for dead in [one for one in label.unconfirmed if one.name == life.name and one <= life]:
                label.settle(dead, LAST_NUMBER)

    async def look_after(self) -> None:
        """From time to time: ask for what nobody told, and stop waiting for who is away."""
        while True:
            await trio.sleep(self._options.probe_every)
            self._keep_to_life()
            for label in self._labels.values():
                self._stop_waiting(label)
                label.room.unpark_all()  # for triples are settled in other ways, too
                for destination in self._to_be_probed(label):
                    await self._probe(label, destination)

    def _to_be_probed(self, label: Label) -> list[Life]:
        """Where to send probes: at once where there is a link, and rarely where one has to be made for it."""
        owed = label.order.owed
        apart = self._overdue(label.apart, [life for life in owed if not self._is_connected(life)])
        label.apart.update(dict.fromkeys(apart, trio.current_time()))
        return [life for life in owed if life in apart or life not in label.apart]

    def _stop_waiting(self, label: Label) -> None:
        order = label.order
        away = [life for life in order.awaited if not self._is_connected(life)]
        for origin in self._overdue(label.away, away):
            self._node.counters["causal_abandoned"] += 1
            self._deliver(label, order.abandon(origin))
        for destination in self._overdue(
            label.unknown, [life for life in order.destinations if not self._is_known(life)]
        ):
            order.drop(destination)
        waited_for = {*label.unconfirmed, *order.destinations}
        for destination in self._overdue(label.silent, [life for life in label.silent if life in waited_for]):
            label.silent[destination] = trio.current_time()
            order.ask_again(destination)

    def _overdue(self, since: dict[Life, float], lives: Iterable[Life]) -> list[Life]:
        """Keep since when each of the lives is in it; returns those that patience ends for."""
        now = trio.current_time()
        kept = {life: since.get(life, now) for life in lives}
        since.clear()
        since.update(kept)
        return [life for life, begun in since.items() if now - begun >= self._options.patience]

    async def _probe(self, label: Label, destination: Life) -> None:
        if label.stamping.locked():
            return
        stamp = label.order.probe(destination)
        is_posted = False
        with trio.move_on_after(self._options.probe_every):  # not while the lane is full
            is_posted = await self._post_if_possible(destination, _note(label.name, stamp))
        if is_posted:
            label.silent.setdefault(destination, trio.current_time())
        else:
            label.order.ask_again(destination)

    def _is_known(self, life: Life) -> bool:
        try:
            return _life(self._node.spec(life.name)) == life
        except UnknownNode:
            return False

    def _is_connected(self, life: Life) -> bool:
        return self._is_known(life) and self._node.is_connected(life.name)


def _life(spec: NodeSpec) -> Life:
    return Life(spec.name, spec.incarnation)


def _before(spec: NodeSpec) -> Life:
    return Life(spec.name, spec.incarnation - 1)


def _note(label: str, stamp: Stamp) -> str:
    return _STAMP + urlsafe_b64encode(write_stamp(label, stamp)).decode()
