"""Whom to ask for a result that is missing here: anybody who has it, one at a time, a bounded number at once."""

from collections import defaultdict
from collections.abc import Iterator

WINDOW = 64
"""Results asked of one neighbour at once. Chosen: a few hundred KiB on the way, so no queue is ever full."""

PATIENCE = 10
"""Ticks after which an unanswered request is void and made again, perhaps elsewhere. Chosen: one second."""


class Fetching:
    """Offers and open requests. Loss needs no word: a void request is made again."""

    def __init__(self) -> None:
        self._offers: dict[str, int] = {}
        self._requests: defaultdict[str, dict[int, int]] = defaultdict(dict)
        """By neighbour: the files asked for, and the tick of the request."""
        self._asked = 0
        """One bit per file that somebody was asked for."""
        self._ticks = 0

    def tick(self) -> None:
        """Time passes: requests become void."""
        self._ticks += 1
        for requests in self._requests.values():
            for file in [file for file, tick in requests.items() if self._ticks - tick >= PATIENCE]:
                self._withdraw(requests, file)

    def offered(self, neighbour: str, files: int) -> None:
        """`neighbour` has these files (one bit each), for all we know."""
        self._offers[neighbour] = files

    def has(self, neighbour: str, file: int) -> bool:
        """True when `neighbour` said that it has the file."""
        return bool(self._offers.get(neighbour, 0) >> file & 1)

    def arrived(self, file: int) -> None:
        """There is a result."""
        if self._asked >> file & 1:
            for requests in self._requests.values():
                if file in requests:
                    self._withdraw(requests, file)

    def forget(self, neighbour: str) -> None:
        """`neighbour` is gone, or has begun a new life: what it had and owed is void."""
        self._offers.pop(neighbour, None)
        requests = self._requests.pop(neighbour, {})
        for file in list(requests):
            self._withdraw(requests, file)

    def ask(self, lacking: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Choose what to ask of whom; `lacking` has a bit for each file without a result."""
        lacking &= ~self._asked
        for neighbour, offer in self._offers.items():
            room = WINDOW - len(self._requests[neighbour])
            if room < WINDOW // 2 or not lacking & offer:
                continue
            wanted = tuple(_lowest_bits(lacking & offer, room))
            for file in wanted:
                self._requests[neighbour][file] = self._ticks
                self._asked |= 1 << file
            lacking &= ~self._asked
            yield neighbour, wanted

    def _withdraw(self, requests: dict[int, int], file: int) -> None:
        del requests[file]
        self._asked &= ~(1 << file)


def _lowest_bits(bits: int, most: int) -> Iterator[int]:
    while bits and most:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
        most -= 1
