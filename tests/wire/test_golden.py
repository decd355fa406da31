"""The wire as it was is the wire as it is; and what a later version may add does no harm."""

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import asdict

from partisan_core.compressions.zlib import Zlib, ZlibOptions
from partisan_core.wire.batch import split_after, split_data
from partisan_core.wire.control import Goodbye, Interest, decode_channels, decode_control
from partisan_core.wire.fragments import Place, split_fragment
from partisan_core.wire.frames import AFTER, IGNORABLE, Frame, FrameReader, Kind
from partisan_core.wire.handshake import Handshake, State
from partisan_core.wire.limits import PREAUTH_BODY
from partisan_core.wire.messages import Hello, Proof, Refusal, Refused, Welcome
from partisan_core.wire.packing import Packing
from partisan_core.wire.relaying import decode_letters
from tests.wire.golden_frames import EXAMPLES, FOLDER, FRAMES, LETTERS, stored
from tests.wire.hands import ALPHA, BETA, accepter, dialler, frame, hello, unsigned


def test_every_golden_file_has_its_example() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(EXAMPLES)


def test_there_is_a_golden_file_of_every_kind() -> None:
    assert {frame(stored(name)).kind for name in EXAMPLES if "later" not in name} == set(Kind)


@pytest.mark.parametrize("name", EXAMPLES)
def test_todays_writer_writes_the_golden_bytes(name: str) -> None:
    assert EXAMPLES[name].hex(" ") == stored(name).hex(" ")


def test_todays_reader_reads_the_golden_handshake() -> None:
    one, other = dialler(), accepter()
    other.receive(frame(stored("hello_dialler")))
    assert other.peer == one.hello
    other.greet()
    one.start()
    one.receive(frame(stored("hello_accepter")))
    assert one.peer == hello(BETA)
    one.prove(0, 0)
    other.receive(frame(stored("proof")))
    assert unsigned(other.proof) == Proof(2**62, 300, 70_000)
    one.receive(frame(stored("welcome")))
    assert unsigned(one.welcome_received) == Welcome(2**62, 69_999, True, 301)


def test_todays_reader_reads_the_hello_of_an_earlier_version() -> None:
    other = accepter()
    other.receive(frame(stored("hello_of_an_earlier_version")))
    assert other.peer == hello(ALPHA)
    assert (other.peer.checksums, other.peer.unpacks, other.peer.packs, other.peer.detector) == ((), (), "", "")


def test_todays_reader_reads_the_golden_refusal() -> None:
    one = dialler()
    one.start()
    one.receive(frame(stored("refusal")))
    assert one.refusal == Refusal(Refused.CLOSING, "node beta is closing")


def test_todays_reader_reads_the_other_golden_frames() -> None:
    data = frame(stored("data"))
    count, payload = split_data(data.body)
    assert (data.number, count) == (70_001, 2)
    assert msgspec.msgpack.decode(payload) == [["greeter", {"hello": 1}], ["greeter", None]]
    compressed = frame(stored("data_compressed"))
    count, payload = split_data(compressed.body, compressed.flags)
    plain = Packing(unpacker=Zlib(ZlibOptions())).unpack(compressed.flags, payload, 1000)
    assert (count, msgspec.msgpack.decode(plain)) == (1, [["greeter", "a" * 255]])
    relay = frame(stored("relay"))
    count, payload = split_data(relay.body)
    assert (relay.number, count, relay.flags) == (7, 2, IGNORABLE)
    assert decode_letters(payload) == LETTERS
    assert decode_letters(split_data(frame(stored("relay_frames")).body)[1]) == FRAMES
    assert decode_control(frame(stored("control_interest")).body) == Interest(True)
    assert isinstance(decode_control(frame(stored("control_goodbye")).body), Goodbye)
    channels = frame(stored("channels"))
    assert channels.flags == IGNORABLE
    assert decode_channels(channels.body) == {"membership": 1, "default": 1, "jobs": 4}
    assert [(frame(stored(name)).kind, frame(stored(name)).number) for name in ("ping", "pong")] == [(6, 5), (7, 5)]


