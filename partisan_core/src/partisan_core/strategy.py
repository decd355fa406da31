"""The seam: what an overlay is.

A strategy says whom it knows and whom it wants. Connecting, serialising, detecting failures and forwarding happen
by themselves. It contains no I/O, no clock and no randomness of its own: events go in, effects come out.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Protocol

from msgspec import Struct

from partisan_core.effects import Effect
from partisan_core.events import Event
from partisan_core.identity import NodeSpec


class MembershipStrategy(Protocol):
    """A pure state machine that manages the membership of one node.

    Built as `factory(me: NodeSpec, config, rng: random.Random)`. The first event is `Started`.

    May have an attribute `ignored`, a `Counter[str]` of the messages that it did not believe, by kind: the status of a
    node shows it.

    May have a method `reload(config)`, called with new options when all that differ carry the mark
    `partisan_core.config.readings.RELOADABLE`. It MUST be pure, and whatever comes after it goes by the new ones.
    Without it no option can change while the node runs. Since: 1.3
    """

    messages: ClassVar[Sequence[type[Struct]]]
    """The message types of this overlay: tagged, frozen, `array_like` Structs. The core encodes and decodes them."""

    capabilities: ClassVar[Collection[str]]
    """`full_view`, `evict`, …: what it can; its plugin declares them for applications to require."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        """The only way in. MUST be pure but for its own state; `now` is monotonic seconds. MUST NOT block."""

    def members(self) -> Mapping[str, NodeSpec]:
        """Whom it knows (`full_view`) or has heard of, itself included while it is a member.

        MUST return the same object while nothing changed, and a new one when something did.
        """

    def links(self) -> Mapping[str, NodeSpec]:
        """To whom it wants a link now, never itself. MUST return the same object while nothing changed."""

    def next_hop(self, name: str) -> str | None:
        """Through whom a node without a direct link is reached; None when this overlay does not route."""

    def snapshot(self) -> bytes:
        """What survives a restart; empty for nothing."""

    def restore(self, data: bytes) -> None:
        """Take back a snapshot before `Started`. MUST ignore what it cannot read."""
