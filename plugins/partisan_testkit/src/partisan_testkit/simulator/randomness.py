"""One source of randomness per component, so that one more draw in one does not change the others."""

from random import Random


def seeded(seed: int, component: str | int) -> Random:
    """Return the random numbers of a component: the same for the same seed, in every process."""
    return Random(f"{seed}-{component}")
