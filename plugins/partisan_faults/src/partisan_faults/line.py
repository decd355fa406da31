"""What is held back of one direction of one connection, in its order; pure."""

import math
from collections import deque
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class _Held(NamedTuple, Generic[T]):
    item: T
    size: int
    due: float


class Line(Generic[T]):
    """A queue whose items may go from a moment on, none before the one ahead of it; but for those put aside."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes held."""
        self._waiting: deque[_Held[T]] = deque()
        self._aside: list[_Held[T]] = []
        """To be overtaken by the next item, or to go on when nothing has overtaken it in time."""

    def __bool__(self) -> bool:
        return bool(self._waiting or self._aside)

    @property
    def due(self) -> float:
        """When something can go; infinity: nothing is held."""
        ahead = self._waiting[0].due if self._waiting else math.inf
        return min([ahead, *(held.due for held in self._aside)])

    @property
    def all_due(self) -> float:
        """When all of it can go."""
        return max([held.due for held in (*self._waiting, *self._aside)], default=-math.inf)

    def put(self, item: T, size: int, due: float) -> None:
        """Add an item that may go at `due`; what was put aside follows it."""
        self._waiting.append(_Held(item, size, due))
        self._waiting.extend(held._replace(due=due) for held in self._aside)
        self._aside = []
        self.size += size

    def put_aside(self, item: T, size: int, until: float) -> None:
        """Add an item that waits to be overtaken, at most until then."""
        self._aside.append(_Held(item, size, until))
        self.size += size

    def take(self, now: float) -> list[T]:
        """Remove and return what may go."""
        for held in [held for held in self._aside if held.due <= now]:
            self._aside.remove(held)
            self._waiting.append(held)
        taken = []
        while self._waiting and self._waiting[0].due <= now:
            held = self._waiting.popleft()
            self.size -= held.size
            taken.append(held.item)
        return taken

    def release(self) -> None:
        """Everything may go now."""
        self._waiting.extend(self._aside)
        self._aside = []
        self._waiting = deque(held._replace(due=-math.inf) for held in self._waiting)
