"""Whatever a peer or a passer-by sends: its connection is closed, the node lives on, nobody else is disturbed."""

import contextlib
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import trio

from partisan_core import Node
from partisan_core.notices import ChannelDown, Gap, PeerRefused
from partisan_core.wire.batch import encode_data
from partisan_core.wire.control import encode_channels
from partisan_core.wire.fragments import Place, encode_fragment
from partisan_core.wire.frames import Kind, encode_frame
from partisan_core.wire.messages import Welcome
from tests.core.kernel.nodes import PATIENCE, link, notice_of, opened, until
from tests.core.kernel.parts import plain
from tests.core.kernel.stranger import DATA_HELLO, Stranger, stranger_at

CODEC = plain.make(None)
IMPATIENT = {"links": {"handshake_timeout": "300ms"}}


def data_frame(first: int, *messages: object, mailbox: str = "box") -> bytes:
    pieces = [CODEC.encode((mailbox, message)) for message in messages]
    return encode_data(first, len(pieces), CODEC.join(pieces))


def flipped(frame: bytes, byte: int) -> bytes:
    return frame[:byte] + bytes([frame[byte] ^ 1]) + frame[byte + 1 :]


@asynccontextmanager
async def disturbed(**sections: object) -> AsyncIterator[Node]:
    """A node with an honest peer, which sends all the while and loses nothing."""
    async with opened("alpha", **sections) as alpha, opened("honest") as honest:
        await link(honest, alpha)
        received = alpha.open_mailbox("honest")
        yield alpha
        for number in range(100):
            await honest.send("alpha/honest", number)
        numbers: list[int] = []
        with trio.fail_after(PATIENCE):
            while len(numbers) < 100:
                numbers += await received.receive_batch()
        assert numbers == list(range(100))
        assert alpha.counters["NeighbourDown"] == honest.counters["NeighbourDown"] == 0


@pytest.mark.parametrize(
    "rubbish",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        bytes(4096),
        struct.pack("<I", 2**32 - 1) + b"\xff" * 60,
        encode_frame(Kind.HELLO, b"\xc1" * 100),
        encode_frame(Kind.HELLO, b"x" * 5000),
        encode_frame(Kind.DATA, b"data before the handshake"),
        encode_frame(Kind.HELLO, b"\x91" * 4000),
    ],
    ids=["http", "tls", "zeros", "huge length", "no hello", "oversized hello", "data first", "deep nesting"],
)
async def test_rubbish_on_the_port_is_refused_and_noticed(rubbish: bytes) -> None:
    async with disturbed() as alpha, alpha.open_events() as events:
        async with stranger_at(alpha.addresses[0]) as passer_by:
            await passer_by.stream.send_all(rubbish)
            await passer_by.wait_closed()
        refused = await notice_of(PeerRefused, events)
        assert refused.code in ("garbage", "malformed")


async def test_a_connection_that_says_nothing_is_closed_after_the_handshake_timeout() -> None:
    async with disturbed(**IMPATIENT) as alpha, alpha.open_events() as events:
        async with stranger_at(alpha.addresses[0]) as silent:
            await silent.wait_closed()
        assert (await notice_of(PeerRefused, events)).code == "silent"


