"""Places that are kept for neighbours with a label."""

from random import Random

import pytest
from msgspec import Struct

from partisan_core.config.readings import Misfit
from partisan_core.events import Event, LinkDown, Reason, Received, Reserve, Started, TimerFired
from partisan_core.identity import Address, NodeSpec
from partisan_core.plugins import Plugins
from partisan_hyparview import HyParView, HyParViewConfig
from partisan_hyparview.messages import Accept, Disconnect, ForwardJoin, Neighbour, Refuse
from tests.hyparview.test_hyparview_rules import sent


def spec(name: str, role: str = "client") -> NodeSpec:
    return NodeSpec(name, 1, 0, (Address("10.0.0.1", 1),), {"role": role})


A, B, C, S, T = spec("a"), spec("b"), spec("c"), spec("s", "server"), spec("t", "server")


class Keeper:
    """A node of three places, one of them for a server."""

    def __init__(self, *neighbours: NodeSpec, slots: int = 1, seed: int = 0) -> None:
        reserved = {"role=server": slots} if slots else {}
        self.node = HyParView(spec("me"), HyParViewConfig(active_max=3, reserved=reserved), Random(seed))
        self.feed(Started())
        for peer in neighbours:
            self.hears(peer, Neighbour(True))

    def feed(self, event: Event) -> list[tuple[str, Struct]]:
        return sent(self.node.handle(event, 0.0))

    def hears(self, peer: NodeSpec, message: Struct) -> list[tuple[str, Struct]]:
        return self.feed(Received(peer, message))

    @property
    def neighbours(self) -> set[str]:
        return set(self.node.links())


def test_an_empty_reserved_place_is_taken_for_everybody_else() -> None:
    keeper = Keeper(A, B)
    assert keeper.hears(C, Neighbour(False))[0] == ("c", Refuse())
    assert keeper.hears(S, Neighbour(False)) == [("s", Accept())]
    assert keeper.neighbours == {"a", "b", "s"}


def test_a_second_server_has_no_better_claim_than_anybody() -> None:
    keeper = Keeper(A, B, S)
    assert keeper.hears(T, Neighbour(False))[0][1] == Refuse()


@pytest.mark.parametrize("seed", range(10))
def test_nobody_can_take_the_place_of_its_holder(seed: int) -> None:
    keeper = Keeper(A, B, S, seed=seed)
    for number in range(10):
        keeper.hears(spec(f"x{number}"), Neighbour(True))
        assert "s" in keeper.neighbours
        assert len(keeper.neighbours) == 3


def test_who_comes_urgently_takes_a_common_place_and_leaves_the_reserved_one_empty() -> None:
    keeper = Keeper(A, B)
    said = keeper.hears(C, Neighbour(True))
    assert len(keeper.neighbours) == 2
    assert [type(message) for _, message in said] == [Disconnect, Accept]


def test_a_place_whose_holder_died_is_kept_for_the_next_one() -> None:
    keeper = Keeper(A, B, S)
    keeper.feed(LinkDown(S, Reason.GONE))
    assert keeper.hears(C, Neighbour(False))[0] == ("c", Refuse())
    assert keeper.hears(T, Neighbour(False)) == [("t", Accept())]


def test_who_may_have_an_empty_place_is_asked() -> None:
    keeper = Keeper(A, B)
    keeper.hears(A, ForwardJoin(C, 3))
    assert keeper.feed(TimerFired("repair")) == []
    keeper.hears(A, ForwardJoin(S, 3))
    assert keeper.feed(TimerFired("repair")) == [("s", Neighbour(False))]
    assert keeper.feed(TimerFired("repair")) == []


def test_places_can_be_reserved_and_given_back_while_it_runs() -> None:
    keeper = Keeper(A, B, C, slots=0)
    [(_, told)] = [one for one in keeper.feed(Reserve("role", "server", 1)) if isinstance(one[1], Disconnect)]
    assert isinstance(told, Disconnect)
    assert len(keeper.neighbours) == 2
    keeper.feed(Reserve("role", "server", 0))
    assert keeper.hears(spec("x"), Neighbour(False)) == [("x", Accept())]


def test_one_place_is_always_anybodys_and_what_cannot_be_reserved_is_counted() -> None:
    keeper = Keeper(slots=0)
    keeper.feed(Reserve("role", "server", 5))
    assert keeper.node.ignored == {"Reserve": 1}
    assert keeper.hears(A, Neighbour(False)) == [("a", Accept())]
    assert keeper.hears(B, Neighbour(False))[0] == ("b", Refuse())


@pytest.mark.parametrize("reserved", [{"role": 1}, {"role=server": 0}, {"=": 1}, {"role=server": 5}])
def test_a_table_that_reserves_what_cannot_be_is_refused(reserved: dict[str, int]) -> None:
    with pytest.raises(Misfit, match="reserved"):
        HyParViewConfig(reserved=reserved)


def test_the_overlay_is_offered_with_its_capability() -> None:
    assert "reserved_slots" in Plugins().overlay("hyparview").capabilities
