"""The handshake: two hellos, then what each end has of the lane's session. A table of states.

    dialler                                accepter
    HELLO   ------------------------------>          both check what two hellos can tell,
            <------------------------------ HELLO    the kernels judge the rest
    PROOF   ------------------------------>          the dialler's side of the session
            <------------------------------ WELCOME  resumed or not; data may follow at once

Authentication: the proof and the welcome carry a mac of both hellos and their own fields. The accepter recognises the
dialler's before it says anything that needs the secret. See `wire.authentication`.

A REFUSAL with a code and a text for people may take the place of any frame but the dialler's first, and is
the last one. What the table does not allow is refused as MALFORMED. The deadline is the kernel's.

Checked here, in this order, so that the most telling difference is named: magic, versions, shape and bounds,
cluster, oneself, the name that was dialled, overlay and its version; then, by the dialler against what it
asked for, channel, lane and serializer; then the secret. Judged by the kernel, of whom has proved to be one of
us: lives of names, channels, who dials whom.
"""

from collections.abc import Mapping
from enum import Enum, auto
from itertools import takewhile
from typing import TypeVar

import msgspec

from partisan_core.errors import HandshakeError
from partisan_core.wire.authentication import Authentication, Keyring
from partisan_core.wire.checks import Objection, check_bounds, check_lane, check_names, common_version, printable
from partisan_core.wire.checksums import agree
from partisan_core.wire.frames import Frame, Kind, Trailers, encode_frame
from partisan_core.wire.limits import PREAUTH_BODY
from partisan_core.wire.messages import MAGIC, Hello, Preamble, Proof, Refusal, Refused, Welcome
from partisan_core.wire.sealing import Seal

SECRETS_DIFFER = (
    "the two nodes do not hold the same secret. Let [security] secret_files name the same file on both; nodes of one "
    "user that listen on loopback alone share a secret by themselves"
)
"""The one text of every failed authentication: it says nothing about how it failed."""


class Role(Enum):
    """Which end of the connection this is."""

    DIALLER = auto()
    ACCEPTER = auto()


_OTHER = {Role.DIALLER: Role.ACCEPTER, Role.ACCEPTER: Role.DIALLER}


class Way(Enum):
    """Whether this end sends a frame or hears it."""

    SENDS = auto()
    HEARS = auto()


class State(Enum):
    """Where this end stands."""

    START = auto()
    HELLO = auto()
    """Waits for the peer's hello."""
    JUDGE = auto()
    """The hello passed; the kernel decides."""
    PROOF = auto()
    """The accepter waits for the dialler's proof."""
    JUDGE_PROOF = auto()
    """The accepter has the proof; the kernel decides."""
    WELCOME = auto()
    """The dialler waits for the welcome."""
    DONE = auto()
    REFUSED = auto()


Moves = dict[tuple[Way, Kind], State]

_REFUSALS: Moves = {(Way.SENDS, Kind.REFUSAL): State.REFUSED, (Way.HEARS, Kind.REFUSAL): State.REFUSED}

TRANSITIONS: Mapping[Role, Mapping[State, Moves]] = {
    Role.DIALLER: {
        State.START: {(Way.SENDS, Kind.HELLO): State.HELLO},
        State.HELLO: {(Way.HEARS, Kind.HELLO): State.JUDGE, **_REFUSALS},
        State.JUDGE: {(Way.SENDS, Kind.PROOF): State.WELCOME, **_REFUSALS},
        State.WELCOME: {(Way.HEARS, Kind.WELCOME): State.DONE, **_REFUSALS},
        State.DONE: {},
        State.REFUSED: {},
    },
    Role.ACCEPTER: {
        State.HELLO: {(Way.HEARS, Kind.HELLO): State.JUDGE, **_REFUSALS},
        State.JUDGE: {(Way.SENDS, Kind.HELLO): State.PROOF, **_REFUSALS},
        State.PROOF: {(Way.HEARS, Kind.PROOF): State.JUDGE_PROOF, **_REFUSALS},
        State.JUDGE_PROOF: {(Way.SENDS, Kind.WELCOME): State.DONE, **_REFUSALS},
        State.DONE: {},
        State.REFUSED: {},
    },
}
"""What each end may send and hear in each state, and where that leads."""