async def test_a_handshake_that_drips_is_closed_after_the_handshake_timeout() -> None:
    async with (
        disturbed(**IMPATIENT) as alpha,
        stranger_at(alpha.addresses[0]) as slow,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(drip_until_broken, slow)
        await slow.wait_closed()
        nursery.cancel_scope.cancel()


async def drip_until_broken(slow: Stranger) -> None:
    """Byte for byte, the header of a frame that promises more."""
    for byte in encode_frame(Kind.HELLO, bytes(4000)):
        try:
            await slow.stream.send_all(bytes([byte]))
        except trio.BrokenResourceError:
            return
        await trio.sleep(0.02)


async def test_600_half_open_connections_do_not_keep_an_honest_node_out() -> None:
    async with opened("alpha", links={"handshake_timeout": "500ms"}) as alpha, AsyncExitStack() as stack:
        for _ in range(600):
            await stack.enter_async_context(stranger_at(alpha.addresses[0]))
        honest = await stack.enter_async_context(opened("honest"))
        await link(honest, alpha)


@asynccontextmanager
async def both_lanes(alpha: Node) -> AsyncIterator[tuple[Stranger, Stranger, Welcome]]:
    """A stranger's membership connection and one of its data lanes."""
    async with stranger_at(alpha.addresses[0]) as membership, stranger_at(alpha.addresses[0]) as data:
        assert isinstance(await membership.shake(), Welcome)
        welcome = await data.shake(DATA_HELLO)
        assert isinstance(welcome, Welcome)
        yield membership, data, welcome


GOOD = data_frame(2, "second")
BEGUN = encode_fragment(Place(Kind.DATA, 1, 500_000, 0), b"part", 0)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (flipped(GOOD, 2), "CorruptFrame"),
        (flipped(GOOD, 9), "CorruptFrame"),
        (flipped(GOOD, 24), "CorruptFrame"),
        (flipped(GOOD, len(GOOD) - 1), "CorruptFrame"),
        (encode_frame(Kind.DATA, bytes(10)), "FrameError"),
        (encode_data(2, 1, b"\xc1\xc1"), "cannot be decoded"),
        (encode_data(2, 2, CODEC.join([CODEC.encode(("box", 1))])), "said to hold 2 messages"),
        (encode_data(0, 1, CODEC.join([CODEC.encode(("box", 1))])), "numbers begin at 1"),
        (data_frame(2**64 - 1, "last", "beyond"), "no message 18446744073709551615"),
        (encode_fragment(Place(Kind.DATA, 1, 500_000, 100), b"part", 0), "belongs to no message that has begun"),
        (BEGUN * 2, "came where a fragment from 4 of 500000 bytes of message 1 was due"),
        (encode_fragment(Place(Kind.DATA, 1, 2**31, 0), b"part", 0), "is larger than the"),
        (encode_frame(77, b"?"), "kind 77"),
        (encode_frame(Kind.HELLO, b""), "not expected after the handshake"),
        (encode_frame(Kind.CONTROL, b"\xc1"), "control frame cannot be decoded"),
        (encode_frame(Kind.CHANNELS, b"\xc1"), "channels frame cannot be decoded"),
        (encode_channels({f"c{number}": 1 for number in range(65)}), "channels frame cannot be decoded"),
        (encode_channels({"jobs": 0}), "channels frame cannot be decoded"),
        (encode_frame(Kind.PING, b"") * 20_000, "pings faster"),
    ],
    ids=[
        "length", "number", "body", "checksum", "no count", "no messages", "wrong count", "number zero",
        "number beyond all", "fragment of nothing", "fragment again", "fragment of too much",
        "unknown kind", "late hello", "control", "channels", "too many channels", "no lanes", "ping flood",
    ],
)  # fmt: skip
async def test_a_bad_frame_closes_its_lane_by_name_and_the_session_resumes(bad: bytes, words: str) -> None:
    async with disturbed() as alpha, alpha.open_events() as events:
        box = alpha.open_mailbox("box")
        async with both_lanes(alpha) as (_, data, welcome):
            await data.stream.send_all(data_frame(1, "first"))
            assert await box.receive() == "first"
            with trio.fail_after(PATIENCE), contextlib.suppress(trio.BrokenResourceError):
                await data.stream.send_all(bad)
            await data.wait_closed()
            down = await notice_of(ChannelDown, events)
            assert words in down.error
            assert down.peer.name == "stranger"
            assert alpha.dropped["undecodable"] == {"cannot be decoded": 1, "said to hold 2 messages": 2}.get(words, 0)
            async with stranger_at(alpha.addresses[0]) as again:
                resumed = await again.shake(DATA_HELLO, welcome.session, sent=2)
                assert isinstance(resumed, Welcome)
                assert resumed.resumed
                assert resumed.received in (1, 2, 3)
                await again.stream.send_all(data_frame(resumed.received + 1, "third"))
                assert await box.receive() == "third"
            assert alpha.counters["NeighbourDown"] == 0


async def test_an_oversized_frame_closes_the_connection_before_its_body_comes() -> None:
    async with (
        disturbed(limits={"message": "1KiB"}) as alpha,
        alpha.open_events() as events,
        both_lanes(alpha) as (_, data, _welcome),
    ):
        await data.stream.send_all(encode_frame(Kind.DATA, bytes(8 << 20), 1)[:1000])
        await data.wait_closed()
        assert "is larger than" in (await notice_of(ChannelDown, events)).error


async def test_a_corrupt_membership_frame_loses_the_connection_not_the_peer() -> None:
    async with opened("alpha") as alpha, stranger_at(alpha.addresses[0]) as first:
        welcome = await first.shake()
        assert isinstance(welcome, Welcome)
        await first.stream.send_all(flipped(encode_frame(Kind.PING, b"", 5), 12))
        await first.wait_closed()
        async with stranger_at(alpha.addresses[0]) as second:
            again = await second.shake(session=welcome.session)
            assert isinstance(again, Welcome)
            assert again.resumed
            await second.stream.send_all(encode_frame(Kind.PING, b"", 6))
            assert (await second.read_kind(Kind.PONG)).number == 6
        assert alpha.counters["ChannelDown"] == 1, "of the membership; nobody was a neighbour"


