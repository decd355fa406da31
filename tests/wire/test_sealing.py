"""Sealed frames: nobody on the way can change, forge, repeat, leave out or exchange them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.errors import CorruptFrame
from partisan_core.wire.frames import CHECKSUM, FrameReader, Kind, change_trailer, encode_frame
from partisan_core.wire.sealing import TAG_SIZE, Seal
from tests.wire.hands import accepter, dialler, frame
from tests.wire.streams import ROOM, Sent, cuts, keep, pieces, streams

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def sealed(frames: list[Sent], key: bytes = KEY) -> list[bytes]:
    seal = Seal(key)
    return [change_trailer(one.encode(), seal) for one in frames]


def read(stream: bytes, at: list[int] | None = None) -> tuple[list[Sent], FrameReader]:
    reader = FrameReader(ROOM, Seal(KEY))
    return [one for piece in pieces(stream, at or []) for one in keep(reader.feed(piece))], reader


@given(streams, cuts)
def test_sealed_frames_come_back_as_they_were_however_the_stream_is_split(frames: list[Sent], at: list[int]) -> None:
    seen, reader = read(b"".join(sealed(frames)), at)
    assert seen == frames
    assert reader.error is None
    assert reader.pending == 0


def test_a_sealed_frame_has_a_tag_in_the_place_of_its_checksum() -> None:
    plain = encode_frame(Kind.DATA, b"body", 7)
    (whole,) = sealed([Sent(Kind.DATA, 7, b"body")])
    assert whole[:-TAG_SIZE] == plain[: -CHECKSUM.size]


@given(streams)
def test_a_frame_that_is_made_with_its_tag_is_like_one_that_is_sealed_later(frames: list[Sent]) -> None:
    seal = Seal(KEY)
    assert [encode_frame(one.kind, one.body, one.number, 0, seal) for one in frames] == sealed(frames)


@given(streams, st.data())
def test_a_changed_bit_lets_only_the_frames_before_it_through(frames: list[Sent], data: st.DataObject) -> None:
    parts = sealed(frames)
    stream = bytearray(b"".join(parts))
    bit = data.draw(st.integers(0, len(stream) * 8 - 1))
    stream[bit // 8] ^= 1 << bit % 8
    seen, reader = read(bytes(stream))
    ends = [sum(map(len, parts[: count + 1])) for count in range(len(parts))]
    assert seen == frames[: sum(1 for end in ends if end * 8 <= bit)]
    assert isinstance(reader.error, CorruptFrame)


@pytest.mark.parametrize(
    ("order", "through"),
    [
        ([0, 0, 1, 2], 1),
        ([0, 2], 1),
        ([1], 0),
        ([1, 0, 2], 0),
        ([0, 1, 2, 0], 3),
    ],
    ids=["repeated", "left out", "the first left out", "exchanged", "repeated later"],
)
def test_the_order_of_frames_cannot_be_changed(order: list[int], through: int) -> None:
    frames = [Sent(Kind.DATA, number, b"the same") for number in (1, 1, 1)]
    parts = sealed(frames)
    seen, reader = read(b"".join(parts[place] for place in order))
    assert seen == frames[:through]
    assert isinstance(reader.error, CorruptFrame)


@given(streams)
def test_frames_under_another_key_and_frames_with_checksums_are_refused(frames: list[Sent]) -> None:
    padding = bytes(TAG_SIZE)
    for stream in (b"".join(sealed(frames, OTHER_KEY)), b"".join(one.encode() for one in frames) + padding):
        seen, reader = read(stream)
        assert seen == []
        assert reader.error is not None


def test_both_ends_of_a_handshake_have_the_same_two_keys_and_each_direction_its_own() -> None:
    one, other = dialler(keyed=True), accepter()
    other.receive(frame(one.start()))
    one.receive(frame(other.greet()))
    other.receive(frame(one.prove(0, 0)))
    one.receive(frame(other.welcome(1, 0, resumed=False)))
    ours, theirs = one.make_seals(), other.make_seals()
    assert ours is not None
    assert theirs is not None
    tags = [seal.make(b"") for seal in (*ours, *reversed(theirs))]
    assert tags[:2] == tags[2:]
    assert tags[0] != tags[1]


@pytest.mark.parametrize(("here", "there"), [(True, False), (False, True), (True, True), (False, False)])
def test_frames_are_sealed_when_either_end_wants_it(here: bool, there: bool) -> None:
    one, other = dialler(keyed=here), accepter(keyed=there)
    other.receive(frame(one.start()))
    one.receive(frame(other.greet()))
    assert (one.make_seals() is not None) == (other.make_seals() is not None) == (here or there)
