"""Compressed payloads: the same bytes come back, or a named error; and never more of them than were allowed."""

import tracemalloc
import zlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partisan_compression_zstd import Zstd, ZstdOptions
from partisan_core.compression import Compression
from partisan_core.compressions.zlib import Zlib, ZlibOptions
from partisan_core.errors import FrameError
from partisan_core.wire.batch import encode_data, split_data
from partisan_core.wire.frames import COMPRESSED, FrameReader
from partisan_core.wire.packing import Packing, plain_size

LIMIT = 1024 * 1024

COMPRESSIONS: dict[str, Compression] = {
    **{f"zlib {level}": Zlib(ZlibOptions(level=level)) for level in (1, 6, 9)},
    **{f"zstd {level}": Zstd(ZstdOptions(level=level)) for level in (1, 3, 19)},
}
every_compression = pytest.mark.parametrize("compression", COMPRESSIONS.values(), ids=COMPRESSIONS)


def said(size: int, packed: bytes) -> memoryview:
    """A payload that says to hold `size` bytes."""
    return memoryview(size.to_bytes(4, "little") + packed)


class Wrong:
    """Makes something else of what it is given."""

    def __init__(self, makes: bytes | Exception) -> None:
        self._makes = makes

    def compress(self, data: bytes | memoryview) -> bytes:
        return b"smaller"

    def decompress(self, data: memoryview, size: int) -> bytes:
        if isinstance(self._makes, Exception):
            raise self._makes
        return self._makes


@every_compression
@given(pieces=st.lists(st.binary(max_size=40), max_size=6), times=st.integers(1, 300), minimum=st.integers(0, 100))
def test_what_was_packed_comes_back_and_is_never_larger(
    compression: Compression, pieces: list[bytes], times: int, minimum: int
) -> None:
    payload = b"".join(pieces) * times
    packing = Packing("it", compression, minimum, compression)
    flags, packed = packing.pack(payload)
    assert (packing.bytes_before, packing.bytes_after) == (len(payload), len(packed))
    assert (len(packed) < len(payload)) == (flags == COMPRESSED)
    assert plain_size(flags, memoryview(packed)) == len(payload)
    assert packing.unpack(flags, memoryview(packed), len(payload)) == payload


@every_compression
@given(payload=st.binary(max_size=200), limit=st.integers(0, 2**33))
def test_any_payload_is_unpacked_within_its_limit_or_refused_by_name(
    compression: Compression, payload: bytes, limit: int
) -> None:
    try:
        plain = Packing(unpacker=compression).unpack(COMPRESSED, memoryview(payload), limit)
    except FrameError:
        return
    assert len(plain) == int.from_bytes(payload[:4], "little") <= limit


