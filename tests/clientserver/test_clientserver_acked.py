"""Clients send each other acknowledged messages through servers, and these die."""

import trio
from trio.testing import MockClock

from partisan_core.notices import Undelivered
from tests.clientserver.test_clientserver_nodes import opened, until
from tests.core.kernel.nodes import notice_of

MESSAGES = 300
A_WHILE = 600.0
SERVER, CLIENT = {"role": "server"}, {"role": "client"}


async def test_acknowledged_messages_between_clients_outlive_the_server_that_relays_them(
    autojump_clock: MockClock,
) -> None:
    async with (
        opened("s1", SERVER) as other,
        opened("c0", CLIENT, servers=1) as one,
        opened("c1", CLIENT, servers=1) as two,
        two.open_mailbox("box") as box,
        trio.open_nursery() as nursery,
    ):

        async def send_all() -> None:
            for number in range(MESSAGES):
                receipt = await one.send("c1/box", number, ack=True)
                await trio.sleep(0.01)
            await receipt

        async with opened("s0", SERVER) as victim:
            for node in (one, two, other):
                with trio.fail_after(60):
                    await node.join(victim.addresses[0])
            await until(lambda: {*victim.nodes()} == {"s1", "c0", "c1"})
            await until(lambda: "s1" in one.nodes("known") and "s1" in two.nodes("known"))
            nursery.start_soon(send_all)
            await until(lambda: len(box) > MESSAGES / 3)
        with trio.fail_after(A_WHILE):
            assert [await box.receive() for _ in range(MESSAGES)] == list(range(MESSAGES))
        assert not one.counters["Undelivered"]
        assert {*one.nodes()} == {*two.nodes()} == {"s1"}


async def test_a_client_reaches_a_server_to_which_it_has_no_link_and_gets_the_receipt(
    autojump_clock: MockClock,
) -> None:
    async with (
        opened("s0", SERVER) as near,
        opened("s1", SERVER) as far,
        opened("c0", CLIENT, servers=1) as client,
        far.open_mailbox("box") as box,
    ):
        for node in (far, client):
            with trio.fail_after(60):
                await node.join(near.addresses[0])
        await until(lambda: {*near.nodes()} == {"s1", "c0"} and "s1" in client.nodes("known"))
        assert client.nodes() == ("s0",)
        with trio.fail_after(A_WHILE):
            await (await client.send("s1/box", "hello", ack=True))
        assert await box.receive_batch() == ["hello"]


async def test_the_end_of_a_client_is_told_to_the_one_who_sent(autojump_clock: MockClock) -> None:
    async with opened("s0", SERVER) as server, opened("c0", CLIENT) as one, one.open_events() as events:
        async with opened("c1", CLIENT) as two, two.open_mailbox("box"):
            for node in (one, two):
                with trio.fail_after(60):
                    await node.join(server.addresses[0])
            await until(lambda: {*server.nodes()} == {"c0", "c1"})
            with trio.fail_after(A_WHILE):
                await (await one.send("c1/box", 1, ack=True))
        await one.send("c1/box", 2, ack=True)
        told = await notice_of(Undelivered, events)
        assert (told.peer.name, told.sent_but_unknown, told.never_sent) == ("c1", 1, 0)
