"""Prints the matrix: `python -m tests.any_overlay [OVERLAY...]`. What fails is said on standard error."""

import sys
import traceback
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from trio.testing import MockClock

from tests.any_overlay.matrix import Matrix, written
from tests.any_overlay.observing import observe
from tests.any_overlay.settings import SETTINGS, Setting
from tests.any_overlay.trials import TRIALS, Trial


def main() -> None:
    """Run every trial on every overlay."""
    observed: Matrix = {}
    for trial in TRIALS:
        observed[trial.title] = {setting.overlay: cell(trial, setting) for setting in SETTINGS}
    sys.stdout.write(written(observed))


def cell(trial: Trial, setting: Setting) -> str:
    """What was seen; or that it failed."""
    with TemporaryDirectory() as folder:
        try:
            return trio.run(partial(observe, trial, setting, Path(folder)), clock=MockClock(autojump_threshold=0))
        except BaseExceptionGroup as failure:
            sys.stderr.write(f"{setting.overlay}, {trial.name}:\n")
            traceback.print_exception(failure)
            return "FAILED"


if __name__ == "__main__":
    main()
