"""One formation after the other: started, timed, checked, weighed, ended."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from partisan_bench.cases import PARTISAN, Case
from partisan_bench.formation import costs, system
from partisan_bench.formation.processes import Member, ending
from partisan_bench.formation.shapes import Plan, Shape, contact_of, evenly, shape_of
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

UNITS = {"seconds": "s", "after ready": "ms"} | costs.UNITS


def run(
    overlays: Sequence[str], sizes: Sequence[int], rounds: int, idle: float, per_process: int = 1
) -> Iterator[list[Sample]]:
    """Form a cluster of each size on each overlay `rounds` times, and watch each doing nothing for `idle` seconds.

    Raises:
        WorkerFailed: the nodes did not become one complete cluster; no process is left behind.
    """
    for overlay, nodes in product(overlays, sizes):
        name = f"{overlay}/{nodes}" if per_process == 1 else f"{overlay}/{nodes}, {per_process} per process"
        case = Case("formation", name, UNITS, (PARTISAN,))
        yield from turns(case, rounds, partial(_measure, evenly(overlay, nodes, per_process), idle))


def turns(case: Case, rounds: int, measure: Callable[[], Figures]) -> Iterator[list[Sample]]:
    """Measure one case again and again; who fails says in which case."""
    for _ in range(rounds):
        try:
            figures = measure()
        except WorkerFailed as error:
            raise WorkerFailed(f"{case.name}: {error}") from error
        yield [Sample(case, PARTISAN.name, figures)]


def _measure(plan: Plan, idle: float) -> Figures:
    with TemporaryDirectory(prefix="partisan-formation-") as folder, ending() as members:
        return form(members, Path(folder), plan) | costs.measured(members, idle)


def form(members: list[Member], folder: Path, plan: Plan) -> Figures:
    """Start the first process, then all others at once; time them from the start of the last until all are complete.

    The members are appended to `members` one by one, so that who ends them knows them whatever happens.
    """
    last_start = time.monotonic()
    members.append(Member(folder, plan, plan.shares[0]))
    moment, ends = _ready(members[0])
    for share in plan.shares[1:]:
        last_start = time.monotonic()
        members.append(Member(folder, plan, share))
    capabilities = Plugins().overlay(plan.overlay).capabilities
    shape = shape_of(plan.overlay, capabilities, plan.nodes, plan.is_star)
    ready, known = [moment], [ends]
    for index, member in enumerate(members[1:], 1):
        moment, ends = _ready(member)
        ready.append(moment)
        known.append(ends)
        member.tell(contact_of(index, known, shape))
    members[0].tell(contact_of(0, known, shape))
    complete = max(member.hear()[0] for member in members)
    complete = check(members, shape) or complete
    if plan.is_star:
        check_sockets(members[0], plan.nodes - 1)
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
    for member in members:
        check_sockets(member, shape.neighbours, settling)
    return None


def check_sockets(member: Member, peers: int, settling: float = SETTLING) -> None:
    """See whether each node of a process holds one socket for each of `peers` and each lane; raises as `check`."""
    deadline, expected = time.monotonic() + settling, len(member.names) * peers * LANES
    while (held := system.sockets(member.process)) != expected:
        if time.monotonic() > deadline:
            raise WorkerFailed(f"{member.name} holds {held} sockets, not {expected}: one for each peer and lane")
        time.sleep(0.05)


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
