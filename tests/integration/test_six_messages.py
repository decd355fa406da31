"""Messages between six processes: every mailbox, every lane, keys, and references inside them."""

from random import Random

import pytest

from tests.integration.agent import MAILBOXES
from tests.integration.agents import Inbox
from tests.integration.six import NAMES, Six

CHANNELS = dict(zip(MAILBOXES, ("default", "pair", "bulk"), strict=True))
"""The channel on which each mailbox is written to."""

Message = tuple[str, int, int]
"""Sender, number, and a random value."""


def messages_of(sender: str, recipient: str, mailbox: str) -> list[Message]:
    rng = Random(f"{sender} to {recipient}/{mailbox}")
    return [(sender, number, rng.getrandbits(60)) for number in range(20)]


def test_every_node_reaches_every_mailbox_of_every_node_once_and_in_order(six: Six) -> None:
    for recipient in NAMES:
        for mailbox, channel in CHANNELS.items():
            for sender in NAMES:
                messages = messages_of(sender, recipient, mailbox)
                six[sender].tell("send", to=f"{recipient}/{mailbox}", messages=messages, channel=channel)
            for sender in NAMES:
                six[sender].answer(type(None))
    for recipient in NAMES:
        received = Inbox(six[recipient]).wait(20 * len(NAMES) * len(MAILBOXES))
        for mailbox in MAILBOXES:
            for sender in NAMES:
                of_sender = [tuple(message) for message in received[mailbox] if message[0] == sender]
                assert of_sender == messages_of(sender, recipient, mailbox)
    assert not any(look.dropped for look in six.looks().values())
    assert not any(six[name].received() for name in NAMES)


def test_each_pair_has_one_tcp_connection_for_each_lane_of_the_smaller_parallelism(six: Six) -> None:
    assert six.is_whole(), "each end lists exactly the lanes, all connected"
    assert six.sockets_fit()


def carrying(six: Six, sender: str, recipient: str, key: int | str, count: int = 20) -> set[int]:
    """Send on `bulk` under one key; the lanes that carried it, as the sender's bytes tell."""

    def written() -> dict[int, int]:
        rows = six[sender].look().lanes
        return {row.lane: row.bytes_out for row in rows if (row.peer, row.channel) == (recipient, "bulk")}

    before = written()
    messages = [[key, number, "x" * 1024] for number in range(count)]
    six[sender].do("send", to=f"{recipient}/a", messages=messages, channel="bulk", key=key)
    received = Inbox(six[recipient]).wait(count)
    assert received == {"a": messages}
    return {lane for lane, size in written().items() if size - before[lane] > 1024}


@pytest.mark.parametrize(("sender", "lanes"), [("server-1", 4), ("client-1", 2), ("client-3", 1)])
def test_a_key_keeps_to_one_lane_and_its_order_and_keys_spread_over_all_lanes(
    six: Six, sender: str, lanes: int
) -> None:
    used = set()
    for key in (*range(10), "a key", "another"):
        (lane,) = carrying(six, sender, "server-2", key)
        used.add(lane)
    assert used == set(range(lanes))


def test_a_key_has_the_same_lane_wherever_it_is_sent_from(six: Six) -> None:
    """Stable between processes, each of which hashes strings in its own way."""
    for key in ("a key", "another", 7):
        assert carrying(six, "server-1", "server-2", key) == carrying(six, "server-3", "server-2", key)


def test_a_reference_inside_a_message_is_replied_to(six: Six) -> None:
    for asker in NAMES:
        for whom in NAMES:
            six[asker].do("ask", whom=whom, question=f"by {asker}")
    for asker in NAMES:
        (answers,) = Inbox(six[asker]).wait(len(NAMES)).values()
        assert sorted(answers) == sorted(f"{whom} was asked by {asker}" for whom in NAMES)


def test_a_kept_reference_reaches_the_next_process_of_its_owner(six: Six) -> None:
    six["client-1"].do("ask", whom="server-1", question="who?")
    Inbox(six["client-1"]).wait(1)
    assert six["client-1"].close() == 0
    six.start("client-1").started()
    six["client-1"].do("join", contacts=six["server-3"].look().addresses)
    six.until_whole()
    six["server-1"].do("answer_again", whom="client-1", text="are you still there?")
    assert Inbox(six["client-1"]).wait(1) == {"a": ["are you still there?"]}
