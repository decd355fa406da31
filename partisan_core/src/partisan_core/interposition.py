"""Standing between a node and its wires: how an extension sees, and changes, what goes and comes.

An extension hands over the factory of an `Interposition` (see `kinds.ExtensionPlugin.interpose`); the node tells it of
connections, and wires its filters in where it asks for that, and only while it does. Partisan has such functions for
its full mesh, in builds for tests (`partisan_pluggable_peer_service_manager`, 5.0.3). Since: 1.3
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Any, Protocol

from partisan_core.identity import Address, NodeSpec
from partisan_core.kernel.receipts import Receipt
from partisan_core.mailboxes import Feeder, Mailbox
from partisan_core.notices import Notice
from partisan_core.refs import Ref
from partisan_core.wire.frames import Frame

Seal = Callable[[bytes], bytes]
"""Gives a frame that ends with its CRC-32 the trailer of its connection. Each frame once, in the order of writing."""

Deliver = Callable[[NodeSpec, list[tuple[str, Any]], Feeder | None], Mailbox | None]
"""Puts the messages of a peer where they belong; returns a mailbox that is full now."""


class Way(Protocol):
    """The way to one mailbox over one channel."""

    def post(self, message: object) -> int:
        """Encode and queue a message; returns the bytes of it. Raises what `Node.send_nowait` does."""


class AckedWay(Way, Protocol):
    """The same of messages that are to be acknowledged."""

    def post_acked(self, message: object) -> Receipt:
        """Encode and queue a message; raises as `post`."""

    async def send_acked(self, message: object) -> tuple[Receipt, int]:
        """The same, waiting for room; and the bytes of it."""


class OutgoingFilter(Protocol):
    """Decides about the frames of one connection, behind the numbering of its messages. Called by its writer only."""

    @property
    def is_due(self) -> bool:
        """Something that was held back can go now; whoever makes it true wakes the connection."""

    async def pass_on(self, frames: memoryview, seal: Seal, *, is_last: bool) -> memoryview:
        """Take whole frames, each with its CRC-32; return what is written now.

        With `is_last` nothing follows: what is held back goes now or never. Holding up the writer is backpressure.
        """


class IncomingFilter(Protocol):
    """Decides about the frames that arrive on one connection, before anything is done with them."""

    @property
    def is_full(self) -> bool:
        """It holds back as much as it may: the connection is not read until `wait_room` returns."""

    @property
    def obstacle(self) -> str:
        """For people: what there is no room for."""

    def pass_on(self, frames: Sequence[Frame]) -> list[Frame]:
        """Return what is taken in now. Of a frame that is held back the body has to be copied."""

    async def wait_room(self) -> None:
        """Wait until reading may go on."""


class Stretch(Protocol):
    """One connection."""

    peer: NodeSpec

    @property
    def channel(self) -> str:
        """Whose messages it carries."""

    def interpose(self, outgoing: OutgoingFilter | None, incoming: IncomingFilter | None) -> None:
        """Let these decide about frames, from the next one on; None: nobody does."""

    def wake(self) -> None:
        """Let the writer look whether its filter has something that is due."""

    def take_late(self, frames: Sequence[Frame]) -> None:
        """Take in frames that were held back."""

    def close(self, why: str) -> None:
        """Break it now."""


class Stage(Protocol):
    """What a node offers to an interposition."""

    name: str
    counters: Counter[str]
    chance: Random
    """The node's own: a simulation decides it."""

    def channels(self) -> Collection[str]:
        """Those of the node, `membership` included."""

    def stretches(self) -> Sequence[Stretch]:
        """The connections that are open."""

    def names_at(self, address: Address) -> Collection[str]:
        """Who is known to be dialled there."""

    def watch_messages(self, *, wanted: bool) -> None:
        """Ask for the ways of messages, and for their delivery, anew; or let them be as without interposition."""

    def call_later(self, after: float, callback: Callable[[], None]) -> None:
        """Call `callback()` after `after` seconds. There is no cancelling."""

    def report(self, notice: Notice) -> None:
        """Tell a notice, as the node does its own."""


class Interposition(Protocol):
    """Stands between one node and its wires. Its filters and its dial apart, it MUST NOT block, nor raise."""

    def connected(self, stretch: Stretch) -> None:
        """There is a new connection, and nothing has gone or come on it yet."""

    def posting(self, ref: Ref, channel: str, find: Callable[[], Way]) -> Way:
        """Return what takes the messages for `ref` in the place of the way that `find` finds.

        Asked once for each way that is looked up. What is held back goes by the way that there is then: `find` raises
        what `Node.send` does where there is none.
        """

    def posting_acked(self, ref: Ref, channel: str, way: AckedWay) -> AckedWay:
        """The same of messages that are to be acknowledged, if only as those of their channel all are."""

    def delivering(self, channel: str, deliver: Deliver) -> Deliver:
        """Return what delivers the messages of a channel in the place of `deliver`.

        Those in causal order are of the channel `""`: they are delivered in their turn, not when they arrive.
        """

    async def dial(self, address: Address) -> None:
        """Somebody is about to be dialled there; waiting here is waiting for the answer.

        Raises:
            OSError: nobody answers.
        """

    async def admit(self, peer: str) -> None:
        """The peer of that name shakes hands; waiting here is silence, until the handshake times out."""
