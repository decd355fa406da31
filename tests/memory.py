"""How much memory a process holds."""

import os
from pathlib import Path


def resident(process: int | None = None) -> float:
    """MiB in memory of the process of that id, or of this one."""
    pages = int(Path(f"/proc/{process or os.getpid()}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
