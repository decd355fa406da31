"""Real processes on each overlay form, are repaired, and take one back: six here, sixteen with the command."""

import pytest

from tests.any_overlay.settings import SETTINGS, Setting
from tests.integration.sixteen import Sixteen, is_whole

BACK = 10.0
"""Seconds in which a node that was restarted on another port is back, on a machine that does other things, too. The
goal on a quiet one is 2: the command prints the time."""


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.overlay)
def test_processes_hang_together_survive_three_kills_at_once_and_take_one_back(setting: Setting) -> None:
    sixteen = Sixteen(setting, processes=6)
    try:
        sixteen.run()
    finally:
        sixteen.end()
    print(setting.overlay, sixteen.times)
    assert sixteen.times["back"] < BACK


def test_a_link_with_one_end_and_islands_are_not_whole() -> None:
    assert is_whole({"a": {"b"}, "b": {"a"}})
    assert not is_whole({"a": {"b"}, "b": set()})
    assert not is_whole({"a": {"b"}, "b": {"a"}, "c": set()})
    assert not is_whole({"a": {"b"}, "b": {"a", "dead"}})
