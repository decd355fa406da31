"""Is the current task cancelled? Asked once per message.

`trio.lowlevel.checkpoint_if_cancelled` asks the same and costs a coroutine each time, a fifth of a `send` (measured,
decision 0006). The attribute is trio's own; where it is missing the public, slower question is asked.
"""

import math

import trio
from trio.lowlevel import Task, current_task


def _ask_task() -> bool:
    return current_task()._cancel_status.effectively_cancelled


def _ask_deadline() -> bool:
    return trio.current_effective_deadline() == -math.inf


is_cancelled = _ask_task if hasattr(Task, "_cancel_status") else _ask_deadline
