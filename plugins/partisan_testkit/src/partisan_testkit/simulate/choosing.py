"""What a command line asks for: one of four modes, each with the options that it has a use for."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import click
from msgspec import Struct

Mode = Literal["scenario", "overlay", "chaos", "compare"]

_WHAT: Mapping[Mode, str] = {
    "scenario": "a SCENARIO",
    "overlay": "--overlay",
    "chaos": "--chaos",
    "compare": "--compare",
}
_OPTIONS: Mapping[Mode, frozenset[str]] = {
    "scenario": frozenset({"scenario", "seed", "seeds", "json", "export", "plot"}),
    "overlay": frozenset({"overlay", "nodes", "seed", "seeds", "crash", "json", "export", "plot"}),
    "chaos": frozenset({"chaos", "overlay", "nodes", "seed", "seeds", "json"}),
    "compare": frozenset({"compare", "nodes", "seed", "json"}),
}


class Choice(Struct, frozen=True):
    """A command line that makes sense."""

    mode: Mode
    scenario: Path | None
    overlays: Sequence[str]
    nodes: int | None
    seeds: Sequence[int]
    """None given: whatever is usual."""
    crash: float | None
    json: bool
    export: Path | None
    plot: Path | None


def choose(options: Mapping[str, Any]) -> Choice:
    """Make sense of the options of a command line.

    Raises:
        click.UsageError: they contradict each other.
    """
    given = {name for name, value in options.items() if value is not None and value is not False}
    mode = _mode(given)
    for name in options:
        if name in given and name not in _OPTIONS[mode]:
            raise click.UsageError(f"--{name} has no meaning with {_WHAT[mode]}")
    seeds = _seeds(options["seed"], options["seeds"])
    if len(seeds) > 1 and given & {"export", "plot"}:
        raise click.UsageError("--export and --plot are of one run: give one --seed")
    for name in ("export", "plot"):
        if options[name] is not None and not options[name].parent.is_dir():
            raise click.UsageError(f"--{name}: there is no folder {options[name].parent}; nothing was run")
    return Choice(
        mode=mode,
        scenario=options["scenario"],
        overlays=_overlays(options["overlay"], options["compare"]),
        nodes=options["nodes"],
        seeds=seeds,
        crash=options["crash"],
        json=options["json"],
        export=options["export"],
        plot=options["plot"],
    )


def _mode(given: set[str]) -> Mode:
    subjects = given & {"scenario", "overlay", "compare"}
    if len(subjects) != 1:
        raise click.UsageError("say what to simulate: either a SCENARIO, or --overlay, or --compare")
    if "chaos" in given:
        if "overlay" not in given:
            raise click.UsageError("--chaos draws schedules for an --overlay: name it")
        return "chaos"
    if "scenario" in subjects:
        return "scenario"
    return "overlay" if "overlay" in subjects else "compare"


def _overlays(overlay: str | None, compare: str | None) -> Sequence[str]:
    if compare is not None:
        return [word.strip() for word in compare.split(",")]
    return [] if overlay is None else [overlay]


def _seeds(seed: int | None, seeds: str | None) -> Sequence[int]:
    if seed is not None and seeds is not None:
        raise click.UsageError("--seed is one and --seeds are many: give one of the two")
    if seeds is None:
        return [] if seed is None else [seed]
    first, dash, last = seeds.partition("-")
    if not (first.isdecimal() and (last.isdecimal() if dash else not last)) or int(last or first) < int(first):
        raise click.UsageError(f"{seeds!r} are no seeds: write the first and the last, for example 0-99")
    return range(int(first), int(last or first) + 1)
