"""The detector in real nodes of a full mesh, on a virtual clock."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import trio
from msgspec.structs import replace
from trio.testing import MockClock

from partisan_core import Node
from partisan_core.wire.batch import encode_data, split_data
from partisan_core.wire.frames import Kind
from partisan_detector_swim.messages import Ack, Ping, Rumour
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import opened, until
from tests.core.kernel.stranger import HELLO, Stranger, stranger_at
from tests.core.kernel.test_virtual_time import on

NAMES = ("alpha", "beta", "gamma", "delta")


@asynccontextmanager
async def mesh(network: FrailNetwork, detectors: tuple[str, ...], **sections: object) -> AsyncIterator[list[Node]]:
    """A node for each detector, all linked to each other."""
    async with AsyncExitStack() as stack:
        nodes: list[Node] = []
        for name, use in zip(NAMES, detectors, strict=False):
            given = {"overlay": {"use": "fullmesh"}, "failure_detector": {"use": use}} | sections
            nodes.append(await stack.enter_async_context(on(network, name, **given)))
            if len(nodes) > 1:
                await nodes[-1].join(*nodes[0].addresses)
        await until(lambda: all(len(node.neighbours()) == len(nodes) - 1 for node in nodes))
        yield nodes
        network.silent = False


def opinions(nodes: list[Node]) -> list[tuple[int, int]]:
    return [(node.counters["PeerSuspected"], node.counters["PeerTrusted"]) for node in nodes]


async def test_nodes_that_are_well_suspect_nobody_and_the_wire_bears_it(autojump_clock: MockClock) -> None:
    async with mesh(FrailNetwork(), ("swim",) * 3) as nodes:
        await trio.sleep(120)
        assert opinions(nodes) == [(0, 0)] * 3
        assert [node.counters["detector_messages_ignored"] for node in nodes] == [0] * 3
        (row,) = (row for row in nodes[0].channels() if row.channel == "membership")
        assert row.messages_out > 200, "a ping each second, and as many answers"


async def test_silence_is_suspected_and_taken_back_when_it_ends(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    async with mesh(network, ("swim",) * 3, links={"reconnect_grace": "1h"}) as nodes:
        await trio.sleep(10)
        network.silence()
        await trio.sleep(120)
        assert opinions(nodes) == [(2, 0)] * 3
        network.silent = False
        await trio.sleep(120)
        healed = opinions(nodes)
        assert all(suspected == trusted for suspected, trusted in healed), healed
        await trio.sleep(120)
        assert opinions(nodes) == healed, "links are made anew one after the other; then there is peace"
        assert all(node.counters["NeighbourDown"] == 0 for node in nodes)


async def test_connections_that_break_and_are_back_are_no_suspicion(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    async with mesh(network, ("swim",) * 3) as nodes:
        for _ in range(20):
            await trio.sleep(1.7)
            network.cut()
        await trio.sleep(60)
        assert opinions(nodes) == [(0, 0)] * 3


async def test_nodes_with_other_detectors_live_beside_it(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    async with mesh(network, ("swim", "swim", "tcp", "phi")) as nodes:
        await trio.sleep(120)
        assert opinions(nodes) == [(0, 0)] * 4
        assert [node.counters["detector_messages_ignored"] for node in nodes] == [0] * 4


async def test_who_is_gone_is_evicted_by_those_who_are_left(autojump_clock: MockClock) -> None:
    network = FrailNetwork()
    async with mesh(network, ("swim",) * 3, downing={"after": "30s"}) as nodes:
        await trio.sleep(5)
        async with on(network, "delta", overlay={"use": "fullmesh"}, failure_detector={"use": "swim"}) as delta:
            await delta.join(*nodes[0].addresses)
            await until(lambda: all("delta" in node.neighbours() for node in nodes))
        assert all(len(node.members()) == 4 for node in nodes)
        await trio.sleep(40)
        assert all(len(node.members()) == 3 for node in nodes)
        assert sum(node.counters["downed"] for node in nodes) >= 1


async def answer(stranger: Stranger, ping: Ping) -> Ack:
    """Say something over TCP, and wait for the answer."""
    body = msgspec.msgpack.encode([("", msgspec.msgpack.encode(ping))])
    await stranger.stream.send_all(encode_data(ping.number, 1, body))
    decoder = msgspec.msgpack.Decoder(Ping | Ack)
    while True:
        _, payload = split_data((await stranger.read_kind(Kind.DATA)).body)
        for _, encoded in msgspec.msgpack.decode(payload, type=list[tuple[str, bytes]]):
            message = decoder.decode(encoded)
            if isinstance(message, Ack) and message.number == ping.number:
                return message


async def test_a_forged_suspicion_about_oneself_is_refuted_and_others_are_counted() -> None:
    async with (
        opened("alpha", failure_detector={"use": "swim"}) as alpha,
        stranger_at(alpha.addresses[0]) as stranger,
    ):
        await stranger.shake(replace(HELLO, detector="swim"))
        life = alpha.spec().life
        assert (await answer(stranger, Ping(1, 0, (Rumour("alpha", life, 0, "stranger"),)))).incarnation == 1
        assert (await answer(stranger, Ping(2, 0, (Rumour("alpha", life, 500, "stranger"),)))).incarnation == 501
        assert (await answer(stranger, Ping(3, 0, (Rumour("nobody", life, 0, "stranger"),)))).incarnation == 501
        assert alpha.status().ignored == {"swim_forged": 1, "swim_unknown": 1}
        assert alpha.counters["PeerSuspected"] == 0
