"""What a third node, or the relay, can do to acknowledged messages that are relayed, and what it cannot."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Mailbox, Node
from partisan_core.identity import NodeSpec
from partisan_core.kernel import inbound
from partisan_core.kernel.lane import Lane
from partisan_core.wire.batch import encode_data
from partisan_core.wire.control import encode_receipt
from partisan_core.wire.frames import Kind, encode_frame
from partisan_core.wire.relaying import (
    ForwardedFrame,
    ForwardFrame,
    Letter,
    Standing,
    encode_letter,
    encode_question,
    encode_standing,
)
from tests.core.kernel.nodes import until
from tests.core.kernel.unconnected import HUB, star


class Scene(NamedTuple):
    """Alpha has sent to beta, gamma is a third client; what beta says is held up."""

    hub: Node
    alpha: Node
    beta: Node
    gamma: Node
    box: Mailbox
    lane: Lane

    @property
    def token(self) -> int:
        """Of the session, as nobody off the way knows it."""
        return self.lane.session.token


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    async with star("alpha", "beta", "gamma") as (_, hub, alpha, beta, gamma), beta.open_mailbox("box") as box:
        await (await alpha.send("beta/box", 0, ack=True))
        yield Scene(hub, alpha, beta, gamma, box, alpha._kernel.remotes._table["beta"].lanes["default", 0].lane)


def slip(node: Node, peer: str, letter: Letter) -> None:
    """Let `node` send a peer a letter that no node of ours writes."""
    lane = node._kernel.peers.table[peer].lanes["default"][0]
    lane.open_transit().put_nowait(encode_letter(letter))


def claim(spec: NodeSpec, token: int, frame: bytes) -> ForwardedFrame:
    return ForwardedFrame(spec.name, spec.incarnation, spec.instance, 0, token, frame)


async def check_unharmed(it: Scene, count: int = 1) -> None:
    """All goes on as if nothing had been, and no connection broke."""
    for number in range(1, count + 1):
        receipt = await it.alpha.send("beta/box", number, ack=True)
        with trio.fail_after(60):
            await receipt
    assert await it.box.receive_batch() == list(range(count + 1))
    for node in (it.hub, it.alpha, it.beta, it.gamma):
        assert not node.counters["ChannelDown"] + node.counters["Undelivered"] + node.counters["Gap"]


async def test_an_acknowledgement_of_a_third_node_changes_nothing(autojump_clock: MockClock) -> None:
    async with scene() as it:
        for token in (it.token, it.token + 1, 0):
            for again in (False, True):
                slip(it.gamma, HUB, ForwardFrame("alpha", None, 0, token, encode_receipt(1, again=again)))
        await until(lambda: it.alpha.dropped == {"no_session": 6})
        await check_unharmed(it)


async def test_an_acknowledgement_of_another_session_changes_nothing(autojump_clock: MockClock) -> None:
    """Also when it is in the name of the receiver: whoever has not seen the token does not know it."""
    async with scene() as it:
        frame = encode_receipt(1, again=True)
        slip(it.beta, HUB, ForwardFrame("alpha", None, 0, it.token + 1, frame))
        slip(it.hub, "alpha", claim(it.beta.spec(), it.token - 1, frame))
        slip(it.hub, "alpha", claim(NodeSpec("beta", 1, 1), it.token, frame))
        slip(it.hub, "alpha", claim(it.beta.spec(), 0, frame))
        await until(lambda: it.alpha.dropped == {"no_session": 4})
        await check_unharmed(it)


async def test_an_answer_that_nobody_asked_for_changes_nothing(autojump_clock: MockClock) -> None:
    async with scene() as it:
        for number in (0, 1, 2**62):
            frame = encode_standing(number, Standing(0, 2**20))
            slip(it.beta, HUB, ForwardFrame("alpha", None, 0, it.token, frame))
            slip(it.gamma, HUB, ForwardFrame("alpha", None, 0, it.token, frame))
        await until(lambda: it.alpha.dropped == {"no_session": 6})
        await check_unharmed(it)


async def test_who_acknowledges_what_was_never_sent_is_not_believed(autojump_clock: MockClock) -> None:
    async with scene() as it:
        for frame in (encode_receipt(10**6, again=False), encode_receipt(2**63, again=True)):
            slip(it.beta, HUB, ForwardFrame("alpha", None, 0, it.token, frame))
        await until(lambda: it.alpha.dropped == {"undecodable": 2})
        await check_unharmed(it)


async def test_messages_of_another_session_are_not_taken(autojump_clock: MockClock) -> None:
    async with scene() as it:
        piece = it.alpha._kernel.channels["default"].codec.encode(("box", "forged"))
        content = it.alpha._kernel.channels["default"].codec.join([piece])
        frame = encode_data(2, 1, content, after=1)
        for token in (0, 1, it.token):
            slip(it.gamma, HUB, ForwardFrame("beta", None, 0, token, frame))
        slip(it.gamma, HUB, ForwardFrame("beta", None, 1, it.token, frame))
        slip(it.hub, "beta", claim(it.alpha.spec(), it.token + 1, frame))
        slip(it.hub, "beta", claim(it.gamma.spec(), it.token, frame))
        await until(lambda: it.beta.dropped == {"no_session": 6})
        await check_unharmed(it)


async def test_a_forged_origin_that_asks_learns_a_token_of_its_own_and_disturbs_nobody(
    autojump_clock: MockClock,
) -> None:
    """A neighbour of beta says that it speaks for alpha: the session on offer takes no place until it is used."""
    async with scene() as it:
        for number in range(100):
            slip(it.hub, "beta", claim(it.alpha.spec(), number % 3, encode_question(number + 1)))
        await trio.sleep(1)
        (one,) = inbounds(it.beta)
        assert len(one.offered) <= inbound._OFFERS
        assert one.token == it.token
        await check_unharmed(it, 5)


def inbounds(node: Node) -> list[inbound.Inbound]:
    relay = node._kernel.peers.on_letters.__self__  # type: ignore[attr-defined]
    return list(relay._letters._inbounds._lanes.values())


async def test_origins_that_are_made_up_cost_a_bounded_number_of_sessions(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "_REMEMBERED", 10)
    async with scene() as it:
        for number in range(100):
            slip(it.hub, "beta", claim(NodeSpec(f"nobody{number}", 1, 1), 0, encode_question(1)))
        await trio.sleep(1)
        assert len(inbounds(it.beta)) == 10
        receipt = await it.alpha.send("beta/box", 1, ack=True)
        with trio.fail_after(60), pytest.raises(Exception, match="nobody knows whether it arrived"):
            await receipt
        with trio.fail_after(60):
            await (await it.alpha.send("beta/box", 2, ack=True))
        assert await it.box.receive_batch() == [0, 2]


def _data(payload: bytes, count: int = 1, first: int = 2, after: int | None = 1) -> bytes:
    return encode_data(first, count, payload, after=after)


BROKEN: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "half a frame": lambda: encode_question(1)[:-1],
    "two frames": lambda: encode_question(1) * 2,
    "flipped bits": lambda: encode_question(1)[:-4] + b"oops",
    "a ping": lambda: encode_frame(Kind.PING, b"", 1),
    "a goodbye": lambda: encode_frame(Kind.CONTROL, b"\x92\xa1g\xa4left"),
    "an answer without a word": lambda: encode_frame(Kind.WELCOME, b"\xc0", 1),
    "messages after themselves": lambda: _data(b"\x91\xc0", first=2, after=2),
    "too few messages": lambda: _data(b"\x90", count=5),
    "no messages": lambda: _data(b"", count=0),
    "what cannot be decoded": lambda: _data(b"\xc1" * 8),
    "compressed": lambda: encode_data(2, 1, b"\x10\x00\x00\x00" + b"x" * 8, 4, after=1),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_frame_that_is_none_is_counted_and_costs_nobody_a_connection(
    autojump_clock: MockClock, what: str
) -> None:
    async with scene() as it:
        slip(it.hub, "beta", claim(it.alpha.spec(), it.token, BROKEN[what]()))
        await until(lambda: it.beta.dropped)
        assert it.beta.dropped.keys() <= {"undecodable", "no_session"}
        for node in (it.hub, it.alpha, it.beta):
            assert not node.counters["ChannelDown"]
        if what not in ("too few messages", "what cannot be decoded"):  # those took the numbers of messages
            await check_unharmed(it)
