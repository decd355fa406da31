"""The star: servers know everybody and link to each other; clients know and link to servers only.

Theory of operation
-------------------
How members hear of each other, and what a crash, a restart and an eviction mean, is the core's gossip
(`partisan_core.gossip`), with restrictions.

Servers keep one set, of servers and clients, as the nodes of a full mesh do. A client's set holds servers, and
itself. It wants links to some servers, drawn at random, and says so with a summary on every link, in every
round while something happens, and in every fifth else. A server wants the link of such a client as long as it
is up; it never goes after a client that is gone, for that one has moved to another server: who loses a server
draws another. One that cannot be dialled is given up only with the next round, so that a client of servers that
are all dead does not dial them without a pause.

A newer life of a name replaces the older one also when it comes back in the other role. Who speaks although its
role forbids the link is told why, and where the servers are.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from random import Random
from typing import ClassVar

from msgspec import Struct

from partisan_clientserver._views import Role, fitting, is_server, mislabelled, objection, role_of, visible
from partisan_clientserver.config import ClientServerConfig
from partisan_clientserver.messages import Rejected
from partisan_core.effects import Decline
from partisan_core.events import DialFailed, Event, Join, LinkDown, Reason, Received
from partisan_core.gossip import GossipMember
from partisan_core.identity import NodeSpec
from partisan_core.membership import Entry


class Member(GossipMember):
    """What servers and clients have in common: the table of who accepts whom."""

    messages: ClassVar[Sequence[type[Struct]]] = (*GossipMember.messages, Rejected)
    role: ClassVar[Role]

    def __init__(self, me: NodeSpec, config: ClientServerConfig, rng: Random) -> None:
        super().__init__(me, config, rng)
        self._config = config

    def _visible(self) -> Mapping[str, NodeSpec]:
        """Of a server: everybody; of a client: the servers, and itself."""
        return visible(self.role, self._me.name, self._known.alive())

    def _concerns(self, spec: NodeSpec) -> bool:
        """Whoever may be in the view; and whoever is in it, so that a change of role is an end there."""
        return objection(self.role, spec) is None or self._known.get(spec.name, self._now) is not None

    def _fitting(self, entries: Iterable[Entry], peer: NodeSpec, names: Collection[str]) -> tuple[Entry, ...]:
        """News of clients is for servers, and for the client itself when its membership is over."""
        return fitting(entries, peer, names)

    def _on_lost(self, peer: NodeSpec) -> None:
        """A wanted link is down."""
        raise NotImplementedError

    def _on_unreached(self, peer: NodeSpec) -> None:
        """A wanted link cannot be made."""
        self._on_lost(peer)

    def _dispatch(self, event: Event) -> None:
        match event:
            case Received(peer, Rejected(why, servers)):
                self._on_rejected(peer, why, servers)
            case Received(peer) if (objected := objection(self.role, peer)) is not None:
                self._send_rejected(peer, objected)
            case Join(contact) if role_of(contact) is None:
                self._effects.append(Decline(contact, f"node {contact.name} {mislabelled(contact)}"))
            case LinkDown(peer, reason):
                super()._dispatch(event)
                if reason is not Reason.RESTARTED and self._wants(peer):  # a newer life that took its place is no loss
                    self._on_lost(peer)
            case DialFailed(peer) if self._wants(peer):
                self._on_unreached(peer)
            case _:
                super()._dispatch(event)

    def _handle_link_up(self, peer: NodeSpec) -> None:
        """There is gossip with servers only."""
        if is_server(peer):
            super()._handle_link_up(peer)
        else:
            self._learn([Entry(peer)], self._links.values())

    def _on_rejected(self, peer: NodeSpec, why: str, servers: Sequence[Entry]) -> None:
        """Go to the servers that it names; when it names none, whoever joins through it has to hear why."""
        self._learn(servers, ())
        if not servers:
            self._effects.append(Decline(peer, why))

    def _send_rejected(self, peer: NodeSpec, why: str) -> None:
        servers = [Entry(spec) for spec in self._members.values() if is_server(spec)]
        self._send(peer, Rejected(why, tuple(servers) if role_of(peer) else ()))

    def _wants(self, peer: NodeSpec) -> bool:
        wanted = self._links.get(peer.name)
        return wanted is not None and wanted.life <= peer.life
