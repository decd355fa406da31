"""A channel with a serializer of its own, beside channels that have the node's."""

from typing import Any

import pytest
import trio

from partisan_codec_cattrs import CattrsSerializer
from partisan_core import Ref
from partisan_core.kinds import SerializerPlugin
from partisan_core.notices import ChannelDown, DialRefused, PeerRefused
from tests.codec_cattrs.shop import Card, Cash, Line, Order
from tests.integration.nodes import PATIENCE, notice_of, opened, until

CATTRS = SerializerPlugin(make=lambda options: CattrsSerializer({"Order": Order}))
"""As an application makes it for one channel, with its own classes."""

MESSAGES: dict[str, list[Any]] = {
    "json": [{"id": 7, "to": Ref("alpha", "inbox")}, b"\0\xff", {"$ref": 1}, {1: "one"}, 2**70],
    "cattrs": [{"id": 7, "to": Ref("alpha", "inbox")}],
    f"{__name__}:CATTRS": [Order(7, [Line("tea")], Cash("5"), Ref("alpha", "inbox")), b"\0\xff"],
}


def own(serializer: str) -> dict[str, Any]:
    return {"orders": {"serializer": serializer}}


@pytest.mark.parametrize("use", MESSAGES)
async def test_a_channel_with_a_serializer_of_its_own_carries_what_that_serializer_can(use: str) -> None:
    async with opened("alpha", channels=own(use)) as alpha, opened("beta", channels=own(use)) as beta:
        inbox = alpha.open_mailbox("inbox")
        with trio.fail_after(PATIENCE):
            await beta.join(*alpha.addresses)
            for message in MESSAGES[use]:
                await beta.send("alpha/inbox", message, channel="orders")
            assert [await inbox.receive() for _ in MESSAGES[use]] == MESSAGES[use]


async def test_a_message_of_a_class_that_the_receiver_lacks_is_refused_there_by_its_tag() -> None:
    shop = "tests.codec_cattrs.shop"
    ours = {"use": "cattrs", "types": [f"{shop}:Line"]}
    theirs = {"use": "cattrs", "types": [f"{shop}:Line", f"{shop}:Card"]}
    async with opened("alpha", serializer=ours) as alpha, opened("beta", serializer=theirs) as beta:
        inbox = alpha.open_mailbox("inbox")
        async with alpha.open_events() as events:
            with trio.fail_after(PATIENCE):
                await beta.join(*alpha.addresses)
                await beta.send("alpha/inbox", Line("tea"))
                assert await inbox.receive() == Line("tea")
            await beta.send("alpha/inbox", Card("1"))
            down = await notice_of(ChannelDown, events)
        assert "no class is registered here for the tag 'Card'" in down.error
        assert alpha.neighbours() == ("beta",)


@pytest.mark.parametrize("use", ["json", "cattrs"])
async def test_a_peer_that_lacks_the_serializer_of_a_channel_is_refused_on_that_channel_by_name(use: str) -> None:
    async with opened("alpha", channels={"orders": {}}) as alpha, opened("beta", channels=own(use)) as beta:
        inbox = alpha.open_mailbox("inbox")
        async with alpha.open_events() as at_alpha, beta.open_events() as at_beta:
            with trio.fail_after(PATIENCE):
                await beta.join(*alpha.addresses)
            there, here = await notice_of(PeerRefused, at_alpha), await notice_of(DialRefused, at_beta)
        for text in (there.error, here.error):
            assert "(serializer): channel orders uses serializer" in text
            assert use in text
            assert "msgpack" in text
        await until(lambda: alpha.neighbours() == ("beta",))
        await beta.send("alpha/inbox", "on another channel")
        with trio.fail_after(PATIENCE):
            assert await inbox.receive() == "on another channel"
