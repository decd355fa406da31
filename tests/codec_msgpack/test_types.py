"""Registered types: an object arrives as what it was sent, or its message alone is lost, with a reason."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, defstruct

from partisan_codec_msgpack import MsgpackSerializer
from partisan_core.drops import Unreadable
from partisan_core.refs import Ref
from tests.codec_msgpack import shop
from tests.codec_msgpack.shop import BigLine, Card, Cash, Crate, Everything, Line, Order, Positive, Sample, Tree
from tests.codec_msgpack.test_codec import envelopes, refs

TYPES: dict[str, type[Struct]] = {
    kind.__name__: kind for kind in (Line, Card, Order, Sample, Tree, Everything, Positive)
}
CODEC = MsgpackSerializer(TYPES)
PLAIN = MsgpackSerializer()

Envelope = tuple[str, object]

small = st.integers(-(2**63), 2**64 - 1)
lines = st.builds(Line, st.text(), small)
objects = st.one_of(
    lines,
    st.builds(Card, st.text()),
    st.builds(
        Order,
        small,
        st.lists(lines, max_size=3).map(tuple),
        st.builds(Card, st.text()) | st.builds(Cash, st.text()) | st.none(),
        st.none() | refs,
        st.none() | st.builds(Crate, st.floats(allow_nan=False)),
        st.none() | st.lists(refs | st.text(), max_size=2),
    ),
    st.builds(Sample, small, st.text(), st.binary()),
    st.recursive(st.builds(Tree, st.text()), lambda inner: st.builds(Tree, st.text(), st.lists(inner, max_size=3))),
    st.builds(
        Everything,
        at=st.none() | st.datetimes(timezones=st.just(UTC)),
        refs=st.dictionaries(refs, st.lists(refs, max_size=2), max_size=2),
    ),
)
mixed = st.lists(envelopes | st.tuples(st.text(min_size=1), objects), min_size=1, max_size=20)


def received(
    batch: Sequence[Envelope], codec: MsgpackSerializer = CODEC, sender: MsgpackSerializer = CODEC
) -> list[tuple[str, Any]]:
    buffer = bytearray(sender.join([sender.encode(envelope) for envelope in batch]))
    decoded = codec.decode_batch(memoryview(buffer))
    buffer[:] = bytes(len(buffer))  # the reader uses its memory again
    return decoded


def lost(envelope: tuple[str, Any]) -> tuple[str, str]:
    """The mailbox and the reason of a message that cannot be read."""
    mailbox, message = envelope
    assert isinstance(mailbox, Unreadable)
    assert message is None
    return mailbox.mailbox, mailbox.reason


@given(mixed)
def test_objects_and_plain_data_of_one_batch_arrive_as_they_were_sent(batch: list[Envelope]) -> None:
    arrived = received(batch)
    assert arrived == batch
    assert [type(message) for _, message in arrived] == [type(message) for _, message in batch]


@given(st.lists(envelopes, min_size=1, max_size=5))
def test_no_byte_of_a_batch_of_plain_data_changes(batch: list[Envelope]) -> None:
    bodies = [codec.join([codec.encode(envelope) for envelope in batch]) for codec in (CODEC, PLAIN)]
    assert bodies[0] == bodies[1]


@given(mixed)
def test_a_peer_without_types_reads_the_plain_data_and_loses_the_objects_alone(batch: list[Envelope]) -> None:
    for sent, arrived in zip(batch, received(batch, PLAIN), strict=True):
        if type(sent[1]) in CODEC._registered.tags:
            name = type(sent[1]).__name__
            assert lost(arrived) == (sent[0], f"type {name!r} is not registered here")
        else:
            assert arrived == sent


@pytest.mark.parametrize("count", [1, 2, 15, 16, 65_535, 65_536, 70_000])
def test_a_batch_of_any_length_arrives(count: int) -> None:
    batch: list[Envelope] = [("m", Line("tea"))] * count
    assert received(batch) == batch
    assert received([*batch, ("m", 1)]) == [*batch, ("m", 1)]


def test_an_envelope_means_the_same_alone_as_a_relay_hands_it_over() -> None:
    """To a node that has the type, and to one that has none."""
    piece = CODEC.encode(("m", Order(1, reply_to=Ref("beta", "m", 7))))
    assert CODEC.decode_batch(memoryview(CODEC.join([piece]))) == [("m", Order(1, reply_to=Ref("beta", "m", 7)))]
    assert PLAIN.join([piece]) == CODEC.join([piece])
    assert lost(PLAIN.decode_batch(memoryview(PLAIN.join([piece])))[0])[0] == "m"


def test_a_piece_without_bytes_which_a_relay_may_hand_over_is_refused_as_no_batch() -> None:
    with pytest.raises(ValueError, match="truncated"):
        CODEC.decode_batch(memoryview(CODEC.join([b""])))


def test_an_object_inside_plain_data_arrives_as_a_dict() -> None:
    assert received([("m", [Line("tea")])]) == [("m", [{"sku": "tea", "count": 1}])]
    assert received([("m", Order(1, anything=Line("tea")))]) == [("m", Order(1, anything={"sku": "tea", "count": 1}))]


def test_other_extensions_in_fields_keep_no_borrowed_memory() -> None:
    ((_, arrived),) = received([("m", Everything(extension=msgspec.msgpack.Ext(5, b"abc")))])
    assert (arrived.extension.code, arrived.extension.data) == (5, b"abc")


@pytest.mark.parametrize("kind", [Cash, BigLine])
def test_an_object_of_another_type_is_refused_at_the_sender_by_name(kind: type[Struct]) -> None:
    with pytest.raises(TypeError, match=f"{shop.__name__}.{kind.__name__} is not registered here.*registered: Card, "):
        CODEC.encode(("m", kind("5")))


def test_the_nearest_registered_name_is_offered() -> None:
    with pytest.raises(TypeError, match=r"did you mean 'Order'\?"):
        CODEC.encode(("m", defstruct("Orders", ["id"])(1)))


def test_dataclasses_are_plain_data_as_ever() -> None:
    assert received([("m", Crate(1.5))]) == [("m", {"weight": 1.5})]


def test_a_type_with_other_fields_is_told_from_one_that_is_unknown() -> None:
    newer = defstruct("Line", [("sku", str), ("count", int, 1), ("note", str, "")])
    batch: list[Envelope] = [("m", newer("tea")), ("n", 1), ("o", Order(1))]
    arrived = received(batch, sender=MsgpackSerializer({"Line": newer, "Order": Order}))
    assert lost(arrived[0]) == ("m", "type 'Line' has other fields here")
    assert arrived[1:] == batch[1:]


def test_a_value_that_does_not_fit_costs_its_own_message_alone() -> None:
    wrong: Any = "many"
    arrived = received([("m", Line("tea")), ("m", Line("tea", wrong)), ("m", Line("oil"))])
    assert [arrived[0], arrived[2]] == [("m", Line("tea")), ("m", Line("oil"))]
    mailbox, reason = lost(arrived[1])
    assert mailbox == "m"
    assert reason.startswith("an object of type 'Line' cannot be read here: ValidationError: Expected `int`, got `str`")
    assert reason.endswith("at `$.count`")


def test_whatever_the_code_of_a_type_raises_costs_its_own_message_alone() -> None:
    careless = defstruct("Positive", [("number", int)])
    arrived = received(
        [("m", careless(0)), ("m", 5), ("m", careless(1))], sender=MsgpackSerializer({"Positive": careless})
    )
    assert "KeyError: '0 is not positive'" in lost(arrived[0])[1]
    assert arrived[1:] == [("m", 5), ("m", Positive(1))]


def forged(*envelopes: object) -> bytes:
    return msgspec.msgpack.encode(list(envelopes))


def test_what_a_peer_writes_is_told_escaped_and_cut() -> None:
    for tag in ("\n\x1b[2J" * 1000, "x" * 1000 + "#1", "#", "Line", "Line#", "#Line#"):
        ((mailbox, _),) = CODEC.decode_batch(memoryview(forged([tag, "m", None])))
        assert isinstance(mailbox, Unreadable)
        assert mailbox.reason.isprintable()
        assert len(mailbox.reason) < 900


REFUSALS = (ValueError, RecursionError)


@pytest.mark.parametrize(
    "body",
    [
        forged(["", "m", 1, 2]),
        forged(["", "m", 1], ["m", 1]),
        forged(["m", 1], ["", "m", 1]),
        forged([1, "m", 1]),
        forged(["", 1, 1]),
        forged(["", "m", 1]) + b"\0",
        forged(["", "m", 1])[:-1],
        b"\x91\x93",
        b"\xdc\x00\x01\x93\xa0\xa1m",
        b"\xdd\xff\xff\xff\xff\x93",
        b"\x91\x93\xa0\xa1m" + b"\x91" * 100_000,
    ],
    ids=lambda body: body[:12].hex(),
)
def test_a_body_that_is_no_batch_is_refused_with_an_error_the_reader_expects(body: bytes) -> None:
    for codec in (CODEC, PLAIN):
        with pytest.raises(REFUSALS):
            codec.decode_batch(memoryview(body))


@given(mixed, st.data())
def test_changed_bytes_are_a_batch_or_refused_with_an_error_the_reader_expects(
    batch: list[Envelope], data: st.DataObject
) -> None:
    body = bytearray(CODEC.join([CODEC.encode(envelope) for envelope in batch]))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    for codec in (CODEC, PLAIN):
        try:
            decoded = codec.decode_batch(memoryview(body))
        except REFUSALS:
            continue
        assert all(isinstance(mailbox, str) for mailbox, _ in decoded)


def test_a_type_may_have_two_names_of_which_the_last_is_written_and_both_are_read() -> None:
    both: Mapping[str, type[Struct]] = {"Line": Line, "line": Line}
    assert received([("m", Line("tea"))], MsgpackSerializer(both)) == [("m", Line("tea"))]
    assert MsgpackSerializer(both).encode(("m", Line("tea"))).startswith(b"\x93\xabline#")
