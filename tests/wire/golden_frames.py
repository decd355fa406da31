"""One example of every frame, made by today's writer. Their bytes in `golden/` never change.

A frame that a new version adds gets a new example and a new file. When an old file no longer fits, nodes of two
versions no longer understand each other: raise `VERSIONS`, keep the old file, and read both.
"""

from pathlib import Path

from msgspec.msgpack import encode
from msgspec.structs import asdict

from partisan_core.events import Reason
from partisan_core.wire.batch import encode_data, encode_relayed, join_array
from partisan_core.wire.control import Goodbye, Interest, encode_channels, encode_control, encode_receipt
from partisan_core.wire.fragments import Place, encode_fragment
from partisan_core.wire.frames import COMPRESSED, HAS_SECTION, IGNORABLE, Kind, encode_frame
from partisan_core.wire.handshake import State
from partisan_core.wire.messages import Refused
from partisan_core.wire.relaying import (
    Forward,
    Forwarded,
    ForwardedFrame,
    ForwardFrame,
    Letter,
    Standing,
    encode_letter,
    encode_question,
    encode_standing,
)
from tests.wire.hands import BETA, accepter, dialler, frame

FOLDER = Path(__file__).parent / "golden"


def _handshake() -> dict[str, bytes]:
    one, other = dialler(), accepter(node=BETA)
    frames = {"hello_dialler": one.start()}
    other.receive(frame(frames["hello_dialler"]))
    frames["hello_accepter"] = other.greet()
    one.receive(frame(frames["hello_accepter"]))
    frames["proof"] = one.prove(session=2**62, received=300, sent=70_000)
    other.receive(frame(frames["proof"]))
    frames["welcome"] = other.welcome(session=2**62, received=69_999, resumed=True, sent=301)
    one.receive(frame(frames["welcome"]))
    assert one.state is other.state is State.DONE
    return frames


def _refusal() -> bytes:
    this = accepter()
    this.receive(frame(dialler().start()))
    return this.refuse(Refused.CLOSING, "node beta is closing")


def _earlier_hello() -> bytes:
    """A dialler's, when `keyed` was its last field."""
    fields = [*asdict(dialler().hello).items()]
    return encode_frame(Kind.HELLO, encode([value for _, value in fields[: [*dict(fields)].index("keyed") + 1]]))


LETTERS: list[Letter] = [
    Forward("gamma", 1_700_000_000_000, 70_000, b"\x92\xa7greeter\x01"),
    Forwarded("alpha", 1_700_000_000_001, 2**63 + 5, b"\x92\xa7greeter\xc0"),
]

FRAMES: list[Letter] = [
    ForwardFrame("gamma", None, 3, 0, encode_question(2**62)),
    ForwardedFrame("alpha", 1_700_000_000_001, 2**63 + 5, 3, 0, encode_question(2**62)),
    ForwardFrame("alpha", 1_700_000_000_001, 3, 2**62 + 1, encode_standing(2**62, Standing(70_000, 8_388_608))),
    ForwardFrame("gamma", 1_700_000_000_000, 3, 2**62 + 1, encode_data(1, 1, b"\x91\x92\xa7greeter\xc0", after=0)),
]

DEFLATED = b"\x0c\x01\x00\x00\x9b8iyzQjjIj\xd1-\x86\xff\x89#\x1b\x00\x00"
"""A packed payload of one message; what zlib makes of it may differ between its versions."""

EXAMPLES = {
    **_handshake(),
    "hello_of_an_earlier_version": _earlier_hello(),
    "refusal": _refusal(),
    "data": encode_data(70_001, 2, b"\x92\x92\xa7greeter\x81\xa5hello\x01\x92\xa7greeter\xc0"),
    "data_compressed": encode_data(70_001, 1, DEFLATED, COMPRESSED),
    "relay": encode_relayed(7, 2, join_array([encode_letter(letter) for letter in LETTERS])),
    "relay_frames": encode_relayed(9, 4, join_array([encode_letter(letter) for letter in FRAMES])),
    "fragment": encode_fragment(Place(Kind.DATA, 1, 200_000, 131_073), b"slice", 0),
    "data_after": encode_data(70_001, 1, b"\x91\x92\xa7greeter\xc0", after=69_990),
    "relay_after": encode_relayed(7, 1, join_array([encode_letter(LETTERS[0])]), after=3),
    "fragment_after": encode_fragment(Place(Kind.DATA, 1, 200_000, 199_995), b"slice", 70_002, after=70_001),
    "ack": encode_receipt(70_001, again=False),
    "again": encode_receipt(69_990, again=True),
    "ping": encode_frame(Kind.PING, b"", 5),
    "pong": encode_frame(Kind.PONG, b"", 5),
    "control_interest": encode_frame(Kind.CONTROL, encode_control(Interest(True))),
    "control_goodbye": encode_frame(Kind.CONTROL, encode_control(Goodbye(Reason.LEFT))),
    "channels": encode_channels({"membership": 1, "default": 1, "jobs": 4}),
    "ignorable_of_a_later_version": encode_frame(200, b"anything", 9, IGNORABLE),
    "data_with_section": encode_frame(Kind.DATA, b"\x03\x00abc\x01\x00\x00\x00\x91\x92\xa1b\xc0", 1, HAS_SECTION),
}


def stored(name: str) -> bytes:
    """The bytes as they were when the example was made; spaces and line breaks are for people."""
    return bytes.fromhex((FOLDER / f"{name}.hex").read_text(encoding="ascii"))
