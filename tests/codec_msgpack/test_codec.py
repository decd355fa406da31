"""The msgpack serializer: encode one by one, join, decode at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_codec_msgpack import REF_CODE, MsgpackSerializer
from partisan_core.kinds import Serializer
from partisan_core.refs import Ref

CODEC = MsgpackSerializer()

refs = st.builds(Ref, st.sampled_from(["beta", "beta@7", "b:1"]), st.just("greeter"), st.none() | st.integers(0, 2**40))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | refs
    | st.datetimes(timezones=st.just(UTC))
)
messages = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text() | st.integers(-9, 9), inner, max_size=5),
    max_leaves=20,
)
envelopes = st.tuples(st.text(min_size=1), messages)


def there_and_back(batch: Sequence[tuple[str, object]]) -> list[tuple[str, object]]:
    joined = CODEC.join([CODEC.encode(envelope) for envelope in batch])
    buffer = bytearray(joined)
    decoded = CODEC.decode_batch(memoryview(buffer))
    buffer[:] = bytes(len(buffer))  # the reader uses its memory again
    return decoded


def one(message: object) -> object:
    ((_, arrived),) = there_and_back([("m", message)])
    return arrived


@given(st.lists(envelopes, min_size=1, max_size=20))
def test_plain_data_and_references_arrive_as_they_were_sent(batch: list[tuple[str, object]]) -> None:
    assert there_and_back(batch) == batch


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 65_535, 65_536, 70_000])
def test_a_batch_of_any_length_is_joined(count: int) -> None:
    batch: list[tuple[str, object]] = [("m", None)] * count
    assert there_and_back(batch) == batch


def test_the_serializer_is_one() -> None:
    serializer: Serializer = CODEC
    assert serializer.encode(("m", 1)) == b"\x92\xa1m\x01"


def test_a_reference_travels_as_an_extension_with_its_text() -> None:
    encoded = CODEC.encode(("m", Ref("beta", "greeter", 42)))
    assert encoded == b"\x92\xa1m\xc7\x1a\x01partisan://beta@42/greeter"
    assert REF_CODE == 1


def test_references_may_be_keys() -> None:
    assert one({Ref("beta", "greeter"): 1}) == {Ref("beta", "greeter"): 1}


class Colour(Enum):
    RED = "red"


class Point(msgspec.Struct):
    x: int


@dataclass
class Size:
    width: int


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        ((1, 2), [1, 2]),
        ({3}, [3]),
        ({(1, 2): 3}, {(1, 2): 3}),
        (bytearray(b"x"), b"x"),
        (memoryview(b"x"), b"x"),
        (Point(1), {"x": 1}),
        (Size(1), {"width": 1}),
        (Colour.RED, "red"),
        (Decimal("1.50"), "1.50"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_messagepack_has_no_type_for_arrives_as_the_nearest_plain_data(sent: object, arrives: object) -> None:
    arrived = one(sent)
    assert arrived == arrives
    assert type(arrived) is type(arrives)


@pytest.mark.parametrize(
    "unfit", [object(), range(3), 1j, print, [{"deep": 2j}]], ids=lambda unfit: type(unfit).__name__
)
def test_what_is_not_plain_data_is_refused_at_the_sender_with_its_type(unfit: object) -> None:
    with pytest.raises(TypeError, match=r"builtins\.\w+ is not plain data; send"):
        CODEC.encode(("m", unfit))


@pytest.mark.parametrize("unfit", [2**64, -(2**63) - 1, "\ud800"], ids=ascii)
def test_values_beyond_messagepack_are_refused_at_the_sender(unfit: object) -> None:
    with pytest.raises((OverflowError, ValueError)):
        CODEC.encode(("m", unfit))


def test_other_extensions_pass_through_and_keep_no_borrowed_memory() -> None:
    arrived = one(msgspec.msgpack.Ext(5, b"abc"))
    assert isinstance(arrived, msgspec.msgpack.Ext)
    assert (arrived.code, arrived.data) == (5, b"abc")


REFUSALS = (ValueError, RecursionError)
"""What the protocol of serializers allows (with MemoryError and OverflowError, which msgspec does not raise here)."""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"\xc0",
        b"\x91\xc0",
        b"\x91\x91\xa1m",
        b"\x91\x93\xa1m\x01\x02",
        b"\x91\x92\x01\x02",
        b"\x91\x92\xa1m\xa1\xff",
        b"\x91\x92\xa1m\x01\x00",
        b"\x91\x92\xa1m\xd4\x01\xff",
        b"\x91\x92\xa1m\xc7\x03\x01a b",
        b"\x91\x92\xa1m\x81\x80\x01",
        b"\xdd\xff\xff\xff\xff",
        b"\x91\x92\xa1m" + b"\x91" * 100_000,
    ],
    ids=lambda body: body[:12].hex(),
)
def test_a_body_that_is_no_batch_is_refused_with_an_error_the_reader_expects(body: bytes) -> None:
    with pytest.raises(REFUSALS):
        CODEC.decode_batch(memoryview(body))


@given(st.binary(max_size=200), st.integers(0, 3))
def test_any_bytes_are_a_batch_or_refused_with_an_error_the_reader_expects(garbage: bytes, count: int) -> None:
    try:
        batch = CODEC.decode_batch(memoryview(bytes((0x90 | count,)) + garbage))
    except REFUSALS:
        return
    assert len(batch) == count


@given(st.lists(envelopes, min_size=1, max_size=5), st.data())
def test_changed_bytes_are_a_batch_or_refused_with_an_error_the_reader_expects(
    batch: list[tuple[str, object]], data: st.DataObject
) -> None:
    body = bytearray(CODEC.join([CODEC.encode(envelope) for envelope in batch]))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = CODEC.decode_batch(memoryview(body))
    except REFUSALS:
        return
    assert all(isinstance(mailbox, str) for mailbox, _ in decoded)
