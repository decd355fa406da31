"""Whom not to ask again yet. Pure."""


class Backoff:
    """Pauses that double, of at most `most` names: the latest."""

    def __init__(self, first: float, longest: float, most: int) -> None:
        self._first, self._longest, self._most = first, longest, most
        self._pauses: dict[str, tuple[float, float]] = {}

    def pause(self, name: str, now: float) -> None:
        """Do not ask `name` for a while, twice as long as the last time."""
        _, length = self._pauses.pop(name, (0.0, self._first / 2))
        length = min(2 * length, self._longest)
        self._pauses[name] = (now + length, length)
        if len(self._pauses) > self._most:
            del self._pauses[next(iter(self._pauses))]

    def is_over(self, name: str, now: float) -> bool:
        """Say whether `name` may be asked."""
        pause = self._pauses.get(name)
        return pause is None or pause[0] <= now

    def clear(self, name: str) -> None:
        """Forget that `name` was ever asked."""
        self._pauses.pop(name, None)
