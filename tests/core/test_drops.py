"""Every reason for which a message is not delivered is in one table, and in the documentation."""

import re

from partisan_core.drops import DropReason, with_node
from partisan_core.events import Reason
from tests.workspace import ROOT


def test_whatever_ends_a_link_is_a_reason_to_drop_what_was_queued_for_it() -> None:
    of_nodes = {reason for reason in DropReason if reason.startswith("node_")}
    assert {with_node(reason) for reason in Reason} == of_nodes


def test_every_reason_is_documented_and_none_that_does_not_exist() -> None:
    page = (ROOT / "docs" / "reference" / "send.md").read_text()
    table = page.partition("## What was dropped, and why")[2].partition("\n## ")[0]
    documented = {
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert documented == {reason.value for reason in DropReason}
