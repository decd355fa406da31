"""Static: a node is linked to whom it was configured with, to whom it joined, and to who joined it.

Theory of operation
-------------------
A link is an edge of a graph that people draw, one edge at a time; nobody hears of a third node. Both ends of
an edge hold it: who has a peer wants a link to it, and greets it when the link is up; who is greeted has the
greeter for a peer from then on. So a link that is lost is dialled again by both, and a crash changes nothing.

An edge ends with a farewell from either end, by leaving or by evicting. Who was evicted while it was cut off
hears so at its next greeting: an evicted life is turned away until this end joins it, or it begins anew. A
configured peer that said farewell is not dialled any more, but may greet, or be joined, again.

A newer life of a peer takes the place of the older one, found at the address of the older one, or by its
greeting from another. Messages of one peer arrive in order, as the membership channel sees to it.
"""

from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import ClassVar

from msgspec import DecodeError, Struct
from msgspec.msgpack import decode, encode

from partisan_core.effects import Effect, Note, Send
from partisan_core.events import Event, Evict, Join, Leave, LinkUp, Reason, Received
from partisan_core.identity import NodeSpec
from partisan_static.config import StaticConfig
from partisan_static.messages import Farewell, Greeting

MAX_PEERS = 1000
"""How many may be peers: beyond it a greeting is answered with a farewell. Chosen: each costs a link."""


class Static:
    """One node of a static overlay."""

    messages: ClassVar[Sequence[type[Struct]]] = (Greeting, Farewell)
    capabilities: ClassVar[Collection[str]] = frozenset({"evict"})

    def __init__(self, me: NodeSpec, config: StaticConfig, rng: Random) -> None:
        self._me = me
        self._configured = {peer.name for peer in config.peers}
        self._peers = {peer.name: peer for peer in config.peers if peer.name != me.name}
        self._members: Mapping[str, NodeSpec] = {me.name: me} | self._peers
        self._evicted: dict[str, NodeSpec] = {}
        self._left = False

    def handle(self, event: Event, now: float) -> list[Effect]:
        """The only way in. A node that has left is deaf."""
        if self._left:
            return []
        match event:
            case Join(contact):
                self._evicted.pop(contact.name, None)
                return self._add(contact)
            case LinkUp(peer) if peer.name in self._peers:
                return [*self._add(peer), Send(peer, Greeting())]
            case Received(peer, Greeting()):
                return self._on_greeting(peer)
            case Received(peer, Farewell()):
                return self._remove(peer, Reason.LEFT)
            case Evict(peer):
                return self._handle_evict(peer)
            case Leave():
                return self._handle_leave()
        return []

    def members(self) -> Mapping[str, NodeSpec]:
        """This node and its peers, living or not."""
        return self._members

    def links(self) -> Mapping[str, NodeSpec]:
        """The peers."""
        return self._peers

    def next_hop(self, name: str) -> str | None:
        """None: nobody is known without a link of its own."""
        return None

    def snapshot(self) -> bytes:
        """The peers that no configuration names; nothing once this node has left."""
        joined = [peer for name, peer in self._peers.items() if name not in self._configured]
        return encode(joined) if joined else b""

    def restore(self, data: bytes) -> None:
        """Take back a snapshot. What the configuration says of a name counts more."""
        try:
            remembered = decode(data, type=tuple[NodeSpec, ...])
        except DecodeError:
            return
        self._change({peer.name: peer for peer in remembered if peer.name != self._me.name} | self._peers)

    def _handle_evict(self, peer: NodeSpec) -> list[Effect]:
        """Of the life that is evicted, which is not always the one that whoever asks has seen."""
        if peer.name not in self._peers:
            return []
        peer = self._evicted[peer.name] = self._peers[peer.name]
        return [*self._remove(peer, Reason.EVICTED), Send(peer, Farewell())]

    def _handle_leave(self) -> list[Effect]:
        effects: list[Effect] = [Send(peer, Farewell()) for peer in self._peers.values()]
        self._left = True
        self._members = self._peers
        if self._peers:
            self._peers = {}
        return effects

    def _on_greeting(self, peer: NodeSpec) -> list[Effect]:
        evicted = self._evicted.get(peer.name)
        is_one_too_many = peer.name not in self._peers and len(self._peers) >= MAX_PEERS
        if is_one_too_many or (evicted is not None and evicted.life >= peer.life):
            return [Send(peer, Farewell())]
        return self._add(peer)

    def _add(self, peer: NodeSpec) -> list[Effect]:
        """Have `peer` for a peer, unless it is this node, or a newer life of the name is one already."""
        held = self._peers.get(peer.name)
        if peer.name == self._me.name or (held is not None and held.life >= peer.life):
            return []
        self._change(self._peers | {peer.name: peer})
        return [] if held is None else [Note(held, Reason.RESTARTED)]

    def _remove(self, peer: NodeSpec, reason: Reason) -> list[Effect]:
        """Have `peer` for a peer no more; what an older life of it said is of no interest."""
        held = self._peers.get(peer.name)
        if held is None or held.life > peer.life:
            return []
        self._change({name: other for name, other in self._peers.items() if name != peer.name})
        return [Note(held, reason)]

    def _change(self, peers: dict[str, NodeSpec]) -> None:
        self._peers = peers
        self._members = {self._me.name: self._me} | peers
