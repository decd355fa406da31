"""What the nodes of a whole-node schedule do for a living, and what that must keep: one promise per file.

Whoever has another promise to look at adds a class to `WORKLOADS`.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Protocol

from partisan_core.notices import Notice
from partisan_testkit.wholenodes.process import Process
from partisan_testkit.wholenodes.workloads.acked import Acked
from partisan_testkit.wholenodes.workloads.bounds import Bounds
from partisan_testkit.wholenodes.workloads.calls import Calls
from partisan_testkit.wholenodes.workloads.flood import Flood
from partisan_testkit.wholenodes.workloads.leaks import Leaks
from partisan_testkit.wholenodes.workloads.monitors import Monitors
from partisan_testkit.wholenodes.workloads.neighbours import Neighbours
from partisan_testkit.wholenodes.workloads.sends import Sends


class Workload(Protocol):
    """Made once per run, with the seed. Whatever it finds broken, it raises as a `Violation`, at once."""

    sections: Mapping[str, Mapping[str, object]]
    """What it needs in the configuration of every node."""

    async def live(self, process: Process) -> None:
        """Run beside one life of a node; cancelled when that life ends."""

    def on_notice(self, process: Process, notice: Notice) -> None:
        """A life was told something; must not wait."""

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """When faults are over and all is well: try what has to work now, and yield what breaks a promise."""


WORKLOADS: dict[str, Callable[[int], Workload]] = {
    "neighbours": Neighbours,
    "sends": Sends,
    "acked": Acked,
    "monitors": Monitors,
    "calls": Calls,
    "bounds": Bounds,
    "flood": Flood,
    "leaks": Leaks,
}
"""By name."""

# These need distributions of the extra `schedules`.
if find_spec("partisan_causal"):
    from partisan_testkit.wholenodes.workloads.causal import Causal

    WORKLOADS["causal"] = Causal
if find_spec("partisan_faults"):
    from partisan_testkit.wholenodes.workloads.meddling import Meddling

    WORKLOADS["meddling"] = Meddling
