"""Beside a lane's own queue: large messages hold nobody up, and nothing overtakes within one recipient and key."""

from random import Random

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from partisan_core.drops import DropReason
from partisan_core.errors import NodeDown, WouldBlock
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.queue import Limits
from partisan_core.kinds import ChannelPolicy
from partisan_core.policies.block import Block
from partisan_core.policies.drop_newest import DropNewest
from partisan_core.policies.drop_oldest import DropOldest

LARGE = 21


def make_lane(policy: ChannelPolicy | None = None, *, messages: int = 100, size: int = 10_000) -> Lane:
    """A lane whose messages are large from 21 bytes."""
    return Lane("default", 0, policy or Block(), Limits(messages, size, 10))


def piece(number: int, *, large: bool = False) -> bytes:
    """A message with a number in it."""
    return number.to_bytes(2, "big") + bytes(LARGE if large else 0)


def number_of(one: bytes) -> int:
    """The number in it."""
    return int.from_bytes(one[:2], "big")


class Written:
    """Writes a lane as the writer of a connection does, by turns; large messages in two steps, and not always whole."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.numbers: list[int] = []
        """Of the messages that were written whole, in the order of their session numbers."""
        self._begun: list[bytes] = []

    def step(self, rng: Random) -> None:
        """One turn of one queue."""
        lane, large = self.lane, self.lane.large
        if lane.is_ready and rng.random() < 0.5:
            self._note(lane.take())
        elif self._begun and large is not None:
            self._note(self._begun)
            self._begun = []
            large.finish()
        elif large is not None and large.is_ready:
            pieces = large.take()
            if len(pieces[0]) >= LARGE:
                self._begun = pieces
            else:
                self._note(pieces)
        elif lane.is_ready:
            self._note(lane.take())

    def break_off(self) -> None:
        """The connection is lost, and there is another one."""
        self._begun = []

    def _note(self, pieces: list[bytes]) -> None:
        self.numbers += map(number_of, pieces)


@pytest.mark.parametrize("policy", [Block(), DropNewest(), DropOldest()], ids=["block", "drop_newest", "drop_oldest"])
@pytest.mark.parametrize("seed", range(60))
def test_within_a_slot_nothing_is_overtaken_and_nothing_is_written_twice(policy: ChannelPolicy, seed: int) -> None:
    rng = Random(seed)
    lane = make_lane(policy, messages=rng.choice([3, 8, 100]), size=rng.choice([60, 150, 10_000]))
    written = Written(lane)
    slots: dict[int, int] = {}
    for number in range(300):
        slot = rng.randrange(3)
        try:
            lane.put_nowait(piece(number, large=rng.random() < 0.2), slot)
            slots[number] = slot
        except WouldBlock:
            pass
        for _ in range(rng.randrange(3)):
            written.step(rng)
        if rng.random() < 0.05:
            written.break_off()
    while lane.messages:
        written.step(rng)
    for slot in range(3):
        numbers = [number for number in written.numbers if slots[number] == slot]
        assert numbers == sorted(set(numbers)), f"seed {seed}"
    assert len(written.numbers) + sum(lane.dropped.values()) == 300 - (300 - len(slots))
    assert (lane.all_bytes, lane.open_bytes) == (0, lane.max_bytes)


def test_a_small_message_for_another_slot_overtakes_a_large_one() -> None:
    lane = make_lane()
    lane.put_nowait(piece(1, large=True), "bulk")
    lane.put_nowait(piece(2), "ping")
    lane.put_nowait(piece(3), "bulk")
    assert lane.take() == [piece(2)]
    assert lane.large is not None
    assert lane.large.take() == [piece(1, large=True)]
    assert lane.large.is_ahead("bulk")
    lane.large.finish()
    assert lane.large.take() == [piece(3)]
    assert not lane.large.is_ahead("bulk")
    lane.put_nowait(piece(4), "bulk")
    assert lane.take() == [piece(4)]


def test_a_large_message_waits_until_what_was_before_it_is_written() -> None:
    lane = make_lane()
    lane.put_nowait(piece(1), "bulk")
    lane.put_nowait(piece(2, large=True), "bulk")
    assert lane.large is not None
    assert not lane.large.is_ready
    lane.take()
    assert lane.large.is_ready


def test_a_large_message_is_begun_again_when_the_connection_broke_and_is_counted_when_the_peer_is_gone() -> None:
    lane = make_lane()
    lane.put_nowait(piece(1, large=True), "bulk")
    assert lane.large is not None
    first = lane.large.take()
    assert lane.large.take() == first
    assert lane.messages == 1
    lane.fail(NodeDown("gone"), DropReason.NODE_GONE)
    assert lane.dropped == {"node_gone": 1}
    assert lane.messages == 0


async def test_a_sender_of_a_small_message_does_not_overtake_one_of_the_same_slot_that_waits_with_a_large_one() -> None:
    lane = make_lane(size=50)
    async with trio.open_nursery() as nursery:
        for number in (1, 2, 3):
            nursery.start_soon(lane.put, piece(number, large=True), "bulk")
            await wait_all_tasks_blocked()
        nursery.start_soon(lane.put, piece(4), "bulk")
        nursery.start_soon(lane.put, piece(5), "ping")
        await wait_all_tasks_blocked()
        assert lane.take() == [piece(5)]
        assert lane.large is not None
        taken: list[int] = []
        while lane.large.is_ready:
            taken += map(number_of, lane.large.take())
            lane.large.finish()
            await wait_all_tasks_blocked()
    assert taken == [1, 2, 3, 4]


def test_what_waited_for_a_link_keeps_its_order_when_it_is_taken_over() -> None:
    before, lane = make_lane(), make_lane()
    before.put_nowait(piece(1), "bulk")
    before.put_nowait(piece(2, large=True), "bulk")
    lane.take_over(before, limit=1000)
    lane.put_nowait(piece(3), "bulk")
    assert lane.large is not None
    assert not lane.large.is_ready
    assert lane.take() == [piece(1)]
    assert lane.large.take() == [piece(2, large=True)]
    lane.large.finish()
    assert lane.large.take() == [piece(3)]
