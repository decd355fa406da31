"""The handshake against peers that do not behave: named refusals, never an exception."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from partisan_core.identity import Address, NodeSpec
from partisan_core.wire.frames import Frame, Kind
from partisan_core.wire.handshake import Handshake, State
from partisan_core.wire.messages import Refused
from tests.wire.hands import ALPHA, accepter, dialler, frame, hello

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def hear(body: bytes) -> Handshake:
    this = accepter()
    this.receive(Frame(Kind.HELLO, 0, 0, memoryview(body)))
    return this


def assert_judged_or_refused(this: Handshake) -> None:
    assert this.state in (State.JUDGE, State.REFUSED)
    assert (this.refusal is None) == (this.state is State.JUDGE)
    if this.refusal is not None:
        assert this.refusal.text.isprintable()
        assert frame(this.farewell).kind == Kind.REFUSAL
        assert this.peer is None


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(body: bytes) -> None:
    assert_judged_or_refused(hear(body))


@given(plain)
def test_any_other_message_is_refused(message: object) -> None:
    assert_judged_or_refused(hear(msgspec.msgpack.encode(message)))


@given(st.sampled_from(range(13)), plain)
def test_a_hello_with_any_value_in_any_field_is_judged_or_refused(field: int, value: object) -> None:
    fields = list(asdict(hello(ALPHA)).values())
    fields[field] = value
    assert_judged_or_refused(hear(msgspec.msgpack.encode(fields)))


@given(st.data())
def test_a_hello_with_changed_bytes_is_judged_or_refused(data: st.DataObject) -> None:
    body = bytearray(msgspec.msgpack.encode(hello(ALPHA)))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    assert_judged_or_refused(hear(bytes(body)))


@given(st.sampled_from([Kind.PROOF, Kind.WELCOME, Kind.REFUSAL]), st.binary(max_size=100) | plain)
def test_any_other_body_is_taken_or_refused(kind: Kind, content: object) -> None:
    body = content if isinstance(content, bytes) else msgspec.msgpack.encode(content)
    one, other = dialler(), accepter()
    other.receive(frame(one.start()))
    one.receive(frame(other.greet()))
    one.prove(0, 0)
    this = other if kind is Kind.PROOF else one
    this.receive(Frame(kind, 0, 0, memoryview(body)))
    assert this.state in (State.JUDGE_PROOF, State.DONE, State.REFUSED)
    assert this.refusal is None or this.refusal.text.isprintable()


@pytest.mark.parametrize("nesting", [b"\x91" * 4000 + b"\xc0", b"\x81\xa0" * 2000 + b"\xc0"])
def test_deep_nesting_is_refused(nesting: bytes) -> None:
    assert_judged_or_refused(hear(nesting))


@pytest.mark.parametrize(
    "bomb",
    [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"],
)
def test_a_claim_of_four_billion_elements_is_refused(bomb: bytes) -> None:
    assert_judged_or_refused(hear(bomb))


BEYOND: list[dict[str, object]] = [
    {"cluster": ""},
    {"cluster": "c" * 129},
    {"cluster": "shop\n"},
    {"overlay": "\x1b[2J"},
    {"overlay_version": -1},
    {"channel": "a/b"},
    {"channel": ""},
    {"lane": -1},
    {"lane": 256},
    {"channels": {f"channel{number}": 1 for number in range(65)}},
    {"channels": {"bulk": 0}},
    {"channels": {"bulk": 257}},
    {"channels": {"\n": 1}},
    {"serializer": "s" * 129},
    {"max_message": 0},
    {"max_message": 2**32},
    {"nonce": bytes(15)},
    {"nonce": bytes(65)},
    {"node": replace(ALPHA, name="")},
    {"node": replace(ALPHA, name="n" * 129)},
    {"node": replace(ALPHA, name="a\nb")},
    {"node": replace(ALPHA, incarnation=-1)},
    {"node": replace(ALPHA, incarnation=2**63)},
    {"node": replace(ALPHA, instance=-1)},
    {"node": replace(ALPHA, addresses=(Address("h", 1),) * 17)},
    {"node": replace(ALPHA, addresses=(Address("h", 65536),))},
    {"node": replace(ALPHA, addresses=(Address("h", -1),))},
    {"node": replace(ALPHA, addresses=(Address("h\x1b", 1),))},
    {"node": replace(ALPHA, addresses=(Address("[::1]", 1),))},
    {"node": replace(ALPHA, labels={f"label{number}": "" for number in range(65)})},
    {"node": replace(ALPHA, metadata={f"entry{number}": "" for number in range(65)})},
]


@pytest.mark.parametrize("beyond", BEYOND, ids=lambda beyond: repr(beyond)[:50])
def test_a_hello_beyond_the_limits_is_malformed(beyond: dict[str, object]) -> None:
    this = hear(msgspec.msgpack.encode(hello(ALPHA, **beyond)))
    assert this.refusal is not None
    assert this.refusal.code is Refused.MALFORMED


def test_a_hello_at_the_limits_is_judged() -> None:
    node = NodeSpec("n" * 128, 2**63 - 1, 2**64 - 1, (Address("h" * 100, 65535),) * 16, {}, {})
    largest = hello(node, cluster="shop", channel="c" * 128, lane=255, channels={"c" * 128: 256}, nonce=bytes(64))
    assert hear(msgspec.msgpack.encode(largest)).state is State.JUDGE
