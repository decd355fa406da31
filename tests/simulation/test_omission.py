"""Nodes join and one leaves, and of all messages exactly one is lost: each in turn."""

import pytest

from partisan_testkit.schedules import settings_of
from partisan_testkit.schedules.omission import omit_each

NODES = 4


SCENARIOS = [(overlay, leaver) for overlay in ("fullmesh", "hyparview", "clientserver", "static") for leaver in (0, 3)]


@pytest.mark.parametrize(("overlay", "leaver"), [*SCENARIOS, ("scamp_v1", 3), ("scamp_v2", 3)])
def test_no_single_message_is_needed_for_all_to_be_well(overlay: str, leaver: int) -> None:
    complete, *omissions = omit_each(settings_of(overlay, NODES), leaver)
    assert complete.objection is None
    assert len(omissions) == complete.messages >= NODES
    assert [omission for omission in omissions if omission.objection is not None or not omission.lost] == []
