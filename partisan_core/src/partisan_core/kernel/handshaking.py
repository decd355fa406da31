"""Handshakes on a wire: the pure machine of `wire.handshake` read and written, with the node's judgement in between."""

import random
from collections.abc import Callable, Mapping
from typing import NoReturn

from msgspec import Struct

from partisan_core.errors import HandshakeError, WireError
from partisan_core.identity import NodeSpec
from partisan_core.interposition import Interposition
from partisan_core.kernel.connection import Shaken
from partisan_core.kernel.judge import Judge, Verdict
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.peer import MEMBERSHIP_LANE, LaneKey
from partisan_core.kinds import Wire
from partisan_core.wire.authentication import Keyring
from partisan_core.wire.checksums import Checksum
from partisan_core.wire.frames import FRAME_OVERHEAD, Frame, FrameReader, Trailers
from partisan_core.wire.handshake import Handshake, Role
from partisan_core.wire.limits import PREAUTH_BODY
from partisan_core.wire.messages import Hello, Refused
from partisan_core.wire.session import Losses


class HungUp(WireError):
    """The peer closed the connection during the handshake."""


class Refusing(HandshakeError):
    """A handshake that ended in a refusal, by us or by the peer."""

    def __init__(
        self, code: Refused, text: str, ours: NodeSpec, *, by_peer: bool, proven: bool = False, claimed: str = ""
    ) -> None:
        self.code = code
        self.ours = ours
        """Who we said we are: an earlier life, perhaps, by now."""
        self.is_proven = proven
        """The peer refused, and holds the secret: its word has consequences for this node."""
        self.yields = code is Refused.SIMULTANEOUS and (proven or not by_peer)
        """Another connection of that lane is there or on its way: we know, or a member says so."""
        self.claimed = claimed
        """The name that it gave, proved or not, when the refusal was ours."""
        super().__init__(f"refused by {'the peer' if by_peer else 'us'} ({code}): {text}")


class Shaker(Struct, eq=False):
    """Shakes hands on wires. Reads exactly the frames of the handshake, so that nothing of what follows is taken."""

    _introduce: Callable[[LaneKey, Wire], Hello]
    _keyring: Keyring
    _checksums: Mapping[str, Checksum]
    _judge: Judge
    _lane_of: Callable[[Hello], Lane | None]
    _packs: Callable[[str], str]
    """The compression of a channel."""
    _on_losses: Callable[[NodeSpec, Lane, Losses], None]
    """Told what a session lost when no connection comes of the handshake that showed it."""
    _rng: random.Random
    interposition: Interposition | None = None

    async def dial(self, wire: Wire, key: LaneKey, expected: str | None) -> Shaken:
        """The dialler's side.

        Raises:
            Refusing: by us or by the peer.
            WireError: what came is no handshake.
            OSError, trio.ClosedResourceError: the wire broke.
        """
        exchange = _Exchange(wire, Handshake(Role.DIALLER, self._introduce(key, wire), self._keyring, expected))
        handshake = exchange.handshake
        await exchange.write(handshake.start())
        await exchange.read()
        hello = await self._admit(exchange, dialled=True)
        lane = await self._lane(exchange, hello, dialled=True)
        proof = lane.session.offer()
        ours = (hello.node.name, key)
        self._judge.proving.add(ours)
        try:
            await exchange.write(handshake.prove(proof.session, proof.received, proof.sent))
            await exchange.read()
        finally:
            self._judge.proving.discard(ours)
        assert handshake.welcome_received is not None
        losses = lane.session.adopt(handshake.welcome_received)
        return Shaken(wire, hello, lane, losses, self._trailers(handshake), dialled=True)

    async def accept(self, wire: Wire) -> Shaken:
        """The accepter's side; raises the same. Only who has proved to be one of us is judged."""
        exchange = _Exchange(wire, Handshake(Role.ACCEPTER, self._introduce(MEMBERSHIP_LANE, wire), self._keyring))
        handshake = exchange.handshake
        await exchange.read()
        assert handshake.peer is not None
        await exchange.write(handshake.greet(self._packs(handshake.peer.channel)))
        await exchange.read()
        assert handshake.proof is not None
        hello = await self._admit(exchange, dialled=False)
        lane = await self._lane(exchange, hello, dialled=False)
        if lane.carrier is not None:
            if lane.carrier.dialled and handshake.proof.session != lane.session.token:
                await exchange.refuse(Refused.SIMULTANEOUS, "our dial of this lane came through meanwhile")
            lane.carrier.replace()
        welcome, losses = lane.session.answer(handshake.proof, self._rng)
        # written without waiting where possible: once the session has answered, the new connection is the lane's
        try:
            await exchange.write(handshake.welcome(welcome.session, welcome.received, welcome.resumed, welcome.sent))
        except BaseException:
            self._on_losses(hello.node, lane, losses)  # which the session, having told them once, tells nobody else
            raise
        return Shaken(wire, hello, lane, losses, self._trailers(handshake), dialled=False)

    def _trailers(self, handshake: Handshake) -> Trailers | None:
        """What ends the frames that follow: a keyed tag, the checksum agreed on, or the CRC-32, which is None."""
        seals, checksum = handshake.make_seals(), self._checksums.get(handshake.checksum)
        return seals if seals or checksum is None else Trailers(checksum, checksum)

    async def _admit(self, exchange: "_Exchange", *, dialled: bool) -> Hello:
        hello = exchange.handshake.peer
        assert hello is not None
        if self.interposition is not None:
            await self.interposition.admit(hello.node.name)
        verdict = exchange.judge_name(hello.node.name) or await self._judge.judge(hello, dialled=dialled)
        if verdict is not None:
            await exchange.refuse(*verdict)
        return hello

    async def _lane(self, exchange: "_Exchange", hello: Hello, *, dialled: bool) -> Lane:
        verdict = self._judge.judge_again(hello, dialled=dialled)
        if verdict is not None:
            await exchange.refuse(*verdict)
        lane = self._lane_of(hello)
        if lane is None:
            await exchange.refuse(Refused.NOT_MEMBER, "the peer went down during the handshake; dial again")
        return lane


