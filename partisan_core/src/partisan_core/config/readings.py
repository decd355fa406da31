"""How one value is read: a field's type carries its reading as `Annotated` metadata.

A reading turns what a file, the environment or a keyword says into a value, or says what it expected.
Plugins use the same readings, and may bring their own.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final, Generic, TypeVar, get_args, get_origin, get_type_hints

from partisan_core.errors import ConfigError
from partisan_core.identity import NAME_PATTERN

T = TypeVar("T")


class Reloadable:
    """What `RELOADABLE` is."""


RELOADABLE: Final = Reloadable()
"""Marks a key that a running node can take over anew: `fanout: Annotated[int, Count(1, 9), RELOADABLE] = 3`.

Whoever reads such a key reads it each time, and keeps no copy. Since: 1.3
"""


class Expected(ValueError):
    """What a value should have been. Whoever knows the file, the key and the value adds them."""


class Reading(ABC, Generic[T]):
    """Reads one kind of value."""

    @abstractmethod
    def parse(self, value: object) -> T:
        """Turn `value` into its type.

        Raises:
            Expected: when it is of another type or cannot be read.
        """

    @abstractmethod
    def check(self, value: T) -> None:
        """Check the bounds of a value of the right type.

        Raises:
            Expected: when it is out of bounds.
        """

    def read(self, value: object) -> T:
        """Parse, then check."""
        parsed = self.parse(value)
        self.check(parsed)
        return parsed


@dataclass(frozen=True, slots=True)
class Count(Reading[int]):
    """A whole number from `least` to `most`."""

    least: int
    most: int

    def parse(self, value: object) -> int:
        """Accept a number; neither text nor a truth value is one."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise Expected(f"a whole number from {self.least} to {self.most}")
        return value

    def check(self, value: int) -> None:
        """Compare with both bounds."""
        if not self.least <= value <= self.most:
            raise Expected(f"a whole number from {self.least} to {self.most}")


@dataclass(frozen=True, slots=True)
class Name(Reading[str]):
    """The name of a node, a cluster or a channel."""

    may_be_empty: bool = False

    def parse(self, value: object) -> str:
        """Accept text."""
        if not isinstance(value, str):
            raise Expected('text in quotes, for example "alpha"')
        return str(value)

    def check(self, value: str) -> None:
        """Compare with the pattern of all names."""
        if not (NAME_PATTERN.fullmatch(value) or (self.may_be_empty and not value)):
            raise Expected("a name: 1 to 128 of the characters A-Z a-z 0-9 . _ @ : -")


@dataclass(frozen=True, slots=True)
class Texts(Reading[Mapping[str, str]]):
    """A table of texts, bounded because it travels in every handshake."""

    most: int
    """How many entries."""
    most_bytes: int
    """All keys and values together, in UTF-8."""

    def parse(self, value: object) -> Mapping[str, str]:
        """Accept a table in which every value is text."""
        if not isinstance(value, Mapping):
            raise Expected('a table of texts, for example { zone = "eu-1" }')
        for key, text in value.items():
            if not isinstance(text, str):
                raise Expected(f'a table of texts: write {key} = "{text}"')
        return {str(key): str(text) for key, text in value.items()}

    def check(self, value: Mapping[str, str]) -> None:
        """Compare number and size with their bounds."""
        size = sum(len(key.encode()) + len(text.encode()) for key, text in value.items())
        if len(value) > self.most or size > self.most_bytes:
            raise Expected(
                f"at most {self.most} entries of together {self.most_bytes} bytes, as they travel in each "
                f"handshake; these are {len(value)} of {size} bytes"
            )


def reading_of(annotation: object) -> "Reading[object] | None":
    """Return the reading that an annotation carries."""
    if get_origin(annotation) is not Annotated:
        return None
    return next((extra for extra in get_args(annotation)[1:] if isinstance(extra, Reading)), None)


def is_reloadable(annotation: object) -> bool:
    """Whether an annotation carries the mark."""
    return get_origin(annotation) is Annotated and RELOADABLE in get_args(annotation)[1:]


@cache
def _readings(table: type) -> dict[str, Reading[object]]:
    """The fields of a class that have a reading: found once, at the first instance."""
    found = {name: reading_of(hint) for name, hint in get_type_hints(table, include_extras=True).items()}
    return {name: reading for name, reading in found.items() if reading is not None}


class Misfit(ConfigError):
    """One value of a table is out of bounds, or contradicts another one."""

    def __init__(self, table: object, key: tuple[str, ...], expected: str) -> None:
        value: object = getattr(table, key[0], None)
        super().__init__(f"{type(table).__name__}({key[0]}={value!r}): expected {expected}")
        self.key = key
        self.expected = expected


class Table:
    """Parent of the configuration's classes: what is made in code obeys the same bounds as what is read."""

    __slots__ = ()

    def __post_init__(self) -> None:
        table: type = type(self)
        for name, reading in _readings(table).items():
            try:
                reading.check(getattr(self, name))
            except Expected as error:
                raise Misfit(self, (name,), str(error)) from None
        for key, expected in self.conflicts():
            raise Misfit(self, key, expected)

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield (key path below this table, what was expected) where values contradict each other."""
        yield from ()
