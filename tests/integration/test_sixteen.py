"""Real processes form, are repaired, and take one back: six here on two overlays, sixteen on all by command."""

import pytest

from tests.any_overlay.settings import SETTINGS, Setting
from tests.integration.sixteen import BACK, Sixteen, is_whole

PARTIAL = [setting for setting in SETTINGS if setting.overlay in {"hyparview", "static"}]
"""In these a node knows some of the others only, in two ways."""


@pytest.mark.parametrize("setting", PARTIAL, ids=lambda setting: setting.overlay)
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
