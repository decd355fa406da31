"""Durations and sizes, with their unit always written: `"500ms"`, `"8MiB"`.

A bare number is refused, because its reader and its writer may think of different units. Only 0 needs none.
"""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Final

from partisan_core.config.readings import Expected, Reading

DURATIONS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
"""Seconds of each unit."""
SIZES: Final = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
"""Bytes of each unit."""

NEVER: Final = "never"
"""What is written for an infinite duration."""

_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?(ms|s|m|h)")
_SIZE = re.compile(r"([0-9]{1,15}) ?(B|KiB|MiB|GiB)")

LONGEST: Final = 366 * 24 * 3600.0
"""A year. Chosen: what is longer is a slip of the unit."""
LARGEST: Final = 1024**4
"""A tebibyte. Chosen likewise."""


def parse_duration(value: object) -> float:
    """Return the seconds of `"500ms"`, `"2s"`, `"1.5m"`, `"1h"` or 0.

    Raises:
        Expected: when it is none of these; for a bare number, with the two things it may have meant.
    """
    if _is_number(value):
        if value == 0:
            return 0.0
        raise Expected(f'a duration with its unit: "{value}ms" or "{value}s"')
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Expected('a duration, for example "500ms", "2s", "1.5m" or "1h"')
    return float(match[1]) * DURATIONS[match[2]]


def parse_size(value: object) -> int:
    """Return the bytes of `"512B"`, `"64KiB"`, `"8MiB"`, `"1GiB"` or 0.

    Raises:
        Expected: when it is none of these; for a bare number, with the two things it may have meant.
    """
    if _is_number(value):
        if value == 0:
            return 0
        raise Expected(f'a size with its unit: "{value}B" or "{value}KiB"')
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Expected('a size in whole units, for example "512B", "64KiB", "8MiB" or "1GiB"')
    return int(match[1]) * SIZES[match[2]]


def format_duration(seconds: float) -> str:
    """Write a duration as it is written in a file, in the largest unit that needs no fraction.

    Finer than a millisecond is rounded.
    """
    if math.isinf(seconds):
        return NEVER
    thousandths = round(seconds * 1000)
    for unit in ("h", "m", "s"):
        whole = round(DURATIONS[unit] * 1000)
        if thousandths and thousandths % whole == 0:
            return f"{thousandths // whole}{unit}"
    return f"{thousandths}ms"


def format_size(size: int) -> str:
    """Write a size as it is written in a file, in the largest unit that needs no fraction."""
    unit = next((unit for unit in ("GiB", "MiB", "KiB") if size and size % SIZES[unit] == 0), "B")
    return f"{size // SIZES[unit]}{unit}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Duration(Reading[float]):
    """A duration in seconds."""

    least: float = 0.0
    most: float = LONGEST

    def parse(self, value: object) -> float:
        """See `parse_duration`."""
        return parse_duration(value)

    def check(self, value: float) -> None:
        """Compare with both bounds."""
        if not self.least <= value <= self.most:
            raise Expected(f"a duration from {format_duration(self.least)} to {format_duration(self.most)}")


@dataclass(frozen=True, slots=True)
class DurationOrNever(Duration):
    """A duration in seconds, or `"never"`, which is infinite."""

    most: float = math.inf

    def parse(self, value: object) -> float:
        """Accept both."""
        return math.inf if value == NEVER else parse_duration(value)


@dataclass(frozen=True, slots=True)
class Size(Reading[int]):
    """A size in bytes."""

    least: int = 0
    most: int = LARGEST

    def parse(self, value: object) -> int:
        """See `parse_size`."""
        return parse_size(value)

    def check(self, value: int) -> None:
        """Compare with both bounds."""
        if not self.least <= value <= self.most:
            raise Expected(f"a size from {format_size(self.least)} to {format_size(self.most)}")


Seconds = Annotated[float, Duration()]
"""A duration that may be 0."""
PositiveSeconds = Annotated[float, Duration(least=0.001)]
"""A duration of at least a millisecond: a deadline, an interval."""
Bytes = Annotated[int, Size()]
"""A size that may be 0."""
