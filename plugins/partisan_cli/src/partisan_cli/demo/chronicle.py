"""What the conductor knows of the cluster: reports go in, answers and times come out. Pure.

Times are seconds on the clock of the reports; None means that it has not come to that yet.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from partisan_cli.demo.reporting import Finished, Progress, Report, Started, View


@dataclass(slots=True)
class Life:
    """One process, from its start to its end."""

    name: str
    started: Started | None = None
    view: View | None = None
    progress: Progress = field(default_factory=Progress)
    finished: Finished | None = None
    seen: dict[tuple[str, int], float] = field(default_factory=dict)
    """When its roster first had each life of a node up."""
    lost: dict[tuple[str, int], float] = field(default_factory=dict)
    """When each life of a node was no longer its neighbour, or not up in its roster, whichever was first."""

    @property
    def incarnation(self) -> int | None:
        """Which life of the node it is, once known."""
        return self.started.incarnation if self.started else None

    def take(self, report: Report) -> None:
        """Note what it reported; once it has finished, its end looks like the death of the others."""
        match report:
            case _ if self.finished is not None:
                return
            case Started():
                self.started = report
            case View():
                self._compare(report)
                self.view = report
            case Progress():
                self.progress = report
            case Finished():
                self.finished = report

    def _compare(self, view: View) -> None:
        for peer in view.living.items():
            self.seen.setdefault(peer, view.at)
        if self.view is not None:
            gone = self.view.neighbours.items() - view.neighbours.items()
            for peer in gone | (self.view.living.items() - view.living.items()):
                self.lost.setdefault(peer, view.at)


class Chronicle:
    """All lives of all nodes of one run."""

    def __init__(self, names: Sequence[str], files: int) -> None:
        self.names = tuple(names)
        self.files = files
        self.living: dict[str, Life] = {}
        self.killed: dict[str, Life] = {}
        """The last life of each node that was killed."""
        self._observers: dict[str, list[Life]] = {}
        """Who had to notice the end of it."""

    def begin(self, name: str) -> Life:
        """A process was started."""
        life = self.living[name] = Life(name)
        return life

    def end(self, name: str) -> None:
        """A process was killed."""
        dead = self.killed[name] = self.living.pop(name)
        peer = (name, dead.incarnation or 0)
        beside = [life for life in self.living.values() if life.view and peer in life.view.neighbours.items()]
        self._observers[name] = beside
        for life in self.living.values():
            life.lost.pop(peer, None)  # a link that was lost before, and came back

    # -- questions ----------------------------------------------------------------------------------------------

    def are_started(self, names: Iterable[str]) -> bool:
        """True when these listen."""
        return all(name in self.living and self.living[name].started for name in names)

    def formed_at(self) -> float | None:
        """When the last node had everybody up in its roster."""
        return self._latest(
            life.seen.get((name, other.incarnation or 0))
            for life in self.living.values()
            for name, other in self.living.items()
        )

    def noticed_at(self, name: str) -> float | None:
        """When the last living neighbour of a killed node had noticed; without such, when everybody had."""
        peer = (name, self.killed[name].incarnation or 0)
        observers = [life for life in self._observers[name] if self.living.get(life.name) is life]
        return self._latest(life.lost.get(peer) for life in observers or self.living.values())

    def rejoined_at(self, name: str) -> float | None:
        """When the last living node had the new life of a node up in its roster."""
        peer = (name, self.living[name].incarnation or 0)
        return self._latest(life.seen.get(peer) for life in self.living.values())

    def is_at_work(self, name: str) -> bool:
        """True when others know at least one result of this node, and it has some yet to count."""
        others = [life for life in self.living.values() if life.name != name]
        return self.living[name].progress.left > 0 and any(life.progress.shares.get(name) for life in others)

    @property
    def is_complete(self) -> bool:
        """True when every living node knows every result."""
        return all(life.progress.known == self.files for life in self.living.values())

    @property
    def are_finished(self) -> bool:
        """True when every living node has told its fingerprints."""
        return all(life.finished for life in self.living.values())

    def agree_but_for(self, files: Collection[int]) -> bool:
        """True when all living nodes hold the same results, `files` left aside."""
        held = {
            tuple(one for file, one in enumerate(life.finished.fingerprints) if file not in files)
            for life in self.living.values()
            if life.finished
        }
        return len(held) == 1

    @property
    def milestones(self) -> int:
        """Changes whenever something has moved; mere talk does not count."""
        return sum(
            life.progress.known + len(life.seen) + len(life.lost) + bool(life.started) + bool(life.finished)
            for life in self._all()
        )

    @property
    def messages(self) -> int:
        """What all nodes have sent, as far as known; the killed ones up to their last report."""
        return sum(life.progress.messages for life in self._all())

    @property
    def dropped(self) -> Counter[str]:
        """What all nodes have dropped, by reason."""
        total: Counter[str] = Counter()
        for life in self._all():
            total.update(life.progress.dropped)
        return total

    def _all(self) -> list[Life]:
        return [*self.killed.values(), *self.living.values()]

    @staticmethod
    def _latest(times: Iterable[float | None]) -> float | None:
        """The last of all times, if all have come."""
        latest = float("-inf")
        for time in times:
            if time is None:
                return None
            latest = max(latest, time)
        return latest