_DECODE_ERRORS = (msgspec.DecodeError, RecursionError, MemoryError, OverflowError, ValueError)
"""What decoding a peer's bytes may raise (reliability reference, section 4.2)."""

_SignedT = TypeVar("_SignedT", Proof, Welcome, Refusal)

_encoder = msgspec.msgpack.Encoder()
_preamble = msgspec.msgpack.Decoder(Preamble)
_hello = msgspec.msgpack.Decoder(Hello)
_proof = msgspec.msgpack.Decoder(Proof)
_welcome = msgspec.msgpack.Decoder(Welcome)
_refusal = msgspec.msgpack.Decoder(Refusal)


class Handshake:
    """One handshake, at one end. The kernel moves bytes, judges, and calls the method that fits `state`."""

    def __init__(self, role: Role, hello: Hello, keyring: Keyring, expected: str | None = None) -> None:
        self.role = role
        self.hello = hello
        """Ours. An accepter repeats the dialler's channel, lane and serializer in it."""
        self.expected = expected
        """The name that was dialled; None when only an address is known."""
        self.state = State.START if role is Role.DIALLER else State.HELLO
        self.peer: Hello | None = None
        self.version = 0
        """The highest version of the wire that both ends speak."""
        self.proof: Proof | None = None
        """The dialler's, at the accepter."""
        self.welcome_received: Welcome | None = None
        """The accepter's, at the dialler."""
        self.refusal: Refusal | None = None
        self.refused_by_peer = False
        self.refusal_is_proven = False
        """The peer that refused holds the secret."""
        self.farewell = b""
        """The refusal frame to send when this end refused."""
        self._keys = keyring.keys[:1] if role is Role.DIALLER else keyring.keys
        self._hellos: dict[Role, bytes] = {}
        self._authentication: Authentication | None = None

    # -- what this end says ----------------------------------------------------------------------------------

    def start(self) -> bytes:
        """Begin, as the dialler: the hello frame to send."""
        return self._send(Kind.HELLO, self.hello)

    def greet(self, packs: str = "") -> bytes:
        """Answer a hello that was judged well, as the accepter: the hello frame to send.

        `packs`: the compression of the channel, which the accepter knows only now.
        """
        if self.peer is not None:
            theirs = self.peer
            self.hello = msgspec.structs.replace(
                self.hello, channel=theirs.channel, lane=theirs.lane, serializer=theirs.serializer, packs=packs
            )
        return self._send(Kind.HELLO, self.hello)

    def prove(self, session: int, received: int, sent: int = 0) -> bytes:
        """Offer the lane's session, as the dialler: the proof frame to send."""
        return self._send(Kind.PROOF, self._signed(Proof(session, received, sent)))

    def welcome(self, session: int, received: int, resumed: bool, sent: int = 0) -> bytes:
        """Finish, as the accepter: the welcome frame to send; data may follow at once."""
        return self._send(Kind.WELCOME, self._signed(Welcome(session, received, resumed, sent)))

    def refuse(self, code: Refused, text: str) -> bytes:
        """End it: the refusal frame to send. Possible in every state in which the peer still waits."""
        refusal = Refusal(code, printable(text))
        proves = self.state is State.JUDGE_PROOF  # the dialler is one of us: to others we show nothing
        self.farewell = self._send(Kind.REFUSAL, self._signed(refusal) if proves else refusal)
        self.refusal = refusal
        return self.farewell

    @property
    def checksum(self) -> str:
        """The name of the checksum that both ends use on the frames after the handshake, where they are not sealed."""
        assert self.peer is not None
        ours, theirs = self.hello.checksums, self.peer.checksums
        return agree(ours, theirs) if self.role is Role.DIALLER else agree(theirs, ours)

    def make_seals(self) -> Trailers | None:
        """What protects the frames after the handshake; None where checksums are enough for both ends."""
        assert self._authentication is not None
        assert self.peer is not None
        if not (self.hello.keyed or self.peer.keyed):
            return None
        roles = self.role, _OTHER[self.role]
        return Trailers(*(Seal(self._authentication.frame_key(_label(role, "frames"))) for role in roles))

    def _send(self, kind: Kind, message: Hello | Proof | Welcome | Refusal) -> bytes:
        body = _encoder.encode(message)
        if len(body) > PREAUTH_BODY:
            raise HandshakeError(
                f"our own {kind.name} has {len(body)} bytes, {PREAUTH_BODY} are allowed; nothing was sent. "
                f"Shorten the node's labels, metadata or advertised addresses"
            )
        self._move(Way.SENDS, kind)
        if kind is Kind.HELLO:
            self._note_hello(self.role, body)
        return encode_frame(kind, body)

    def _move(self, way: Way, kind: Kind) -> None:
        allowed = TRANSITIONS[self.role][self.state]
        if (way, kind) not in allowed:
            raise HandshakeError(
                f"a {self.role.name.lower()} in state {self.state.name} {way.name.lower()} no {kind.name}; "
                f"the handshake is unchanged. A bug of the caller"
            )
        self.state = allowed[way, kind]

    # -- what this end hears ---------------------------------------------------------------------------------

    def receive(self, frame: Frame) -> None:
        """Take a frame of the peer in; `state` then says what to do. REFUSED with `farewell` set: send that.

        Raises:
            HandshakeError: the handshake is over, or has not begun.
        """
        allowed = TRANSITIONS[self.role][self.state]
        if not allowed or self.state is State.START:
            raise HandshakeError(f"a handshake in state {self.state.name} takes no frames; a bug of the caller")
        try:
            if (Way.HEARS, frame.kind) not in allowed:
                raise Objection(Refused.MALFORMED, f"no frame of kind {frame.kind} is allowed at this point")
            kind = Kind(frame.kind)
            self._hear(kind, frame.body)
        except Objection as objection:
            self.refuse(objection.code, str(objection))
        except _DECODE_ERRORS as error:
            self.refuse(Refused.MALFORMED, f"a handshake frame cannot be decoded: {error}")
        else:
            self._move(Way.HEARS, kind)

    def _hear(self, kind: Kind, body: memoryview) -> None:
        match kind:
            case Kind.HELLO:
                self._hear_hello(body)
            case Kind.PROOF:
                self.proof = self._recognised(_proof.decode(body))
            case Kind.WELCOME:
                self.welcome_received = self._recognised(_welcome.decode(body))
            case _:
                refusal = _refusal.decode(body)
                self.refusal = Refusal(refusal.code, printable(refusal.text))
                self.refused_by_peer = True
                self.refusal_is_proven = self._is_recognised(refusal)

    def _hear_hello(self, body: memoryview) -> None:
        preamble = _preamble.decode(body)
        if preamble.magic != MAGIC:
            raise Objection(Refused.MALFORMED, f"the hello does not begin with {MAGIC!r}")
        version = common_version(self.hello.versions, preamble.versions)
        theirs = _hello.decode(body)
        check_bounds(theirs.node)
        check_names(self.hello, theirs, self.expected)
        if self.role is Role.DIALLER:
            check_lane(self.hello, theirs)
        self.peer, self.version = theirs, version
        self._note_hello(_OTHER[self.role], bytes(body))

    # -- the secret ------------------------------------------------------------------------------------------

    def _note_hello(self, role: Role, body: bytes) -> None:
        self._hellos[role] = body
        if len(self._hellos) == len(Role):
            both = self._hellos[Role.DIALLER], self._hellos[Role.ACCEPTER]
            self._authentication = Authentication(self._keys, *both)

    def _signed(self, message: _SignedT) -> _SignedT:
        if self._authentication is None:
            return message
        label = _label(self.role, type(message).__name__)
        return msgspec.structs.replace(message, mac=self._authentication.sign(label, _covered(message)))

    def _is_recognised(self, message: Proof | Welcome | Refusal) -> bool:
        if self._authentication is None:
            return False
        label = _label(_OTHER[self.role], type(message).__name__)
        return self._authentication.recognise(label, _covered(message), message.mac)

    def _recognised(self, message: _SignedT) -> _SignedT:
        if not self._is_recognised(message):
            raise Objection(Refused.AUTH, SECRETS_DIFFER)
        return message


def _label(role: Role, what: str) -> bytes:
    return f"{role.name} {what}".encode()


def _covered(message: Proof | Welcome | Refusal) -> bytes:
    """The fields before the mac, alone: what a later version adds behind it does not change it."""
    names = takewhile(lambda name: name != "mac", message.__struct_fields__)
    return _encoder.encode([getattr(message, name) for name in names])