def test_todays_reader_reads_the_golden_frames_of_acknowledged_messages() -> None:
    data, relay, fragment = (frame(stored(f"{name}_after")) for name in ("data", "relay", "fragment"))
    assert all(one.flags & AFTER for one in (data, relay, fragment))
    after, body = split_after(data)
    count, payload = split_data(body)
    assert (after, data.number, count, bytes(payload)) == (69_990, 70_001, 1, b"\x91\x92\xa7greeter\xc0")
    after, body = split_after(relay)
    assert (after, relay.number, decode_letters(split_data(body)[1])) == (3, 7, LETTERS[:1])
    after, body = split_after(fragment)
    place, part = split_fragment(body)
    assert (after, place, bytes(part)) == (70_001, Place(Kind.DATA, 1, 200_000, 199_995), b"slice")
    words = [frame(stored(name)) for name in ("ack", "again")]
    assert [(one.kind, one.number, one.flags) for one in words] == [(12, 70_001, IGNORABLE), (13, 69_990, IGNORABLE)]


def test_todays_reader_skips_the_frame_and_the_section_of_a_later_version() -> None:
    assert FrameReader(PREAUTH_BODY).feed(stored("ignorable_of_a_later_version")) == []
    count, payload = split_data(frame(stored("data_with_section")).body)
    assert (count, bytes(payload)) == (1, b"\x91\x92\xa1b\xc0")


def later(message: Struct, *added: object) -> memoryview:
    """The body of a later version, which has more fields at the end."""
    return memoryview(msgspec.msgpack.encode([*asdict(message).values(), *added]))


def hear(this: Handshake, kind: Kind, body: memoryview) -> None:
    this.receive(Frame(kind, 0, 0, body))


def test_fields_added_at_the_end_of_a_hello_by_a_later_version_are_ignored() -> None:
    one, other = dialler(), accepter()
    one.start()
    hear(other, Kind.HELLO, later(hello(ALPHA), "new", {"newer": 1}))
    assert other.peer == hello(ALPHA)
    hear(one, Kind.HELLO, later(hello(BETA), []))
    assert one.peer == hello(BETA)


def test_fields_added_behind_the_mac_by_a_later_version_are_ignored() -> None:
    one, other = dialler(), accepter()
    other.receive(frame(one.start()))
    one.receive(frame(other.greet()))
    proof = msgspec.msgpack.decode(frame(one.prove(1, 2, 3)).body, type=Proof)
    hear(other, Kind.PROOF, later(proof, None))
    assert other.proof == proof
    welcome = msgspec.msgpack.decode(frame(other.welcome(1, 2, False, 3)).body, type=Welcome)
    hear(one, Kind.WELCOME, later(welcome, b"signature"))
    assert (one.state, one.welcome_received) == (State.DONE, welcome)


def test_fields_added_to_the_node_by_a_later_version_are_ignored() -> None:
    fields = asdict(hello(ALPHA)) | {"node": [*asdict(ALPHA).values(), "a new field"]}
    other = accepter()
    hear(other, Kind.HELLO, memoryview(msgspec.msgpack.encode(list(fields.values()))))
    assert other.peer == hello(ALPHA)


def test_fields_that_an_older_version_does_not_send_have_their_defaults() -> None:
    other = accepter()
    first = [*asdict(hello(ALPHA)).values()][: Hello.__struct_fields__.index("keyed")]
    hear(other, Kind.HELLO, memoryview(msgspec.msgpack.encode(first)))
    assert other.peer == hello(ALPHA)
    assert not other.peer.keyed


def test_a_refusal_for_a_reason_of_a_later_version_is_understood_as_a_refusal() -> None:
    one = dialler()
    one.start()
    hear(one, Kind.REFUSAL, memoryview(msgspec.msgpack.encode(["moon_phase", "wait for the full moon", b"", 17])))
    assert one.refusal == Refusal(Refused.OTHER, "wait for the full moon")


def test_a_hello_of_another_shape_is_refused_by_its_versions_and_not_as_malformed() -> None:
    other = accepter()
    hear(other, Kind.HELLO, memoryview(msgspec.msgpack.encode([b"PARTISAN", [7, 9], {"all": "new"}])))
    assert other.refusal is not None
    assert other.refusal.code is Refused.VERSION
    assert "7 to 9 there, 1 to 1 here" in other.refusal.text


def test_magic_and_versions_begin_every_hello() -> None:
    assert Hello.__struct_fields__[:2] == ("magic", "versions")
