"""One task for all timers of a node: a heap of callbacks on trio's clock."""

import heapq
import itertools
import math
from collections.abc import Callable

import trio


class Timers:
    """Calls synchronous functions later; works under a virtual clock."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._earlier = trio.Event()

    def call_later(self, after: float, callback: Callable[[], None]) -> None:
        """Call `callback()` after `after` seconds. There is no cancelling: a stale call is recognised by its owner."""
        entry = (trio.current_time() + after, next(self._order), callback)
        heapq.heappush(self._heap, entry)
        if self._heap[0] is entry:
            self._earlier.set()

    async def run(self) -> None:
        """Serve for ever."""
        while True:
            now = trio.current_time()
            while self._heap and self._heap[0][0] <= now:
                heapq.heappop(self._heap)[2]()
            self._earlier = trio.Event()
            with trio.move_on_at(self._heap[0][0] if self._heap else math.inf):
                await self._earlier.wait()
