"""What a server does beside what all members do: it holds on to every server, and to the clients that hold on to it."""

from random import Random

from partisan_clientserver._protocol import Member
from partisan_clientserver._views import Role, is_server, role_of
from partisan_clientserver.config import ClientServerConfig
from partisan_core.identity import NodeSpec
from partisan_core.membership import Versions


class Server(Member):
    """A node that knows everybody, and is linked to all servers and to the clients that hold on to it."""

    role = Role.SERVER

    def __init__(self, me: NodeSpec, config: ClientServerConfig, rng: Random) -> None:
        super().__init__(me, config, rng)
        self._clients: dict[str, NodeSpec] = {}
        self._digest = self._known.digest
        self._versions = self._known.versions()
        """Of all members, as of that digest."""
        self._told = self._versions
        """Those of them that every client is told."""

    def _wanted(self) -> dict[str, NodeSpec]:
        """All servers; and the clients that hold on, but not those of them whose life is over."""
        self._clients = {name: client for name, client in self._clients.items() if self._is_member(client)}
        return {
            name: spec
            for name, spec in self._members.items()
            if name != self._me.name and (is_server(spec) or name in self._clients)
        }

    def _is_member(self, peer: NodeSpec) -> bool:
        held = self._members.get(peer.name)
        return held is not None and held.life == peer.life

    def _audience(self, source: str) -> list[NodeSpec]:
        return [*self._some_neighbours(source), *(peer for name, peer in self._clients.items() if name != source)]

    def _handle_link_up(self, peer: NodeSpec) -> None:
        """A new life of a client that is linked already holds on, too: its summary is still to come."""
        if peer.name in self._clients and not is_server(peer):
            self._clients[peer.name] = peer
        super()._handle_link_up(peer)

    def _on_lost(self, peer: NodeSpec) -> None:
        """The way back is the client's to find, here or elsewhere. A lost server stays wanted."""
        if self._clients.pop(peer.name, None) is not None:
            self._links = self._wanted()

    def _on_summary(self, peer: NodeSpec, versions: Versions) -> None:
        is_client = role_of(peer) is Role.CLIENT and self._is_member(peer)
        if is_client and self._clients.get(peer.name) != peer:
            self._clients[peer.name] = peer
            self._links = self._wanted()
        if not (is_client and self._is_settled(versions)):
            super()._on_summary(peer, versions)

    def _is_settled(self, versions: Versions) -> bool:
        """Say whether a client has all that it is told, and nothing else than this server: then there is no answer.

        All clients ask, again and again: going through all members for each of them took half of a quiet server's time.
        """
        if self._digest != self._known.digest:
            self._digest, self._versions = self._known.digest, self._known.versions()
            self._told = {name: self._versions[name] for name in self._versions if self._is_for_all(name)}
        return self._told.items() <= versions.items() <= self._versions.items()

    def _is_for_all(self, name: str) -> bool:
        held = self._known.get(name, self._now)
        return held is not None and is_server(held.spec)
