"""The cattrs serializer: objects arrive equal and of their class, or somebody is told which field is wrong."""

import tracemalloc
from collections.abc import Sequence
from typing import Any, Literal

import attrs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partisan_codec_cattrs import CattrsSerializer
from partisan_codec_msgpack import MsgpackSerializer
from partisan_core.errors import ConfigError
from partisan_core.kinds import Serializer
from partisan_core.refs import Ref
from tests.codec_cattrs.shop import (
    BigLine,
    Card,
    Cash,
    Colour,
    Everything,
    Fork,
    Line,
    Order,
    Positive,
    Size,
    Tree,
    Unit,
)

CLASSES: dict[str, type] = {kind.__name__: kind for kind in (Everything, Fork, Line, Order, Positive, Tree)}
CODEC = CattrsSerializer(CLASSES)
PLAIN = MsgpackSerializer()

texts = st.text(max_size=5)
refs = st.builds(Ref, st.sampled_from(["beta", "beta@7"]), st.just("greeter"), st.none() | st.integers(0, 2**40))
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts | st.binary(max_size=5) | refs,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
lines = st.builds(Line, texts, st.integers(-9, 9))
moments = st.datetimes().map(lambda moment: moment.replace(fold=0))
orders = st.builds(
    Order,
    st.integers(-(2**63), 2**64 - 1),
    st.lists(lines, max_size=3),
    st.none() | st.builds(Card, texts) | st.builds(Cash, texts),
    st.none() | refs,
    st.none() | moments,
)
everything = st.builds(
    Everything,
    flag=st.booleans(),
    ratio=st.floats(allow_nan=False),
    blob=st.binary(max_size=5),
    day=st.dates(),
    hour=st.times().map(lambda hour: hour.replace(fold=0)),
    price=st.decimals(allow_nan=False),
    key=st.uuids(),
    colour=st.sampled_from(Colour),
    size=st.sampled_from(Size),
    unit=st.sampled_from(Unit),
    mode=st.sampled_from(("fast", 1)),
    names=st.lists(texts, max_size=3).map(tuple),
    pair=st.tuples(st.integers(-9, 9), texts),
    tags=st.frozensets(texts, max_size=3),
    ids=st.sets(st.integers(-9, 9), max_size=3),
    prices=st.dictionaries(texts, st.decimals(allow_nan=False), max_size=3),
    grid=st.dictionaries(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), lines, max_size=3),
    either=st.none() | st.integers(-9, 9) | texts | st.lists(st.integers(-9, 9), max_size=3) | lines,
    anything=plain,
)
trees = st.recursive(
    st.builds(Tree, texts),
    lambda inner: st.builds(
        Tree, texts, st.lists(inner, max_size=2), st.none() | inner, st.dictionaries(texts, inner, max_size=2)
    ),
    max_leaves=5,
)
messages = orders | everything | trees | lines | plain


def there_and_back(batch: Sequence[tuple[str, object]]) -> list[tuple[str, object]]:
    buffer = bytearray(CODEC.join([CODEC.encode(envelope) for envelope in batch]))
    decoded = CODEC.decode_batch(memoryview(buffer))
    buffer[:] = bytes(len(buffer))  # the reader uses its memory again
    return decoded


def one(message: object) -> object:
    ((_, arrived),) = there_and_back([("m", message)])
    return arrived


def from_a_peer(tag: object, data: object, codec: CattrsSerializer = CODEC) -> object:
    ((_, arrived),) = codec.decode_batch(memoryview(PLAIN.join([PLAIN.encode(("m", (tag, data)))])))
    return arrived


@given(st.lists(st.tuples(texts, messages), max_size=5))
def test_objects_and_plain_data_arrive_as_they_were_sent(batch: list[tuple[str, object]]) -> None:
    arrived = there_and_back(batch)
    assert arrived == batch
    assert [type(message) for _, message in arrived] == [type(message) for _, message in batch]


def test_the_serializer_is_one_and_writes_a_pair_of_tag_and_data() -> None:
    serializer: Serializer = CODEC
    written = [serializer.encode(("m", message)) for message in (Line("tea", 2), {"a": 1})]
    assert [msgspec.msgpack.decode(piece) for piece in written] == [
        ["m", ["Line", {"sku": "tea", "count": 2}]],
        ["m", [None, {"a": 1}]],
    ]


def test_classes_with_the_same_fields_are_told_apart_in_a_union() -> None:
    assert one(Order(1, paid=Cash("7"))) == Order(1, paid=Cash("7"))
    piece = CODEC.encode(("m", Order(1, paid=Cash("7"))))
    assert msgspec.msgpack.decode(piece)[1][1]["paid"] == ["Cash", {"number": "7"}]


def test_a_class_in_a_union_has_the_tag_that_it_is_registered_under() -> None:
    codec = CattrsSerializer({"purse": Cash, "Order": Order})
    piece = codec.encode(("m", Order(1, paid=Cash("7"))))
    assert msgspec.msgpack.decode(piece)[1][1]["paid"] == ["purse", {"number": "7"}]