async def test_what_was_delivered_is_not_delivered_again_and_what_was_lost_is_a_gap() -> None:
    async with opened("alpha") as alpha, alpha.open_events() as events:
        box = alpha.open_mailbox("box")
        async with both_lanes(alpha) as (_, data, welcome):
            await data.stream.send_all(data_frame(1, 1, 2) + data_frame(2, 2, 3) + data_frame(6, 6))
            numbers: list[object] = []
            with trio.fail_after(PATIENCE):
                while len(numbers) < 4:
                    numbers += await box.receive_batch()
            assert numbers == [1, 2, 3, 6]
            assert (await notice_of(Gap, events)).lost == 2
            async with stranger_at(alpha.addresses[0]) as again:
                resumed = await again.shake(DATA_HELLO, welcome.session, sent=9)
                assert isinstance(resumed, Welcome)
                assert (resumed.resumed, resumed.received) == (True, 6)
                assert (await notice_of(Gap, events)).lost == 3
                await again.stream.send_all(data_frame(10, 10))
                assert await box.receive() == 10
        assert alpha.dropped["gap"] == 5


async def test_a_session_that_begins_anew_between_the_same_lives_is_a_gap_of_unknown_size() -> None:
    async with opened("alpha") as alpha, alpha.open_events() as events:
        box = alpha.open_mailbox("box")
        async with both_lanes(alpha) as (_, data, _welcome):
            await data.stream.send_all(data_frame(1, 1, 2))
            await until(lambda: len(box) == 2)
            async with stranger_at(alpha.addresses[0]) as again:
                anew = await again.shake(DATA_HELLO)
                assert isinstance(anew, Welcome)
                assert not anew.resumed
                gap = await notice_of(Gap, events)
                assert (gap.peer.name, gap.channel, gap.lost) == ("stranger", "default", None)
                await again.stream.send_all(data_frame(1, 8, 9))
                await until(lambda: len(box) == 4)
            async with stranger_at(alpha.addresses[0]) as idle, stranger_at(alpha.addresses[0]) as unused:
                assert isinstance(await idle.shake(DATA_HELLO), Welcome)
                assert isinstance(await unused.shake(DATA_HELLO), Welcome)
                assert (await notice_of(Gap, events)).lost is None
        assert alpha.counters["Gap"] == 2, "nothing had arrived on the idle one"
        assert alpha.dropped["gap"] == 0


async def test_a_new_connection_of_the_same_life_takes_over_from_a_half_open_one() -> None:
    async with opened("alpha") as alpha:
        box = alpha.open_mailbox("box")
        async with both_lanes(alpha) as (_, data, welcome), stranger_at(alpha.addresses[0]) as again:
            await data.stream.send_all(data_frame(1, "on the way"))
            resumed = await again.shake(DATA_HELLO, welcome.session, sent=1)
            assert isinstance(resumed, Welcome)
            assert (resumed.resumed, resumed.received) == (True, 1)
            await data.wait_closed()
            assert await box.receive() == "on the way"


async def test_a_peer_that_stops_reading_makes_senders_wait_and_others_do_not_notice() -> None:
    narrow = {"channels": {"default": {"queue_bytes": "64KiB"}}}
    async with disturbed(**narrow) as alpha, both_lanes(alpha):
        sent = 0
        with trio.move_on_after(0.3) as waited:
            while True:
                await alpha.send("stranger/box", bytes(10_000))
                sent += 1
        assert waited.cancelled_caught
        rows: Sequence[int] = [row.queue_bytes for row in alpha.connections() if row.peer == "stranger"]
        assert max(rows) <= 80 * 1024


async def test_a_mailbox_stays_bounded_however_often_a_peer_connects_again() -> None:
    async with opened("alpha") as alpha:
        box = alpha.open_mailbox("box", limit=10)
        async with both_lanes(alpha) as (_, data, welcome):
            await data.stream.send_all(data_frame(1, *range(100)))
            await until(lambda: len(box) == 100)
            next_number = 101
            for _ in range(5):
                async with stranger_at(alpha.addresses[0]) as again:
                    resumed = await again.shake(DATA_HELLO, welcome.session, sent=next_number)
                    assert isinstance(resumed, Welcome)
                    assert resumed.resumed
                    await again.stream.send_all(data_frame(next_number, *range(100)))
                    next_number += 100
            assert len(box) <= 200
            await box.receive_batch()
            async with stranger_at(alpha.addresses[0]) as again:
                assert isinstance(await again.shake(DATA_HELLO, welcome.session, sent=next_number), Welcome)
                await again.stream.send_all(data_frame(next_number, "room again"))
                with trio.fail_after(PATIENCE):
                    while "room again" not in await box.receive_batch():
                        """What an earlier connection could still say."""


async def test_of_an_endless_mailbox_name_only_what_could_be_a_name_is_remembered() -> None:
    """A thousand names are kept so that each is noticed once a second; each could have the size of a message."""
    async with opened("alpha") as alpha, both_lanes(alpha) as (_, data, _):
        for number in (1, 2):
            await data.stream.send_all(data_frame(number, "lost", mailbox="x" * 128 + str(number) * 1000))
        await until(lambda: alpha.dropped["no_mailbox"] == 2)
        assert alpha.counters["DeadLetter"] == 1
