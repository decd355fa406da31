"""What a figure depends on beside our code."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("trio", "msgspec", "pyzmq")


def describe() -> str:
    """Say in one line which Python, libraries, processors, load and kernel the figures come from."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    kernel = f"{platform.system()} {platform.release()}"
    processors = f"{os.cpu_count()} processors under a load of {os.getloadavg()[0]:.1f}"
    return ", ".join((python, *map(_describe, _LIBRARIES), processors, kernel))


def _describe(distribution: str) -> str:
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        return f"no {distribution}"
