"""The json serializer: text that people can read, and nothing changed in silence."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from math import inf, isnan, nan
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_codec_json import JsonSerializer
from partisan_core.kinds import Serializer
from partisan_core.refs import Ref

CODEC = JsonSerializer()

refs = st.builds(Ref, st.sampled_from(["beta", "beta@7", "b:1"]), st.just("greeter"), st.none() | st.integers(0, 2**40))
zones = st.none() | st.sampled_from([UTC, timezone(timedelta(hours=-3, minutes=-30))])
moments = st.datetimes(timezones=zones).map(lambda moment: moment.replace(fold=0))
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | refs | moments
)
escapes = st.sampled_from(["$", "$$", "$ref", "$$ref", "$bytes", "$dict", "$float", "$datetime", "$mine"])
keys = st.text() | escapes | st.integers() | st.none() | st.binary() | refs | st.tuples(st.integers(), st.text())
messages = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(escapes, inner, min_size=1, max_size=1)
        | st.dictionaries(st.text() | escapes, inner, max_size=5)
        | st.dictionaries(keys, inner, max_size=5)
    ),
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
def test_plain_data_references_and_what_looks_like_an_escape_arrive_as_they_were_sent(
    batch: list[tuple[str, object]],
) -> None:
    assert repr(there_and_back(batch)) == repr(batch)  # which tells 1 from True and 1.0, as == does not


@given(st.lists(envelopes, max_size=5))
def test_a_body_is_json_with_a_message_on_each_line(batch: list[tuple[str, object]]) -> None:
    text = CODEC.join([CODEC.encode(envelope) for envelope in batch]).decode()
    lines = text[1:-1].split(",\n") if batch else []
    assert [json.loads(line)[0] for line in lines] == [mailbox for mailbox, _ in batch]
    assert len(json.loads(text)) == len(batch)


@given(messages)
def test_encoding_leaves_the_message_as_it_was(message: object) -> None:
    before = repr(message)
    CODEC.encode(("m", message))
    assert repr(message) == before


def test_the_serializer_is_one() -> None:
    serializer: Serializer = CODEC
    assert serializer.encode(("m", {"é": [1, None]})) == '["m",{"é":[1,null]}]'.encode()


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (Ref("beta", "greeter", 42), '{"$ref":"partisan://beta@42/greeter"}'),
        (b"\0\xff", '{"$bytes":"AP8="}'),
        (-inf, '{"$float":"-inf"}'),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), '{"$datetime":"2026-01-02T03:04:05+00:00"}'),
        ({1: "one", None: "none"}, '{"$dict":[[1,"one"],[null,"none"]]}'),
        ({"$ref": 1}, '{"$$ref":1}'),
        ({"$ref": 1, "b": 2}, '{"$ref":1,"b":2}'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_say_is_written_as_the_readme_tells(message: object, text: str) -> None:
    assert CODEC.encode(("m", message)) == f'["m",{text}]'.encode()
    assert one(message) == message


def test_not_a_number_arrives_as_not_a_number() -> None:
    arrived = one(nan)
    assert isinstance(arrived, float)
    assert isnan(arrived)


class Colour(Enum):
    RED = "red"


class Point(msgspec.Struct):
    x: object


@dataclass
class Size:
    width: int


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        ((1, 2), [1, 2]),
        ({3}, [3]),
        ({(1, (2, b"x")): 3}, {(1, (2, b"x")): 3}),
        (bytearray(b"x"), b"x"),
        (memoryview(b"xyz")[::2], b"xz"),
        (Point(Ref("a", "b")), {"x": Ref("a", "b")}),
        (Size(1), {"width": 1}),
        (Colour.RED, "red"),
        (Decimal("1.50"), "1.50"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_has_no_type_for_arrives_as_the_nearest_plain_data(sent: object, arrives: object) -> None:
    arrived = one(sent)
    assert arrived == arrives
    assert type(arrived) is type(arrives)


@pytest.mark.parametrize(
    "unfit", [object(), range(3), 1j, print, [{"deep": 2j}]], ids=lambda unfit: type(unfit).__name__
)
def test_what_is_not_plain_data_is_refused_at_the_sender_with_its_type(unfit: object) -> None:
    with pytest.raises(TypeError, match=r"builtins\.\w+ is not plain data; send"):
        CODEC.encode(("m", unfit))


@pytest.mark.parametrize("unfit", [10**4300, "\ud800", {"\ud800": 1}], ids=["too many digits", "text", "key"])
def test_what_no_reader_could_read_is_refused_at_the_sender(unfit: object) -> None:
    with pytest.raises(ValueError, match=r"digits|surrogates"):
        CODEC.encode(("m", unfit))


def test_an_integer_of_as_many_digits_as_python_reads_arrives() -> None:
    assert one(10**4300 - 1) == 10**4300 - 1


def test_what_is_nested_too_deeply_for_the_receiver_is_refused_at_the_sender() -> None:
    message: object = 1
    sent = []
    for _ in range(2000):
        message = {"in": [message]}
        try:
            sent.append(CODEC.encode(("m", message)))
        except RecursionError:
            break
    assert 50 < len(sent) < 2000
    assert CODEC.decode_batch(memoryview(CODEC.join(sent[-1:])))


REFUSALS = (ValueError, OverflowError, RecursionError)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ('{"$mine":1}', r"'\$mine' is no escape: there are \$bytes, \$datetime, \$dict, \$float, \$ref"),
        ('{"$\\u202e":1}', r"'\$\\u202e' is no escape"),
        ('{"$ref":1}', r"\$ref holds a int, not text"),
        ('{"$ref":"a b"}', r"\$ref holds no reference: 'a b' is no reference"),
        ('{"$bytes":"A"}', "base64"),
        ('{"$bytes":"é"}', "ASCII"),
        ('{"$float":"1e5"}', r"\$float holds '1e5', which is none of nan, inf, -inf"),
        ('{"$datetime":"now"}', "Invalid isoformat string: 'now'"),
        ('{"$dict":{"a":1}}', r"\$dict holds something else than pairs"),
        ('{"$dict":[[1,2,3]]}', r"\$dict holds something else than pairs"),
        ('{"$dict":[[{"a":1},2]]}', "a dict is the key of a dict"),
        ('{"$dict":[[[[{"$$a":1}]],2]]}', "a dict is the key of a dict"),
        ('[[{"deep":{"$no":1}}]]', r"'\$no' is no escape"),
        ("1e400", "out of range"),
    ],
)
def test_a_wrong_escape_is_refused_by_its_name(message: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CODEC.decode_batch(memoryview(f'[["m",{message}]]'.encode()))


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[1]", b'[["m"]]', b'[["m",1,2]]', b"[[1,2]]", b'[["m",1]', b'[["m",1]]1', b'[["m",NaN]]'],
    ids=repr,
)
def test_a_body_that_is_no_batch_is_refused_with_an_error_the_reader_expects(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        CODEC.decode_batch(memoryview(body))


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"$$a":', '{"$dict":[[1,'])
def test_a_bottomless_message_is_refused_with_an_error_the_reader_expects(opening: str) -> None:
    with pytest.raises(REFUSALS):
        CODEC.decode_batch(memoryview(f'[["m",{opening * 100_000}'.encode()))


@given(st.lists(envelopes, min_size=1, max_size=5), st.data())
def test_changed_bytes_are_a_batch_or_refused_with_an_error_the_reader_expects(
    batch: list[tuple[str, object]], data: st.DataObject
) -> None:
    body = bytearray(CODEC.join([CODEC.encode(envelope) for envelope in batch]))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 127))
    try:
        decoded = CODEC.decode_batch(memoryview(body))
    except REFUSALS:
        return
    assert all(isinstance(mailbox, str) for mailbox, _ in decoded)
