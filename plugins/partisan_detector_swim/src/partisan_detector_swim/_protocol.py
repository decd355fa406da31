"""SWIM: each period one member is pinged, and when it does not answer others are asked to ping it, too.

Sources: A. Das, I. Gupta, A. Motivala, "SWIM: scalable weakly-consistent infection-style process group membership
protocol", DSN 2002; A. Dadgar, J. Phillips, J. Currey, "Lifeguard: local health awareness for more accurate failure
detection", DSN-W 2018; and memberlist. The members are the peers with a link that have this detector. What SWIM calls
suspicion is here a doubt; what it would confirm as dead is only suspected, for nobody is told and it can be taken back.
"""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import ClassVar

from msgspec import Struct

from partisan_core.detection import (
    DetectorEffect,
    DetectorEvent,
    PeerDown,
    PeerLost,
    PeerResumed,
    PeerUp,
    Started,
    Suspect,
    Trust,
)
from partisan_core.detectors.tcp import TcpDetector
from partisan_core.effects import Send, StartTimer
from partisan_core.events import Received, TimerFired
from partisan_core.identity import NodeSpec
from partisan_core.kinds import NoOptions
from partisan_detector_swim._records import Errand, Member, Probe
from partisan_detector_swim._rumours import Gossip
from partisan_detector_swim._suspicion import Doubt, LocalHealth, Patience
from partisan_detector_swim.config import SwimConfig
from partisan_detector_swim.messages import LEAP, LONGEST_LEAP, ROOM, Ack, Nack, Ping, PingRequest, Rumour

_NACK = 0.8
"""The share of the timeout after which a relay says that it has no answer either, so that its word comes in time.
Origin: memberlist."""

_ERRANDS = 256
"""Pings for others that wait for their answers; who asks for more gets none (chosen)."""


