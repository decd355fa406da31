"""The page of events and counters agrees with the code in both directions; each name has a test that emits it."""

import ast
import logging
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from partisan_core import notices
from partisan_core.drops import DropReason
from partisan_core.kernel.journal import Journal
from partisan_core.notices import Snapshot
from partisan_core.views import ChannelRow
from partisan_core.wire.messages import Refused
from tests.named import codes, rows, source_of
from tests.workspace import ROOT

CORE = ROOT / "partisan_core" / "src" / "partisan_core"
PAGE = ROOT / "docs" / "reference" / "events.md"

HERE = "tests/core/kernel/test_events.py::"
KERNEL = "tests/core/kernel/"
DIAL, RELAY = KERNEL + "test_unconnected_dial.py::", KERNEL + "test_unconnected_relay.py::"
MONITORS = KERNEL + "test_monitors_at_odds.py::"

EMITTED = {
    "Snapshot": HERE + "test_who_misses_events_is_told_how_things_stand",
    "MemberJoined": HERE + "test_members_that_come_and_go_are_told",
    "MemberLeft": HERE + "test_members_that_come_and_go_are_told",
    "NeighbourUp": KERNEL + "test_refusals.py::test_a_newcomer_takes_over_the_name_of_a_node_that_does_not_answer",
    "NeighbourDown": KERNEL + "test_open_node.py::test_leaving_is_told_as_left",
    "PeerSuspected": KERNEL + "test_virtual_time.py::test_a_cut_connection_is_redialled_at_once_and_nobody_is_down",
    "PeerTrusted": KERNEL + "test_virtual_time.py::test_a_cut_connection_is_redialled_at_once_and_nobody_is_down",
    "ChannelUp": KERNEL + "test_virtual_time.py::test_a_cut_lane_is_a_channel_event_and_order_and_messages_are_kept",
    "ChannelDown": KERNEL + "test_virtual_time.py::test_a_cut_lane_is_a_channel_event_and_order_and_messages_are_kept",
    "Gap": KERNEL + "test_hostile_bytes.py::test_what_was_delivered_is_not_delivered_again_and_what_was_lost_is_a_gap",
    "Undelivered": "tests/acked/test_undelivered.py"
    "::test_when_the_peer_dies_receipts_and_a_notice_say_what_is_unknown_and_what_was_not_sent",
    "DialRefused": KERNEL + "test_send.py::test_a_lane_that_is_refused_is_noticed_and_dialled_with_growing_pauses",
    "PeerRefused": KERNEL + "test_refusals.py::test_nodes_that_do_not_fit_refuse_each_other_with_both_values",
    "DeadLetter": KERNEL + "test_send.py::test_a_message_for_a_missing_mailbox_is_a_counted_and_noticed_dead_letter",
    "FaultInjected": "tests/faults/test_frame_faults.py::test_each_firing_is_counted_and_one_in_a_second_is_told",
    "Retired": "tests/integration/test_members.py::test_an_evicted_node_learns_it_and_may_join_again_at_once",
    "dials": HERE + "test_each_try_to_connect_is_a_dial",
    "callback_errors": KERNEL
    + "test_subscriptions.py::test_a_callback_that_raises_is_logged_and_counted_and_disturbs_nobody",
    "extension_errors": "tests/core/plugins/test_extensions.py::"
    "test_an_observer_that_raises_is_logged_and_counted_and_hurts_neither_node_nor_the_next_observer",
    "machine_errors": KERNEL
    + "test_open_node.py::test_a_strategy_that_raises_is_loud_when_strict_and_counted_otherwise",
    "detector_messages_ignored": KERNEL
    + "test_detecting.py::test_what_is_no_message_of_the_detector_is_counted_and_hurts_nobody",
    "downed": KERNEL + "test_downing.py::test_a_member_that_does_not_come_back_is_evicted_after_the_time",
    "state_damaged": KERNEL + "test_open_node.py::test_a_damaged_state_file_is_put_aside_and_counted",
    "state_errors": KERNEL + "test_rejoin.py::test_a_state_that_cannot_be_saved_is_counted_and_the_node_goes_on",
    "refused_CODE": HERE + "test_who_is_turned_away_is_counted_by_the_reason",
    "queue_full": HERE + "test_what_a_policy_drops_is_counted_as_queue_full",
    "lost_with_connection": "tests/integration/test_broken_connections.py::"
    "test_resets_lose_no_peer_and_no_order_and_every_loss_is_a_gap",
    "gap": KERNEL + "test_hostile_bytes.py::test_what_was_delivered_is_not_delivered_again_and_what_was_lost_is_a_gap",
    "no_channel": DIAL + "test_what_the_other_end_cannot_take_is_dropped_with_its_reason",
    "too_large": DIAL + "test_what_the_other_end_cannot_take_is_dropped_with_its_reason",
    "no_route": RELAY + "test_a_relay_without_a_link_drops_and_counts",
    "relay_full": RELAY + "test_a_full_way_through_a_relay_loses_messages_and_stops_nobody_else",
    "relay_refused": RELAY + "test_a_node_whose_rule_is_another_neither_relays_nor_takes_what_was_relayed",
    "no_session": "tests/acked/test_relayed_bad_input.py::test_an_acknowledgement_of_a_third_node_changes_nothing",
    "no_mailbox": KERNEL + "test_send.py::test_a_message_for_a_missing_mailbox_is_a_counted_and_noticed_dead_letter",
    "node_REASON": KERNEL + "test_virtual_time.py::test_senders_that_wait_are_told_when_the_peer_is_down",
    "slow_peer": KERNEL + "test_slow_peer.py::test_a_peer_that_does_not_read_loses_its_lane_and_is_not_down",
    "undecodable": KERNEL + "test_hostile_bytes.py::test_a_bad_frame_closes_its_lane_by_name_and_the_session_resumes",
    "unreadable": KERNEL + "test_registered_types.py::test_an_unknown_type_costs_its_own_messages_alone",
    "no_monitor": MONITORS + "test_forged_words_on_monitors_are_counted_and_change_nothing",
    "bad_monitor": MONITORS + "test_words_that_are_none_are_counted_and_discarded",
    "monitors_full": MONITORS + "test_a_peer_has_no_more_monitors_than_the_limit",
    "membership_full": HERE + "test_an_overlay_that_says_more_than_its_lane_holds_is_counted",
}
"""name -> the test in which it is emitted."""


