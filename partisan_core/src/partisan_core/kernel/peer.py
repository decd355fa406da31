"""One peer as the kernel sees it: its link, its lanes, its connections."""

import math
from collections.abc import Mapping

from partisan_core.errors import NodeDown
from partisan_core.identity import NodeSpec
from partisan_core.kernel._links import Link, LinkState
from partisan_core.kernel.channels import MEMBERSHIP, Channel
from partisan_core.kernel.connection import Connection
from partisan_core.kernel.lane import Lane

LaneKey = tuple[str, int]
"""(channel, lane)."""

MEMBERSHIP_LANE: LaneKey = (MEMBERSHIP, 0)


class Peer:
    """State only; `Peers` acts on it."""

    def __init__(self, spec: NodeSpec, link: Link, channels: Mapping[str, Channel]) -> None:
        self.spec = spec
        self.link = link
        self.up: NodeSpec | None = None
        """The life that was announced as up."""
        self.interested = False
        """The peer wants the link."""
        self.wanted_by_overlay = False
        self.pinned_until = -math.inf
        """An on-demand link is wanted until then."""
        self.connections: dict[LaneKey, Connection] = {}
        self.shaking: set[LaneKey] = set()
        """Lanes on which a handshake that we dialled is in progress."""
        self.dialling: set[LaneKey] = set()
        self.last_error = ""
        self.ending = False
        self._channels = channels
        self.membership = channels[MEMBERSHIP].open_lane(0)
        self.lanes: dict[str, list[Lane]] = {}

    @property
    def is_up(self) -> bool:
        """Up, or lost within its grace: messages are taken."""
        return self.link.state in (LinkState.UP, LinkState.LOST)

    @property
    def connection(self) -> Connection | None:
        """The membership connection."""
        return self.connections.get(MEMBERSHIP_LANE)

    @property
    def is_idle(self) -> bool:
        """Nothing is left to remember."""
        return self.link.state is LinkState.IDLE and not self.connections and not self.dialling

    def lane(self, key: LaneKey) -> Lane | None:
        """The lane of that key, when the peer has it."""
        if key == MEMBERSHIP_LANE:
            return self.membership
        lanes = self.lanes.get(key[0], [])
        return lanes[key[1]] if key[1] < len(lanes) else None

    def open_lanes(self, theirs: Mapping[str, int]) -> None:
        """Make the lanes that both ends have: the smaller parallelism of each common channel."""
        self.lanes = {
            name: [channel.open_lane(index) for index in range(min(channel.parallelism, theirs[name]))]
            for name, channel in self._channels.items()
            if name != MEMBERSHIP and name in theirs
        }

    def drop_lanes(self, error: NodeDown) -> int:
        """The life is over: fail every lane, begin with fresh ones. Returns the number of messages dropped."""
        lost = sum(lane.fail(error) for lanes in self.lanes.values() for lane in lanes)
        self.lanes = {}
        self.membership.fail(error)
        self.membership = self._channels[MEMBERSHIP].open_lane(0)
        return lost

    def missing_lanes(self) -> list[LaneKey]:
        """Lanes without a connection."""
        keys = [(name, lane.index) for name, lanes in self.lanes.items() for lane in lanes]
        return [key for key in keys if key not in self.connections and key not in self.dialling]
