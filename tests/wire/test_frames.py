"""Frames: whatever the network does to the cut of the stream, the same frames come out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.errors import CorruptFrame, FrameError
from partisan_core.wire.frames import (
    FRAME_OVERHEAD,
    HAS_SECTION,
    HEADER_SIZE,
    IGNORABLE,
    FrameReader,
    Kind,
    encode_frame,
)
from tests.wire.streams import Sent, cuts, keep, read, streams

UNKNOWN = 77


@given(streams, cuts)
def test_any_split_of_the_stream_gives_the_same_frames(frames: list[Sent], at: list[int]) -> None:
    seen, reader = read(b"".join(frame.encode() for frame in frames), at)
    assert seen == frames
    assert reader.error is None
    assert reader.pending == 0


@given(streams)
def test_a_stream_of_single_bytes_gives_the_same_frames(frames: list[Sent]) -> None:
    stream = b"".join(frame.encode() for frame in frames)
    seen, _ = read(stream, list(range(len(stream))))
    assert seen == frames


@given(streams)
def test_a_reader_fed_what_it_wants_takes_nothing_of_the_frame_that_follows(frames: list[Sent]) -> None:
    stream = b"".join(frame.encode() for frame in frames)
    reader = FrameReader(4096)
    for frame in frames:
        seen: list[Sent] = []
        while not seen:
            piece, stream = stream[: reader.wanted], stream[reader.wanted :]
            seen = keep(reader.feed(piece))
        assert seen == [frame]
        assert reader.pending == 0


@given(streams, cuts)
def test_a_reader_never_holds_more_than_one_frame(frames: list[Sent], at: list[int]) -> None:
    largest = max(len(frame.body) for frame in frames)
    reader = FrameReader(largest)
    stream = b"".join(frame.encode() for frame in frames)
    for start in range(0, len(stream), 7):
        reader.feed(stream[start : start + 7])
        assert reader.pending < largest + FRAME_OVERHEAD


def test_whole_frames_are_read_in_place() -> None:
    buffer = bytearray(encode_frame(Kind.DATA, b"body"))
    (frame,) = FrameReader(10).feed(memoryview(buffer))
    buffer[HEADER_SIZE] = ord("B")
    assert bytes(frame.body) == b"Body"


def test_a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_refused_before_it_arrives() -> None:
    reader = FrameReader(10)
    assert len(reader.feed(encode_frame(Kind.DATA, bytes(10)))) == 1
    assert reader.feed(encode_frame(Kind.DATA, bytes(11))[:HEADER_SIZE]) == []
    assert type(reader.error) is FrameError
    assert "11 bytes is larger than the 10 allowed" in str(reader.error)
    assert reader.pending == 0


def test_the_limit_can_be_raised_between_two_frames() -> None:
    reader = FrameReader(10)
    reader.feed(encode_frame(Kind.HELLO, bytes(10)))
    reader.max_body = 20
    assert len(reader.feed(encode_frame(Kind.DATA, bytes(20)))) == 1


def test_frames_before_the_break_are_returned_and_none_after_it() -> None:
    reader = FrameReader(100)
    good = encode_frame(Kind.PING, b"", 7)
    assert keep(reader.feed(good + b"GET / HTTP/1.1\r\n" + good)) == [Sent(Kind.PING, 7, b"")]
    assert isinstance(reader.error, CorruptFrame)
    first = reader.error
    assert reader.feed(good) == []
    assert reader.error is first


@given(cuts)
def test_an_ignorable_frame_of_an_unknown_kind_is_skipped(at: list[int]) -> None:
    after = Sent(Kind.PONG, 3, b"")
    seen, reader = read(encode_frame(UNKNOWN, b"from a later version", 1, IGNORABLE) + after.encode(), at)
    assert seen == [after]
    assert reader.error is None


def test_a_frame_of_an_unknown_kind_that_may_not_be_ignored_breaks_the_stream() -> None:
    _, reader = read(encode_frame(UNKNOWN, b""), [])
    assert str(reader.error) == "a frame of kind 77 is unknown here and may not be ignored"


@given(st.binary(max_size=100), st.binary(max_size=100), cuts)
def test_an_unknown_section_is_skipped(section: bytes, body: bytes, at: list[int]) -> None:
    whole = len(section).to_bytes(2, "little") + section + body
    seen, _ = read(encode_frame(Kind.DATA, whole, 5, HAS_SECTION), at)
    assert seen == [Sent(Kind.DATA, 5, body)]


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x01\x00", b"\xff\xff" + bytes(100)])
def test_a_section_longer_than_its_body_breaks_the_stream(body: bytes) -> None:
    _, reader = read(encode_frame(Kind.DATA, body, 0, HAS_SECTION), [])
    assert "section" in str(reader.error)


def test_flags_that_nobody_agreed_on_break_the_stream() -> None:
    _, reader = read(encode_frame(Kind.DATA, b"", 0, 0x10), [])
    assert "flags 0x10" in str(reader.error)


def test_a_known_kind_may_carry_the_ignorable_flag() -> None:
    seen, _ = read(encode_frame(Kind.PING, b"", 9, IGNORABLE), [])
    assert seen == [Sent(Kind.PING, 9, b"")]
