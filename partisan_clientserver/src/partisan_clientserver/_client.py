"""What a client does beside what all members do: it holds on to servers, and replaces those that it loses."""

from random import Random

from partisan_clientserver._protocol import Member
from partisan_clientserver._views import Role
from partisan_clientserver.config import ClientServerConfig
from partisan_clientserver.messages import Summary
from partisan_core.events import Event, TimerFired
from partisan_core.identity import NodeSpec
from partisan_core.membership import Entry

_CALM_ROUNDS = 5
"""After so many rounds in which nothing happened, a client tells its servers what it has in one of so many only: what
is calm is asked more seldom, as in Trickle (RFC 6206). Measured: a server with 100 idle clients took 3.5 % of a core
when each spoke in every round, and 1.6 % so, of which 1.0 % were for the links alone."""


class Client(Member):
    """A node that knows the servers, and is linked to some of them."""

    role = Role.CLIENT

    def __init__(self, me: NodeSpec, config: ClientServerConfig, rng: Random) -> None:
        super().__init__(me, config, rng)
        self._chosen: list[str] = []
        self._unreached: dict[str, NodeSpec] = {}
        """Whom to replace with the next round, unless a link to it works by then."""
        self._calm = 0
        """Rounds since something happened."""

    def _dispatch(self, event: Event) -> None:
        if not isinstance(event, TimerFired):
            self._calm = 0
        super()._dispatch(event)

    def next_hop(self, name: str) -> str | None:
        """Whoever has no link of its own is reached through a server that has one; None when none works."""
        return None if name == self._me.name or name in self._up else next(iter(self._up), None)

    def _greeting(self) -> Summary:
        """Beside what it knows, it says that this client holds on."""
        return Summary(self._known.versions())

    def _some_neighbours(self, but: str = "") -> list[NodeSpec]:
        """All servers to which a link works; nobody in most rounds of calm."""
        is_due = self._calm <= _CALM_ROUNDS or self._calm % _CALM_ROUNDS == 0
        return list(self._up.values()) if is_due else []

    def _audience(self, source: str) -> list[NodeSpec]:
        """Nobody: servers tell each other."""
        return []

    def _handle_join(self, contact: NodeSpec) -> None:
        """A server is wanted when there is room, and greeted on its link; a client, or who is evicted, is spoken to."""
        self._learn([Entry(contact)], self._links.values())
        if contact.name not in self._members:
            self._send(contact, Summary(self._known.versions()))

    def _wanted(self) -> dict[str, NodeSpec]:
        """Keep those chosen that still are servers; draw the rest."""
        self._chosen = [name for name in self._chosen if name in self._members]
        others = self._others()
        room = min(self._config.servers - len(self._chosen), len(others))
        self._chosen += self._rng.sample(others, room)
        return {name: self._members[name] for name in self._chosen}

    def _others(self) -> list[str]:
        """Servers that are not chosen. Sorted: a set's order would not be repeated by a seed."""
        return sorted(self._members.keys() - {self._me.name, *self._chosen})

    def _on_lost(self, peer: NodeSpec) -> None:
        """Put another server into its place. When there is none, go on dialling this one."""
        others = self._others()
        if others:
            self._chosen.remove(peer.name)
            self._chosen.append(self._rng.choice(others))
            self._links = self._wanted()

    def _on_unreached(self, peer: NodeSpec) -> None:
        self._unreached[peer.name] = peer

    def _handle_round(self) -> None:
        for name, peer in self._unreached.items():
            if name not in self._up and self._wants(peer):
                self._on_lost(peer)
        self._unreached = {}
        self._calm += 1
        super()._handle_round()
