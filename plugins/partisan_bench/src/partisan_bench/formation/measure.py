"""One formation after the other: started, timed, checked, weighed, ended."""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from partisan_bench.cases import PARTISAN, Case
from partisan_bench.formation import system
from partisan_bench.formation.processes import Member, ending
from partisan_bench.formation.views import LANES, disagreement
from partisan_bench.harness import WorkerFailed
from partisan_bench.rows import Sample
from partisan_bench.work import Figures

SETTLING = 4.0
"""Seconds after which no socket may be left over. Where two nodes dial each other at once one dial loses, and its
socket lives until a busy peer has answered it: at most `links.handshake_timeout`, which is 2 s. Chosen: twice that."""

UNITS = {
    "seconds": "s",
    "after ready": "ms",
    "rss": "MiB",
    "pss": "MiB",
    "uss": "MiB",
    "sockets": "1",
    "idle traffic": "B/s",
    "idle processor": "%",
}


def run(overlay: str, sizes: tuple[int, ...], rounds: int, idle: float) -> Iterator[list[Sample]]:
    """Form a cluster of each size `rounds` times, and watch each doing nothing for `idle` seconds.

    Raises:
        WorkerFailed: the nodes did not become one complete cluster; no process is left behind.
    """
    for nodes in sizes:
        case = Case("formation", f"{overlay}/{nodes}", UNITS, (PARTISAN,))
        for _ in range(rounds):
            yield [Sample(case, PARTISAN.name, _measure(overlay, nodes, idle))]


def _measure(overlay: str, nodes: int, idle: float) -> Figures:
    with TemporaryDirectory(prefix="partisan-formation-") as folder, ending() as members:
        figures = form(members, Path(folder), overlay, nodes)
        check(members)
        return figures | _weigh(members) | _watch(members, idle)


def form(members: list[Member], folder: Path, overlay: str, nodes: int) -> Figures:
    """Start the first node, then all others at once; time them from the start of the last one until all are complete.

    The members are appended to `members` one by one, so that who ends them knows them whatever happens.
    """
    members.append(Member("node-01", folder, overlay, nodes, ()))
    _, contact = members[0].hear()
    for number in range(2, nodes + 1):
        last_start = time.monotonic()
        members.append(Member(f"node-{number:02}", folder, overlay, nodes, (contact,)))
    last_ready = max(member.hear()[0] for member in members[1:])
    complete = max(member.hear()[0] for member in members)
    return {"seconds": complete - last_start, "after ready": 1000 * (complete - last_ready)}


def check(members: list[Member], settling: float = SETTLING) -> None:
    """See whether all views are equal and complete, and, after at most `settling` seconds, every socket is a lane.

    Raises:
        WorkerFailed: they are not.
    """
    if fault := disagreement({member.name: member.view() for member in members}):
        raise WorkerFailed(fault)
    expected, deadline = (len(members) - 1) * LANES, time.monotonic() + settling
    for member in members:
        while (held := system.sockets(member.process)) != expected:
            if time.monotonic() > deadline:
                raise WorkerFailed(f"{member.name} holds {held} sockets, not {expected}: one for each peer and lane")
            time.sleep(0.05)


def _weigh(members: list[Member]) -> Figures:
    """Return the memory of the largest node, and its sockets."""
    sizes = [system.memory(member.process) for member in members]
    figures = {kind: max(size[kind] for size in sizes) for kind in sizes[0]}
    return figures | {"sockets": max(system.sockets(member.process) for member in members)}


def _watch(members: list[Member], idle: float) -> Figures:
    """Return what a node sends and computes while nobody asks anything of it, on average."""
    sent = [_sent(member) for member in members]
    used = [_used(member) for member in members]
    time.sleep(idle)
    rates = [_rate(before, _used(member)) for before, member in zip(used, members, strict=True)]
    traffic = [_rate(before, _sent(member)) for before, member in zip(sent, members, strict=True)]
    return {"idle traffic": mean(traffic), "idle processor": 100 * mean(rates)}


Reading = tuple[float, float]
"""A moment in seconds, and what a meter showed then."""


def _sent(member: Member) -> Reading:
    return time.monotonic(), sum(row.bytes_out for row in member.connections())


def _used(member: Member) -> Reading:
    return time.monotonic(), system.processor_time(member.process)


def _rate(before: Reading, after: Reading) -> float:
    return (after[1] - before[1]) / (after[0] - before[0])
