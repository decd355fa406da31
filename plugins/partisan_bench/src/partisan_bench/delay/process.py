"""Starts the proxy in a process of its own and ends it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

WINDOW = 4 * 1024 * 1024
"""Bytes under way in each direction of each connection. Origin: what Linux lets a TCP sender have in its buffer
(`net.ipv4.tcp_wmem`), and with that one connection its unacknowledged bytes."""


class Delay:
    """A proxy that runs: who connects to `address` comes out at the target, later."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process = process
        self.address = process.stdout.readline().strip()

    def forward_to(self, address: str) -> None:
        """Say once where connections go, as HOST:PORT. Those made earlier wait until then."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{address.strip()}\n")
        self._process.stdin.flush()


@contextmanager
def opened_delay(round_trip: float, window: int = WINDOW) -> Iterator[Delay]:
    """Run a proxy that adds `round_trip` seconds to each round trip, half of it each way."""
    command = [sys.executable, "-m", "partisan_bench.delay", str(round_trip / 2), str(window)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603 - our own module
        try:
            yield Delay(process)
        finally:
            process.kill()
