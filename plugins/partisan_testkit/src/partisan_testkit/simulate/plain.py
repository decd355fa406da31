"""The scenario of a plain run: nodes join one by one, rest, perhaps crash, and heal."""

from partisan_core.config.model import Selection
from partisan_testkit.simulate.scenario import Deed, Scenario, Step

PAUSE = 0.1
"""Seconds between two joins."""
HANDSHAKES = 1.0
"""Seconds from the start of the last node until it is looked at."""
CYCLE = 10.0
"""Seconds of a shuffle, by the defaults of HyParView; other overlays rest as long."""
REST = 6
"""Cycles before the crash. Chosen: each passive view is full."""
HEALING = 4
"""Cycles after the crash. Chosen: the papers' claims of healing are of 2 to 4."""
MESSAGES = 20
"""Broadcasts after the crash, one every 100 ms: before most repairs, and during them."""


def plain_run(use: str, nodes: int, seed: int, crash: float | None) -> Scenario:
    """Return the scenario of a run without a file.

    Raises:
        ConfigError: a value is out of bounds.
    """
    joined = PAUSE * (nodes - 1) + HANDSHAKES
    rested = joined + REST * CYCLE
    steps = [Step(at=joined, do=Deed.CHECKPOINT, name="joined"), Step(at=rested, do=Deed.CHECKPOINT, name="rested")]
    end = rested
    if crash is not None:
        end += HEALING * CYCLE
        steps += [
            Step(at=rested, do=Deed.CRASH, share=crash),
            Step(at=rested, do=Deed.CHECKPOINT, name="crashed"),
            Step(at=rested, do=Deed.FLOOD, messages=MESSAGES),
            Step(at=end, do=Deed.CHECKPOINT, name="healed"),
        ]
    overlay = Selection(use=use)
    return Scenario(overlay=overlay, nodes=nodes, seed=seed, pause=PAUSE, end=end, steps=tuple(steps))
