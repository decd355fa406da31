"""One process of a run: `python -m partisan_bench.worker BENCHMARK SUBJECT CONTAINING ROUND_TRIP serve|drive SECONDS`.

The server prints its address; the driver reads that address from its standard input and prints its figures as
JSON. Both start at the same time and import what they need while the other does.
"""

import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from math import ceil
from typing import Protocol, cast

import msgspec

from partisan_bench.cases import Case, cases_of
from partisan_bench.work import Figures, Ready

LIFETIME = 30
"""Seconds beside its measurements after which a worker ends itself, whatever became of the process that
started it. Chosen."""


class Implementation(Protocol):
    """What a module `partisan_bench.<benchmark>.<subject>` defines."""

    def serve(self, ready: Ready) -> None:
        """Listen on loopback, announce the address, then receive or echo until the process is ended."""

    def drive(self, address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
        """Run each case against the server at `address`: warm up, then measure for `seconds`."""


def main(benchmark: str, module: str, containing: str, round_trip: str, role: str, seconds: str) -> None:
    """Play one role of one run: of the cases with that in their name, and with that round trip."""
    cases = cases_of(benchmark, module, containing, float(round_trip))
    signal.alarm(LIFETIME + 2 * len(cases) * ceil(float(seconds)))
    subject = cast("Implementation", import_module(f"partisan_bench.{benchmark}.{module}"))
    if role == "serve":
        subject.serve(lambda address: print(address, flush=True))
    else:
        figures = subject.drive(sys.stdin.readline().strip(), cases, float(seconds))
        print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
