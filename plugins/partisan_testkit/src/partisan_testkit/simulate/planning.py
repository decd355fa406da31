"""From a scenario to a plan: who does what when.

Who lives follows from the steps alone, so that all is drawn, and everything impossible refused, before anything runs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from partisan_core.config.problems import Problem
from partisan_core.config.sources import KeyPath
from partisan_core.config.units import format_duration
from partisan_core.spelling import did_you_mean
from partisan_testkit.simulate.scenario import MOST_NODES, Deed, Scenario, Step, milliseconds
from partisan_testkit.simulator import seeded


class Impossible(ValueError):
    """A scenario asks for what cannot be."""

    def __init__(self, path: KeyPath, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(path, message)


class State(Enum):
    """What has become of a name."""

    ABSENT = "has not started yet"
    LIVING = "is alive"
    CRASHED = "has crashed"
    LEFT = "has left"


@dataclass(frozen=True, slots=True)
class Action:
    """A step with the names of those to whom it is done."""

    moment: int
    """Milliseconds since the start."""
    step: Step
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will be done, in the order of its time."""

    names: tuple[str, ...]
    """All nodes that there ever will be, in the order of their start."""
    actions: tuple[Action, ...]


_NEEDED = {
    Deed.CRASH: (State.LIVING,),
    Deed.RESTART: (State.CRASHED,),
    Deed.LEAVE: (State.LIVING,),
    Deed.SLOW: (State.LIVING,),
    Deed.PARTITION: (State.LIVING, State.CRASHED),
    Deed.ONE_WAY: (State.LIVING, State.CRASHED),
}
_BECOMES = {Deed.CRASH: State.CRASHED, Deed.RESTART: State.LIVING, Deed.LEAVE: State.LEFT}


def plan(scenario: Scenario) -> Plan:
    """Draw who does what.

    Raises:
        Impossible: the scenario contradicts itself.
    """
    return _Planner(scenario).plan()


class _Planner:
    """Goes through the steps in the order of their time, and remembers what has become of each name."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        joiners = sum(step.count or 0 for step in scenario.steps if step.do is Deed.JOIN)
        if scenario.nodes + joiners > MOST_NODES:
            raise Impossible(("nodes",), f"with {joiners} more that join later these are more than {MOST_NODES}")
        self._names = tuple(f"node-{number}" for number in range(scenario.nodes + joiners))
        self._states = dict.fromkeys(self._names, State.ABSENT)
        self._started = 0

    def plan(self) -> Plan:
        scenario = self._scenario
        pause, end = milliseconds(scenario.pause), milliseconds(scenario.end)
        if pause * (scenario.nodes - 1) > end:
            last = format_duration(scenario.pause * (scenario.nodes - 1))
            raise Impossible(("end",), f"expected at least {last}, when the last of {scenario.nodes} nodes starts")
        timed = [self._start(number * pause) for number in range(scenario.nodes)]
        timed += [self._timed(number, step, end) for number, step in enumerate(scenario.steps)]
        timed.sort(key=lambda one: one[0])
        return Plan(self._names, tuple(Action(moment, step, draw()) for moment, step, draw in timed))

    def _start(self, moment: int) -> "_Timed":
        return moment, Step(at=moment / 1000, do=Deed.JOIN, count=1), lambda: self._join(1)

    def _timed(self, number: int, step: Step, end: int) -> "_Timed":
        moment = milliseconds(step.at)
        last = step.at + ((step.messages or 1) - 1) * (0.1 if step.every is None else step.every)
        if milliseconds(last) > end:
            shown = format_duration(self._scenario.end)
            raise Impossible(("steps", number, "at"), f"after the end of the scenario, which is at {shown}")
        return moment, step, lambda: self._draw(number, step)

    def _join(self, count: int) -> tuple[str, ...]:
        names = self._names[self._started : self._started + count]
        self._started += count
        self._states.update(dict.fromkeys(names, State.LIVING))
        return names

    def _draw(self, number: int, step: Step) -> tuple[str, ...]:
        if step.do is Deed.JOIN:
            return self._join(step.count or 0)
        if step.do is Deed.FLOOD:
            return self._sources(number, step)
        needed = _NEEDED.get(step.do)
        if needed is None:
            return ()
        names = self._choose(number, step, needed)
        if step.do in _BECOMES:
            self._states.update(dict.fromkeys(names, _BECOMES[step.do]))
        return names

    def _sources(self, number: int, step: Step) -> tuple[str, ...]:
        living = self._in((State.LIVING,))
        if not living:
            raise Impossible(("steps", number, "do"), "nobody lives then who could send anything")
        return tuple(seeded(self._scenario.seed, f"step {number}").choices(living, k=step.messages or 1))

    def _choose(self, number: int, step: Step, needed: Sequence[State]) -> tuple[str, ...]:
        if step.nodes is not None:
            return tuple(dict.fromkeys(self._named(number, step.nodes, needed)))
        candidates = self._in(needed)
        count = round((step.share or 0) * len(candidates)) if step.count is None else step.count
        if count > len(candidates):
            states = " or ".join(state.name.lower() for state in needed)
            raise Impossible(("steps", number, "count"), f"only {len(candidates)} nodes are {states} then")
        drawn = set(seeded(self._scenario.seed, f"step {number}").sample(candidates, count))
        return tuple(name for name in candidates if name in drawn)

    def _named(self, number: int, names: Sequence[str], needed: Sequence[State]) -> Iterator[str]:
        for place, name in enumerate(names):
            path = ("steps", number, "nodes", place)
            state = self._states.get(name)
            if state is None:
                first_and_last = f"{self._names[0]} to {self._names[-1]}"
                near = did_you_mean(name, self._names[:1000])
                raise Impossible(path, f"no such node{near}; there are {first_and_last}")
            if state not in needed:
                raise Impossible(path, f"that node {state.value} then")
            yield str(name)

    def _in(self, states: Sequence[State]) -> list[str]:
        return [name for name, state in self._states.items() if state in states]


_Timed = tuple[int, Step, Callable[[], tuple[str, ...]]]
