"""Distributed Erlang, where an `erl` is on the PATH: the worker becomes an Erlang node that does the work.

Without epmd, which would stay behind as a daemon: the driver is told the port. Both nodes read the user's own cookie,
and the server listens on loopback only.
"""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from partisan_bench.cases import Case
from partisan_bench.work import Figures, Ready

_SOURCE = Path(__file__).with_name("bench.erl")


def serve(ready: Ready) -> None:
    """Become the node `server`, which announces its address by itself, when it listens."""
    del ready
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["-name", "server@127.0.0.1", "-kernel", "inet_dist_use_interface", "{127,0,0,1}"]
    _become(port, options, f'bench:serve("127.0.0.1:{port}")')


def drive(address: str, cases: Sequence[Case], seconds: float) -> list[Figures]:
    """Become the node `driver`, which prints its figures by itself."""
    work = ",".join(f"{{{case.benchmark},{case.payload},{case.callers},{case.bulk}}}" for case in cases)
    options = ["-name", "driver@127.0.0.1", "-dist_listen", "false"]
    port = int(address.rpartition(":")[2])
    _become(port, options, f"bench:drive([{work}], {seconds})")


def _become(port: int, options: Sequence[str], start: str) -> NoReturn:
    """Go on as an Erlang node in this process, so that who ends this process ends the node."""
    load = f'{{ok, bench, Code}} = compile:file("{_SOURCE}", [binary]), code:load_binary(bench, "bench", Code)'
    alone = ["-noinput", "-hidden", "-start_epmd", "false", "-erl_epmd_port", str(port)]
    os.execvp("erl", ["erl", *alone, *options, "-eval", f"{load}, {start}."])  # noqa: S606, S607 - the user's own
