"""Every reason for which a message is not delivered is in one table."""

from partisan_core.drops import DropReason, with_node
from partisan_core.events import Reason


def test_whatever_ends_a_link_is_a_reason_to_drop_what_was_queued_for_it() -> None:
    of_nodes = {reason for reason in DropReason if reason.startswith("node_")}
    assert {with_node(reason) for reason in Reason} == of_nodes
