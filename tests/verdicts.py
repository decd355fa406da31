"""Figures, and the limits they are held against."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.json import encode

Figures = Mapping[str, float]
"""What one seed gave, by name."""


class Limit(Struct, frozen=True):
    """A figure, and what it must be at least or at most."""

    figure: str
    sign: str
    bound: float
    of_seeds: Callable[[Sequence[float]], float] | None = None
    """What the seeds are taken together by; the worst of them when nothing is said."""

    def value(self, seeds: Sequence[Figures]) -> float:
        """Return the one figure that is compared."""
        values = [figures[self.figure] for figures in seeds]
        worst: Callable[[Sequence[float]], float] = min if self.sign == ">=" else max
        return (self.of_seeds or worst)(values)

    def is_met(self, seeds: Sequence[Figures]) -> bool:
        """Compare."""
        value = self.value(seeds)
        return value >= self.bound if self.sign == ">=" else value <= self.bound

    def line(self, seeds: Sequence[Figures]) -> str:
        """Return the verdict for people."""
        verdict = "met" if self.is_met(seeds) else "NOT MET"
        taken = self.of_seeds.__name__ if self.of_seeds else "worst"
        return f"{self.figure:<34} {self.value(seeds):>12.5g} {self.sign} {self.bound:<8g} ({taken}) {verdict}"


def at_least(figure: str, bound: float, of_seeds: Callable[[Sequence[float]], float] | None = None) -> Limit:
    """A figure that must not be smaller."""
    return Limit(figure, ">=", bound, of_seeds)


def at_most(figure: str, bound: float, of_seeds: Callable[[Sequence[float]], float] | None = None) -> Limit:
    """A figure that must not be larger."""
    return Limit(figure, "<=", bound, of_seeds)


def conclude(title: str, figures: Figures, limits: Sequence[Limit], *, as_json: bool) -> bool:
    """Print what one run gave: for a machine its figures, for people the verdicts too. True when all limits are met."""
    if as_json:
        print(encode({"claim": title, **figures}).decode(), flush=True)
    else:
        print(f"{title}:", ", ".join(f"{name} {value:.5g}" for name, value in figures.items()))
        print("\n".join(limit.line([figures]) for limit in limits), flush=True)
    return all(limit.is_met([figures]) for limit in limits)
