"""Partitions and refused dials: whole connections, and those that do not come about."""

import pytest
import trio
from trio.testing import MockClock

from partisan_core.errors import ConfigError, FaultError
from partisan_core.events import Reason
from partisan_core.notices import DialRefused, NeighbourDown, NeighbourUp
from partisan_faults import Rule
from tests.core.kernel.nodes import Memory, notice_of, until
from tests.faults.nodes import add, faulty_pair, firings, one_by_one, received


async def test_who_is_cut_off_is_down_at_both_ends_and_up_when_it_heals(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, beta, box), alpha.open_events() as events:
        alpha.faults.inject_partition(["beta"])
        start = trio.current_time()
        assert (await notice_of(NeighbourDown, events)).reason is Reason.UNREACHABLE
        assert trio.current_time() - start < 2 + 3 + 3 + 2, "interval, pings, grace, one dial"
        await until(lambda: not beta.neighbours())
        await trio.sleep(30)
        assert alpha.neighbours() == beta.neighbours() == ()
        assert beta.counters["PeerRefused"] == 0, "nobody came to its door"
        alpha.faults.heal()
        assert await notice_of(NeighbourUp, events)
        await until(lambda: alpha.is_fully_connected("beta"))
        await alpha.send("beta/box", "healed")
        assert await received(box) == ["healed"]


async def test_a_partition_that_is_shorter_than_the_pings_are_patient_loses_nothing(
    autojump_clock: MockClock,
) -> None:
    async with faulty_pair() as (alpha, beta, box):
        alpha.faults.inject_partition(["beta"])
        await one_by_one(alpha, range(20))
        await trio.sleep(1)
        alpha.faults.heal()
        assert await received(box) == list(range(20))
        assert beta.counters["PeerSuspected"] == alpha.counters["PeerSuspected"] == 0


async def test_a_one_way_partition_is_found_by_both(autojump_clock: MockClock) -> None:
    for direction in ("in", "out"):
        async with faulty_pair() as (alpha, beta, _box):
            alpha.faults.add("one-way", Rule(action="partition", direction=direction, peers=("beta",)))
            await until(lambda: not alpha.neighbours() and not beta.neighbours())
            alpha.faults.heal()
            await until(lambda: alpha.neighbours() and beta.neighbours())


async def test_others_are_not_cut_off(autojump_clock: MockClock) -> None:
    memory = Memory()
    table = {"enabled": True}
    async with (
        memory.opened("alpha", faults=table) as alpha,
        memory.opened("beta") as beta,
        memory.opened("gamma") as gamma,
    ):
        await beta.join(*alpha.addresses)
        await gamma.join(*alpha.addresses)
        await until(lambda: len(alpha.neighbours()) == 2)
        alpha.faults.inject_partition(["beta"])
        await until(lambda: alpha.neighbours() == ("gamma",))
        await trio.sleep(60)
        assert alpha.neighbours() == ("gamma",)


async def test_a_contact_that_is_cut_off_before_it_is_known_does_not_answer(autojump_clock: MockClock) -> None:
    memory = Memory()
    async with memory.opened("alpha", faults={"enabled": True}) as alpha, memory.opened("beta") as beta:
        alpha.faults.inject_partition(["beta"])
        with trio.move_on_after(10) as scope:
            await alpha.join(*beta.addresses)
        assert scope.cancelled_caught
        alpha.faults.heal()
        await alpha.join(*beta.addresses)
        assert alpha.neighbours() == ("beta",)


async def test_two_partitions_are_healed_together_and_other_rules_stay(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, _beta, _box):
        add(alpha, "lossy", "drop")
        alpha.faults.inject_partition(["beta"])
        alpha.faults.inject_partition(["gamma", "delta"], name="second")
        assert [row.name for row in alpha.faults.rows()] == ["lossy", "partition", "second"]
        with pytest.raises(FaultError, match="a fault 'partition' already"):
            alpha.faults.inject_partition(["gamma"])
        for peers in ((), "beta"):  # a text is a sequence of texts, too
            with pytest.raises(FaultError, match="needs a list of peers"):
                alpha.faults.inject_partition(peers, name="third")
        with pytest.raises(ConfigError, match="names: 1 to 128"):
            alpha.faults.inject_partition(["no name"], name="third")
        alpha.faults.heal()
        assert alpha.faults.names() == ["lossy"]


async def test_who_is_refused_by_everybody_is_gone(autojump_clock: MockClock) -> None:
    memory, table = Memory(), {"enabled": True}
    async with memory.opened("alpha", faults=table) as alpha, memory.opened("beta", faults=table) as beta:
        await alpha.join(*beta.addresses)
        await until(lambda: alpha.is_fully_connected("beta"))
        async with alpha.open_events() as events:
            for node, peer in ((alpha, "beta"), (beta, "alpha")):
                add(node, "closed", "refuse", peers=(peer,))
            add(alpha, "cut", "close", channels=("membership",), count=1)
            assert (await notice_of(NeighbourDown, events)).reason is Reason.GONE
            assert firings(alpha, "closed") >= 2
            assert "by the fault 'closed'" in (await notice_of(DialRefused, events)).error
        alpha.faults.remove("closed")
        await until(lambda: alpha.is_fully_connected("beta"))


async def test_a_dial_of_somebody_unknown_is_refused_by_a_rule_about_everybody(autojump_clock: MockClock) -> None:
    memory = Memory()
    async with memory.opened("alpha", faults={"enabled": True}) as alpha, memory.opened("beta") as beta:
        add(alpha, "closed", "refuse", count=3)
        await alpha.join(*beta.addresses)
        assert firings(alpha, "closed") == 3
