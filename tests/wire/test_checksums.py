"""Other checksums than the CRC-32: what is agreed on, and what the frames then are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_core.errors import CorruptFrame
from partisan_core.wire.batch import encode_data, encode_relayed
from partisan_core.wire.checksums import CRC32, agree
from partisan_core.wire.fragments import Place, encode_fragment
from partisan_core.wire.frames import FRAME_OVERHEAD, HEADER_SIZE, FrameReader, Kind, Trailer, change_trailer
from partisan_core.wire.limits import HELLO_CHECKSUMS
from partisan_core.wire.messages import Refused
from tests.wire.hands import accepter, dialler, frame
from tests.wire.streams import CHECKSUMS, ROOM, Sent, cuts, read, sent_frames, streams, with_each_checksum

names = st.lists(st.sampled_from(["crc32c", "xxh3", "highway", "crc32", "adler32"]), max_size=6)


@given(names, names)
def test_both_ends_come_to_the_same_checksum_and_it_is_one_that_both_have(one: list[str], other: list[str]) -> None:
    this, that = dialler(checksums=tuple(one)), accepter(checksums=tuple(other))
    that.receive(frame(this.start()))
    this.receive(frame(that.greet()))
    assert this.checksum == that.checksum == agree(one, other)
    assert this.checksum in {*one, CRC32} & {*other, CRC32}


@pytest.mark.parametrize(
    ("dialler", "accepter", "agreed"),
    [
        ((), (), "crc32"),
        (("xxh3",), (), "crc32"),
        ((), ("xxh3",), "crc32"),
        (("xxh3",), ("highway",), "crc32"),
        (("xxh3", "highway"), ("highway", "xxh3"), "xxh3"),
        (("crc32", "xxh3"), ("xxh3", "crc32"), "crc32"),
    ],
)
def test_the_first_of_the_diallers_that_the_accepter_has_is_used(
    dialler: tuple[str, ...], accepter: tuple[str, ...], agreed: str
) -> None:
    assert agree(dialler, accepter) == agreed


@pytest.mark.parametrize("offered", [("x",) * (HELLO_CHECKSUMS + 1), ("",), ("x\n",), ("y" * 129,)])
def test_more_checksums_than_anybody_needs_and_wrong_names_are_refused(offered: tuple[str, ...]) -> None:
    this = accepter()
    this.receive(frame(dialler(checksums=offered).start()))
    assert this.refusal is not None
    assert this.refusal.code is Refused.MALFORMED


PLACE = Place(Kind.DATA, 1, 5, 0)


@with_each_checksum
@given(streams, cuts)
def test_frames_come_back_as_they_were_however_the_stream_is_split(
    trailer: Trailer | None, frames: list[Sent], at: list[int]
) -> None:
    seen, reader = read(b"".join(one.encode(trailer=trailer) for one in frames), at, trailer=trailer)
    assert seen == frames
    assert reader.error is None
    assert reader.pending == 0


@with_each_checksum
@given(sent_frames)
def test_a_frame_keeps_its_size_and_all_but_its_trailer(trailer: Trailer | None, sent: Sent) -> None:
    plain, other = sent.encode(), sent.encode(trailer=trailer)
    assert len(other) == len(plain) == len(sent.body) + FRAME_OVERHEAD
    assert other[: HEADER_SIZE + len(sent.body)] == plain[: HEADER_SIZE + len(sent.body)]
    assert change_trailer(plain, trailer) == other


@with_each_checksum
def test_batches_end_like_every_other_frame(trailer: Trailer | None) -> None:
    for made, plain in (
        (encode_data(7, 2, b"payload", 0, trailer), encode_data(7, 2, b"payload")),
        (encode_relayed(7, 2, b"payload", 0, trailer), encode_relayed(7, 2, b"payload")),
        (encode_fragment(PLACE, b"slice", 7, 0, trailer), encode_fragment(PLACE, b"slice", 7)),
    ):
        assert made == change_trailer(plain, trailer)
        assert [one.number for one in FrameReader(ROOM, trailer).feed(made)] == [7]


@pytest.mark.parametrize("expected", CHECKSUMS)
@pytest.mark.parametrize("used", CHECKSUMS)
def test_a_frame_with_another_checksum_than_the_one_agreed_on_is_corrupt(used: str, expected: str) -> None:
    seen, reader = read(Sent(Kind.DATA, 7, b"body").encode(trailer=CHECKSUMS[used]), [], trailer=CHECKSUMS[expected])
    if used == expected:
        assert len(seen) == 1
    else:
        assert seen == []
        assert isinstance(reader.error, CorruptFrame)
        assert "the checksum of a frame" in str(reader.error)
