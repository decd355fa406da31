"""Of whole nodes that join, leave, send and monitor each frame of messages is lost once, in turn."""

import pytest

from partisan_core.kernel.requests import Request, Requests
from partisan_testkit.schedules import settings_of
from partisan_testkit.wholenodes.omission import DEEDS, omit_each

NODES = 3
"""Of a star one is a server, so that its clients monitor each other through it."""


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("overlay", ["fullmesh", "hyparview", "clientserver"])
def test_no_single_frame_is_needed(overlay: str, deed: str) -> None:
    omissions = [*omit_each(settings_of(overlay, NODES, servers=1), DEEDS[deed])]
    assert omissions
    assert [omission for omission in omissions if omission.objection] == []


def test_a_word_on_a_monitor_that_is_said_once_only_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partisan casts the end of what is monitored once; when that is lost, the watcher waits for ever."""
    monkeypatch.setattr(Requests, "ask", ask_once)
    omissions = omit_each(settings_of("fullmesh", NODES), DEEDS["monitor"])
    assert "a monitor was told nothing" in [omission.objection for omission in omissions]


def ask_once(requests: Requests, request: Request) -> None:
    requests.say(request)
