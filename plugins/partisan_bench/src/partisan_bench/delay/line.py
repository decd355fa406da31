"""What is under way in one direction of a connection: held until its time has come, within a window. Pure."""

from collections import deque


class DelayLine:
    """Bytes come out `delay` seconds after they went in, in their order.

    A byte counts against the window until the news that it came out could be back at its sender, which is `delay`
    after that: as in TCP, one connection carries at most a window per round trip.
    """

    def __init__(self, delay: float, window: int) -> None:
        self.delay = delay
        self._window = window
        self._counted = 0
        self._held: deque[tuple[float, memoryview]] = deque()
        self._arrived: deque[tuple[float, int]] = deque()

    def room(self, now: float) -> int:
        """Return how many bytes may go in."""
        while self._arrived and self._arrived[0][0] <= now:
            self._counted -= self._arrived.popleft()[1]
        return self._window - self._counted

    def put(self, data: bytes, now: float) -> None:
        """Take what has been read, at most `room`; nothing means that the sender has ended."""
        self._counted += len(data)
        self._held.append((now + self.delay, memoryview(data)))

    def due(self, now: float) -> memoryview | None:
        """Return what comes out first, if its time has come; it is empty when the sender has ended there."""
        return self._held[0][1] if self._held and self._held[0][0] <= now else None

    def take(self, count: int, now: float) -> None:
        """So many bytes of `due` have been written."""
        moment, data = self._held.popleft()
        self._arrived.append((now + self.delay, count))
        if count < len(data):
            self._held.appendleft((moment, data[count:]))
