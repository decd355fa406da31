"""Wheels, and empty environments to install them in."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from tests.workspace import ROOT, distributions

SCRIPTS = ROOT / "tests" / "packaging_scripts"
UV = os.environ.get("UV") or shutil.which("uv")
"""Installs in a second what takes pip half a minute; without it the tests use pip."""

UV_LIKE_PIP = [
    "--no-sources",
    *(f"--refresh-package={one.folder.name.replace('_', '-')}" for one in distributions()),
]
"""pip knows no workspace, and no cache of folders whose pyproject.toml has not changed."""


def run(command: Sequence[str | Path], cwd: Path, *, code: int = 0) -> str:
    """Run to the end and return the output; a failure shows what the command said."""
    unwanted = {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    environ = {key: value for key, value in os.environ.items() if key not in unwanted}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build_wheel(folder: Path, target: Path) -> Path:
    """Build the distribution in `folder` and return the wheel, which is put into `target`."""
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, folder], ROOT)
    [wheel] = target.glob("*.whl")
    return wheel


class Environment:
    """An empty virtual environment, and what is installed in it."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder / "venv", with_pip=UV is None, symlinks=os.name != "nt")
        self.python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        self.elsewhere = folder
        """A working directory far from the repository, whose folders are named like the packages."""

    def install(self, *what: str | Path) -> None:
        """`pip install`, from the root of the repository."""
        pip: list[str | Path] = (
            [UV, "pip", "install", *UV_LIKE_PIP, "--python", self.python]
            if UV
            else [self.python, "-m", "pip", "install"]
        )
        run([*pip, *what], ROOT)

    def run_script(self, name: str) -> str:
        """Run one of our scripts."""
        return run([self.python, SCRIPTS / f"{name}.py"], self.elsewhere)

    def command(self, *arguments: str, code: int = 0) -> str:
        """`partisan`, as it was installed."""
        return run([self.python.with_name("partisan"), *arguments], self.elsewhere, code=code)
