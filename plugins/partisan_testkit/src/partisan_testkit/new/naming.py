"""What a new overlay may be called, and what follows from its name."""

import re
from dataclasses import dataclass
from importlib.metadata import version
from keyword import iskeyword

from partisan_core.plugins import API_VERSION, Plugins

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 40
"""Chosen: fits into a line of a table, with the prefix of the distribution."""


class BadName(ValueError):
    """The name cannot be used; says why, and how it may be written."""


@dataclass(frozen=True, slots=True)
class Naming:
    """One name in the spellings that a distribution needs."""

    name: str
    """What a configuration calls it."""

    @property
    def package(self) -> str:
        """What programs import."""
        return f"partisan_overlay_{self.name}"

    @property
    def distribution(self) -> str:
        """What pip installs."""
        return self.package.replace("_", "-")

    @property
    def class_name(self) -> str:
        """What the machine is called."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def words(self) -> dict[str, str]:
        """What stands for the `$words` of the template."""
        return {
            "name": self.name,
            "package": self.package,
            "distribution": self.distribution,
            "Class": self.class_name,
            "api": ".".join(map(str, API_VERSION)),
            "range": _range(version("partisan-core")),
        }


def check_name(name: str) -> Naming:
    """Say what a new overlay is called.

    Raises:
        BadName: it is no name for a Python package, or an installed overlay has it already.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise BadName(
            f"{name[:80]!r} cannot be the name of an overlay: use at most {_LONGEST} of a-z, 0-9 and single _ between "
            f"them, a letter first{_hint(name)}"
        )
    if iskeyword(name):
        raise BadName(f"{name!r} is a word of Python's own: use another name, for example {name}_overlay")
    taken = [info.distribution for info in Plugins().listing() if (info.kind, info.name) == ("overlay", name)]
    if taken:
        raise BadName(f"{name!r} is the name of an overlay of {taken[0]}, which is installed: use another name")
    return Naming(name)


def _hint(name: str) -> str:
    """The nearest name that is one."""
    words = re.findall(r"[A-Z]*[a-z0-9]+|[A-Z]+", name)
    near = "_".join(words).lower().lstrip("0123456789_")[:_LONGEST].rstrip("_")
    return f" (for example {near!r})" if _NAME.fullmatch(near) else ""


def _range(core: str) -> str:
    """The versions of the core that have the API of this one: as the distributions of this project ask for it."""
    major, minor, *_ = core.split(".")
    return f">={major}.{minor},<{major}.{int(minor) + 1}"
