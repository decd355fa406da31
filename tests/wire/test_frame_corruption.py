"""Frames: no changed bit is ever accepted, and nothing that arrives makes the reader raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.errors import CorruptFrame, FrameError
from partisan_core.wire.frames import FRAME_OVERHEAD, HEADER_SIZE, FrameReader, Kind, Trailer
from tests.wire.streams import ROOM, Sent, cuts, keep, read, sent_frames, streams, with_each_checksum


def flipped(stream: bytes, bit: int) -> bytes:
    changed = bytearray(stream)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(sent_frames)
def test_every_flipped_bit_of_a_header_is_found_before_the_body_arrives(frame: Sent) -> None:
    header = frame.encode()[:HEADER_SIZE]
    for bit in range(HEADER_SIZE * 8):
        reader = FrameReader(2**32)
        reader.feed(flipped(header, bit))
        assert isinstance(reader.error, CorruptFrame)


@with_each_checksum
@given(st.binary(max_size=60), st.integers(0, 2**64 - 1))
def test_every_flipped_bit_of_a_frame_is_found(trailer: Trailer | None, body: bytes, number: int) -> None:
    stream = Sent(Kind.DATA, number, body).encode(trailer=trailer)
    for bit in range(len(stream) * 8):
        seen, reader = read(flipped(stream, bit), [], trailer=trailer)
        assert seen == []
        assert isinstance(reader.error, CorruptFrame)


@with_each_checksum
@given(streams, cuts, st.data())
def test_a_flipped_bit_lets_only_the_frames_before_it_through(
    trailer: Trailer | None, frames: list[Sent], at: list[int], data: st.DataObject
) -> None:
    stream = b"".join(frame.encode(trailer=trailer) for frame in frames)
    bit = data.draw(st.integers(0, len(stream) * 8 - 1))
    seen, reader = read(flipped(stream, bit), at, trailer=trailer)
    ends = [sum(len(frame.encode(trailer=trailer)) for frame in frames[: count + 1]) for count in range(len(frames))]
    intact = sum(1 for end in ends if end * 8 <= bit)
    assert seen == frames[:intact]
    assert isinstance(reader.error, CorruptFrame)


@with_each_checksum
@given(streams, st.data())
def test_two_flipped_bits_are_never_accepted(trailer: Trailer | None, frames: list[Sent], data: st.DataObject) -> None:
    stream = b"".join(frame.encode(trailer=trailer) for frame in frames)
    first, second = data.draw(
        st.lists(st.integers(0, len(stream) * 8 - 1), min_size=2, max_size=2, unique=True).map(sorted)
    )
    seen, reader = read(flipped(flipped(stream, first), second), [], trailer=trailer)
    assert seen == frames[: len(seen)]
    assert len(seen) < len(frames)
    assert reader.error is not None or reader.pending > 0


@given(st.binary(max_size=2000), cuts)
def test_garbage_sets_the_error_and_never_raises(garbage: bytes, at: list[int]) -> None:
    seen, reader = read(garbage, at)
    assert seen == []
    assert len(garbage) < HEADER_SIZE or isinstance(reader.error, FrameError)


@with_each_checksum
@given(streams, cuts, st.binary(max_size=40), st.data())
def test_inserted_removed_and_repeated_bytes_never_raise_and_never_make_a_frame(
    trailer: Trailer | None, frames: list[Sent], at: list[int], inserted: bytes, data: st.DataObject
) -> None:
    stream = b"".join(frame.encode(trailer=trailer) for frame in frames)
    start = data.draw(st.integers(0, len(stream)))
    end = data.draw(st.integers(0, len(stream)))
    seen, _ = read(stream[:start] + inserted + stream[end:], at, trailer=trailer)
    assert all(frame in frames for frame in seen)


@given(streams, st.binary(min_size=HEADER_SIZE, max_size=100), cuts)
def test_the_outcome_of_a_broken_stream_does_not_depend_on_its_split(
    frames: list[Sent], garbage: bytes, at: list[int]
) -> None:
    stream = b"".join(frame.encode() for frame in frames) + garbage
    whole, one = read(stream, [])
    split, other = read(stream, at)
    assert whole == split == frames
    assert str(one.error) == str(other.error)


@pytest.mark.parametrize(
    "greeting",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(16),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00" * 32,
        b"\xff" * 32,
    ],
    ids=["http", "tls", "ssh", "zeros", "ones"],
)
def test_other_protocols_are_turned_away_by_their_first_bytes(greeting: bytes) -> None:
    _, reader = read(greeting, [])
    assert isinstance(reader.error, FrameError)


def test_a_stream_cut_off_inside_a_frame_gives_nothing_of_it() -> None:
    stream = Sent(Kind.DATA, 1, b"body").encode()
    for end in range(len(stream)):
        reader = FrameReader(ROOM)
        assert keep(reader.feed(stream[:end])) == []
        assert reader.error is None
        assert reader.pending == end < FRAME_OVERHEAD + 4
