"""Each lane's connection is killed in turn: that costs one event of its channel, and no peer."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio

from partisan_core import Node
from partisan_core.notices import ChannelDown, ChannelUp, Gap, NeighbourDown, Notice, PeerSuspected, PeerTrusted
from tests.integration.apart import Apart, apart
from tests.integration.nodes import PATIENCE, until

CHANNELS = {"default": {"parallelism": 1}, "bulk": {"parallelism": 4}}
DATA_LANES = [("default", 0), *(("bulk", lane) for lane in range(4))]


class Seen:
    """All that one node notices from now on."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.notices: list[Notice] = []

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with self._node.open_events() as events:
            await events.receive()  # the snapshot
            task_status.started()
            async for notice in events:
                self.notices.append(notice)

    def lanes(self, kind: type[ChannelDown] | type[ChannelUp]) -> list[tuple[str, int]]:
        """The data lanes of which that was noticed."""
        found = [(notice.channel, notice.lane) for notice in self.notices if isinstance(notice, kind)]
        return [key for key in found if key in DATA_LANES]

    def count(self, *kinds: type[Notice]) -> int:
        return sum(isinstance(notice, kinds) for notice in self.notices)


@dataclass
class Ends:
    """Both ends of the lanes. A redial may reach the end that answers before that has noticed the loss: no event."""

    dialling: Seen
    answering: Seen

    @property
    def both(self) -> tuple[Seen, Seen]:
        return self.dialling, self.answering


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[Apart, Ends, trio.Nursery]]:
    """Alpha, which dials all the lanes, and beta; a nursery that is cancelled at the end."""
    async with apart(channels=CHANNELS) as scene, trio.open_nursery() as nursery:
        ends = Ends(Seen(scene.alpha), Seen(scene.beta))
        for end in ends.both:
            await nursery.start(end.run)
        assert all(row.dialled for row in scene.alpha.connections())
        yield scene, ends, nursery
        nursery.cancel_scope.cancel()


async def kill_each_data_lane(scene: Apart, ends: Ends) -> None:
    """One after the other, each once the one before is back."""
    for key in DATA_LANES:
        await scene.kill(*key)
    await until(lambda: ends.dialling.lanes(ChannelUp) == DATA_LANES)
    assert ends.dialling.lanes(ChannelDown) == DATA_LANES
    downs = ends.answering.lanes(ChannelDown)
    assert downs == [key for key in DATA_LANES if key in downs]
    for end in ends.both:
        assert end.count(NeighbourDown, PeerSuspected) == 0


async def test_a_quiet_lane_that_is_killed_is_a_channel_event_and_no_gap() -> None:
    async with watched() as (scene, ends, _):
        box = scene.alpha.open_mailbox("box")
        await kill_each_data_lane(scene, ends)
        assert not any(end.count(Gap) for end in ends.both)
        for number in range(32):
            await scene.beta.send("alpha/box", number, channel="bulk", key=number)
        with trio.fail_after(PATIENCE):
            assert {await box.receive() for _ in range(32)} == set(range(32))


async def test_under_traffic_each_killed_lane_keeps_its_order_and_its_losses_are_its_gaps() -> None:
    async with watched() as (scene, ends, nursery):
        box = scene.alpha.open_mailbox("box")
        received: dict[int, list[int]] = defaultdict(list)
        sent: Counter[int] = Counter()

        async def receive() -> None:
            while True:
                for key, number in await box.receive_batch():
                    received[key].append(number)

        async def send(key: int) -> None:
            """Key 0 goes by the default channel, the others by the lanes of `bulk`."""
            while True:
                channel = "bulk" if key else "default"
                await scene.beta.send("alpha/box", (key, sent[key]), channel=channel, key=key)
                sent[key] += 1
                await trio.lowlevel.checkpoint()

        def gaps() -> list[Gap]:
            return [notice for notice in ends.dialling.notices if isinstance(notice, Gap)]

        def lost() -> int:
            return sum(gap.lost or 0 for gap in gaps())

        nursery.start_soon(receive)
        async with trio.open_nursery() as senders:
            for key in range(12):
                senders.start_soon(send, key)
            await kill_each_data_lane(scene, ends)
            senders.cancel_scope.cancel()
        await until(lambda: sum(map(len, received.values())) + lost() == sent.total())
        assert all(numbers == sorted(set(numbers)) for numbers in received.values())
        assert len({(gap.channel, gap.lane) for gap in gaps()}) == len(gaps()), "each lane was killed once"
        assert lost() == scene.beta.dropped["lost_with_connection"]


async def test_a_killed_membership_lane_is_a_suspicion_that_is_taken_back_and_touches_no_other_lane() -> None:
    """Both ends dial it anew, so that either may be the one that answers; gossip may have been on its way."""
    async with watched() as (scene, ends, _):
        for _ in range(3):
            await scene.kill("membership", 0)
        await until(lambda: sum(end.count(PeerTrusted) for end in ends.both) >= 3)
        await until(lambda: all(end.count(PeerTrusted) == end.count(PeerSuspected) for end in ends.both))
        for end in ends.both:
            assert end.lanes(ChannelDown) == []
            assert end.count(NeighbourDown) == 0
            assert {notice.channel for notice in end.notices if isinstance(notice, Gap)} <= {"membership"}
