"""The receiver's ends of sessions whose frames came in letters: see `outbound` for the sender's.

The receiver names the session, with a token that nobody off the way can guess, when it is asked about one that it does
not have. Questions come twice, late, or never, and only the sender knows which answer it takes: so a session on offer
takes the place of those before it when the first message of it comes.
"""

import random
from collections.abc import Callable

from msgspec import Struct, field

from partisan_core.identity import NodeSpec
from partisan_core.kernel.budget import Budget
from partisan_core.kernel.channels import Channel
from partisan_core.kernel.incoming import Incoming, Recipient
from partisan_core.kernel.lane import Lane, Room
from partisan_core.mailboxes import Feeder
from partisan_core.wire.control import encode_receipt
from partisan_core.wire.frames import Frame
from partisan_core.wire.packing import Packing
from partisan_core.wire.relaying import Standing

_REMEMBERED = 4096
"""Lanes of other nodes that are remembered, the last used (chosen: some 20 MiB at most, whoever makes names up). The
sender of one that was forgotten is told `Undelivered` of what was not acknowledged."""

_OFFERS = 8
"""Sessions of one lane on offer, the last ones (chosen: more than one only while questions and answers get lost)."""

_LaneKey = tuple[str, int, int, str, int]
"""The life of the origin, by name, incarnation and instance; the channel, and the lane."""


class Inbound(Struct, eq=False):
    """One lane of another node."""

    token: int = 0
    """Of the session in use; 0: there is none."""
    lane: Lane | None = None
    incoming: Incoming | None = None
    offered: list[int] = field(default_factory=list)
    """Tokens of sessions of which nothing has come yet. They cost no more, so that questions are cheap."""

    @property
    def received(self) -> int:
        """The last message of the session in use that has arrived."""
        return 0 if self.lane is None else self.lane.session.received


class Inbounds(Struct, eq=False):
    """Those of one node."""

    _recipient: Recipient
    _max_message: int
    _max_body: int
    _rng: random.Random
    _lanes: dict[_LaneKey, Inbound] = field(default_factory=dict)
    """The last used at the end."""
    _owing: dict[int, tuple[Inbound, Callable[[bytes], None]]] = field(default_factory=dict)
    """By token, whose sender is to be told what has arrived, and how."""

    def stand(self, origin: NodeSpec, channel: Channel, lane: int, token: int) -> tuple[int, Standing]:
        """The session of that token, or a new one; and how it stands."""
        inbound = self._use(_key(origin, channel, lane))
        if token and token == inbound.token:
            return token, Standing(inbound.received, self._max_message)
        if token not in inbound.offered:
            token = self._rng.randrange(1, 2**63)
            inbound.offered = [*inbound.offered, token][-_OFFERS:]
        return token, Standing(0, self._max_message)

    def take(
        self,
        origin: NodeSpec,
        channel: Channel,
        lane: int,
        token: int,
        frame: Frame,
        feeder: Feeder,
        answer: Callable[[bytes], None],
    ) -> tuple[bool, Room | None]:
        """Take in a frame of messages; returns whether there is such a session, and what there is no room in now.

        Raises:
            FrameError: it does not fit together.
        """
        inbound = self._use(_key(origin, channel, lane))
        if token in inbound.offered:
            self._begin(inbound, origin, channel, lane, token)
        if token != inbound.token or inbound.incoming is None:
            return False, None
        full = inbound.incoming.take(frame, feeder)
        if inbound.incoming.is_owing:
            self._owing[token] = inbound, answer
        return True, full

    def acknowledge(self) -> None:
        """Tell all senders what has arrived."""
        while self._owing:
            token, (inbound, answer) = self._owing.popitem()
            if token == inbound.token and inbound.incoming is not None:
                answer(encode_receipt(inbound.received, again=inbound.incoming.is_missing))
                inbound.incoming.is_owing = inbound.incoming.is_missing = False

    def _begin(self, inbound: Inbound, origin: NodeSpec, channel: Channel, lane: int, token: int) -> None:
        """The first message of a session on offer: those before it are over."""
        del inbound.offered[: inbound.offered.index(token) + 1]
        inbound.token, inbound.lane = token, channel.open_lane(lane)
        inbound.incoming = Incoming(
            origin, inbound.lane, channel, Packing(), self._recipient, self._max_body, Budget(0)
        )

    def _use(self, key: _LaneKey) -> Inbound:
        """A lane, which is the one last used now."""
        inbound = self._lanes.pop(key, None) or Inbound()
        self._lanes[key] = inbound
        while len(self._lanes) > _REMEMBERED:
            del self._lanes[next(iter(self._lanes))]
        return inbound


def _key(origin: NodeSpec, channel: Channel, lane: int) -> _LaneKey:
    return origin.name, origin.incarnation, origin.instance, channel.name, lane
