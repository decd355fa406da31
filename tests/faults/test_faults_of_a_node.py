"""What a node has of its faults: from its configuration, at run time, and nothing at all while it needs none."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node
from partisan_core.errors import ConfigError, FaultError, PluginError, RestartNeeded
from partisan_core.views import FaultRow
from partisan_faults import Faults, Rule
from tests.core.kernel.nodes import Memory, opened, until
from tests.faults.nodes import add, faulty_pair, firings, one_by_one, received


def standing(node: Node) -> list[str]:
    """Where something stands between the node and its wires."""
    kernel = node._kernel
    found = ["ways"] if kernel.outlets.interposition is not None else []
    for name, channel in kernel.channels.items():
        plain = kernel._deliver_membership if name == "membership" else kernel.postoffice.deliver
        found += [f"delivery of {name}"] if channel.deliver != plain else []
    for connection in kernel.connections():
        writer = connection.writer
        found += ["reader"] if connection._filter is not None else []
        found += ["writer"] if writer._filter is not None or writer._trailer is not writer._agreed else []
    return found


async def test_nothing_stands_anywhere_while_there_are_no_faults(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, beta, box):
        assert standing(alpha) == standing(beta) == []
        add(alpha, "slow", "delay", direction="out", time=1.0)
        alpha.faults.interpose("same", lambda passing: passing.message)
        kinds = ["ways", "delivery of membership", "delivery of default", "reader", "writer"]
        assert sorted({*standing(alpha)}) == sorted(kinds)
        await alpha.send("beta/box", 1)
        await trio.sleep(0.1)
        alpha.faults.remove("same")
        assert {*standing(alpha)} == {"reader", "writer"}
        alpha.faults.remove("slow")
        assert await received(box, 0.1) == [1], "what was held back goes on"
        assert standing(alpha) == []


async def test_a_node_without_the_table_has_no_faults_and_says_how_to_get_them(autojump_clock: MockClock) -> None:
    async with Memory().opened("alpha") as alpha:
        assert alpha._kernel.interposition is None
        with pytest.raises(FaultError, match=r"not enabled on node alpha.*partisan-faults.*\[faults\] enabled = true"):
            _ = alpha.faults


async def test_rules_of_the_configuration_are_in_force_from_the_first_frame_and_the_start_warns(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    rules = {"lossy": {"action": "drop", "channels": ["default"], "direction": "out", "count": 2}}
    with caplog.at_level(logging.WARNING, "partisan.faults"):
        async with faulty_pair({"rules": rules}) as (alpha, _beta, box):
            assert "node alpha injects faults where rules say so, seed 7, rules: lossy" in caplog.text
            await one_by_one(alpha, range(4))
            assert await received(box) == [2, 3]
            assert alpha.faults.rows() == (FaultRow("lossy", "drop", "out channels=default at most 2", 2),)


async def test_a_seed_is_drawn_and_told_where_none_is_given(autojump_clock: MockClock) -> None:
    async with faulty_pair({"seed": 0}) as (alpha, beta, _box):
        assert isinstance(alpha.faults, Faults)
        assert alpha.faults.seed > 0
        assert beta.counters["FaultInjected"] == 0


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"enabled": "yes"}, r"faults\.enabled.*true or false"),
        ({"enabled": True, "sede": 1}, "did you mean 'seed'"),
        ({"enabled": True, "seed": -1}, "a whole number"),
        ({"enabled": True, "rules": {"one": {"action": "dorp"}}}, r"faults\.rules\.one\.action.*did you mean 'drop'"),
        ({"enabled": True, "rules": {"one": {}}}, r"faults\.rules\.one\.action.*required"),
        ({"enabled": True, "rules": {"one": {"action": "drop", "probability": 1.5}}}, "at most 1"),
        ({"enabled": True, "rules": {"one": {"action": "delay", "time": "-1s"}}}, r"rules\.one\.time"),
        ({"enabled": True, "rules": {"a b": {"action": "drop"}}}, "a name"),
    ],
)
async def test_a_wrong_table_is_refused_with_its_key(table: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        async with Memory().opened("alpha", faults=table):
            pass


async def test_a_rule_about_a_channel_that_is_none_is_refused_with_the_nearest() -> None:
    table = {"enabled": True, "rules": {"one": {"action": "drop", "channels": ["defualt"]}}}
    with pytest.raises(FaultError, match=r"'defualt' that this node has not.*did you mean 'default'"):
        async with Memory().opened("alpha", faults=table):
            pass


async def test_the_extension_is_enabled_by_its_own_table_alone() -> None:
    with pytest.raises(PluginError, match=r"set \[faults\] enabled = true instead"):
        async with Memory().opened("alpha", extensions={"enable": ["faults"]}):
            pass


async def test_bad_commands_are_told_and_change_nothing(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, _beta, _box):
        faults = alpha.faults
        faults.add("lossy", Rule(action="drop", probability=0.1))
        drop = Rule(action="drop")
        cases: list[tuple[Callable[[], object], str]] = [
            (lambda: faults.add("lossy", drop), "a fault 'lossy' already"),
            (lambda: faults.interpose("lossy", lambda passing: None), "a fault 'lossy' already"),
            (lambda: faults.watch("lossy", before=lambda passing: None), "a fault 'lossy' already"),
            (lambda: faults.add("a b", drop), "name"),
            (lambda: faults.remove("lossi"), "no fault 'lossi'.*did you mean 'lossy'.*nothing was removed"),
            (lambda: faults.add("other", Rule(action="drop", channels=("bulk",))), "'bulk' that this node has not"),
        ]
        for wrong, complaint in cases:
            with pytest.raises(FaultError, match=complaint):
                wrong()
        with pytest.raises(ConfigError, match="did you mean 'drop'"):
            faults.add_table("other", {"action": "dorp"})
        with pytest.raises(ConfigError, match="did you mean 'peers'"):
            faults.add_table("other", {"action": "drop", "pears": ["beta"]})
        assert faults.names() == ["lossy"]


async def test_a_rule_that_matches_nothing_is_listed_without_a_firing(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, _beta, box):
        add(alpha, "nobody", "drop", peers=("gamma",))
        await one_by_one(alpha, range(3))
        assert await received(box) == [0, 1, 2]
        assert firings(alpha, "nobody") == 0


async def test_faults_are_no_matter_of_a_reload(autojump_clock: MockClock) -> None:
    async with opened("alpha", faults={"enabled": True, "rules": {}}) as alpha:
        config = alpha._kernel.config
        other = replace(config, faults=replace(config.faults, options={"seed": 3}))
        with pytest.raises(RestartNeeded, match=r"faults\.seed"):
            await alpha.reload(other)


async def test_a_thousand_faults_are_the_most(autojump_clock: MockClock) -> None:
    async with Memory().opened("alpha", faults={"enabled": True}) as alpha:
        for number in range(1000):
            alpha.faults.add(f"f{number}", Rule(action="drop", peers=("nobody",)))
        with pytest.raises(FaultError, match="1000 faults already"):
            alpha.faults.add("more", Rule(action="drop"))


async def test_of_connections_that_have_ended_nothing_is_kept(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, beta, _box):
        add(alpha, "slow", "delay", time=0.01)
        for times in range(1, 21):
            alpha.disconnect("beta")
            await until(lambda: alpha.counters["ChannelDown"] == 2 * times)  # noqa: B023
            await until(lambda: alpha.is_fully_connected("beta") and beta.is_fully_connected("alpha"))
        assert len(alpha.faults._filters) <= 2 * len(alpha.connections())


async def test_a_node_with_faults_closes_in_time_whatever_they_hold_back(autojump_clock: MockClock) -> None:
    start = 0.0
    async with faulty_pair() as (alpha, _beta, _box):
        add(alpha, "paused", "pause")
        add(alpha, "slow", "delay", time=60.0, channels=("membership",))
        await one_by_one(alpha, range(5))
        await until(lambda: alpha.neighbours())
        start = trio.current_time()
    assert trio.current_time() - start < 10


async def test_a_closing_node_sends_what_a_delay_holds_back_for_less_than_its_patience(
    autojump_clock: MockClock,
) -> None:
    memory = Memory()
    async with memory.opened("beta") as beta:
        box = beta.open_mailbox("box")
        async with memory.opened("alpha", faults={"enabled": True}) as alpha:
            await alpha.join(*beta.addresses)
            await until(lambda: alpha.is_fully_connected("beta"))
            add(alpha, "slow", "delay", direction="out", time=1.0)
            await one_by_one(alpha, range(5))
        assert await received(box) == list(range(5))