class _Exchange:
    """The frames of one handshake on their way."""

    def __init__(self, wire: Wire, handshake: Handshake) -> None:
        self.handshake = handshake
        self._wire = wire
        self._reader = FrameReader(PREAUTH_BODY)
        self._buffer = memoryview(bytearray(PREAUTH_BODY + FRAME_OVERHEAD))

    async def read(self) -> None:
        """Read one frame into the machine; a refusal, by either end, is raised."""
        handshake = self.handshake
        handshake.receive(await self._read_frame())
        if handshake.refusal is not None:
            if not handshake.refused_by_peer:
                await self.write(handshake.farewell)
            raise Refusing(
                handshake.refusal.code,
                handshake.refusal.text,
                handshake.hello.node,
                by_peer=handshake.refused_by_peer,
                proven=handshake.refusal_is_proven,
            )

    def judge_name(self, name: str) -> Verdict:
        """Whether the wire, when it knows who is at its other end, bears out the name that was said."""
        names = getattr(self._wire, "names", None)
        if names is None or name in names:
            return None
        certified = ", ".join(sorted(names)) or "nobody"
        return Refused.CERTIFICATE, f"node {name} shows a certificate for {certified!a}; give it one for its own name"

    async def refuse(self, code: Refused, text: str) -> NoReturn:
        """Tell the peer, then raise."""
        await self.write(self.handshake.refuse(code, text))
        hello = self.handshake.peer
        ours = self.handshake.hello.node
        raise Refusing(code, text, ours, by_peer=False, claimed="" if hello is None else hello.node.name)

    async def write(self, data: bytes) -> None:
        """Write all of it."""
        view = memoryview(data)
        while view:
            try:
                view = view[self._wire.try_send(view) :]
            except BlockingIOError:
                await self._wire.wait_writable()

    async def _read_frame(self) -> Frame:
        while True:
            try:
                count = self._wire.try_recv_into(self._buffer[: self._reader.wanted])
            except BlockingIOError:
                await self._wire.wait_readable()
                continue
            if count == 0:
                raise HungUp("the peer closed the connection during the handshake")
            frames = self._reader.feed(self._buffer[:count])
            if self._reader.error is not None:
                raise self._reader.error
            if frames:
                return frames[0]
