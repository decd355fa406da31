"""Overlays with a planted defect each: the witness of the schedules has to find every one."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from partisan_clientserver import Client, Server
from partisan_clientserver.plugin import make_member
from partisan_core.effects import Effect, Retire, Send
from partisan_core.events import DialFailed, Event, Leave, LinkDown, Reason, TimerFired
from partisan_core.identity import Address, NodeSpec
from partisan_core.kinds import OverlayPlugin
from partisan_core.membership import Change, Entry, Status
from partisan_fullmesh import FullMesh, FullMeshConfig
from partisan_hyparview import HyParView
from partisan_hyparview.messages import Disconnect
from partisan_static import Static, StaticConfig

# -- full mesh ---------------------------------------------------------------------------------------------------


class EvictsTheCrashed(FullMesh):
    """Takes a broken link for the end of a membership."""

    def _dispatch(self, event: Event) -> None:
        super()._dispatch(event)
        if isinstance(event, LinkDown):
            self._learn([Entry(event.peer, Status.EVICTED)], ())


class LeavesInSilence(FullMesh):
    """Goes without telling anybody."""

    def _dispatch(self, event: Event) -> None:
        if isinstance(event, Leave):
            self._is_over = True
        else:
            super()._dispatch(event)


class IgnoresTombstones(FullMesh):
    """Drops what it is told about the end of others."""

    def _learn(self, entries: Iterable[Entry], audience: Iterable[NodeSpec]) -> None:
        super()._learn([entry for entry in entries if entry.status is Status.ALIVE], audience)


class Resurrects(FullMesh):
    """Forgets with the next round that a membership ended, and believes the next who has not heard of it."""

    def _handle_round(self) -> None:
        for name in list(self._known._tombstones):
            self._known._forget(name)
        super()._handle_round()


class IgnoresUsurpers(FullMesh):
    """Stays when a newer life of its name exists."""

    def _note(self, change: Change) -> None:
        retired = self._is_over
        super()._note(change)
        if change.after.spec.name == self._me.name and change.after.spec.life != self._me.life:
            self._is_over = retired
            self._effects = [effect for effect in self._effects if not isinstance(effect, Retire)]


class RetiresWithoutReason(FullMesh):
    """Gives up when it loses a link."""

    def _dispatch(self, event: Event) -> None:
        super()._dispatch(event)
        if isinstance(event, LinkDown) and not self._is_over:
            self._effects.append(Retire(Reason.EVICTED))


class LinksToHalf(FullMesh):
    """Wants links to those whose number is even only."""

    _half: Mapping[str, NodeSpec] = {}

    def links(self) -> Mapping[str, NodeSpec]:
        half = {name: peer for name, peer in self._links.items() if int(name[5:]) % 2 == 0}
        self._half = self._half if half == self._half else half
        return self._half


class DependsOnHashes(FullMesh):
    """Tells its audience in an order that differs from run to run."""

    def _learn(self, entries: Iterable[Entry], audience: Iterable[NodeSpec]) -> None:
        super()._learn(entries, sorted(audience, key=id))


EVICTS_THE_CRASHED = OverlayPlugin(
    make=EvictsTheCrashed, config=FullMeshConfig, capabilities=frozenset({"full_view", "evict"})
)

# -- HyParView ---------------------------------------------------------------------------------------------------


class KeepsTheDead(HyParView):
    """Never gives up a neighbour whose link is down."""

    def _dispatch(self, event: Event) -> None:
        if not isinstance(event, LinkDown | DialFailed):
            super()._dispatch(event)


class DropsInSilence(HyParView):
    """Does not tell who is a neighbour no more."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        effects = super().handle(event, now)
        return [one for one in effects if not (isinstance(one, Send) and isinstance(one.message, Disconnect))]


class NeverTriesAgain(HyParView):
    """Has no timers."""

    def _dispatch(self, event: Event) -> None:
        if not isinstance(event, TimerFired):
            super()._dispatch(event)


class TakesEverybody(HyParView):
    """Has room for more neighbours than its configuration says."""

    def __init__(self, me: NodeSpec, config: Any, rng: Random) -> None:
        super().__init__(me, replace(config, active_max=config.active_max + 1), rng)


# -- star ---------------------------------------------------------------------------------------------------------


class NeverMoves(Client):
    """Holds on to the servers that it chose first, dead or alive."""

    def _on_lost(self, peer: NodeSpec) -> None:
        """Nothing follows."""


class LinksToClients(Client):
    """Wants a link to a fellow as well."""

    def _on_lost(self, peer: NodeSpec) -> None:
        if peer.name in self._chosen:
            super()._on_lost(peer)

    def _wanted(self) -> dict[str, NodeSpec]:
        wanted = super()._wanted()
        fellow = NodeSpec("node-9", 0, 0, (Address("10.0.0.2", 10_009),), {"role": "client"})
        return wanted if self._me.name == fellow.name else wanted | {fellow.name: fellow}


def never_moves(me: NodeSpec, config: Any, rng: Random) -> Server | Client:
    return (
        NeverMoves(me, replace(config, servers=1), rng)
        if me.labels["role"] == "client"
        else make_member(me, config, rng)
    )


def links_to_clients(me: NodeSpec, config: Any, rng: Random) -> Server | Client:
    return LinksToClients(me, config, rng) if me.labels["role"] == "client" else make_member(me, config, rng)


# -- static -------------------------------------------------------------------------------------------------------


class DialsStrangers(Static):
    """Wants a link to one more than it was configured with."""

    def __init__(self, me: NodeSpec, config: StaticConfig, rng: Random) -> None:
        number = (int(me.name[5:]) + 5) % 16
        stranger = NodeSpec(f"node-{number}", 0, 0, (Address("10.0.0.2", 10_000 + number),))
        super().__init__(me, replace(config, peers=(*config.peers, stranger)), rng)


class GivesUp(Static):
    """Forgets a peer whose link is down."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        effects = super().handle(event, now)
        return [*effects, *self._remove(event.peer, Reason.GONE)] if isinstance(event, LinkDown) else effects


class IgnoresFarewells(Static):
    """Goes on dialling who said that it leaves."""

    def _remove(self, peer: NodeSpec, reason: Reason) -> list[Effect]:
        return [] if reason is Reason.LEFT else super()._remove(peer, reason)
