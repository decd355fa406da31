"""What a figure depends on beside our code."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("trio", "msgspec", "pyzmq")


def describe() -> str:
    """Say in one line which Python, libraries, processors and kernel the figures come from."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    kernel = f"{platform.system()} {platform.release()}"
    return ", ".join((python, *map(_describe, _LIBRARIES), f"{os.cpu_count()} processors", kernel))


def _describe(distribution: str) -> str:
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        return f"no {distribution}"
