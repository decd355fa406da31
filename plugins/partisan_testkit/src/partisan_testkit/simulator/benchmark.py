"""How fast the simulator is: nodes join one by one through one contact, then shuffle for some cycles.

    python -m partisan_testkit.simulator.benchmark --overlay hyparview --nodes 10000 [--json]

An event is an action of the timeline: a message that arrives, a timer, a step of a dial, the end of a link.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from random import Random
from resource import RUSAGE_SELF, getrusage
from time import process_time

from msgspec import Struct
from msgspec.json import encode as encode_json
from msgspec.msgpack import encode

from partisan_core.errors import PluginError
from partisan_core.identity import NodeSpec
from partisan_core.kinds import OverlayPlugin
from partisan_core.plugins import Plugins
from partisan_core.strategy import MembershipStrategy
from partisan_testkit.garbage import collecting_rarely
from partisan_testkit.simulator.checkpoints import checkpoint
from partisan_testkit.simulator.simulation import Simulation

CYCLE = 10.0
"""Seconds of a cycle: one shuffle of each node, by the defaults of HyParView."""


class Phase(Struct, frozen=True):
    """What a part of the run cost."""

    seconds: float
    """Processor time."""
    events: int

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / max(self.seconds, 1e-6)

    def __str__(self) -> str:
        return f"{self.seconds:8.1f} s {self.events:10} events {self.rate:8.0f} events/s"


class Figures(Struct, frozen=True):
    """What the run cost, and what tells it from another."""

    overlay: str
    nodes: int
    cycles: int
    joins: Phase
    shuffles: Phase
    peak_mebibytes: float
    """The most memory that the process ever had."""
    views: str
    """A fingerprint of all views at the end."""
    log: str | None
    """The fingerprint of the log, when there is one."""

    def __str__(self) -> str:
        whole = Phase(self.joins.seconds + self.shuffles.seconds, self.joins.events + self.shuffles.events)
        rows = {"joins": self.joins, f"{self.cycles} cycles": self.shuffles, "together": whole}
        table = "".join(f"  {name:10} {phase}\n" for name, phase in rows.items())
        log = self.log or "not kept"
        return (
            f"{self.overlay}, {self.nodes} nodes:\n{table}"
            f"  peak {self.peak_mebibytes:.0f} MiB, views {self.views}, log {log}"
        )


def main(words: Sequence[str] | None = None) -> int:
    """Run what the command line `words` ask for; return the exit code."""
    parser = _parser()
    arguments = parser.parse_args(words)
    if arguments.nodes < 2 or arguments.cycles < 1:
        parser.error("nothing to measure: --nodes is at least 2, --cycles at least 1")
    try:
        plugin = Plugins().overlay(arguments.overlay)
    except PluginError as error:
        parser.error(str(error))
    simulation = Simulation(partial(_make, plugin), arguments.seed, wire=arguments.wire, recording=arguments.log)
    with collecting_rarely():
        figures = measure(simulation, arguments.overlay, arguments.nodes, arguments.cycles, arguments.pause)
    print(encode_json(figures).decode() if arguments.json else figures)
    return 0


def measure(run: Simulation, overlay: str, nodes: int, cycles: int, pause: float) -> Figures:
    """Let `nodes` join a fresh simulation, `pause` simulated seconds apart, pass the cycles, and say what it cost."""
    joins = _measure(run, partial(_join_one_by_one, run, nodes, pause))
    print(f"joined: {joins}", file=sys.stderr)
    shuffles = _measure(run, partial(run.run, cycles * CYCLE))
    peak = getrusage(RUSAGE_SELF).ru_maxrss / 1024
    at_the_end = checkpoint(run, "end")
    views = blake2b(encode((at_the_end.active, at_the_end.passive)), digest_size=8).hexdigest()
    log = run.timeline.log_hash if run.timeline.recording else None
    return Figures(overlay, nodes, cycles, joins, shuffles, round(peak, 1), views, log)


def _measure(run: Simulation, work: Callable[[], None]) -> Phase:
    start, events = process_time(), run.timeline.events
    work()
    return Phase(round(process_time() - start, 3), run.timeline.events - events)


def _join_one_by_one(run: Simulation, nodes: int, pause: float) -> None:
    contact = run.start("node-0")
    for number in range(1, nodes):
        run.join(run.start(f"node-{number}"), lambda: contact)
        run.run(pause)


def _make(plugin: OverlayPlugin, me: NodeSpec, rng: Random) -> MembershipStrategy:
    return plugin.make(me, plugin.config(), rng)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m partisan_testkit.simulator.benchmark",
        description="Measure how fast an overlay is simulated.",
    )
    parser.add_argument("--overlay", default="hyparview", help="name of an installed overlay")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--cycles", type=int, default=50, help="of 10 simulated seconds, after the joins")
    parser.add_argument("--pause", type=float, default=0.1, help="simulated seconds between two joins")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wire", action="store_true", help="encode and decode every message")
    parser.add_argument("--log", action="store_true", help="keep the log and its hash")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())
