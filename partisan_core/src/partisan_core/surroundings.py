"""What a node takes from outside of its configuration and its peers: chance, the wall clock, and threads.

All of it comes in here, so that a simulation can decide it: with equal surroundings, equal nodes do equal things.
"""

import time
from collections.abc import Awaitable, Callable
from random import Random, SystemRandom
from typing import Any

import trio
from msgspec import Struct


class Surroundings(Struct, frozen=True, eq=False):
    """Given to `opening.open_node_in`. Since: 1.3."""

    chance: Random = SystemRandom()
    """Identities, nonces, and the seed of all jitter. Anything but the system's own is for simulations alone: who knows
    it can guess a nonce."""
    wall_clock: Callable[[], float] = time.time
    """Seconds since 1970. It orders the lives of a name, and nothing else."""
    run_blocking: Callable[..., Awaitable[Any]] = trio.to_thread.run_sync
    """How the state file is written without holding up the loop; called as `trio.to_thread.run_sync` is."""


OF_THE_SYSTEM = Surroundings()
"""Of every node that is no simulated one."""
