"""Failure detectors that converse: who hears whom, and what becomes of what nobody can read."""

import msgspec
import pytest
from msgspec.structs import replace
from trio.testing import MockClock

from partisan_core.detection import PeerUp
from partisan_core.events import Received
from partisan_core.wire.batch import encode_data
from tests.core.kernel.chatty import Chatty, Hail, lives, told
from tests.core.kernel.nodes import Memory, link, opened, pair, until
from tests.core.kernel.stranger import HELLO, stranger_at

CHATTY = {"use": "tests.core.kernel.chatty:chatty"}
ANOTHER = {"use": "tests.core.kernel.chatty:another"}


@pytest.fixture(autouse=True)
def unheard() -> None:
    Chatty.heard.clear()


async def test_two_of_a_kind_hear_each_other() -> None:
    async with pair(failure_detector=CHATTY) as (alpha, _beta):
        await until(lambda: len(told(Received)) == 2)
        greeted = {event.peer.name: event.message for event in told(Received) if isinstance(event, Received)}
        assert greeted == {"alpha": Hail("from here"), "beta": Hail("from here")}
        assert {event.converses for event in told(PeerUp) if isinstance(event, PeerUp)} == {True}
        assert lives("alpha") == [alpha.spec().incarnation]
        assert "nobody" not in {row.peer for row in alpha.links()}, "a detector opens no link"


async def test_to_another_detector_nothing_is_said() -> None:
    memory = Memory()
    for other in (ANOTHER, {"use": "tcp"}):
        async with (
            memory.opened("alpha", failure_detector=CHATTY) as alpha,
            memory.opened("beta", failure_detector=other) as beta,
        ):
            await link(beta, alpha)
            assert told(PeerUp)
            await alpha.ping("beta")
            await beta.ping("alpha")
            assert told(Received) == []
            assert {event.converses for event in told(PeerUp) if isinstance(event, PeerUp)} == {False}
            assert alpha.counters["detector_messages_ignored"] == beta.counters["detector_messages_ignored"] == 0


async def test_a_new_life_is_told_to_the_detector(autojump_clock: MockClock) -> None:
    async with pair(failure_detector=CHATTY) as (alpha, beta):
        before = beta.spec().incarnation
        await beta.leave()
        await beta.join(*alpha.addresses)
        assert lives("beta") == [before, beta.spec().incarnation]


@pytest.mark.parametrize(
    ("detector", "encoded"),
    [
        ("tcp", msgspec.msgpack.encode(Hail("from a stranger"))),
        ("tests.core.kernel.chatty:another", msgspec.msgpack.encode(Hail("from a stranger"))),
        (CHATTY["use"], b""),
        (CHATTY["use"], b"\xc1"),
        (CHATTY["use"], b"\x91" * 5000),
        (CHATTY["use"], msgspec.msgpack.encode(["unknown", 1])),
        (CHATTY["use"], msgspec.msgpack.encode(["g", 7])),
        (CHATTY["use"], msgspec.msgpack.encode(Hail("twice")) * 2),
    ],
)
async def test_what_is_no_message_of_the_detector_is_counted_and_hurts_nobody(detector: str, encoded: bytes) -> None:
    good = msgspec.msgpack.encode(Hail("suspect yourself"))
    async with opened("alpha", failure_detector=CHATTY) as alpha, stranger_at(alpha.addresses[0]) as stranger:
        await stranger.shake(replace(HELLO, detector=detector))
        body = msgspec.msgpack.encode([("", encoded), ("", good)])
        await stranger.stream.send_all(encode_data(1, 2, body))
        believed = detector == CHATTY["use"]
        await until(lambda: alpha.counters["detector_messages_ignored"] == 1 if believed else 2)
        await until(lambda: alpha.counters["PeerSuspected"] == int(believed))
        assert len(told(Received)) == int(believed)
        assert alpha.counters["machine_errors"] == alpha.counters["ChannelDown"] == 0


async def test_a_detector_without_messages_hears_none() -> None:
    """Two that say nothing of their detectors do not thereby have the same."""
    async with opened("alpha") as alpha, stranger_at(alpha.addresses[0]) as stranger:
        await stranger.shake()
        await stranger.stream.send_all(encode_data(1, 1, msgspec.msgpack.encode([("", b"\xc0")])))
        await until(lambda: alpha.counters["detector_messages_ignored"] == 1)