@every_compression
@given(data=st.data())
def test_a_flipped_bit_is_unpacked_to_as_many_bytes_or_refused_by_name(
    compression: Compression, data: st.DataObject
) -> None:
    flags, packed = Packing("it", compression).pack(bytes(range(64)) * 8)
    assert flags
    changed = bytearray(packed)
    changed[data.draw(st.integers(0, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        plain = Packing(unpacker=compression).unpack(COMPRESSED, memoryview(changed), LIMIT)
    except FrameError:
        return
    assert len(plain) == int.from_bytes(changed[:4], "little")


@every_compression
def test_text_becomes_smaller_and_noise_goes_as_it_is(compression: Compression) -> None:
    packing = Packing("it", compression)
    flags, packed = packing.pack(b"a sentence that is said again and again. " * 1000)
    assert (flags, len(packed) < 1000) == (COMPRESSED, True)
    noise = Random(1).randbytes(10_000)
    assert packing.pack(noise) == (0, noise)


@every_compression
def test_what_is_smaller_than_the_minimum_goes_as_it_is(compression: Compression) -> None:
    packing = Packing("it", compression, 1000)
    assert packing.pack(bytes(999)) == (0, bytes(999))
    assert packing.pack(bytes(1000))[0] == COMPRESSED


def test_without_a_compression_nothing_is_changed_or_counted() -> None:
    packing = Packing("zstd")
    assert packing.pack(bytes(5000)) == (0, bytes(5000))
    assert (packing.packs, packing.bytes_before, packing.bytes_after) == (False, 0, 0)


@every_compression
@pytest.mark.parametrize(("size", "stated"), [(1000, 999), (1000, 1), (1000, 1001), (65_536, 65_535), (1, 2)])
def test_more_and_less_than_was_said_are_refused(compression: Compression, size: int, stated: int) -> None:
    packed = compression.compress(bytes(size))
    with pytest.raises(FrameError, match=r"holds|cannot be decompressed"):
        Packing(unpacker=compression).unpack(COMPRESSED, said(stated, packed), LIMIT)


@every_compression
def test_what_follows_the_end_or_is_cut_off_is_refused(compression: Compression) -> None:
    packed = compression.compress(bytes(range(256)) * 4)
    for wrong in (packed + b"x", packed + packed, packed[:-1], b""):
        with pytest.raises(FrameError):
            Packing(unpacker=compression).unpack(COMPRESSED, said(1024, wrong), LIMIT)


@every_compression
def test_a_bomb_takes_no_more_memory_than_it_says_and_none_when_it_says_too_much(compression: Compression) -> None:
    bomb = compression.compress(bytes(256 * LIMIT))
    assert len(bomb) < 2 * LIMIT
    for stated, complaint, allowed in (
        (256 * LIMIT, f"1 to {LIMIT} are allowed here", LIMIT // 10),
        (LIMIT, "cannot be decompressed", 3 * LIMIT + len(bomb)),  # it is made in blocks, then put together
    ):
        payload = said(stated, bomb)
        tracemalloc.start()
        try:
            with pytest.raises(FrameError, match=complaint):
                Packing(unpacker=compression).unpack(COMPRESSED, payload, LIMIT)
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < allowed
        assert kept < LIMIT // 10


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "no more than 0 bytes"),
        (b"\x01\x00\x00\x00", "no more than 4 bytes"),
        (said(0, b"x"), "holds 0 bytes; 1 to 1048576 are allowed"),
        (said(LIMIT + 1, b"x"), "holds 1048577 bytes; 1 to 1048576 are allowed"),
        (said(2**32 - 1, b"x"), "holds 4294967295 bytes"),
        (said(5, b"rubbish"), "5 compressed bytes cannot be decompressed: ValueError: it does not end"),
        (said(1000, b"\x00" * 50), "cannot be decompressed"),
    ],
)
def test_rubbish_is_refused_by_name(payload: bytes, complaint: str) -> None:
    with pytest.raises(FrameError, match=complaint):
        Packing(unpacker=COMPRESSIONS["zlib 1"]).unpack(COMPRESSED, memoryview(payload), LIMIT)


@pytest.mark.parametrize(
    ("makes", "complaint"),
    [
        (b"six...", "said to hold 5 bytes holds 6"),
        (b"four", "said to hold 5 bytes holds 4"),
        (KeyError("it"), "KeyError: 'it'"),
        (MemoryError(), "MemoryError"),
        (ValueError("\x1b[2Jgone"), r"ValueError: \?\[2Jgone"),
    ],
)
def test_whatever_a_compression_makes_or_raises_is_a_named_error(makes: bytes | Exception, complaint: str) -> None:
    with pytest.raises(FrameError, match=complaint):
        Packing(unpacker=Wrong(makes)).unpack(COMPRESSED, said(5, b"smaller"), LIMIT)


def test_a_compressed_frame_is_refused_where_no_compression_was_agreed_on() -> None:
    with pytest.raises(FrameError, match="agreed on no compression"):
        Packing().unpack(COMPRESSED, said(5, b"x"), LIMIT)


def test_a_frame_may_hold_more_messages_than_it_has_bytes_when_it_is_compressed() -> None:
    packing = Packing("zlib", COMPRESSIONS["zlib 1"], 0, COMPRESSIONS["zlib 1"])
    flags, packed = packing.pack(bytes(1000))
    (frame,) = FrameReader(LIMIT).feed(encode_data(7, 900, packed, flags))
    count, payload = split_data(frame.body, frame.flags)
    assert (frame.number, count) == (7, 900)
    assert len(payload) < 900
    assert packing.unpack(frame.flags, payload, LIMIT) == bytes(1000)
    with pytest.raises(FrameError, match="claims 1001 messages in 1000 bytes"):
        split_data(memoryview((1001).to_bytes(4, "little") + packed), flags)


def test_the_stream_of_zlib_is_bare_deflate() -> None:
    packed = Zlib(ZlibOptions()).compress(b"words " * 100)
    assert zlib.decompress(packed, wbits=-15) == b"words " * 100
