"""Compressed frames that are none, or too much: the connection goes by name, nothing is kept, others do not notice."""

import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from partisan_core import Node
from partisan_core.compressions.zlib import Zlib, ZlibOptions
from partisan_core.notices import ChannelDown
from partisan_core.wire.batch import encode_data
from partisan_core.wire.frames import COMPRESSED, Kind, encode_frame
from partisan_core.wire.limits import HELLO_ENTRIES
from partisan_core.wire.messages import Refusal, Refused, Welcome
from partisan_core.wire.packing import Packing
from tests.core.kernel.nodes import link, notice_of, opened
from tests.core.kernel.parts import plain
from tests.core.kernel.stranger import DATA_HELLO, HELLO, Stranger, stranger_at

CODEC = plain.make(None)
ZLIB = Zlib(ZlibOptions())
MIB = 1024 * 1024
ALLOWED = 4 * MIB
"""What the body of a frame may have at a node whose messages are small."""


def packed(first: int, *messages: object) -> bytes:
    """A data frame, compressed."""
    pieces = [CODEC.encode(("box", message)) for message in messages]
    flags, payload = Packing("zlib", ZLIB).pack(CODEC.join(pieces))
    assert flags
    return encode_data(first, len(pieces), payload, flags)


def claiming(size: int, content: bytes) -> bytes:
    """A data frame of one message that says to hold `size` bytes."""
    return encode_data(2, 1, size.to_bytes(4, "little") + content, COMPRESSED)


@asynccontextmanager
async def hostile(packs: str = "zlib") -> AsyncIterator[tuple[Node, Stranger, Welcome]]:
    """A node, and the data lane of a peer that says it compresses; an honest peer's messages all arrive."""
    async with opened("alpha", limits={"message": "1KiB"}) as alpha, opened("honest") as honest:
        await link(honest, alpha)
        async with stranger_at(alpha.addresses[0]) as membership, stranger_at(alpha.addresses[0]) as data:
            assert isinstance(await membership.shake(), Welcome)
            welcome = await data.shake(replace(DATA_HELLO, packs=packs))
            assert isinstance(welcome, Welcome)
            yield alpha, data, welcome
        box = alpha.open_mailbox("honest")
        for number in range(50):
            await honest.send("alpha/honest", number)
        assert [await box.receive() for _ in range(50)] == list(range(50))
        assert alpha.counters["NeighbourDown"] == honest.counters["NeighbourDown"] == 0


BOMB = ZLIB.compress(bytes(64 * MIB))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (claiming(64 * MIB, BOMB), "holds 67108864 bytes; 1 to"),
        (claiming(ALLOWED, BOMB), "cannot be decompressed: ValueError: it does not end"),
        (claiming(1000, ZLIB.compress(bytes(999))), "said to hold 1000 bytes holds 999"),
        (claiming(999, ZLIB.compress(bytes(1000))), "does not end after 999 bytes"),
        (claiming(500, b"rubbish" * 9), "cannot be decompressed"),
        (claiming(500, b""), "no more than 4 bytes"),
        (claiming(500, ZLIB.compress(b"\xc1" * 500)), "a batch of 1 messages cannot be decoded"),
        (encode_data(2, 2**32 - 1, (ALLOWED).to_bytes(4, "little") + b"x", COMPRESSED), "claims 4294967295 messages"),
        (encode_frame(Kind.PING, b"", 1, COMPRESSED), "kind 6 is said to be compressed"),
        (encode_frame(Kind.CONTROL, b"", 1, COMPRESSED), "kind 8 is said to be compressed"),
    ],
    ids=[
        "says much", "makes much", "less", "more", "rubbish", "nothing", "no messages", "count", "ping", "control",
    ],
)  # fmt: skip
async def test_a_bad_compressed_frame_closes_its_lane_by_name_and_takes_no_memory(bad: bytes, words: str) -> None:
    async with hostile() as (alpha, data, welcome), alpha.open_events() as events:
        box = alpha.open_mailbox("box")
        await data.stream.send_all(packed(1, "first " * 100))
        assert await box.receive() == "first " * 100
        tracemalloc.start()
        try:
            await data.stream.send_all(bad)
            await data.wait_closed()
            down = await notice_of(ChannelDown, events)
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert "FrameError" in down.error
        assert words in down.error
        assert peak < 3 * ALLOWED + len(bad)
        assert kept < MIB
        async with stranger_at(alpha.addresses[0]) as again:
            resumed = await again.shake(replace(DATA_HELLO, packs="zlib"), welcome.session, sent=2)
            assert isinstance(resumed, Welcome)
            assert resumed.resumed
            await again.stream.send_all(packed(3, "third " * 100))
            assert await box.receive() == "third " * 100
        assert alpha.dropped["gap"] + alpha.dropped["undecodable"] == 1, "the second was sent"


@pytest.mark.parametrize("packs", ["", "lz77"])
async def test_a_compressed_frame_of_who_named_no_compression_that_is_known_closes_its_lane(packs: str) -> None:
    async with hostile(packs) as (alpha, data, _), alpha.open_events() as events:
        await data.stream.send_all(packed(1, "first " * 100))
        await data.wait_closed()
        assert "agreed on no compression" in (await notice_of(ChannelDown, events)).error


@pytest.mark.parametrize(
    "wrong",
    [
        {"unpacks": tuple(f"z{number}" for number in range(HELLO_ENTRIES + 1))},
        {"unpacks": ("no name!",)},
        {"packs": "no name!"},
        {"packs": "x" * 200},
    ],
)
async def test_a_hello_with_compressions_out_of_bounds_is_refused_as_malformed(wrong: dict[str, object]) -> None:
    async with opened("alpha") as alpha, stranger_at(alpha.addresses[0]) as stranger:
        refusal = await stranger.shake(replace(HELLO, **wrong))
        assert isinstance(refusal, Refusal)
        assert refusal.code is Refused.MALFORMED
