"""One peer as the kernel sees it: its link, its lanes, its connections."""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

import trio
from msgspec import Struct

from partisan_core.config.model import DEFAULT_CHANNEL
from partisan_core.drops import DropReason
from partisan_core.errors import NodeDown
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.kernel._links import Backoff, Link, LinkState
from partisan_core.kernel.budget import Budget
from partisan_core.kernel.channels import MEMBERSHIP, Channel, choose_lane
from partisan_core.kernel.connection import Connection
from partisan_core.kernel.fallback import FallbackLane
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.telling import fail_lane
from partisan_core.mailboxes import Feeder
from partisan_core.notices import Notice, Undelivered
from partisan_core.wire.messages import Hello

LaneKey = tuple[str, int]
"""(channel, lane)."""

MEMBERSHIP_LANE: LaneKey = (MEMBERSHIP, 0)


class Failure(NamedTuple):
    """A dial that made no connection."""

    reason: Reason
    error: str
    address: str = ""
    """The one that was tried."""
    code: str = ""
    """Of the refusal, when it was one."""


class Trouble(Struct):
    """What went wrong last with a lane; kept when it is over, for those who ask later."""

    error: str
    at: float
    address: str = ""
    code: str = ""
    resolved: bool = False


class Peer:
    """State only; `Peers` acts on it."""

    def __init__(
        self,
        spec: NodeSpec,
        link: Link,
        channels: Mapping[str, Channel],
        unfinished: int,
        report: Callable[[Notice], None],
    ) -> None:
        self.spec = spec
        self.link = link
        self._report = report
        self.up: NodeSpec | None = None
        """The life that was announced as up."""
        self.interested = False
        """The peer wants the link."""
        self.wanted_by_overlay = False
        self.pinned_until = -math.inf
        """An on-demand link is wanted until then."""
        self.connections: dict[LaneKey, Connection] = {}
        self.dialling: set[LaneKey] = set()
        self.dial_due = math.inf
        """When the membership connection is to be dialled next."""
        self.redials: dict[LaneKey, Backoff] = {}
        self.resting: dict[LaneKey, float] = {}
        """Data lanes whose last dial failed, or whose connection was short: when they are dialled again."""
        self.troubles: dict[LaneKey, Trouble] = {}
        self.detector = ""
        """Its failure detector, if that converses with its like: what its last hello said."""
        self.max_message = 0
        """Bytes of the largest message that the peer takes."""
        self.acknowledges = True
        """The peer acknowledges messages, as far as is known."""
        self.since = trio.current_time()
        """When its link came into the state that it is in."""
        self._state = link.state
        self.ending = False
        self.lingering: Connection | None = None
        """Neither end wanted the link: it will be asked again whether this membership connection may end."""
        self.budget = Budget(unfinished)
        """For what arrives of it in fragments."""
        self._channels = channels
        self.membership = channels[MEMBERSHIP].open_lane(0)
        self.lanes: dict[str, list[Lane]] = {}
        """Before the link is up: what waits for it, by the lanes of this end."""
        self.offered: Mapping[str, int] | None = None
        """The channels of the peer, with their parallelism; None before the link is up: whichever this end has."""
        self.is_bound = False
        """Of what waits for the link, something is for the life that is known, and for no other."""
        self._used = 0

    @property
    def has_failed(self) -> bool:
        """The last try to make or keep its link was in vain."""
        trouble = self.troubles.get(MEMBERSHIP_LANE)
        return trouble is not None and not trouble.resolved

    @property
    def has_waiting(self) -> bool:
        """Messages wait here to be written, or to be acknowledged."""
        return not all(lane.is_settled for lane in self._all_lanes())

    @property
    def is_busy(self) -> bool:
        """Messages wait here to be written, or to be read."""
        return self.has_waiting or any(lane.waits_for for lane in self._all_lanes())

    @property
    def is_reaching(self) -> bool:
        """Messages wait here for a connection that is being made."""
        lanes = (lane for lane in self._all_lanes() if (lane.channel, lane.index) not in self.connections)
        return self.link.wanted and not self.has_failed and not all(lane.is_settled for lane in lanes)

    def was_used(self) -> bool:
        """Did messages go either way since this was last asked, or wait to?"""
        before, self._used = self._used, sum(one.session.sent + one.session.received for one in self._all_lanes())
        return self.is_busy or before != self._used

    @property
    def is_up(self) -> bool:
        """Up, or lost within its grace: messages are taken."""
        return self.link.state in (LinkState.UP, LinkState.LOST)

    @property
    def connection(self) -> Connection | None:
        """The membership connection."""
        return self.connections.get(MEMBERSHIP_LANE)

    def feeder(self, channel: str, key: Hashable) -> Feeder | None:
        """Who brings what the peer sends with that key, while it is connected."""
        connection = self.connections.get((channel, choose_lane(key, len(self.lanes.get(channel, ())))))
        return None if connection is None else connection.reader

    @property
    def last_error(self) -> str:
        """Why its link was last lost or could not be made; empty if that never happened."""
        trouble = self.troubles.get(MEMBERSHIP_LANE)
        return "" if trouble is None else trouble.error

    @property
    def is_idle(self) -> bool:
        """Nothing is left to remember."""
        return self.link.state is LinkState.IDLE and not self.connections and not self.dialling

    @property
    def is_full(self) -> bool:
        """Every lane that both ends have is connected."""
        return self.connections.keys() >= {MEMBERSHIP_LANE, *self._data_lanes()}

    def note_state(self) -> None:
        """Its link may have changed: remember since when it is as it is."""
        if self._state is not self.link.state:
            self._state, self.since = self.link.state, trio.current_time()

    def lane(self, key: LaneKey) -> Lane | None:
        """The lane of that key, when the peer has it."""
        if key == MEMBERSHIP_LANE:
            return self.membership
        lanes = self.lanes.get(key[0], [])
        return lanes[key[1]] if key[1] < len(lanes) else None

    def open_waiting(self, before: Mapping[str, list[Lane]] = {}) -> None:
        """Take messages although there is no link yet: first of all those that wait in the lanes of one that ended."""
        self.lanes = {}
        self.add_lanes(None)
        self.is_bound = bool(before)
        for name, lanes in before.items():
            for lane in lanes:
                self.lose_sent(lane, "the link to the peer was let go")
                self.lanes[name][lane.index].take_over(lane, self.max_message)
        self._hold_behind_default(self._all_lanes())

    def open_lanes(self, hello: Hello) -> None:
        """Make the lanes that both ends have: the smaller parallelism of each common channel.

        What waited in lane i goes into lane i modulo their number, as all that follows does.
        """
        self.max_message, self.acknowledges = hello.max_message, hello.acknowledges
        self.redials, self.resting = {}, {}
        waiting, self.lanes = self.lanes, {}
        self.add_lanes(hello.channels)
        for name, lanes in waiting.items():
            for lane in lanes:
                if not hello.acknowledges:
                    self._lose_waiting(lane)
                if common := self.lanes.get(name):
                    common[lane.index % len(common)].take_over(lane, hello.max_message)
                else:
                    self._fail(lane, NodeDown(f"node {self.spec.name} has no channel {name!r}"), DropReason.NO_CHANNEL)
        self.is_bound = False
        self._hold_behind_default(self._all_lanes())

    def add_lanes(self, offered: Mapping[str, int] | None) -> None:
        """Make the lanes of the channels that both ends have now; those that are there stay as they are."""
        self.offered = offered
        limit = 0 if offered is None else self.max_message
        for name, channel in self._channels.items():
            ours = channel.settings.parallelism
            count = ours if offered is None else min(ours, offered.get(name, 0))
            if count and name != MEMBERSHIP and name not in self.lanes:
                self.lanes[name] = [channel.open_lane(index, limit) for index in range(count)]
                self._hold_behind_default(self.lanes[name])

    def resize_lanes(self) -> None:
        """Give each lane the bounds that its channel has now."""
        for lane in self._all_lanes():
            settings = self._channels[lane.channel].settings
            lane.resize(settings.queue_messages, settings.queue_bytes)

    def drop_lanes(self, error: NodeDown, reason: DropReason) -> None:
        """The life is over: fail every lane, begin with fresh ones."""
        for lane in (self.membership, *self._all_lanes()):
            self._fail(lane, error, reason)
        self.lanes, self.offered, self.is_bound = {}, None, False
        self.membership = self._channels[MEMBERSHIP].open_lane(0)

    def missing_lanes(self) -> list[LaneKey]:
        """Lanes without a connection that are to be dialled now."""
        busy = self.connections.keys() | self.dialling | self.resting.keys()
        return [key for key in self._data_lanes() if key not in busy]

    def lose_sent(self, lane: Lane, why: str) -> None:
        """What a lane sent and the peer did not acknowledge never will be; what waits in it goes on."""
        unknown, _ = lane.count_acked()
        lane.lose_sent(why)
        self._tell_unknown(lane, unknown)

    def _lose_waiting(self, lane: Lane) -> None:
        """What waited for the first link to a node that, as it turns out, acknowledges nothing, goes without."""
        _, waiting = lane.count_acked()
        lane.lose_waiting(f"node {self.spec.name} runs a version that acknowledges nothing")
        self._tell_unknown(lane, waiting)

    def _fail(self, lane: Lane, error: NodeDown, reason: DropReason) -> None:
        fail_lane(self._report, self.spec, lane, error, reason)

    def _tell_unknown(self, lane: Lane, count: int) -> None:
        if count:
            self._report(Undelivered(self.spec, lane.channel, count, 0))

    def _hold_behind_default(self, fresh: Iterable[Lane]) -> None:
        """Of fresh lanes nobody knows what their channel sent over `default` before they were made."""
        for lane in fresh:
            if isinstance(lane, FallbackLane):
                lane.behind.update(self.lanes.get(DEFAULT_CHANNEL, ()))

    def _data_lanes(self) -> list[LaneKey]:
        return [(lane.channel, lane.index) for lane in self._all_lanes()]

    def _all_lanes(self) -> Iterator[Lane]:
        return chain.from_iterable(self.lanes.values())


def another_life(node: NodeSpec) -> NodeDown:
    """What those are told who meant an earlier life than that of `node`."""
    return NodeDown(f"node {node} is another life than the one this was meant for")
