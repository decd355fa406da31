"""The command for many seeds: `python -m partisan_testkit.schedules --overlay fullmesh,static --seeds 0-999`."""

import argparse
import sys
from collections.abc import Sequence
from time import perf_counter

from partisan_testkit.schedules.command import STRATEGIES, Outcome, Theatre, run_seeds


def main(words: Sequence[str] | None = None, theatre: Theatre = STRATEGIES) -> int:
    """Run the seeds that the command line `words` name, of one overlay after the other; return the exit code."""
    return run(parser_of(theatre).parse_args(words), theatre)


def run(arguments: argparse.Namespace, theatre: Theatre) -> int:
    """Run the seeds; return the exit code."""
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    for overlay in arguments.overlay.split(","):
        begun = perf_counter()
        outcome = run_seeds(
            overlay, arguments.nodes, seeds, seconds=arguments.seconds, jobs=arguments.jobs, theatre=theatre
        )
        if outcome.violation is not None:
            _print_violation(outcome)
            return 1
        _print_summary(overlay, arguments.nodes, outcome, perf_counter() - begun)
    return 0


def parser_of(theatre: Theatre) -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {theatre.module}",
        description="Run random schedules of faults on overlays.",
    )
    parser.add_argument(
        "--overlay",
        default="fullmesh",
        help="installed names, or package.module:object; several are separated by commas",
    )
    parser.add_argument("--nodes", type=int, default=theatre.nodes)
    parser.add_argument("--seeds", default="0-99", metavar="FIRST-LAST", help="one seed, or a range of them")
    parser.add_argument("--seconds", type=float, default=theatre.seconds, help="simulated, in which things go wrong")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the work")
    return parser


def _print_summary(overlay: str, nodes: int, outcome: Outcome, seconds: float) -> None:
    print(
        f"{overlay}: {outcome.seeds} schedules of {nodes} nodes, no violation; {outcome.events} events, "
        f"all well {outcome.settled:.0f} s after the last fault at the latest, {outcome.islands} islands, "
        f"logs {outcome.hash}, {seconds:.1f} s",
        flush=True,
    )


def _print_violation(outcome: Outcome) -> None:
    print(f"seed {outcome.seed}, as few faults as it takes:")
    print(outcome.schedule)
    print("the end of the log:", *outcome.last_lines, sep="\n  ")
    print(f"violation: {outcome.violation}")
    print(f"repeat it with: {outcome.repeat}")


if __name__ == "__main__":
    sys.exit(main())
