"""The handshake: two hellos, then what each end has of the lane's session. A table of states.

    dialler                                accepter
    HELLO   ------------------------------>          both check what two hellos can tell,
            <------------------------------ HELLO    the kernels judge the rest
    PROOF   ------------------------------>          the dialler's side of the session
            <------------------------------ WELCOME  resumed or not; data may follow at once

A REFUSAL with a code and a text for people may take the place of any frame but the dialler's first, and is
the last one. What the table does not allow is refused as MALFORMED. The deadline is the kernel's.

Checked here, in this order, so that the most telling difference is named: magic, versions, shape and bounds,
cluster, oneself, the name that was dialled, overlay and its version; then, by the dialler against what it
asked for, channel, lane and serializer. Judged by the kernel: lives of names, channels, who dials whom.
"""

from collections.abc import Mapping
from enum import Enum, auto

import msgspec

from partisan_core.errors import HandshakeError
from partisan_core.wire.checks import (
    Objection,
    check_bounds,
    check_lane,
    check_names,
    common_version,
    printable,
)
from partisan_core.wire.frames import Frame, Kind, encode_frame
from partisan_core.wire.limits import PREAUTH_BODY
from partisan_core.wire.messages import MAGIC, Hello, Preamble, Proof, Refusal, Refused, Welcome


class Role(Enum):
    """Which end of the connection this is."""

    DIALLER = auto()
    ACCEPTER = auto()


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

_encoder = msgspec.msgpack.Encoder()
_preamble = msgspec.msgpack.Decoder(Preamble)
_hello = msgspec.msgpack.Decoder(Hello)
_proof = msgspec.msgpack.Decoder(Proof)
_welcome = msgspec.msgpack.Decoder(Welcome)
_refusal = msgspec.msgpack.Decoder(Refusal)


class Handshake:
    """One handshake, at one end. The kernel moves bytes, judges, and calls the method that fits `state`."""

    def __init__(self, role: Role, hello: Hello, expected: str | None = None) -> None:
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
        self.farewell = b""
        """The refusal frame to send when this end refused."""

    # -- what this end says ----------------------------------------------------------------------------------

    def start(self) -> bytes:
        """Begin, as the dialler: the hello frame to send."""
        return self._send(Kind.HELLO, self.hello)

    def greet(self) -> bytes:
        """Answer a hello that was judged well, as the accepter: the hello frame to send."""
        if self.peer is not None:
            theirs = self.peer
            self.hello = msgspec.structs.replace(
                self.hello, channel=theirs.channel, lane=theirs.lane, serializer=theirs.serializer
            )
        return self._send(Kind.HELLO, self.hello)

    def prove(self, session: int, received: int, sent: int = 0) -> bytes:
        """Offer the lane's session, as the dialler: the proof frame to send."""
        return self._send(Kind.PROOF, Proof(session, received, sent))

    def welcome(self, session: int, received: int, resumed: bool, sent: int = 0) -> bytes:
        """Finish, as the accepter: the welcome frame to send; data may follow at once."""
        return self._send(Kind.WELCOME, Welcome(session, received, resumed, sent))

    def refuse(self, code: Refused, text: str) -> bytes:
        """End it: the refusal frame to send. Possible in every state in which the peer still waits."""
        refusal = Refusal(code, printable(text))
        self.farewell = self._send(Kind.REFUSAL, refusal)
        self.refusal = refusal
        return self.farewell

    def _send(self, kind: Kind, message: Hello | Proof | Welcome | Refusal) -> bytes:
        body = _encoder.encode(message)
        if len(body) > PREAUTH_BODY:
            raise HandshakeError(
                f"our own {kind.name} has {len(body)} bytes, {PREAUTH_BODY} are allowed; nothing was sent. "
                f"Shorten the node's labels, metadata or advertised addresses"
            )
        self._move(Way.SENDS, kind)
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
                self.proof = _proof.decode(body)
            case Kind.WELCOME:
                self.welcome_received = _welcome.decode(body)
            case _:
                refusal = _refusal.decode(body)
                self.refusal = Refusal(refusal.code, printable(refusal.text))
                self.refused_by_peer = True

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
