"""Makes a trio program repeatable: virtual time that comes in steps, and an order of tasks that follows from a seed.

Two private names of trio are needed, those that its own plugin for hypothesis sets, and one of its virtual clock;
`tests/testkit/test_determinism.py` fails when one of them is gone.

Time comes in steps because with continuous delays no two things ever happen at once, and neither the order of tasks
nor determinism is tested (reliability reference, 3.2).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import ceil, inf
from typing import Any

import trio
from trio._core import _run as scheduler
from trio.testing import MockClock

QUANTUM = 2**-9
"""Seconds, about 2 ms, between two moments at which anything happens. Chosen: a power of two, so that sums of times
are exact; short against latencies, and long enough for events to coincide."""

_scheduler: Any = scheduler


@contextmanager
def deterministic(seed: int, quantum: float = QUANTUM) -> Iterator[None]:
    """Let the running program be decided by `seed`. Nothing in it may use threads, sockets or files' own time.

    Raises:
        RuntimeError: the program does not run under trio's virtual clock.
    """
    clock = trio.lowlevel.current_clock()
    if not (isinstance(clock, MockClock) and clock.autojump_threshold == 0):
        raise RuntimeError(
            "a simulated cluster needs trio's virtual clock, and this program has the real one; nothing was started. "
            "In pytest take the fixture autojump_clock; else trio.run(main, clock=MockClock(autojump_threshold=0))"
        )
    jumping: Any = clock
    before = _scheduler._ALLOW_DETERMINISTIC_SCHEDULING, _scheduler._r.getstate(), jumping._autojump
    _scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True
    _scheduler._r.seed(f"{seed}-scheduler")
    jumping._autojump = partial(_jump, clock, quantum)
    try:
        yield
    finally:
        _scheduler._ALLOW_DETERMINISTIC_SCHEDULING, state, jumping._autojump = before
        _scheduler._r.setstate(state)


def _jump(clock: MockClock, quantum: float) -> None:
    """Go to the first moment at which the next deadline is over."""
    wait = trio.lowlevel.current_statistics().seconds_to_next_deadline
    if 0 < wait < inf:
        now = clock.current_time()
        clock.jump(ceil((now + wait) / quantum) * quantum - now)
