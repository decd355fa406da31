"""The checksum XXH3: what it is, and that a configuration finds it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from partisan_checksum_xxh3.plugin import partisan_checksum
from partisan_core.plugins import PUBLISHED, Plugins
from partisan_core.wire.checksums import Checksum
from partisan_core.wire.frames import Kind, encode_frame

XXH3 = Checksum("xxh3", partisan_checksum().new)


def test_what_is_installed_as_xxh3_is_the_checksum_of_this_distribution() -> None:
    assert Plugins().checksum("xxh3") == partisan_checksum()
    assert PUBLISHED["checksum", "xxh3"] == "partisan-checksum-xxh3"


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_the_trailer_is_the_low_half_of_the_64_bit_hash_of_header_and_body(head: bytes, body: bytes) -> None:
    low = xxh3_64_intdigest(head + body) & 0xFFFFFFFF
    assert XXH3.make(head, body) == XXH3.make(memoryview(head + body)) == low.to_bytes(4, "big")


@pytest.mark.parametrize(
    ("body", "frame"),
    [
        (b"", "00 00 00 00 06 00 e4 07 05 00 00 00 00 00 00 00 24 86 5d 23"),
        (b"hello", "05 00 00 00 06 00 89 69 05 00 00 00 00 00 00 00 68 65 6c 6c 6f c5 74 bb e5"),
    ],
)
def test_a_frame_is_the_same_in_every_version_of_the_library(body: bytes, frame: str) -> None:
    assert encode_frame(Kind.PING, body, 5, 0, XXH3).hex(" ") == frame


def test_every_burst_and_every_two_flipped_bits_of_a_frame_change_the_trailer() -> None:
    """No promise of XXH3, which may miss one in 2**32; of this frame it misses none."""
    frame = encode_frame(Kind.DATA, bytes(range(40)), 7, 0, XXH3)[: -XXH3.size]
    right, bits = XXH3.make(frame), len(frame) * 8
    whole = int.from_bytes(frame, "little")
    bursts = (0xFFFFFFFF << bit for bit in range(bits - 31))
    twos = (1 << one | 1 << other for other in range(bits) for one in range(other))
    missed = [wrong for wrong in (*bursts, *twos) if XXH3.make((whole ^ wrong).to_bytes(len(frame), "little")) == right]
    assert missed == []
