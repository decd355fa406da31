"""What a node costs that does nothing: memory, sockets, traffic and processor time."""

import time
from collections.abc import Sequence
from typing import Final

from partisan_bench.formation import system
from partisan_bench.formation.processes import Member
from partisan_bench.work import Figures

UNITS: Final = {
    "rss": "MiB",
    "pss": "MiB",
    "uss": "MiB",
    "sockets": "1",
    "idle traffic": "B/s",
    "idle processor": "%",
}


def measured(members: Sequence[Member], idle: float) -> Figures:
    """Weigh the nodes of a complete cluster, and watch them doing nothing for `idle` seconds."""
    return _weigh(members) | _watch(members, idle)


def _weigh(members: Sequence[Member]) -> Figures:
    """Return the memory and the sockets of a node, in the process where it is most."""
    sizes = [(system.memory(member.process), len(member.names)) for member in members]
    figures = {kind: max(size[kind] / nodes for size, nodes in sizes) for kind in sizes[0][0]}
    return figures | {"sockets": max(system.sockets(member.process) / len(member.names) for member in members)}


def _watch(members: Sequence[Member], idle: float) -> Figures:
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