class SwimDetector:
    """Suspects whom neither this node nor those that it asks can reach, and who does not object."""

    messages: ClassVar[Sequence[type[Struct]]] = (Ping, Ack, PingRequest, Nack)

    def __init__(self, config: SwimConfig, rng: Random) -> None:
        self.ignored: Counter[str] = Counter()
        """What was said and not believed."""
        self._config, self._rng = config, rng
        self._others = TcpDetector(NoOptions(), rng)
        """For peers with another detector: there is only their connection to go by."""
        self._numbers = 0
        self._begin(NodeSpec("", 0, 0), 0.0)

    def _begin(self, me: NodeSpec, now: float) -> None:
        self._me, self._incarnation, self._now = me, 0, now
        self._members: dict[str, Member] = {}
        self._round: list[str] = []
        """Whom this round has still to ping, the next one last."""
        self._probe: Probe | None = None
        self._errands: dict[int, Errand] = {}
        """By the number of the ping."""
        self.health = LocalHealth(self._config)
        """How much this node doubts itself."""
        self._gossip = Gossip(self._config.retransmissions)
        self._period = (self._next_number(), now)
        """The number of the running period's timer, and when that is due."""
        self._effects: list[DetectorEffect] = []

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        """See `FailureDetector`."""
        self._now, self._effects = now, []
        match event:
            case Started(me):
                self._begin(me, now)
                self._start_period(self._rng.uniform(0, self._config.interval))
            case TimerFired(token):
                self._on_timer(*token.split(" ", 1))
            case Received(peer, message) if isinstance(message, Ping | Ack | PingRequest | Nack):
                self._on_message(peer, message)
            case PeerUp(peer, converses=True):
                self._effects += self._others.handle(event, now)  # what its last life was taken for is over
                self._add(peer)
            case PeerLost(peer) if self._find(peer):
                self._round = [*(name for name in self._round if name != peer.name), peer.name]  # the next ping is its
            case PeerDown(peer) if peer.name in self._members:
                self._remove(peer)
            case PeerUp() | PeerLost() | PeerResumed() | PeerDown() if event.peer.name not in self._members:
                return self._others.handle(event, now)
        return self._effects

    # -- members ------------------------------------------------------------------------------------------------

    def _add(self, peer: NodeSpec) -> None:
        before = self._members.get(peer.name)
        if before is not None and before.spec.life > peer.life:
            return
        if before is not None and before.is_suspected:
            self._effects.append(Trust(peer))
        self._members[peer.name] = Member(peer)
        self._gossip.forget(peer.name)
        if before is None:
            self._round.insert(self._rng.randint(0, len(self._round)), peer.name)

    def _find(self, peer: NodeSpec) -> Member | None:
        """The member that is this life of a peer."""
        member = self._members.get(peer.name)
        return member if member is not None and member.spec.life == peer.life else None

    def _remove(self, peer: NodeSpec) -> None:
        name = peer.name
        if self._members[name].spec.life > peer.life:
            return
        del self._members[name]
        self._round = [one for one in self._round if one != name]
        self._gossip.forget(name)
        if self._probe is not None and self._probe.target == name:
            self._probe = None

    def _is_known(self, name: str) -> bool:
        return name in self._members or name == self._me.name

    @property
    def _count(self) -> int:
        return len(self._members) + 1

    # -- periods ------------------------------------------------------------------------------------------------

    def _on_timer(self, kind: str, rest: str = "") -> None:
        """Those of earlier periods, probes and doubts are stale."""
        match kind:
            case "period" if rest == str(self._period[0]):
                self._end_period()
            case "answer" if self._probe is not None and rest == str(self._probe.number):
                self._ask_others(self._probe)
            case "errand" if rest.isdecimal() and int(rest) in self._errands:
                errand = self._errands.pop(int(rest))
                self._decline(errand.asker, errand.number)
            case "doubt":
                self._end_doubt(*rest.split(" ", 1))

    def _start_period(self, after: float) -> None:
        number = self._next_number()
        self._period = number, self._now + after
        self._effects.append(StartTimer(after, f"period {number}"))

    def _end_period(self) -> None:
        probe, self._probe = self._probe, None
        if probe is not None:
            if self._was_asleep(self._period[1]):
                self.health.note(1)
            elif not probe.is_answered:
                self._accuse(probe)
        target = self._next_target()
        if target is not None:
            self._probe = Probe(self._next_number(), target.spec.name)
            self._ping(target, self._probe.number)
            timeout = self._config.timeout * self.health.multiplier
            self._effects.append(StartTimer(timeout, f"answer {self._probe.number}"))
        self._start_period(self._config.interval * self.health.multiplier)

    def _was_asleep(self, due: float) -> bool:
        """A timer comes so late that this node itself did not run: what was said meanwhile has not been heard yet."""
        return self._config.lifeguard and self._now - due > self._config.timeout

    def _next_target(self) -> Member | None:
        """Round robin, in an order that is shuffled anew each time (SWIM, section 4.3)."""
        if not self._round:
            self._round = [*self._members]
            self._rng.shuffle(self._round)
        return self._members[self._round.pop()] if self._round else None

    def _ping(self, target: Member, number: int) -> None:
        """Who is doubted is told so, and can refute it with the answer (Lifeguard's buddy system)."""
        told: tuple[Rumour, ...] = ()
        if target.doubt is not None and self._config.lifeguard:
            told = (self._rumour_of(target, target.doubt.incarnation, target.doubt.accusers[0]),)
        self._send(target.spec, Ping(number, self._incarnation, told + self._rumours(ROOM - len(told))))

    def _ask_others(self, probe: Probe) -> None:
        if probe.is_answered:
            return
        target = self._members[probe.target].spec
        others = [one.spec for name, one in self._members.items() if name != target.name and not one.is_suspected]
        helpers = self._rng.sample(others, min(self._config.indirect, len(others)))
        probe.helpers = frozenset(helper.name for helper in helpers)
        probe.silent = {*probe.helpers}
        for helper in helpers:
            request = PingRequest(probe.number, self._incarnation, target.name, target.life, self._rumours())
            self._send(helper, request)

    def _accuse(self, probe: Probe) -> None:
        """Relays that did not even say that they have no answer make it likely that this node is to blame."""
        self.health.note(len(probe.silent) if probe.helpers else 1)
        member = self._members[probe.target]
        self._doubt(member, member.incarnation, self._me.name)

    # -- messages -----------------------------------------------------------------------------------------------

    def _on_message(self, peer: NodeSpec, message: Ping | Ack | PingRequest | Nack) -> None:
        member = self._find(peer)
        if member is None:
            self.ignored["swim_stranger"] += 1
            return
        self._believe(member, message.incarnation)
        for rumour in message.rumours:
            self._on_rumour(rumour)
        match message:
            case Ping(number):
                self._send(peer, Ack(number, self._incarnation, self._rumours()))
            case PingRequest():
                self._relay(peer, message)
            case Ack(number):
                self._on_ack(peer, number)
            case Nack(number):
                if self._probe is not None and number == self._probe.number:
                    self._probe.silent.discard(peer.name)

    def _relay(self, asker: NodeSpec, request: PingRequest) -> None:
        """Only over a link that is there; of a node without one, this one knows as little as who asks."""
        target = self._members.get(request.name)
        if len(self._errands) >= _ERRANDS:
            self.ignored["swim_flood"] += 1
        elif target is None or target.spec.life != request.life:
            self._decline(asker, request.number)
        else:
            number = self._next_number()
            self._errands[number] = Errand(asker, request.number, request.name)
            self._ping(target, number)
            self._effects.append(StartTimer(_NACK * self._config.timeout, f"errand {number}"))

    def _decline(self, asker: NodeSpec, number: int) -> None:
        if self._config.lifeguard:
            self._send(asker, Nack(number, self._incarnation, self._rumours()))

    def _on_ack(self, peer: NodeSpec, number: int) -> None:
        """Of who was pinged, for this node or for another; or of another that pinged it for this one."""
        errand, probe = self._errands.get(number), self._probe
        if errand is not None and errand.target == peer.name:
            del self._errands[number]
            self._send(errand.asker, Ack(errand.number, self._incarnation, self._rumours()))
        elif probe is not None and number == probe.number and (peer.name == probe.target or peer.name in probe.helpers):
            if not probe.is_answered:
                self.health.note(-1)
            probe.is_answered = True

    # -- rumours ------------------------------------------------------------------------------------------------

    def _on_rumour(self, rumour: Rumour) -> None:
        if rumour.name == self._me.name:
            self._on_rumour_of_me(rumour)
            return
        member = self._members.get(rumour.name)
        accuser = rumour.accuser
        if member is None or rumour.life != member.spec.life or not (accuser == "" or self._is_known(accuser)):
            self.ignored["swim_unknown"] += 1
        elif rumour.incarnation > member.incarnation + LEAP or accuser == rumour.name:
            self.ignored["swim_forged"] += 1
        elif not accuser:
            self._believe(member, rumour.incarnation)
        elif rumour.incarnation >= member.incarnation and accuser != self._me.name:
            self._doubt(member, rumour.incarnation, accuser)

    def _on_rumour_of_me(self, rumour: Rumour) -> None:
        """A doubt of this life is refuted; one that is older than the last refutation has been already."""
        if rumour.life != self._me.life:
            return
        ahead = rumour.incarnation - self._incarnation
        if ahead > 0:
            self.ignored["swim_forged"] += 1  # only this node raises it
        if rumour.accuser and 0 <= ahead <= LONGEST_LEAP:
            self._incarnation = rumour.incarnation + 1
            self.health.note(1)
            self._gossip.add(Rumour(self._me.name, self._me.life, self._incarnation))

    def _believe(self, member: Member, incarnation: int) -> None:
        """It is alive, in an incarnation that makes an end of all earlier doubts."""
        if incarnation <= member.incarnation:
            return
        member.incarnation = incarnation
        self._gossip.add(self._rumour_of(member, incarnation))
        if member.doubt is not None:
            member.doubt = None
            if member.is_suspected:
                member.is_suspected = False
                self._effects.append(Trust(member.spec))

    def _doubt(self, member: Member, incarnation: int, accuser: str) -> None:
        """Of this incarnation, or of a later one; who joins the accusers shortens the wait."""
        member.incarnation = max(member.incarnation, incarnation)
        if member.doubt is None:
            patience = Patience.among(self._count, self._config)
            member.doubt = Doubt(incarnation, accuser, patience, self._next_number(), self._now)
        else:
            member.doubt.incarnation = member.incarnation
            if not member.doubt.confirm(accuser):
                return
        self._gossip.add(self._rumour_of(member, member.incarnation, accuser))
        self._wait_for_refutation(member.spec.name, member.doubt)

    def _wait_for_refutation(self, name: str, doubt: Doubt) -> None:
        self._effects.append(StartTimer(max(0.0, doubt.due - self._now), f"doubt {doubt.number} {name}"))

    def _end_doubt(self, number: str, name: str = "") -> None:
        member = self._members.get(name)
        doubt = None if member is None else member.doubt
        if member is None or doubt is None or str(doubt.number) != number or member.is_suspected:
            return
        if self._was_asleep(doubt.due):
            doubt.due = self._now + self._config.interval
        if doubt.due > self._now:  # there is a later timer, or it is due anew
            self._wait_for_refutation(name, doubt)
            return
        member.is_suspected = True
        self._effects.append(Suspect(member.spec))

    # -- saying -------------------------------------------------------------------------------------------------

    def _rumour_of(self, member: Member, incarnation: int, accuser: str = "") -> Rumour:
        return Rumour(member.spec.name, member.spec.life, incarnation, accuser)

    def _rumours(self, room: int = ROOM) -> tuple[Rumour, ...]:
        return self._gossip.pick(self._count, room)

    def _send(self, peer: NodeSpec, message: Ping | Ack | PingRequest | Nack) -> None:
        self._effects.append(Send(peer, message))

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers
