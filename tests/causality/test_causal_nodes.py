"""`send(causal=...)` between nodes, in virtual time."""

import random
from itertools import count

import pytest
import trio
from trio.testing import MockClock

from partisan_causal import Life
from partisan_core import Node
from partisan_core.errors import ConfigError, EncodeError, NodeDown, SendError
from partisan_core.mailboxes import Mailbox
from partisan_testkit.happens_before import Delivered, Event, Sent, violations
from tests.acked.lossy import cut_every
from tests.causality.nodes import A_WHILE, NOTHING, cluster, left_over, receive, talk_in_a_triangle
from tests.core.kernel.nodes import opened, until
from tests.core.kernel.unconnected import strangers


async def test_what_led_to_a_message_is_delivered_before_it(autojump_clock: MockClock) -> None:
    async with cluster("alpha", "beta", "gamma") as ((alpha, beta, gamma), network):
        assert await talk_in_a_triangle(alpha, beta, gamma, network) == ["m3", "m1"]
    async with cluster("alpha", "beta", "gamma") as ((alpha, beta, gamma), network):
        assert await talk_in_a_triangle(alpha, beta, gamma, network, causal="default") == ["m1", "m3"]


async def test_a_message_is_delivered_as_it_was_sent_and_its_receipt_is_there(autojump_clock: MockClock) -> None:
    message = {"text": "hello", "bytes": b"\0", "list": [1, 2.5, None]}
    async with cluster("alpha", "beta") as ((alpha, beta), _), beta.open_mailbox("box") as box:
        receipt = await alpha.send(beta.ref("box"), message, causal="default")
        assert await receive(box, 1) == [message]
        with trio.fail_after(A_WHILE):
            await receipt


async def test_a_message_to_oneself_is_there_at_once(autojump_clock: MockClock) -> None:
    async with cluster("alpha", "beta") as ((alpha, _), _), alpha.open_mailbox("box") as box:
        receipt = await alpha.send("alpha/box", "mine", causal="default")
        assert receipt.is_delivered
        assert box.receive_nowait() == "mine"


async def test_a_label_that_is_not_kept_is_an_error_with_the_nearest_name(autojump_clock: MockClock) -> None:
    async with cluster("alpha", "beta", labels=["orders"]) as ((alpha, _), _):
        with pytest.raises(SendError, match="did you mean 'orders'"):
            await alpha.send("beta/box", 1, causal="order")


async def test_a_reference_to_another_life_is_an_error_that_shows_it_as_it_was_written(
    autojump_clock: MockClock,
) -> None:
    async with cluster("alpha", "beta") as ((alpha, _), _):
        with pytest.raises(NodeDown, match="partisan://beta@7/box is of another life"):
            await alpha.send("beta@7/box", 1, causal="default")
        await until(lambda: left_over(alpha) == NOTHING)


async def test_without_the_extension_the_error_says_what_to_add() -> None:
    async with opened("alpha") as alpha:
        with pytest.raises(SendError, match='enable = \\["causal"\\]'):
            await alpha.send("alpha/box", 1, causal="default")


@pytest.mark.parametrize("label", ["", "no name", "x" * 129])
async def test_a_label_that_no_peer_would_read_is_refused_at_the_start(label: str) -> None:
    with pytest.raises(ConfigError, match=r"extensions\.causal\.labels\[0\].*expected a name"):
        async with opened("alpha", extensions={"enable": ["causal"], "causal": {"labels": [label]}}):
            pass


@pytest.mark.parametrize("seed", range(2))
async def test_random_talk_over_a_bad_network_keeps_causal_order(autojump_clock: MockClock, seed: int) -> None:
    names, messages = ("alpha", "beta", "gamma", "delta"), 60
    log: list[Event] = []
    numbers = count()
    rng = random.Random(seed)

    async def talk(node: Node, box: Mailbox) -> None:
        """Answer what comes, and say something at times."""
        life = Life(node.name, 1)
        while True:
            with trio.move_on_after(rng.random() / 5):
                log.append(Delivered(life, await box.receive()))
            if (number := next(numbers)) < messages:
                other = rng.choice([name for name in names if name != node.name])
                log.append(Sent(life, number, Life(other, 1)))
                await node.send(f"{other}/box", number, causal="default")

    async with cluster(*names, seed=seed) as (nodes, network), trio.open_nursery() as nursery:
        network.drop, network.double = 0.2, 0.05
        nursery.start_soon(cut_every, network, 1.0)
        for node in nodes:
            nursery.start_soon(talk, node, node.open_mailbox("box"))
        await until(lambda: len(log) >= 2 * messages)
        await until(lambda: all(left_over(node) == NOTHING for node in nodes))
        nursery.cancel_scope.cancel()
    assert violations(log) == [], f"seed {seed}"
    assert len(log) == 2 * messages


async def test_notes_that_make_no_sense_are_counted_and_harm_nothing(autojump_clock: MockClock) -> None:
    async with cluster("alpha", "beta") as ((alpha, beta), _), beta.open_mailbox("box") as box:
        for note in ("", "s", "a", "s!!!", "aAAAA", "sAAAA", "xAAAA", "s" + "A" * 4000, "\u00e4"):
            await alpha._kernel.ordering._post(beta.ref("box"), note, "forged", "default", None)
        await alpha.send("beta/box", "right", causal="default")
        assert await receive(box, 1) == ["right"]
        assert beta.counters["causal_discarded"] == 9