def test_a_class_with_two_tags_is_read_under_both_and_written_under_the_last() -> None:
    codec = CattrsSerializer({"old": Line, "new": Line})
    assert b"\xa3new" in codec.encode(("m", Line("tea")))
    assert from_a_peer("old", {"sku": "tea"}, codec) == from_a_peer("new", {"sku": "tea"}, codec) == Line("tea")


def loosely_typed(kind: Any, **fields: Any) -> Any:
    return kind(**fields)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (loosely_typed(Order, id="7"), "^Order.id: expected int, got str"),
        (loosely_typed(Order, id=True), "^Order.id: expected int, got bool"),
        (loosely_typed(Order, id=1, lines="ab"), "^Order: expected list.*Line.*, got str"),
        (Order(1, [Line("a"), loosely_typed(Line, sku=5)]), r"^Order.lines\[1\].sku: expected str, got int"),
        (Order(1, [BigLine("a")]), "^Order: expected Line, got BigLine"),
        (loosely_typed(Everything, either=1.5), r"^Everything: expected int \| str .*, got float"),
        (loosely_typed(Everything, colour="red"), "^Everything: expected Colour, got str"),
        (loosely_typed(Everything, mode=True), "^Everything.mode: expected one of 'fast', 1, got 'True'"),
        (loosely_typed(Everything, price=1), "^Everything: expected Decimal, got int"),
        (loosely_typed(Everything, names=["a"]), "^Everything: expected tuple.*, got list"),
        (loosely_typed(Everything, prices=[]), "^Everything: expected dict.*, got list"),
        (loosely_typed(Everything, pair=(1,)), "^Everything: expected 2 items, got 1"),
    ],
)
def test_an_object_whose_fields_are_not_as_annotated_is_refused_at_the_sender(message: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CODEC.encode(("m", message))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (BigLine("a"), r"shop.BigLine is neither plain data nor a registered class \(did you mean 'Line'\?\)"),
        (
            Card("1"),
            "shop.Card is neither plain data nor a registered class; registered: Everything, Fork",
        ),
        ([{"deep": Line("a")}], "shop.Line .*inside plain data needs a class around it"),
        ({Line("a"): 1}, "shop.Line .*inside plain data needs a class around it"),
        (object(), "builtins.object is neither plain data"),
    ],
    ids=["subclass", "not registered", "in a list", "as a key", "object"],
)
def test_what_would_arrive_as_something_else_is_refused_at_the_sender_by_name(message: object, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        CODEC.encode(("m", message))


def test_an_object_in_a_field_for_plain_data_is_refused_at_the_sender() -> None:
    with pytest.raises(ValueError, match=r"shop\.Line in a field that is for plain data"):
        CODEC.encode(("m", Everything(anything=[Line("a")])))


@pytest.mark.parametrize(
    ("tag", "data", "said"),
    [
        ("Ordr", {}, r"no class is registered here for the tag 'Ordr' \(did you mean 'Order'\?\); registered: Every"),
        ("os.system", {}, "no class is registered here for the tag 'os.system'; registered: Everything"),
        ("\u202e", {}, r"the tag '\\u202e'"),
        (5, {}, "no class is registered here for the tag '5'"),
        ([5], {}, r"no class is registered here for the tag '\[5\]'"),
        ("Order", "x", "^Order: expected Order, got str"),
        ("Order", {}, "^Order.id: this field is missing"),
        ("Order", {"id": 1, "x": 2}, "^Order: unknown fields 'x'"),
        ("Order", {"id": 1, 5: 2}, "^Order: unknown fields '5'"),
        ("Order", {"id": "1"}, "^Order.id: expected int, got str"),
        ("Order", {"id": 1, "lines": [{"sku": "a"}, {}]}, r"^Order.lines\[1\].sku: this field is missing"),
        ("Order", {"id": 1, "lines": "ab"}, "^Order.lines: expected list.*, got str"),
        ("Order", {"id": 1, "paid": ["Gold", {}]}, "^Order.paid: expected one of the tags Card, Cash, got 'Gold'"),
        ("Order", {"id": 1, "paid": {}}, "^Order.paid: expected a pair of a tag and data for .*, got dict"),
        ("Order", {"id": 1, "reply_to": "a/b"}, "^Order.reply_to: expected Ref, got str"),
        ("Order", {"id": 1, "at": "now"}, "^Order.at: 'now' is no datetime"),
        ("Order", {"id": 1, "at": 5}, "^Order.at: expected the text of a datetime, got int"),
        ("Everything", {"price": "x"}, "^Everything.price: 'x' is no Decimal"),
        ("Everything", {"colour": []}, r"^Everything.colour: expected one of 'red', 0, got '\[\]'"),
        ("Everything", {"colour": False}, "^Everything.colour: expected one of 'red', 0, got 'False'"),
        ("Everything", {"unit": "kilo"}, "^Everything.unit: expected one of 'piece', got 'kilo'"),
        ("Everything", {"pair": [1]}, "^Everything.pair: expected 2 items, got 1"),
        ("Everything", {"prices": {"a": "1", "b": 2}}, r"^Everything.prices\[.*b.*\]: expected the text of a Decimal"),
        ("Everything", {"grid": {"a": {"sku": "a"}}}, r"^Everything.grid\[.*a.*\]: expected tuple.*, got str"),
        ("Positive", {"number": -1}, "^Positive: 'number' must be > 0"),
    ],
)
def test_what_does_not_fit_is_refused_at_the_receiver_with_its_path(tag: object, data: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_a_peer(tag, data)


def test_fields_that_are_unknown_here_are_passed_over_when_the_configuration_says_so() -> None:
    lenient = CattrsSerializer(CLASSES, forbid_extra_keys=False)
    assert from_a_peer("Line", {"sku": "tea", "colour": "green"}, lenient) == Line("tea")


@pytest.mark.parametrize("body", [b"\x91\x92\xa1m\x01", b"\x91\x92\xa1m\x91\x01", b"\xc0", b"\x91"], ids=bytes.hex)
def test_a_body_that_is_no_batch_of_pairs_is_refused_with_an_error_the_reader_expects(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        CODEC.decode_batch(memoryview(body))


def forks(depth: int) -> dict[str, object]:
    """None of the 2 ** depth leaves has the name that it needs."""
    return {"name": "fork", "left": forks(depth - 1), "right": forks(depth - 1)} if depth else {}


WRONG: dict[str, tuple[str, dict[str, object]]] = {
    "a list": ("Order", {"id": 1, "lines": [{}] * 100_000}),
    "a class in a list": ("Order", {"id": 1, "lines": [{"sku": 1, "count": "x"}] * 100_000}),
    "unknown fields": ("Order", {f"field {number}": 0 for number in range(100_000)}),
    "a tree": ("Fork", forks(12)),
}


@pytest.mark.parametrize(("tag", "data"), WRONG.values(), ids=WRONG)
def test_the_error_about_a_large_misfit_is_small_and_so_is_the_memory_for_it(tag: str, data: object) -> None:
    body = PLAIN.join([PLAIN.encode(("m", (tag, data)))])
    decoded = msgspec.msgpack.decode(body)
    tracemalloc.start()
    try:
        decoded = msgspec.msgpack.decode(body)
        _, plain_peak = tracemalloc.get_traced_memory()
        del decoded
        tracemalloc.reset_peak()
        with pytest.raises(ValueError, match=rf"^{tag}") as raised:
            CODEC.decode_batch(memoryview(body))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(str(raised.value)) <= 1000
    assert "; " not in str(raised.value)  # one path
    assert peak < 3 * plain_peak + 2**20


def test_a_bottomless_object_is_refused_with_an_error_the_reader_expects() -> None:
    data: dict[str, object] = {"name": "leaf"}
    for _ in range(200):
        data = {"name": "knot", "parent": data}
    assert isinstance(from_a_peer("Tree", data), Tree)
    knot = b"\x82\xa4name\xa1x\xa6parent"
    with pytest.raises((ValueError, RecursionError)):
        CODEC.decode_batch(memoryview(b"\x91\x92\xa1m\x92\xa4Tree" + knot * 5000 + b"\xc0"))


@settings(max_examples=200)
@given(st.sampled_from(sorted(CLASSES)), messages, st.data())
def test_changed_bytes_are_a_batch_or_refused_with_an_error_the_reader_expects(
    tag: str, message: object, data: st.DataObject
) -> None:
    body = bytearray(CODEC.join([CODEC.encode(("m", message)), PLAIN.encode(("m", (tag, {})))]))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = CODEC.decode_batch(memoryview(body))
    except (ValueError, RecursionError):
        return
    assert all(isinstance(mailbox, str) for mailbox, _ in decoded)


@attrs.define
class Untyped:
    number = attrs.field()  # type: ignore[var-annotated]


@attrs.define
class Complex:
    number: complex


@attrs.define
class TwoLists:
    either: list[int] | list[str]


@attrs.define
class NoTelling:
    either: Literal[1] | str


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Untyped, "Untyped cannot travel: the field 'number' of Untyped states no type"),
        (Complex, "Complex cannot travel: a field of type complex cannot travel"),
        (TwoLists, "TwoLists cannot travel: two types of .* are both called 'list' on the wire"),
        (NoTelling, "NoTelling cannot travel: a value does not say of which type of"),
        (int, "int is neither an attrs class nor a dataclass, and cannot travel"),
    ],
)
def test_a_class_that_cannot_travel_is_refused_when_it_is_registered(kind: type, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        CattrsSerializer({"x": kind})