# What the code has names for.


def reported() -> dict[str, Any]:
    """The events: Structs that stand in the union."""
    return {kind.__name__: kind for kind in get_args(notices.Notice)}


def literal(argument: ast.expr) -> Iterator[str]:
    """The name that an expression stands for; none where it is the name of a notice."""
    match argument:
        case ast.Constant(value=str(value)):
            yield value
        case ast.JoinedStr(values=parts):
            yield "".join(map(family, parts))


def family(part: ast.expr) -> str:
    """A part of `f"node_{reason}"`, which becomes `node_REASON`."""
    match part:
        case ast.FormattedValue(value=value):
            return ast.unparse(value).upper()
        case _:
            return str(ast.literal_eval(part))


def counted() -> Iterator[str]:
    """The names of the core's `journal.counters[name]`."""
    for path in sorted(CORE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Subscript(value=ast.Attribute(attr="counters"), slice=index):
                    yield from literal(index)


def dropped() -> set[str]:
    """The reasons of dropped messages; those of a node that went down are one family."""
    return {"node_REASON" if reason.startswith("node_") else str(reason) for reason in DropReason}


def column(heading: str, index: int = 0) -> list[str]:
    return [row.cells[index] for row in rows(PAGE) if row.heading == heading]


def named(heading: str) -> list[str]:
    return [name for cell in column(heading) for name in codes(cell)]


# The page and the code agree.


def test_the_names_in_the_code_are_found_at_all() -> None:
    assert {"queue_full", "gap", "node_REASON"} <= dropped()
    assert {"dials", "machine_errors", "refused_CODE"} <= {*counted()}


def test_each_event_has_its_row_with_its_fields_and_nothing_else_has() -> None:
    kinds = [one for one in vars(notices).values() if isinstance(one, type) and one.__module__ == notices.__name__]
    assert {kind.__name__ for kind in kinds} == {*reported()}, "every Struct of the module is a Notice"
    shown = {codes(name)[0]: codes(fields) for name, fields in zip(column("Events"), column("Events", 2), strict=True)}
    assert shown == {name: [*kind.__struct_fields__] for name, kind in reported().items()}


async def test_each_event_is_logged_with_the_level_in_its_row(caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal("alpha", lambda: Snapshot((), ()))
    shown = {codes(name)[0]: level for name, level in zip(column("Events"), column("Events", 3), strict=True)}
    del shown["Snapshot"]
    levels: dict[str, str] = {}
    with caplog.at_level(logging.DEBUG, "partisan.link"):
        for name in shown:
            kind = reported()[name]
            caplog.clear()
            journal.report(kind(*[None] * len(kind.__struct_fields__)))
            levels[name] = caplog.records[0].levelname
            assert journal.counters[name] == 1
    assert levels == shown


def test_each_counter_has_its_row_and_nothing_else_has() -> None:
    families = [name for name in named("Counters") if name in {*counted()}]
    assert {*counted()} == {*families}
    refused = {*codes(" ".join(column("Counters")))} - {*families}
    assert refused == {*Refused} | {*door_words()}


def door_words() -> Iterator[str]:
    """Codes of the door itself, beside those of a handshake."""
    source = ast.parse((CORE / "kernel" / "doorway.py").read_text())
    for node in ast.walk(source):
        match node:
            case ast.Call(func=ast.Attribute(attr="_refused"), args=[_, ast.Constant(value=str(code)), *_]):
                yield code


def test_each_reason_of_a_dropped_message_has_its_row_and_nothing_else_has() -> None:
    assert sorted(named("Messages that were not delivered")) == sorted(dropped())


def test_each_total_of_a_channel_has_its_row() -> None:
    assert named("Totals by channel") == [*ChannelRow.__struct_fields__]


# Partisan's names: those of its three events, and those that it documents and never emits.

PARTISAN = {
    "channel": ["configured"],
    "connection client": ["heartbeat"],
    "connection server": ["heartbeat"],
    "membership peer": ["join", "leave", "up", "down"],
    "peer channel": ["up", "down"],
    "socket": ["open", "connect", "recv", "send", "close", "tag_msg"],
    "connection": ["connections", "monitors", "new", "outstanding", "owners"],
    "queue": ["unacknowledged", "retransmitted", "undelivered", "delivered"],
    "plumtree": ["outstanding", "eager", "lazy"],
}


def test_each_of_partisans_names_has_its_row() -> None:
    theirs = [f"{group} {name}" for group, listed in PARTISAN.items() for name in listed]
    assert sorted(named("Beside Partisan's")) == sorted(theirs)


# Each name is emitted.


def test_each_name_has_a_test_in_which_it_is_emitted() -> None:
    assert {*EMITTED} == {*reported()} | {*counted()} | dropped()


@pytest.mark.parametrize("name", EMITTED)
def test_the_test_of_a_name_exists_and_speaks_of_it(name: str) -> None:
    source = source_of(EMITTED[name])
    assert source is not None, f"{EMITTED[name]} does not exist"
    assert name.replace("CODE", "").replace("REASON", "") in source
