"""Who may come in: what only a running node can decide. What two hellos can tell is in `wire.handshake`."""

from collections.abc import Callable, Collection, Mapping

import trio
from msgspec import Struct

from partisan_core.identity import NodeSpec
from partisan_core.kernel.channels import MEMBERSHIP, Channel
from partisan_core.kernel.peer import MEMBERSHIP_LANE, LaneKey, Peer
from partisan_core.kernel.peers import Peers
from partisan_core.wire.messages import Hello, Refused

Verdict = tuple[Refused, str] | None
"""None: welcome. Otherwise the code and the text of a refusal."""

NAME_PROBE = 0.5
"""Seconds a live holder of a name has to answer before a newcomer takes it (design, section 6)."""

FUTURE_LIMIT = 2**32
"""Milliseconds, seven weeks, that an incarnation may be ahead of our clock: a wrong clock passes, a made-up incarnation
that no other could ever follow does not (reliability reference 4.1, threat 11)."""


_LIVES = 4096
"""Names whose newest life is remembered when nothing else tells of it (chosen: nodes that one node meets in weeks)."""


class Judge(Struct, eq=False):
    """Knows the lives, names and lanes of one node."""

    _me: Callable[[], NodeSpec]
    _members: Callable[[], Mapping[str, NodeSpec]]
    _channels: Mapping[str, Channel]
    _peers: Peers
    _deny: Collection[str]
    _wall_clock: Callable[[], float]
    barred: str | None = None
    """Why nobody may come in any more: it has left, is closing."""
    proving: set[tuple[str, LaneKey]] = set()
    """Lanes, with the peer's name, on which we have offered our session and wait for the welcome."""
    _lives: dict[str, tuple[int, int]] = {}
    """The newest that came in under each name: no older one follows it, when it is gone and forgotten, too."""

    async def judge(self, hello: Hello, *, dialled: bool) -> Verdict:
        """Whether the peer that said `hello` is welcome on that lane."""
        return (
            self._judge_node(hello.node, dialled)
            or await self._judge_name(hello.node)
            or self._judge_lane(hello, dialled)
        )

    def judge_again(self, hello: Hello, *, dialled: bool) -> Verdict:
        """The same without asking anybody, at the moment that decides: much may have happened since the hello."""
        verdict = self._judge_node(hello.node, dialled) or self._judge_lane(hello, dialled)
        if verdict is None:
            self._remember(hello.node)
        return verdict

    def _remember(self, node: NodeSpec) -> None:
        self._lives.pop(node.name, None)
        self._lives[node.name] = node.life
        if len(self._lives) > _LIVES:
            del self._lives[next(iter(self._lives))]

    def _judge_node(self, node: NodeSpec, dialled: bool) -> Verdict:
        me = self._me()
        if self.barred is not None:
            return Refused.CLOSING, f"node {me.name} {self.barred}"
        if node.name == me.name and dialled:
            return None  # the other end says it of us, and has to prove first that it is a member
        if node.name == me.name:
            return Refused.NAME_IN_USE, f"the name {me.name} is in use by this node; choose another name"
        if node.name in self._deny:
            return Refused.DENIED, f"{node.name} is on the deny list of node {me.name} ([security] deny)"
        if node.incarnation > self._wall_clock() * 1000 + FUTURE_LIMIT:
            text = f"incarnation {node.incarnation} of {node.name} lies weeks ahead; set its clock right"
            return Refused.FUTURE, text
        known = self.newest(node.name)
        newest = max(self._lives.get(node.name, node.life), node.life if known is None else known.life)
        if node.life < newest:
            text = (
                f"incarnation {node.incarnation} of {node.name} is older than {newest[0]}, known here; "
                f"restart it (with a right clock or its data_dir) so that it gets a newer one"
            )
            return Refused.STALE, text
        return None

    async def _judge_name(self, node: NodeSpec) -> Verdict:
        """A newcomer claims the name of a peer with a live link: that peer is asked."""
        peer = self._peers.table.get(node.name)
        connection = peer.connection if peer is not None else None
        if peer is None or connection is None or peer.up is None or node.life <= peer.up.life:
            return None
        answered = trio.Event()
        connection.ping(lambda rtt: answered.set())
        with trio.move_on_after(NAME_PROBE):
            await answered.wait()
        if answered.is_set() and peer.connection is connection:
            where = ", ".join(map(str, peer.spec.addresses))
            return Refused.NAME_IN_USE, f"the name {node.name} is in use by a living node at {where}"
        return None

    def _judge_lane(self, hello: Hello, dialled: bool) -> Verdict:
        key = (hello.channel, hello.lane)
        peer = self._peers.table.get(hello.node.name)
        ours = (hello.node.name, key) in self.proving
        if ours and (dialled or self._me().name < hello.node.name):
            return Refused.SIMULTANEOUS, "our own dial of this lane goes on; the smaller name's survives"
        if key == MEMBERSHIP_LANE:
            return self._judge_connected(peer, key, hello.node, dialled)
        channel = self._channels.get(hello.channel)
        if channel is None or channel.name == MEMBERSHIP:
            return Refused.CHANNEL, f"node {self._me().name} has no lane {hello.lane} of channel {hello.channel!a}"
        if hello.serializer != channel.codec_name:
            return (
                Refused.SERIALIZER,
                f"channel {channel.name} uses serializer {channel.codec_name} here, {hello.serializer!a} there",
            )
        if peer is None or not peer.is_up or peer.spec.life != hello.node.life:
            return Refused.NOT_MEMBER, "a data lane comes after the membership connection of the same life"
        if peer.lane(key) is None:
            return Refused.LANE, f"channel {channel.name} has fewer than {hello.lane + 1} lanes between us"
        return self._judge_connected(peer, key, hello.node, dialled)

    def _judge_connected(self, peer: Peer | None, key: LaneKey, node: NodeSpec, dialled: bool) -> Verdict:
        """Our own dial came too late: the peer's has made the connection meanwhile."""
        if dialled and peer is not None and peer.spec.life == node.life and key in peer.connections:
            return Refused.SIMULTANEOUS, "this lane is connected already"
        return None

    def newest(self, name: str) -> NodeSpec | None:
        """The newest life of another node that members or connections tell of."""
        peer = self._peers.table.get(name)
        known = [spec for spec in (self._members().get(name), peer.spec if peer else None) if spec is not None]
        return max(known, key=lambda spec: spec.life, default=None)
