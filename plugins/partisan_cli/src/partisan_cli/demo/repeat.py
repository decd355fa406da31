"""Runs the demo again and again: `python -m partisan_cli.demo.repeat --times 20 --nodes 3,5,9 --overlay hyparview`."""

import subprocess
import sys
from collections.abc import Sequence
from statistics import median

import click
import msgspec

from partisan_cli.demo.outcome import Outcome


@click.command()
@click.option("--times", type=click.IntRange(1), default=20, show_default=True, help="Runs of each size.")
@click.option("--nodes", "sizes", default="3,5,9", show_default=True, help="Sizes of the cluster.")
@click.option("--overlay", default="fullmesh", show_default=True, help="The overlay network.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def repeat(times: int, sizes: str, overlay: str, arguments: tuple[str, ...]) -> None:
    """Run the demo TIMES times with each number of nodes; ARGUMENTS, behind `--`, go to the demo.

    Succeeds when every run matched and its kill, if there was one, was noticed within a second.
    """
    good = True
    for nodes in sizes.split(","):
        outcomes = []
        for number in range(times):
            outcome = _run_once(nodes, overlay, arguments)
            outcomes.append(outcome)
            good = good and _is_good(outcome)
            click.echo(f"{overlay}, {nodes} nodes, run {number + 1}: {msgspec.json.encode(outcome).decode()}", err=True)
        click.echo(_summary(f"{overlay}, {nodes} nodes", outcomes))
    sys.exit(0 if good else 1)


def _run_once(nodes: str, overlay: str, arguments: Sequence[str]) -> Outcome | None:
    """None: the run failed, and has said why."""
    demo = [sys.executable, "-m", "partisan_cli.demo", "--json", "--nodes", nodes, "--overlay", overlay]
    command = [*demo, *arguments]
    finished = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603 - our own module
    return msgspec.json.decode(finished.stdout, type=Outcome) if finished.stdout else None


def _is_good(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.match and (outcome.detected_s or 0.0) < 1


def _summary(title: str, outcomes: Sequence[Outcome | None]) -> str:
    done = [outcome for outcome in outcomes if outcome is not None]
    figures = [
        f"{title}: {sum(map(_is_good, outcomes))} of {len(outcomes)} matched",
        _spread("formation", [outcome.formation_s for outcome in done]),
        _spread("detected", [outcome.detected_s for outcome in done if outcome.detected_s is not None]),
        _spread("rejoined", [outcome.rejoined_s for outcome in done if outcome.rejoined_s is not None]),
    ]
    return "; ".join(figures)


def _spread(what: str, seconds: Sequence[float]) -> str:
    if not seconds:
        return f"{what} -"
    return f"{what} {min(seconds):.3f} / {median(seconds):.3f} / {max(seconds):.3f} s (least, median, most)"


if __name__ == "__main__":
    repeat(prog_name="python -m partisan_cli.demo.repeat")
