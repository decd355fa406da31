"""The command `partisan simulate`."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter

import click
from msgspec.json import encode
from msgspec.json import format as indented

from partisan_core.config import Selection
from partisan_core.errors import ConfigError, PartisanError
from partisan_testkit.schedules.command import run_seeds
from partisan_testkit.simulate.chaos import NODES, chaos_figures, chaos_lines
from partisan_testkit.simulate.choosing import Choice, choose
from partisan_testkit.simulate.comparing import compare, comparison_lines, simulated_seconds
from partisan_testkit.simulate.plain import plain_run
from partisan_testkit.simulate.plotting import check_plotting, plot
from partisan_testkit.simulate.progress import shown_progress
from partisan_testkit.simulate.reading import cluster_of, prepare, read_scenario
from partisan_testkit.simulate.running import Report, run
from partisan_testkit.simulate.scenario import MOST_NODES, Scenario
from partisan_testkit.simulate.tables import report_lines, violation_lines
from partisan_testkit.simulator.checkpoints import export

PLAIN_NODES = 100

_FILE = click.Path(path_type=Path, dir_okay=False, writable=True)


@click.command()
@click.argument("scenario", required=False, type=click.Path(path_type=Path))
@click.option("--overlay", help="An installed name, or package.module:Thing; instead of a scenario.")
@click.option("--compare", metavar="X,Y,...", help="Put these overlays into one table.")
@click.option("--nodes", type=click.IntRange(2, MOST_NODES), help="How many.  [default: 100; with --chaos 16]")
@click.option("--seed", type=click.IntRange(0), help="Everything follows from it.  [default: 1, or the scenario's]")
@click.option("--seeds", metavar="A-B", help="Run with each of these.")
@click.option("--crash", type=click.FloatRange(0, 1), metavar="SHARE", help="Crash so many at once, and let it heal.")
@click.option("--chaos", is_flag=True, help="Draw random schedules of faults, and look for violated promises.")
@click.option("--json", is_flag=True, help="Print JSON.")
@click.option("--export", type=_FILE, help="Write the graph of each checkpoint to this file, as JSON.")
@click.option("--plot", type=_FILE, help="Draw in-degrees, reliability and view sizes into this file, as PNG.")
def simulate(**options: object) -> None:
    """Simulate a cluster in virtual time: a SCENARIO from a file, or what the options say.

    The exit code is 1 when a promise of the overlay is violated, and 2 when nothing was run.
    """
    choice = choose(options)
    try:
        held = _MODES[choice.mode](choice)
    except PartisanError as error:
        raise Refused(error.problems if isinstance(error, ConfigError) else [str(error)]) from None
    if not held:
        raise click.exceptions.Exit(1)


class Refused(click.ClickException):
    """Nothing was run, or nothing came of it: exit code 2, and one `Error:` line for each of `lines`."""

    exit_code = 2

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self._lines = lines

    def show(self, file: object = None) -> None:
        """Write the lines."""
        for line in self._lines:
            click.echo(f"Error: {line}", err=True)


def _run_scenario(choice: Choice) -> bool:
    assert choice.scenario is not None
    path = choice.scenario
    return _run_each(choice, lambda seed: read_scenario(path, seed=seed), f"partisan simulate {path}")


def _run_overlay(choice: Choice) -> bool:
    use, nodes, crash = choice.overlays[0], choice.nodes or PLAIN_NODES, choice.crash
    words = f"partisan simulate --overlay {use} --nodes {nodes}" + (f" --crash {crash:g}" if crash is not None else "")
    return _run_each(choice, lambda seed: plain_run(use, nodes, 1 if seed is None else seed, crash), words)


def _run_each(choice: Choice, scenario_of: Callable[[int | None], Scenario], words: str) -> bool:
    """Run a scenario with each seed, up to the first violation."""
    if choice.plot is not None:
        check_plotting()
    seeds: Sequence[int | None] = choice.seeds or (None,)
    for seed in seeds:
        scenario = scenario_of(seed)
        drawn, cluster = prepare(scenario)
        begun = perf_counter()
        with shown_progress(f"{scenario.overlay.use}, {scenario.nodes} nodes", scenario.end) as progress:
            report = run(scenario, drawn, cluster, progress)
        _tell(choice, report, perf_counter() - begun, f"{words} --seed {report.seed}")
        if report.violation is not None:
            return False
    return True


def _tell(choice: Choice, report: Report, seconds: float, repeat: str) -> None:
    if choice.json:
        _print_json(report.figures | ({"repeat": repeat} if report.violation else {}))
    else:
        _print(report_lines(report, seconds))
        _print(violation_lines(report, repeat) if report.violation else iter(()))
    if choice.export is not None:
        export(choice.export, report.checkpoints)
    if choice.plot is not None:
        plot(report, choice.plot)


def _run_chaos(choice: Choice) -> bool:
    overlay, nodes = choice.overlays[0], choice.nodes or NODES
    outcome = run_seeds(overlay, nodes, range(choice.seeds[0], choice.seeds[-1] + 1) if choice.seeds else range(1, 2))
    if choice.json:
        _print_json(chaos_figures(overlay, nodes, outcome))
    else:
        _print(chaos_lines(overlay, nodes, outcome))
    return outcome.violation is None


def _compare(choice: Choice) -> bool:
    nodes, seed = choice.nodes or PLAIN_NODES, choice.seeds[0] if choice.seeds else 1
    clusters = [cluster_of(Selection(use=overlay), nodes) for overlay in choice.overlays]
    rows = []
    for cluster in clusters:
        with shown_progress(cluster.overlay, simulated_seconds(nodes)) as progress:
            rows.append(compare(cluster, seed, progress))
    if choice.json:
        _print_json({"seed": seed, "overlays": rows})
    else:
        _print(comparison_lines(rows, seed))
    return True


_MODES = {"scenario": _run_scenario, "overlay": _run_overlay, "chaos": _run_chaos, "compare": _compare}


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_json(data: object) -> None:
    click.echo(indented(encode(data), indent=2))
