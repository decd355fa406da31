"""The application of the demo, pure: what happens goes in as a method call, what to send comes out of `drain`.

It knows no list of members. It floods to its neighbours the roster and the results; both only grow by merging, so
any order, repetition and loss ends in the same once everybody has talked:

- news of the roster goes to all neighbours at once, and on to theirs;
- an own result goes to all neighbours at once; further away it is fetched;
- a digest of both goes to a new neighbour at once, after changes with the next tick, and otherwise now and then.
  Its receiver sends what it knows better and asks for what it lacks. So nothing depends on a single message.
"""

from collections import deque
from collections.abc import Mapping

from partisan_cli.demo.fetching import WINDOW, Fetching
from partisan_cli.demo.messages import Digest, Message, News, Part, Record, Want
from partisan_cli.demo.placement import Placement
from partisan_cli.demo.results import Results
from partisan_cli.demo.roster import Roster

QUIET_TICKS = 10
"""A neighbour gets a digest that says nothing new each so many ticks. Chosen: once a second."""


class Application:
    """One node's share of the work."""

    def __init__(self, name: str, incarnation: int, placement: Placement) -> None:
        self.name = name
        self.roster = Roster(name, incarnation)
        self.results = Results(len(placement))
        self._placement = placement
        self._fetching = Fetching()
        self._neighbours: dict[str, int] = {}
        self._news: dict[str, str] = {}
        """Names whose records are to be passed on, and from whom they came."""
        self._outbox: list[tuple[str, Message]] = []
        self._told: dict[str, tuple[bytes, int]] = {}
        """What the last digest to each neighbour said."""
        self._ticks = 0
        self._queue: deque[int] = deque()
        self._assigned_to: tuple[str, ...] = ()

    # -- what happens -------------------------------------------------------------------------------------------

    def set_neighbours(self, neighbours: Mapping[str, int]) -> None:
        """The neighbours are these lives now: name and incarnation."""
        before, self._neighbours = self._neighbours, dict(neighbours)
        for name, incarnation in before.items():
            if neighbours.get(name) != incarnation:
                self._fetching.forget(name)
        if self.roster.set_neighbours(neighbours):
            self._news[self.name] = self.name
        for name, incarnation in neighbours.items():
            if before.get(name) != incarnation:
                self._send_digest(name)
        self._fetch()

    def receive(self, message: Message) -> None:
        """A message of another node has arrived."""
        match message:
            case News(sender, records):
                self._learn(sender, records)
            case Digest(sender, roster, files):
                self._on_digest(sender, roster, int.from_bytes(files, "little"))
            case Want(sender, files):
                for file in files[:WINDOW]:
                    self._outbox += [(sender, part) for part in self.results.parts(file)]
            case Part(file):
                if self.results.take_part(message):
                    self._fetching.arrived(file)
                    self._fetch()

    def counted(self, file: int, data: bytes) -> None:
        """This node has the result of a file."""
        if self.results.add(file, self.name, data):
            self._fetching.arrived(file)
            for name in self._neighbours:
                if not self._fetching.has(name, file):
                    self._outbox += [(name, part) for part in self.results.parts(file)]

    def tick(self) -> None:
        """A tenth of a second has passed."""
        self._ticks += 1
        self._fetching.tick()
        for name in self._neighbours:
            if self._ticks % QUIET_TICKS == 0 or self._told.get(name) != self._state():
                self._send_digest(name)
        self._fetch()

    def drain(self) -> list[tuple[str, Message]]:
        """What to send now, to whom."""
        for name in self._neighbours:
            records = tuple(self._records_for(name))
            if records:
                self._outbox.append((name, News(self.name, records)))
        self._news = {}
        outbox, self._outbox = self._outbox, []
        return outbox

    # -- what to do ---------------------------------------------------------------------------------------------

    def next_file(self) -> int | None:
        """The next file that is this node's, as far as it knows, and not counted yet."""
        self._assign()
        while self._queue and self._queue[0] in self.results:
            self._queue.popleft()
        return self._queue[0] if self._queue else None

    @property
    def left(self) -> int:
        """How many files it has yet to count, as far as it knows."""
        self._assign()
        return sum(file not in self.results for file in self._queue)

    def _assign(self) -> None:
        living = tuple(self.roster.living)
        if living != self._assigned_to:
            self._assigned_to = living
            owners = self._placement.owners(living)
            self._queue = deque(
                file for file, owner in enumerate(owners) if owner == self.name and file not in self.results
            )

    # -- talk ---------------------------------------------------------------------------------------------------

    def _learn(self, sender: str, records: tuple[Record, ...]) -> None:
        for record in self.roster.merge(records):
            self._news[record.name] = sender

    def _on_digest(self, sender: str, roster: bytes, files: int) -> None:
        if roster != self.roster.digest:
            self._outbox.append((sender, News(self.name, self.roster.records)))
        self._fetching.offered(sender, files)
        self._fetch()

    def _fetch(self) -> None:
        for neighbour, files in self._fetching.ask(self.results.lacking):
            self._outbox.append((neighbour, Want(self.name, files)))

    def _send_digest(self, neighbour: str) -> None:
        self._told[neighbour] = self._state()
        files = self.results.known.to_bytes(-(-self.results.files // 8), "little")
        self._outbox.append((neighbour, Digest(self.name, self.roster.digest, files)))

    def _state(self) -> tuple[bytes, int]:
        return self.roster.digest, len(self.results)

    def _records_for(self, neighbour: str) -> list[Record]:
        """News that did not come from there."""
        return [
            record
            for record in self.roster.records
            if record.name in self._news and self._news[record.name] != neighbour
        ]
