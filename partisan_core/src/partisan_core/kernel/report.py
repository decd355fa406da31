"""How a node stands, as plain data: status, members, connections."""

import os

import trio

from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_core.kernel import diagnosis
from partisan_core.kernel.kernel import Kernel
from partisan_core.notices import MemberJoined, MemberLeft, Notice, Retired
from partisan_core.version import VERSION
from partisan_core.views import ChannelRow, ConnectionRow, LinkRow, MemberRow, MemberState, Status

_REMEMBERED = 256
"""Members that left or were evicted and are still listed (chosen)."""

_DEPARTURES = {Reason.LEFT: MemberState.LEFT, Reason.EVICTED: MemberState.EVICTED}


class Chronicle:
    """What the kernel itself forgets, but a listing shows: who left, why we are no member."""

    def __init__(self, me: str) -> None:
        self._me = me
        self.departed: dict[str, tuple[NodeSpec, MemberState]] = {}
        self.retired = MemberState.LEFT
        """Read while the node is no member."""

    def note(self, notice: Notice) -> None:
        """Take in what was reported."""
        match notice:
            case MemberLeft(peer=peer, reason=reason) if reason in _DEPARTURES:
                self._depart(peer, _DEPARTURES[reason])
            case MemberJoined(peer=peer):
                self.departed.pop(peer.name, None)
                if peer.name == self._me:
                    self.retired = MemberState.LEFT
            case Retired(reason=reason):
                self.retired = _DEPARTURES.get(reason, MemberState.LEFT)

    def _depart(self, peer: NodeSpec, state: MemberState) -> None:
        self.departed.pop(peer.name, None)
        self.departed[peer.name] = peer, state
        while len(self.departed) > _REMEMBERED:
            del self.departed[next(iter(self.departed))]


class Report:
    """Reads a kernel; changes nothing."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._chronicle = Chronicle(kernel.me.name)
        self._since = trio.current_time()
        kernel.journal.observe(self._chronicle.note)

    def status(self) -> Status:
        """The node at a glance."""
        kernel, config = self._kernel, self._kernel.config
        state = self._own_state()
        return Status(
            name=kernel.me.name,
            state=state,
            cluster=config.node.cluster,
            incarnation=kernel.me.incarnation,
            addresses=diagnosis.texts(kernel.me),
            data_dir=None if config.node.data_dir is None else str(config.node.data_dir.absolute()),
            process=os.getpid(),
            version=VERSION,
            overlay=config.overlay.use,
            serializer=config.serializer.use,
            age=trio.current_time() - self._since,
            members=len(kernel.members()),
            neighbours=tuple(sorted(kernel.driver.host.neighbours)),
            connections=sum(len(peer.connections) for peer in kernel.peers.table.values()),
            mailboxes=tuple(kernel.postoffice.names()),
            problems=diagnosis.problems(kernel, state),
            missing=diagnosis.missing(kernel),
            ignored=getattr(kernel.strategy, "ignored", {}) | getattr(kernel.detecting.detector, "ignored", {}),
        )

    def members(self) -> tuple[MemberRow, ...]:
        """A row for each member, this node included, and for those who were so until lately; by name."""
        rows = {spec.name: self._member(spec, self._state(spec)) for spec in self._kernel.members().values()}
        for name, (spec, state) in self._chronicle.departed.items():
            rows.setdefault(name, self._member(spec, state))
        me = self._kernel.me
        rows[me.name] = self._member(me, self._own_state())
        return tuple(rows[name] for name in sorted(rows))

    def connections(self) -> tuple[ConnectionRow, ...]:
        """A row for each lane to each peer, by peer, the membership lane first."""
        return tuple(row for link in self.links() for row in link.lanes)

    def links(self) -> tuple[LinkRow, ...]:
        """A row for each member but this node, and for each other peer there is a link to; by name."""
        members = {row.name: row.state for row in self.members() if not row.local}
        names = sorted(members.keys() | self._kernel.peers.table.keys())
        return tuple(diagnosis.link(self._kernel, name, members.get(name)) for name in names)

    def channels(self) -> tuple[ChannelRow, ...]:
        """A row for each channel, by name."""
        return tuple(map(self._kernel.peers.traffic.row, sorted(self._kernel.channels)))

    def _own_state(self) -> MemberState:
        return self._chronicle.retired if self._kernel.left else MemberState.UP

    def _state(self, spec: NodeSpec) -> MemberState:
        peer = self._kernel.peers.table.get(spec.name)
        if peer is None:
            return MemberState.KNOWN
        if not peer.is_up:
            return MemberState.DOWN if peer.last_error else MemberState.KNOWN
        return MemberState.SUSPECTED if spec.name in self._kernel.detecting.suspected else MemberState.UP

    def _member(self, spec: NodeSpec, state: MemberState) -> MemberRow:
        peer = self._kernel.peers.table.get(spec.name)
        return MemberRow(
            name=spec.name,
            state=state,
            neighbour=spec.name in self._kernel.driver.host.neighbours,
            local=spec.name == self._kernel.me.name,
            incarnation=spec.incarnation,
            addresses=diagnosis.texts(spec),
            labels=dict(spec.labels),
            last_error="" if peer is None else peer.last_error,
        )
