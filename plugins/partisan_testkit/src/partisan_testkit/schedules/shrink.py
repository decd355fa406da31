"""Makes a failing schedule minimal: what is left is what it takes.

Delta debugging (Zeller, Hildebrandt: Simplifying and isolating failure-inducing input, 2002): leave out ever smaller
parts of the list of actions, as long as it goes on failing; then, of each phase of faults that is left, each rate.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from partisan_testkit.schedules.plan import RATES, Phase, Planned, Schedule

MOST_TRIES = 500
"""Chosen: about a minute. Beyond it the schedule is as small as it got."""

Fails = Callable[[Schedule], bool]


def shrink(schedule: Schedule, fails: Fails) -> Schedule:
    """Return the smallest schedule found that still fails; `schedule` itself when it does not fail again."""
    tries = iter(range(MOST_TRIES))
    size = max(1, len(schedule.actions) // 2)
    while True:
        smaller = _first_failing(_without_parts(schedule, size), fails, tries)
        if smaller is not None:
            schedule = smaller
        elif size > 1:
            size //= 2
        else:
            break
    while (calmer := _first_failing(_calmer(schedule), fails, tries)) is not None:
        schedule = calmer
    return schedule


def _first_failing(candidates: Iterator[Schedule], fails: Fails, tries: Iterator[int]) -> Schedule | None:
    return next((candidate for candidate, _ in zip(candidates, tries, strict=False) if fails(candidate)), None)


def _without_parts(schedule: Schedule, size: int) -> Iterator[Schedule]:
    actions = schedule.actions
    for begin in range(0, len(actions), size):
        yield _with_actions(schedule, actions[:begin] + actions[begin + size :])


def _with_actions(schedule: Schedule, actions: list[Phase | Planned]) -> Schedule:
    return replace(
        schedule,
        phases=tuple(action for action in actions if isinstance(action, Phase)),
        steps=tuple(action for action in actions if isinstance(action, Planned)),
    )


def _calmer(schedule: Schedule) -> Iterator[Schedule]:
    for index, phase in enumerate(schedule.phases):
        for rate in RATES:
            if getattr(phase.faults, rate):
                nothing: dict[str, Any] = {rate: 0.0}
                calmer = Phase(phase.second, replace(phase.faults, **nothing))
                phases = (*schedule.phases[:index], calmer, *schedule.phases[index + 1 :])
                yield replace(schedule, phases=phases)
