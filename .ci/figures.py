"""Prints two figures with a budget: what importing a node costs beyond trio, and the core's lines."""

import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.workspace import code_lines  # noqa: E402

RUNS = 11
MEASURE = """
from time import process_time
import trio
before = process_time()
from partisan_core import open_node
print((process_time() - before) * 1000)
"""


def import_milliseconds() -> float:
    """Processor time, median over fresh interpreters; trio is imported before the clock starts."""
    command = [sys.executable, "-c", MEASURE]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(RUNS)]  # noqa: S603
    return median(float(one.stdout) for one in runs)


def core_lines() -> int:
    """Lines of code of the core, without blank lines, comments and docstrings."""
    return sum(code_lines(path.read_text()) for path in (ROOT / "partisan_core" / "src").rglob("*.py"))


print(f"import of open_node beyond trio: {import_milliseconds():.0f} ms, median of {RUNS} (budget 150 ms)")
print(f"partisan_core: {core_lines()} lines of code (budget about 6000)")
