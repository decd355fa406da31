"""Fragments: however a message is sliced it comes back; what does not fit together is an error by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.errors import FrameError
from partisan_core.wire.fragments import Assembly, Place, Whole, encode_fragment, split_fragment
from partisan_core.wire.frames import FrameReader, Kind

LIMIT = 1000
PLACE_SIZE = 11


def add(assembly: Assembly, number: int, body: memoryview) -> Whole | None:
    """As a node does with a frame."""
    return assembly.add(*split_fragment(body), number)


def body(
    offset: int, part: bytes, *, total: int, kind: int = Kind.DATA, message: int = 1, number: int = 0
) -> memoryview:
    """What a reader hands over of one FRAGMENT frame."""
    (frame,) = FrameReader(LIMIT * 2).feed(encode_fragment(Place(kind, message, total, offset), part, number))
    assert (frame.kind, frame.number) == (Kind.FRAGMENT, number)
    return frame.body


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=LIMIT), st.integers(1, 300)), min_size=1, max_size=5),
    st.sampled_from([Kind.DATA, Kind.RELAY]),
)
def test_messages_come_back_one_after_the_other(messages: list[tuple[bytes, int]], kind: Kind) -> None:
    assembly = Assembly(LIMIT)
    for number, (message, size) in enumerate(messages, 1):
        assert assembly.total == 0
        wholes: list[Whole | None] = []
        for offset in range(0, len(message), size):
            last = number if offset + size >= len(message) else 0
            slice_ = message[offset : offset + size]
            part = body(offset, slice_, total=len(message), kind=kind, message=number, number=last)
            wholes.append(add(assembly, last, part))
        whole = wholes.pop()
        assert wholes == [None] * len(wholes)
        assert whole is not None
        assert (whole.kind, whole.number, bytes(whole.payload)) == (kind, number, message)


BEGUN = body(0, b"abcd", total=12)

WRONG = {
    "the same again": (
        BEGUN,
        0,
        "from 0 of 12 bytes of message 1 came where a fragment from 4 of 12 bytes of message 1 was due",
    ),
    "a later one": (
        body(8, b"ijkl", total=12, number=1),
        1,
        "from 8 of 12 bytes of message 1 came where a fragment from 4",
    ),
    "beyond its end": (
        body(4, b"efghijklm", total=12, number=1),
        1,
        "came where a fragment from 4 of 12 bytes of message 1 was due",
    ),
    "of another size": (
        body(4, b"efgh", total=13),
        0,
        "from 4 of 13 bytes of message 1 came where a fragment from 4 of 12",
    ),
    "of another kind": (body(4, b"efgh", total=12, kind=Kind.RELAY), 0, "was due"),
    "a new message": (body(0, b"xy", total=5, message=2), 0, "from 0 of 5 bytes of message 2 came where"),
    "of the next message": (body(4, b"efgh", total=12, message=2), 0, "from 4 of 12 bytes of message 2 came where"),
    "the last without a number": (body(4, b"efghijkl", total=12), 0, "the last fragment of a message has its number"),
    "a number too early": (body(4, b"efgh", total=12, number=3), 3, "the last fragment of a message has its number"),
}


@pytest.mark.parametrize(("wrong", "number", "complaint"), WRONG.values(), ids=WRONG.keys())
def test_a_fragment_in_the_wrong_place_is_refused_and_nothing_is_kept(
    wrong: memoryview, number: int, complaint: str
) -> None:
    assembly = Assembly(LIMIT)
    add(assembly, 0, BEGUN)
    with pytest.raises(FrameError, match=complaint):
        add(assembly, number, wrong)
    assert assembly.total == 0
    assert add(assembly, 0, BEGUN) is None


STRANGE = {
    "of no message": (body(4, b"efgh", total=12), "belongs to no message that has begun"),
    "of no such kind": (body(0, b"abcd", total=12, kind=Kind.HELLO), "kind 1, which is never in fragments"),
    "too large": (body(0, b"abcd", total=LIMIT + 1), "1001 bytes in fragments is larger than the 1000 allowed"),
    "of no bytes": (body(0, b"abcd", total=0), "came where a fragment from 0 of 0 bytes of message 1 was due"),
}


@pytest.mark.parametrize(("strange", "complaint"), STRANGE.values(), ids=STRANGE.keys())
def test_a_message_that_cannot_be_does_not_begin(strange: memoryview, complaint: str) -> None:
    assembly = Assembly(LIMIT)
    with pytest.raises(FrameError, match=complaint):
        add(assembly, 0, strange)
    assert assembly.total == 0


def test_a_fragment_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(FrameError, match="a fragment of 11 bytes has nothing in it"):
        split_fragment(BEGUN[:PLACE_SIZE])


@given(st.lists(st.tuples(st.integers(0, 20), st.binary(max_size=30)), max_size=20))
def test_any_bodies_are_assembled_or_refused_by_name(bodies: list[tuple[int, bytes]]) -> None:
    assembly = Assembly(LIMIT)
    for number, content in bodies:
        try:
            add(assembly, number, memoryview(content))
        except FrameError:
            assert len(content) <= PLACE_SIZE or assembly.total == 0
        assert assembly.total <= LIMIT
