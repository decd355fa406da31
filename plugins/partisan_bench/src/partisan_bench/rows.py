"""From the samples of a run to its rows: medians, and the median of paired ratios. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from msgspec import Struct

from partisan_bench.cases import PARTISAN, Case
from partisan_bench.work import Figures


@dataclass(frozen=True, slots=True)
class Sample:
    """What one subject did in one run of one case."""

    case: Case
    subject: str
    figures: Figures


class Row(Struct, frozen=True):
    """One metric of one subject in one case; a value per pair, in the order of the pairs."""

    benchmark: str
    case: str
    subject: str
    metric: str
    unit: str
    values: list[float]
    median: float


def summarise(samples: Sequence[Sample]) -> list[Row]:
    """Make rows of the samples, case by case in the order of appearance; ratios follow their case."""
    cases = {sample.case.name: sample.case for sample in samples}
    return [row for case in cases.values() for row in _case_rows(case, samples)]


def _case_rows(case: Case, samples: Sequence[Sample]) -> Iterator[Row]:
    leading = next(iter(case.units))
    subjects = dict.fromkeys(sample.subject for sample in samples if sample.case == case)
    for subject in subjects:
        for metric, unit in case.units.items():
            yield _row(case, case.name, subject, metric, unit, _values(case.name, subject, metric, samples))
    others = {name: (case.name, name) for name in subjects} | {case.against: (case.against, PARTISAN.name)}
    ours = _values(case.name, PARTISAN.name, leading, samples)
    for other, (name, subject) in others.items():
        theirs = _values(name, subject, leading, samples)
        if ours and theirs and other != PARTISAN.name:
            ratios = [mine / their for mine, their in zip(ours, theirs, strict=True)]
            yield _row(case, f"{case.name} vs {other}", PARTISAN.name, "ratio", "x", ratios)


def _values(case: str | None, subject: str, metric: str, samples: Sequence[Sample]) -> list[float]:
    """Return what one subject did in one case, in the order of the pairs."""
    return [sample.figures[metric] for sample in samples if (sample.case.name, sample.subject) == (case, subject)]


def _row(case: Case, name: str, subject: str, metric: str, unit: str, values: list[float]) -> Row:
    """Four significant digits: more would be noise."""
    values = [float(f"{value:.4g}") for value in values]
    return Row(case.benchmark, name, subject, metric, unit, values, float(f"{median(values):.4g}"))
