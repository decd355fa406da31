"""Functions and rules that strike single messages."""

import logging
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from partisan_core.errors import EncodeError, FaultError
from partisan_faults import Delay, Passing, Rule
from partisan_faults.messages import Twice
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import Memory, link
from tests.core.kernel.unconnected import on
from tests.faults.nodes import faulty_pair, firings, received


def is_odd(passing: Passing) -> bool:
    return bool(passing.message % 2)


@pytest.mark.parametrize("direction", ["out", "in"])
async def test_a_rule_with_a_predicate_drops_those_messages_and_no_others(
    autojump_clock: MockClock, direction: str
) -> None:
    async with faulty_pair() as (alpha, beta, box):
        sender, inbox = (alpha, box) if direction == "out" else (beta, alpha.open_mailbox("box"))
        alpha.faults.add("odd", Rule(action="drop", direction=direction), message=is_odd)
        for number in range(10):
            await sender.send("beta/box" if direction == "out" else "alpha/box", number)
        assert await received(inbox) == [0, 2, 4, 6, 8]
        assert firings(alpha, "odd") == 5
        assert beta.dropped["gap"] == alpha.dropped["gap"] == 0, "they were never numbered"


async def test_a_rule_delays_and_doubles_messages(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, _beta, box):
        alpha.faults.add("late", Rule(action="delay", time=1.0, direction="out"), message=is_odd)
        alpha.faults.add(
            "twice", Rule(action="duplicate", direction="out"), message=lambda passing: passing.message == 2
        )
        for number in range(4):
            await alpha.send("beta/box", number)
        assert await received(box, 3) == [0, 2, 2, 1, 3]


@pytest.mark.parametrize("to", ["beta/box", "alpha/box"], ids=["a peer", "oneself"])
async def test_functions_change_drop_delay_and_double_in_their_order_and_watchers_see_both_sides(
    autojump_clock: MockClock, to: str
) -> None:
    seen: list[tuple[str, Any]] = []
    decisions: dict[str, object] = {
        "change": "changed",
        "drop": None,
        "delay": Delay(1.0, "delayed"),
        "double": Twice("doubled"),
        "keep": "keep",
    }
    async with faulty_pair() as (alpha, _beta, box):
        inbox = box if to == "beta/box" else alpha.open_mailbox("box")
        alpha.faults.watch(
            "seen",
            before=lambda passing: seen.append(("before", passing.message)),
            after=lambda passing, message: seen.append((passing.message, message)),
        )
        alpha.faults.interpose("decide", lambda passing: decisions[passing.message], direction="out")
        alpha.faults.interpose("mark", lambda passing: f"{passing.message}!", direction="out")
        for message in decisions:
            await alpha.send(to, message)
        assert await received(inbox, 3) == ["changed!", "doubled!", "doubled!", "keep!", "delayed!"]
        assert ("before", "drop") in seen
        assert ("drop", None) in seen
        assert ("change", "changed!") in seen


async def test_a_function_is_told_who_where_and_which_way(autojump_clock: MockClock) -> None:
    told: list[Passing] = []
    async with faulty_pair() as (alpha, beta, box):
        inbox = alpha.open_mailbox("inbox")
        alpha.faults.watch("told", before=told.append)
        await alpha.send("beta/box", 1)
        await beta.send("alpha/inbox", 2)
        assert await inbox.receive() == 2
        assert await box.receive() == 1
        mine = [passing for passing in told if passing.channel != "membership"]
        assert mine == [
            Passing("out", "beta", "default", "box", 1),
            Passing("in", "beta", "default", "inbox", 2),
        ]


