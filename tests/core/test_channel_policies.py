from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from partisan_core.kinds import Verdict
from partisan_core.plugins import Plugins
from partisan_core.policies.block import Block
from partisan_core.policies.disconnect import Disconnect
from partisan_core.policies.drop_newest import DropNewest
from partisan_core.policies.drop_oldest import DropOldest


class Lane:
    """A lane's queue of sizes: the simplest thing that is one."""

    def __init__(self, sizes: list[int], most: int, most_bytes: int) -> None:
        self.waiting = deque(sizes)
        self.most = most
        self.most_bytes = most_bytes

    @property
    def messages(self) -> int:
        return len(self.waiting)

    @property
    def bytes(self) -> int:
        return sum(self.waiting)

    def fits(self, size: int) -> bool:
        return not self.waiting or (self.messages < self.most and self.bytes + size <= self.most_bytes)

    def drop_oldest(self) -> int:
        return self.waiting.popleft()


def full_lane() -> Lane:
    return Lane([10, 20, 30], most=3, most_bytes=60)


def test_block_lets_the_sender_wait_and_drops_nothing() -> None:
    lane = full_lane()
    assert Block().make_room(lane, 5) is Verdict.WAIT
    assert list(lane.waiting) == [10, 20, 30]


def test_disconnect_leaves_what_waits_to_the_lane_that_closes() -> None:
    lane = full_lane()
    assert Disconnect().make_room(lane, 5) is Verdict.DISCONNECT
    assert list(lane.waiting) == [10, 20, 30]


def test_disconnect_is_installed_under_its_name() -> None:
    assert isinstance(Plugins().channel_policy("disconnect").policy, Disconnect)


def test_drop_newest_rejects_the_message_and_drops_nothing_that_waits() -> None:
    lane = full_lane()
    assert DropNewest().make_room(lane, 5) is Verdict.REJECT
    assert list(lane.waiting) == [10, 20, 30]


def test_drop_oldest_drops_no_more_than_the_new_message_needs() -> None:
    lane = full_lane()
    assert DropOldest().make_room(lane, 25) is Verdict.ROOM
    assert list(lane.waiting) == [30]


def test_drop_oldest_empties_the_lane_for_a_message_larger_than_it() -> None:
    lane = full_lane()
    assert DropOldest().make_room(lane, 61) is Verdict.ROOM
    assert not lane.waiting


@given(st.lists(st.integers(1, 50), max_size=20), st.integers(1, 20), st.integers(1, 200), st.integers(1, 250))
def test_drop_oldest_makes_room_and_keeps_the_newest(sizes: list[int], most: int, most_bytes: int, size: int) -> None:
    lane = Lane(sizes, most, most_bytes)
    assert DropOldest().make_room(lane, size) is Verdict.ROOM
    assert lane.fits(size)
    assert list(lane.waiting) == sizes[len(sizes) - lane.messages :]
