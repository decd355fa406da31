"""One formation after the other: started, timed, checked, weighed, ended."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from partisan_bench.cases import PARTISAN, Case
from partisan_bench.formation import system
from partisan_bench.formation.processes import Member, ending
from partisan_bench.formation.shapes import Shape, contact_of, shape_of
from partisan_bench.formation.views import LANES, View, disagreement, scattering
from partisan_bench.harness import WorkerFailed
from partisan_bench.rows import Sample
from partisan_bench.work import Figures
from partisan_core.plugins import Plugins

SETTLING = 4.0
"""Seconds after which no socket may be left over. Where two nodes dial each other at once one dial loses, and its
socket lives until a busy peer has answered it: at most `links.handshake_timeout`, which is 2 s. Chosen: twice that."""

REPAIR = 60.0
"""Seconds that a cluster with partial views may take to be in one piece (the goal of the project for 256 nodes)."""

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


def run(overlay: str, sizes: tuple[int, ...], rounds: int, idle: float, per_process: int = 1) -> Iterator[list[Sample]]:
    """Form a cluster of each size `rounds` times, and watch each doing nothing for `idle` seconds.

    Raises:
        WorkerFailed: the nodes did not become one complete cluster; no process is left behind.
    """
    for nodes in sizes:
        name = f"{overlay}/{nodes}" if per_process == 1 else f"{overlay}/{nodes}, {per_process} per process"
        case = Case("formation", name, UNITS, (PARTISAN,))
        for _ in range(rounds):
            yield [Sample(case, PARTISAN.name, _measure(overlay, nodes, per_process, idle))]


def _measure(overlay: str, nodes: int, per_process: int, idle: float) -> Figures:
    with TemporaryDirectory(prefix="partisan-formation-") as folder, ending() as members:
        figures = form(members, Path(folder), overlay, nodes, per_process)
        return figures | _weigh(members) | _watch(members, idle)


def form(members: list[Member], folder: Path, overlay: str, nodes: int, per_process: int = 1) -> Figures:
    """Start the first process, then all others at once; time them from the start of the last until all are complete.

    The members are appended to `members` one by one, so that who ends them knows them whatever happens.
    """
    numbers = range(1, nodes + 1)
    shares = [numbers[first : first + per_process] for first in range(0, nodes, per_process)]
    last_start = time.monotonic()
    members.append(Member(folder, overlay, nodes, shares[0]))
    moment, ends = _ready(members[0])
    for share in shares[1:]:
        last_start = time.monotonic()
        members.append(Member(folder, overlay, nodes, share))
    shape = shape_of(overlay, Plugins().overlay(overlay).capabilities, nodes)
    ready, known = [moment], [ends]
    for index, member in enumerate(members[1:], 1):
        moment, ends = _ready(member)
        ready.append(moment)
        known.append(ends)
        member.tell(contact_of(index, known, shape))
    members[0].tell(contact_of(0, known, shape))
    complete = max(member.hear()[0] for member in members)
    complete = check(members, shape) or complete
    return {"seconds": complete - last_start, "after ready": 1000 * (complete - max(ready))}


def _ready(member: Member) -> tuple[float, tuple[str, str]]:
    """Wait until the nodes of a process listen: when that was, and where the first and the last do."""
    moment, addresses = member.hear()
    first, _, last = addresses.partition(" ")
    return moment, (first, last)


def check(members: list[Member], shape: Shape, settling: float = SETTLING) -> float | None:
    """See whether the views are those of one complete cluster, and every socket of a full one is a lane.

    Sockets may take `settling` seconds. A partial view that repairs itself just now is asked again: then the moment is
    returned when the cluster was found complete.

    Raises:
        WorkerFailed: they are not.
    """
    if not shape.is_full:
        return _check_partial(members, shape)
    if fault := disagreement(_views(members)):
        raise WorkerFailed(fault)
    deadline = time.monotonic() + settling
    for member in members:
        expected = len(member.names) * shape.neighbours * LANES
        while (held := system.sockets(member.process)) != expected:
            if time.monotonic() > deadline:
                raise WorkerFailed(f"{member.name} holds {held} sockets, not {expected}: one for each peer and lane")
            time.sleep(0.05)
    return None


def _check_partial(members: list[Member], shape: Shape) -> float | None:
    found, deadline = None, time.monotonic() + REPAIR
    while fault := scattering(_views(members), shape):
        if time.monotonic() > deadline:
            raise WorkerFailed(fault)
        time.sleep(0.2)
        found = time.monotonic()
    return found


def _views(members: list[Member]) -> dict[str, View]:
    return {name: view for member in members for name, view in member.views().items()}


def _weigh(members: list[Member]) -> Figures:
    """Return the memory and the sockets of a node, in the process where it is most."""
    sizes = [(system.memory(member.process), len(member.names)) for member in members]
    figures = {kind: max(size[kind] / nodes for size, nodes in sizes) for kind in sizes[0][0]}
    return figures | {"sockets": max(system.sockets(member.process) / len(member.names) for member in members)}


def _watch(members: list[Member], idle: float) -> Figures:
    """Return what a node sends and computes while nobody asks anything of it, on average."""
    nodes = sum(len(member.names) for member in members)
    sent = [_sent(member) for member in members]
    used = [_used(member) for member in members]
    time.sleep(idle)
    rates = [_rate(before, _used(member)) for before, member in zip(used, members, strict=True)]
    traffic = [_rate(before, _sent(member)) for before, member in zip(sent, members, strict=True)]
    return {"idle traffic": sum(traffic) / nodes, "idle processor": 100 * sum(rates) / nodes}


Reading = tuple[float, float]
"""A moment in seconds, and what a meter showed then."""


def _sent(member: Member) -> Reading:
    return time.monotonic(), member.bytes_out()


def _used(member: Member) -> Reading:
    return time.monotonic(), system.processor_time(member.process)


def _rate(before: Reading, after: Reading) -> float:
    return (after[1] - before[1]) / (after[0] - before[0])