async def test_a_function_that_raises_in_send_meets_the_sender_and_in_delivery_costs_nothing(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with faulty_pair() as (alpha, beta, box):
        inbox = alpha.open_mailbox("inbox")
        alpha.faults.interpose("broken", lambda passing: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            await alpha.send("beta/box", 1)
        with caplog.at_level(logging.CRITICAL):
            await beta.send("alpha/inbox", 2)
            assert await inbox.receive() == 2
        assert alpha.counters["extension_errors"] >= 1
        alpha.faults.remove("broken")
        await alpha.send("beta/box", 3)
        assert await box.receive() == 3


async def test_what_kernels_tell_each_other_no_function_sees_nor_breaks(autojump_clock: MockClock) -> None:
    """A function that raised at such a word would stop the node."""
    async with faulty_pair() as (alpha, beta, box), alpha.open_mailbox("watched") as watched:
        alpha.faults.interpose("letters", lambda passing: passing.message["text"], direction="out")
        theirs = await beta.monitor("alpha/watched")
        ours = await alpha.monitor("beta/box")
        watched.close()
        box.close()
        with trio.fail_after(20):
            assert (await theirs.wait()).reason == (await ours.wait()).reason == "normal"
        assert alpha.counters["extension_errors"] == 0


async def test_what_a_function_makes_of_a_message_has_to_be_a_message(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, _beta, _box):
        alpha.faults.interpose("object", lambda passing: object())
        with pytest.raises(EncodeError):
            await alpha.send("beta/box", 1)


async def test_a_delayed_message_waits_for_room_and_is_given_up_when_its_node_is_gone(
    autojump_clock: MockClock,
) -> None:
    async with faulty_pair(channels={"default": {"queue_messages": 1}}) as (alpha, beta, box):
        alpha.faults.interpose("late", lambda passing: Delay(1.0, passing.message), direction="out")
        for number in range(20):
            await alpha.send("beta/box", number)
        assert await received(box, 3) == list(range(20))
        await alpha.send("beta/box", "too late")
        await beta.leave()
        await trio.sleep(2)
        assert alpha.faults.names() == ["late"]


async def test_a_delayed_message_goes_by_the_way_that_there_is_then(autojump_clock: MockClock) -> None:
    """The queue that was there while the link was dialled is another one afterwards."""
    network = FrailNetwork()
    async with on(network, "alpha", faults={"enabled": True}) as alpha, on(network, "beta") as beta:
        alpha.faults.add("late", Rule(action="delay", time=1.0), message=lambda passing: passing.message == "late")
        box = beta.open_mailbox("box")
        for message in ("late", "soon"):
            await alpha.send("beta/box", message)
        assert await received(box, 3) == ["soon", "late"]


async def test_functions_see_messages_in_causal_order_as_others_and_at_their_turn(autojump_clock: MockClock) -> None:
    told: list[Passing] = []
    extensions = {"enable": ["causal"]}
    memory, faults = Memory(), {"enabled": True}
    async with (
        memory.opened("alpha", extensions=extensions, faults=faults) as alpha,
        memory.opened("beta", extensions=extensions, faults=faults) as beta,
    ):
        await link(beta, alpha)
        box = beta.open_mailbox("box")
        for node in (alpha, beta):
            node.faults.watch("told", before=told.append)
        beta.faults.add("lost", Rule(action="drop"), message=lambda passing: passing.message == "lost")
        for message in ("lost", "kept"):
            await alpha.send("beta/box", message, causal="default")
        assert await received(box, 3) == ["kept"], "nobody waits for what was delivered, and dropped then"
        assert [passing for passing in told if passing.channel != "membership"] == [
            Passing("out", "beta", "default", "box", "lost"),
            Passing("out", "beta", "default", "box", "kept"),
            Passing("in", "alpha", "", "box", "lost"),
            Passing("in", "alpha", "", "box", "kept"),
        ]


async def test_more_messages_than_are_held_back_go_without_delay(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partisan_faults.messages.HELD_MESSAGES", 3)
    async with faulty_pair() as (alpha, _beta, box):
        alpha.faults.interpose("late", lambda passing: Delay(1.0, passing.message), direction="in")
        inbox = alpha.open_mailbox("inbox")
        for number in range(5):
            await alpha.send("alpha/inbox", number)
        assert await received(inbox, 3) == [3, 4, 0, 1, 2]
        for number in range(4):
            await alpha.send("alpha/inbox", number)
        assert await received(inbox, 3) == [3, 0, 1, 2], "there is room again"
        assert box.name == "box"


@pytest.mark.parametrize("action", ["reorder", "corrupt", "truncate", "close", "pause", "partition", "refuse"])
async def test_an_action_that_is_none_for_messages_is_refused_by_name(autojump_clock: MockClock, action: str) -> None:
    async with faulty_pair() as (alpha, _beta, _box):
        with pytest.raises(FaultError, match=f"'{action}' cannot strike single messages, only drop, delay, duplicate"):
            alpha.faults.add("wrong", Rule(action=action), message=is_odd)
        assert alpha.faults.names() == []


async def test_a_rule_about_messages_has_no_kinds_of_frame(autojump_clock: MockClock) -> None:
    async with faulty_pair() as (alpha, _beta, _box):
        with pytest.raises(FaultError, match="messages, which have no kinds; nothing was added"):
            alpha.faults.add("wrong", Rule(action="drop", kinds=("data",)), message=is_odd)
        assert alpha.faults.names() == []
