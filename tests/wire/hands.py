"""What the tests of the handshake share: hellos, and two ends that shake hands."""

from msgspec.structs import replace

from partisan_core.identity import Address, NodeSpec
from partisan_core.wire.authentication import Keyring
from partisan_core.wire.frames import Frame, FrameReader
from partisan_core.wire.handshake import Handshake, Role
from partisan_core.wire.limits import PREAUTH_BODY
from partisan_core.wire.messages import Hello, Proof, Welcome

ALPHA = NodeSpec("alpha", 41, 4101, (Address("127.0.0.1", 9090),))
BETA = NodeSpec(
    "beta",
    42,
    2**64 - 1,
    (Address("beta.example", 9091), Address("::1", 9092)),
    {"role": "server"},
    {"owner": "me"},
)


SECRET, OTHER_SECRET = b"a secret for the tests of the wire", b"another one, for those who differ"
KEYRING = Keyring("shop", [SECRET])


def hello(node: NodeSpec, /, **different: object) -> Hello:
    plain = Hello(
        cluster="shop",
        overlay="fullmesh",
        overlay_version=1,
        node=node,
        channel="membership",
        lane=0,
        channels={"default": 1, "bulk": 4},
        serializer="",
        max_message=16 * 1024 * 1024,
        nonce=bytes(range(32)),
    )
    return replace(plain, **different)


def dialler(keyring: Keyring = KEYRING, /, **different: object) -> Handshake:
    return Handshake(Role.DIALLER, _hello_of(ALPHA, different), keyring, "beta")


def accepter(keyring: Keyring = KEYRING, /, **different: object) -> Handshake:
    return Handshake(Role.ACCEPTER, _hello_of(BETA, different), keyring)


def _hello_of(node: NodeSpec, different: dict[str, object]) -> Hello:
    return replace(hello(node), **different)


def frame(data: bytes) -> Frame:
    """The one frame that these bytes are."""
    (only,) = FrameReader(PREAUTH_BODY).feed(data)
    return only


def unsigned(message: Proof | Welcome | None) -> Proof | Welcome:
    """What it says, without the mac."""
    assert message is not None
    return replace(message, mac=b"")


def shake(one: Handshake, other: Handshake) -> None:
    """Let the dialler `one` and the accepter `other` exchange hellos, as far as they get."""
    other.receive(frame(one.start()))
    if other.farewell:
        one.receive(frame(other.farewell))
        return
    one.receive(frame(other.greet()))
    if one.farewell:
        other.receive(frame(one.farewell))
