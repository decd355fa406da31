"""The bytes of a stamp."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_causal import CausalityError, Life, Stamp, Triple, read_stamp, write_stamp
from partisan_causal.stamps import LAST_NUMBER, MOST_TRIPLES
from tests.causality.lives import A, B, C

LIVES = st.builds(Life, st.sampled_from("abc"), st.integers(0, 2**63 - 1))
NUMBERS = st.integers(1, LAST_NUMBER)
STAMPS = st.builds(
    Stamp,
    NUMBERS,
    st.integers(0, LAST_NUMBER),
    st.lists(st.builds(Triple, LIVES, LIVES, NUMBERS)).map(tuple),
    st.booleans(),
)


@given(STAMPS)
def test_what_is_written_is_read_again(stamp: Stamp) -> None:
    assert read_stamp(write_stamp("label", stamp)) == ("label", stamp)


def test_the_bytes_stay_as_they_are() -> None:
    stamp = Stamp(7, 2, (Triple(A, C, 5), Triple(B, C, 300)))
    assert write_stamp("orders", stamp).hex() == "96a66f72646572730702c29392a1610192a1630192a16201960001050201cd012c"


@given(STAMPS, st.data())
def test_changed_bytes_are_read_or_named(stamp: Stamp, data: st.DataObject) -> None:
    damaged = bytearray(write_stamp("label", stamp))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    read_or_named(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_named(garbage: bytes) -> None:
    read_or_named(garbage)


def read_or_named(garbage: bytes) -> None:
    with suppress(CausalityError):
        read_stamp(garbage)


MALFORMED = {
    "half a triple": ["l", 1, 0, False, [["a", 1]], [0, 0]],
    "a life that is not listed": ["l", 1, 0, False, [["a", 1]], [0, 1, 5]],
    "no name": ["l", 1, 0, False, [["a b", 1]], []],
    "too many lives": ["l", 1, 0, False, [["a", 1]] * (2 * MOST_TRIPLES + 1), []],
    "too many triples": ["l", 1, 0, False, [["a", 1]], [0] * (3 * MOST_TRIPLES + 3)],
    "a long label": ["l" * 129, 1, 0, False, [], []],
    "no number": ["l", 0, 0, False, [], []],
}


@pytest.mark.parametrize("written", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_stamp_is_named(written: object) -> None:
    with pytest.raises(CausalityError, match="cannot be read"):
        read_stamp(msgspec.msgpack.encode(written))


def test_a_later_version_may_add_fields() -> None:
    assert read_stamp(msgspec.msgpack.encode(["l", 1, 0, False, [], [], "more"])) == ("l", Stamp(1, 0, ()))


def test_a_stamp_names_each_life_once() -> None:
    many = Stamp(9, 0, tuple(Triple(A, Life("a-long-name-of-a-node", n % 4), 5) for n in range(400)))
    assert len(write_stamp("l", many)) < 400 * 3 + 200
