"""Whom a node holds, who holds it, whom it has lost: how peers get into the views and out of them. Pure."""

from collections.abc import Mapping
from random import Random

from msgspec import Struct

from partisan_core.effects import Effect, Note, Send, StartTimer
from partisan_core.events import Reason
from partisan_core.identity import NodeSpec
from partisan_overlay_scamp._views import Lost, View, is_sane
from partisan_overlay_scamp.config import ScampConfig
from partisan_overlay_scamp.messages import Heartbeat, Probe

MAX_LOST = 16
"""Lost members that are remembered. Chosen; simulated partitions heal with it."""
MAX_DEPARTED = 64
"""Leavers that are remembered, so that what was under way about them brings none back. Chosen: some views."""
LONGEST_PAUSE = 60.0
"""Seconds between two probes of one lost member, at most. Chosen: a partition heals within minutes of its end."""


class Neighbourhood:
    """The two views of one node, and its memory of the rest. Collects the effects of one event."""

    def __init__(self, me: NodeSpec, config: ScampConfig, rng: Random) -> None:
        self._me, self._config, self._rng = me, config, rng
        self.now = 0.0
        self.effects: list[Effect] = []
        self.partial, self.inward = View(config.view_max), View(config.view_max)
        """Whom this node holds, and who holds it."""
        self.lost = Lost(MAX_LOST, config.heartbeat_interval, LONGEST_PAUSE)
        self.suspected: set[str] = set()
        """Members that may have failed: the connection to them broke, and is not given up yet."""
        self._departed: dict[str, tuple[int, int]] = {}
        """Which life of a name has left."""
        self.members: Mapping[str, NodeSpec] = {me.name: me}
        self._shown = (self.partial.peers, self.inward.peers)

    def is_stale(self, peer: NodeSpec) -> bool:
        """Say whether this life of `peer` has left, or a newer one is in a view."""
        held = self.partial.peers.get(peer.name) or self.inward.peers.get(peer.name)
        if held is not None and held is not peer and held.life > peer.life:
            return True
        return peer.name in self._departed and self._departed[peer.name] >= peer.life

    def is_credible(self, peer: NodeSpec) -> bool:
        """Say whether hearsay is of another node, and not of a life that is over."""
        return peer.name != self._me.name and not self.is_stale(peer)

    def keep(self, peer: NodeSpec, serial: int = 0) -> bool:
        """Hold `peer` for a lease, and say so to it; say whether it was sound, and there was room."""
        if not is_sane(peer) or not self.partial.put(peer, self.now + self._config.lease, serial):
            return False
        self.send(peer, Heartbeat())
        return True

    def hear(self, keeper: NodeSpec) -> bool:
        """`keeper` holds this node; say whether there is room to remember that."""
        return self.inward.put(keeper, self.now + self._config.isolation_timeout)

    def supersede(self, peer: NodeSpec) -> None:
        """A newer life of a name speaks: it takes the place of the older one, whose own view is gone."""
        keeper, held = self.inward.peers.get(peer.name), self.partial.peers.get(peer.name)
        if keeper is not None and keeper is not peer and keeper.life < peer.life:
            self.inward.drop(peer.name)
        if held is not None and held is not peer and held.life < peer.life:
            self.effects.append(Note(held, Reason.RESTARTED))
            self.keep(peer)

    def fail(self, peer: NodeSpec, reason: Reason, *, was_up: bool) -> None:
        """It cannot be reached. What was linked to is remembered; what concerns an earlier life is no news."""
        held = self.partial.peers.get(peer.name)
        if not self.is_stale(peer):
            self.forget(peer, reason)
            if was_up and held is not None:
                self.lost.add(held, self.now)

    def depart(self, peer: NodeSpec) -> None:
        """It has left for good."""
        self.forget(peer, Reason.LEFT)
        self.lost.drop(peer.name)
        self._departed.pop(peer.name, None)
        self._departed[peer.name] = peer.life
        if len(self._departed) > MAX_DEPARTED:
            del self._departed[next(iter(self._departed))]

    def forget(self, peer: NodeSpec, reason: Reason) -> None:
        """Have it in neither view any more."""
        held = self.partial.peers.get(peer.name) or self.inward.peers.get(peer.name)
        if held is not None:
            self.effects.append(Note(held, reason))
            self.partial.drop(peer.name)
            self.inward.drop(peer.name)

    def steps(self, subscriber: NodeSpec) -> list[NodeSpec]:
        """Where a walk for `subscriber` may go next. With a suspected node it would end unheard."""
        near = {**self.partial.peers, **self.inward.peers}
        return [one for name, one in near.items() if name != subscriber.name and name not in self.suspected]

    def beat(self) -> None:
        """Let go of those whose term is over, tell the others that they are held, and ask after one that was lost."""
        self.partial.end_terms(self.now)
        self.inward.end_terms(self.now)
        for peer in self.partial.peers.values():
            self.send(peer, Heartbeat())
        lost = self.lost.due(self.now)
        if lost is not None:
            self.send(lost, Probe())

    def show(self) -> None:
        """Make a new mapping of members when a view has changed."""
        shown = (self.partial.peers, self.inward.peers)
        if shown[0] is self._shown[0] and shown[1] is self._shown[1]:
            return
        self._shown = shown
        members = {self._me.name: self._me, **shown[1], **shown[0]}
        if members != self.members:  # who only went from one view into the other changes nothing
            self.members = members

    def clear(self) -> None:
        """This node is a member no more."""
        self.inward, self.members = View(0), {}
        if self.partial.peers:
            self.partial = View(0)

    def send(self, peer: NodeSpec, message: Struct) -> None:
        """Say something to anybody."""
        self.effects.append(Send(peer, message))

    def start_timer(self, token: str, after: float) -> None:
        """`TimerFired(token)` after so many seconds."""
        self.effects.append(StartTimer(after, token))
