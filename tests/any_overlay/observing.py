"""How a trial is run on an overlay."""

from pathlib import Path

from tests.any_overlay.cluster import formed
from tests.any_overlay.settings import Setting
from tests.any_overlay.trials import Trial


async def observe(trial: Trial, setting: Setting, folder: Path) -> str:
    """Run one trial on a cluster of its own, and return what it saw."""
    async with formed(setting, folder=folder if trial.keeps_state else None) as cluster:
        return await trial.run(cluster)