async def test_what_could_not_be_sent_is_waited_for_by_nobody(autojump_clock: MockClock) -> None:
    async with cluster("alpha", "beta") as ((alpha, beta), _), beta.open_mailbox("box") as box:
        await alpha.send("beta/box", 1, causal="default")
        with pytest.raises(EncodeError):
            await alpha.send("beta/box", object(), causal="default")
        await alpha.send("beta/box", 2, causal="default")
        assert await receive(box, 2) == [1, 2]
        await until(lambda: left_over(alpha) == NOTHING)


async def test_who_sends_waits_for_who_does_not_read(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partisan_causal.labels.MOST_UNCONFIRMED", 5)
    async with cluster("alpha", "beta") as ((alpha, beta), _), beta.open_mailbox("box", limit=3) as box:
        sent = 0
        with trio.move_on_after(60):
            for sent in range(100):
                await alpha.send("beta/box", sent, causal="default")
        assert 3 <= sent <= 10
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_all, alpha, range(sent, 100))
            assert await receive(box, 100) == list(range(100))


async def send_all(node: Node, messages: range) -> None:
    for message in messages:
        await node.send("beta/box", message, causal="default")


async def test_a_node_without_the_extension_has_a_dead_letter(autojump_clock: MockClock) -> None:
    async with cluster("alpha", "beta") as ((alpha, beta), _), beta.open_mailbox("box") as box:
        beta._kernel.postoffice.take_ordered = None  # as it is then
        await alpha.send("beta/box", 1, causal="default")
        await until(lambda: beta.dropped["no_mailbox"])
        assert not len(box)


async def test_a_confirmation_that_was_lost_is_asked_for_again(autojump_clock: MockClock) -> None:
    async with cluster("alpha", "beta") as ((alpha, beta), _), beta.open_mailbox("box") as box:
        postoffice, lost = alpha._kernel.postoffice, list[object]()
        keeping, postoffice.take_ordered = postoffice.take_ordered, lambda *answer: lost.append(answer)
        await alpha.send("beta/box", 1, causal="default")
        assert await receive(box, 1) == [1]
        await until(lambda: lost)
        postoffice.take_ordered = keeping
        await until(lambda: left_over(alpha) == NOTHING)


async def test_an_answer_to_a_probe_that_was_lost_is_asked_for_again(autojump_clock: MockClock) -> None:
    """Beta has heard of alpha's message to gamma, and sends nothing there itself."""
    async with cluster("alpha", "beta", "gamma") as ((alpha, beta, gamma), _):
        at_beta, at_gamma = beta.open_mailbox("box"), gamma.open_mailbox("box")
        postoffice, lost = beta._kernel.postoffice, list[object]()
        await alpha.send("gamma/box", 1, causal="default")
        await alpha.send("beta/box", 2, causal="default")
        assert await receive(at_beta, 1) == [2]
        keeping, postoffice.take_ordered = postoffice.take_ordered, lambda *answer: lost.append(answer)
        assert await receive(at_gamma, 1) == [1]
        await until(lambda: lost)
        postoffice.take_ordered = keeping
        await until(lambda: left_over(beta) == NOTHING)


async def test_who_would_have_too_much_to_name_waits_with_the_next_message(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partisan_causal.labels.MOST_NAMED", 2)
    async with cluster("alpha", "beta", "gamma") as ((alpha, beta, gamma), _), trio.open_nursery() as nursery:
        boxes = [node.open_mailbox("box", limit=1) for node in (beta, gamma)]
        nursery.start_soon(send_all, alpha, range(30))
        await alpha.send("gamma/box", 1, causal="default")
        await until(lambda: len(boxes[0]) == len(boxes[1]) == 1)
        with trio.move_on_after(60) as scope:
            await alpha.send("gamma/box", 2, causal="default")
        assert scope.cancelled_caught, "beta does not read"
        assert await receive(boxes[0], 30) == [*range(30)]
        await alpha.send("gamma/box", 3, causal="default")
        assert await receive(boxes[1], 2) == [1, 3]


async def test_a_message_that_is_refused_is_waited_for_by_nobody(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cluster("alpha", "beta") as ((alpha, beta), _), beta.open_mailbox("box") as box:
        monkeypatch.setattr("partisan_causal.order.MOST_KNOWN", -1)
        await alpha.send("beta/box", "refused", causal="default")
        await until(lambda: beta.counters["causal_discarded"])
        monkeypatch.undo()
        await alpha.send("beta/box", "the next", causal="default")
        assert await receive(box, 1) == ["the next"]
        await until(lambda: left_over(alpha) == left_over(beta) == NOTHING)


async def test_nothing_is_left_of_messages_to_nodes_without_a_link(autojump_clock: MockClock) -> None:
    """Beta has heard of alpha's message to gamma, and has no link there."""
    async with strangers("alpha", "beta", "gamma", extensions={"enable": ["causal"]}) as (_, alpha, beta, gamma):
        boxes = [node.open_mailbox("box") for node in (beta, gamma)]
        for name in ("gamma", "beta"):
            await alpha.send(f"{name}/box", name, causal="default")
        assert [await receive(box, 1) for box in boxes] == [["beta"], ["gamma"]]
        assert left_over(beta) == [(0, 1, 0)]
        await until(lambda: left_over(beta) == NOTHING)
