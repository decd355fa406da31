"""One application suite, unchanged on every overlay; and the page that says what it saw."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.any_overlay.cluster import PATIENCE, formed
from tests.any_overlay.matrix import PAGE, read, written
from tests.any_overlay.observing import observe
from tests.any_overlay.settings import SETTINGS, Setting
from tests.any_overlay.trials import TRIALS, YES, Trial, connections_of_channels, discovery, messages_to_neighbours
from tests.workspace import ROOT

TOLD = read((ROOT / PAGE).read_text())


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.overlay)
async def test_an_overlay_does_what_the_page_says(
    setting: Setting, trial: Trial, tmp_path: Path, autojump_clock: MockClock
) -> None:
    assert await observe(trial, setting, tmp_path) == TOLD[trial.title][setting.overlay]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.overlay)
async def test_over_real_connections_it_is_no_different(setting: Setting) -> None:
    with trio.fail_after(PATIENCE):
        async with formed(setting, real=True) as cluster:
            for trial in (messages_to_neighbours, connections_of_channels, discovery):
                assert await trial(cluster) == YES


def test_the_page_has_a_row_for_each_trial_and_a_column_for_each_overlay() -> None:
    assert written(TOLD) in (ROOT / PAGE).read_text()


def test_what_must_hold_everywhere_does() -> None:
    assert {trial.title for trial in TRIALS if trial.everywhere and {*TOLD[trial.title].values()} != {YES}} == set()
