"""The way to a node without a link: dialled for the message, through a node that has one, or none."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from partisan_core.errors import NodeDown, NotConnected, SendError, UnknownNode
from partisan_core.identity import NodeSpec
from partisan_core.kernel.peer import Peer
from partisan_core.kernel.peers import Peers
from partisan_core.kinds import Unconnected
from partisan_core.refs import Ref
from partisan_core.spelling import did_you_mean


class Routing(Struct, eq=False):
    """Follows the rule `[routing] unconnected`."""

    rule: Unconnected
    _overlay: str
    _members: Callable[[], Mapping[str, NodeSpec]]
    _next_hop: Callable[[str], str | None]
    _neighbours: Callable[[], Mapping[str, NodeSpec]]
    _peers: Peers
    _is_open: Callable[[], bool]

    def may_dial(self, name: str) -> bool:
        """Whether a link to the node of that name may be there for messages alone."""
        return self.rule == "dial" and self._is_open() and name in self._members()

    def find(self, ref: Ref) -> Peer:
        """The peer that takes messages for `ref`, to which no link is up: the node itself, or another as its relay.

        Raises:
            UnknownNode: nobody of that name is known.
            NodeDown: it cannot be reached.
            NotConnected: the rule leaves no way to it.
        """
        peer, member = self._peers.table.get(ref.node), self._members().get(ref.node)
        if peer is not None and peer.wanted_by_overlay:
            return self._reach(peer.spec)
        if self.rule == "relay" and (relay := self._relay(ref.node)) is not None:
            return relay
        if member is None:
            raise self._unknown(ref.node, peer)
        if self.rule == "dial":
            return self._reach(member)
        raise self._no_way(ref.node)

    def _reach(self, spec: NodeSpec) -> Peer:
        """The peer, taking messages while a link to it is dialled."""
        known = self._peers.table.get(spec.name)
        is_new = known is None or not known.link.wanted or known.spec.life < spec.life
        peer = self._peers.get(spec)
        if is_new:
            self._peers.try_anew(peer)
        elif peer.has_failed:  # and is dialled again while the link is wanted
            raise NodeDown(f"node {spec.name} is known and down: {peer.last_error}; nothing was sent")
        if not peer.wanted_by_overlay:
            self._peers.pins.pin(peer)
        if not peer.lanes:
            peer.open_waiting()
        return peer

    def _relay(self, name: str) -> Peer | None:
        """Who passes it on to the node of that name; whether it exists, the relay knows."""
        hop = self._next_hop(name)
        peer = None if hop is None else self._peers.table.get(hop)
        return peer if peer is not None and peer.is_up and hop != name else None

    def _unknown(self, name: str, peer: Peer | None) -> SendError:
        if peer is not None:
            return NodeDown(f"node {name} is down and no member; nothing was sent")
        hint = did_you_mean(name, self._members())
        return UnknownNode(f"no node {name!r} is known here{hint}; nothing was sent")

    def _no_way(self, name: str) -> NotConnected:
        neighbours = ", ".join(sorted(self._neighbours())) or "nobody"
        return NotConnected(
            f"node {name} is a member, but this node has no link to it; its neighbours are {neighbours}. The rule of "
            f"overlay {self._overlay!r} or of the configuration is routing.unconnected = {self.rule!r}; nothing was "
            f"sent. Join {name} where the overlay links whom one joins, or set routing.unconnected"
        )
