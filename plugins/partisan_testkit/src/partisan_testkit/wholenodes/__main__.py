"""The command for many seeds of whole nodes: `python -m partisan_testkit.wholenodes --seeds 0-49`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from partisan_testkit.schedules.__main__ import parser_of, run
from partisan_testkit.schedules.settings import settings_of
from partisan_testkit.wholenodes.run import WHOLE_NODES
from partisan_testkit.wholenodes.trace import write_trace


def main(words: Sequence[str] | None = None) -> int:
    """Run the seeds that the command line `words` name; return the exit code."""
    parser = parser_of(WHOLE_NODES)
    parser.add_argument("--trace", type=Path, metavar="FILE", help="of one seed: write all that happens; see replay")
    arguments = parser.parse_args(words)
    if arguments.trace is None:
        return run(arguments, WHOLE_NODES)
    if not arguments.seeds.isdigit() or "," in arguments.overlay:
        parser.error("--trace is of one seed of one overlay")
    cluster = settings_of(arguments.overlay, arguments.nodes, servers=max(2, arguments.nodes // 4))
    report = write_trace(arguments.trace, cluster, int(arguments.seeds), arguments.seconds)
    print(f"{arguments.trace}: {report.events} lines; see it with: partisan replay {arguments.trace}")
    if report.violation is not None:
        print(f"violation: {report.violation}")
    return report.violation is not None


if __name__ == "__main__":
    sys.exit(main())
