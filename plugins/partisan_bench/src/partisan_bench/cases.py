"""What is measured: the cases of each benchmark and the subjects that take turns in them."""

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True, slots=True)
class Subject:
    """Partisan or one of its baselines."""

    name: str
    module: str
    """Its module in `partisan_bench.oneway` and `partisan_bench.rtt`, imported in worker processes only."""
    library: str | None = None
    """The import name of a library that need not be installed."""

    @property
    def is_installed(self) -> bool:
        """False when the subject's optional library is missing."""
        return self.library is None or find_spec(self.library) is not None


PARTISAN = Subject("partisan", "partisan")
PYZMQ = Subject("pyzmq", "pyzmq", library="zmq")
BLOCKING = Subject("blocking", "blocking")
TRIO_STREAM = Subject("trio-stream", "trio_stream")

SUBJECTS = (PARTISAN, PYZMQ, BLOCKING, TRIO_STREAM)


@dataclass(frozen=True, slots=True)
class Case:
    """The same work for every subject that takes part."""

    benchmark: str
    name: str
    units: dict[str, str]
    """Unit of each reported metric; ratios are made of the first one."""
    subjects: tuple[Subject, ...]
    payload: int = 64
    """Bytes that a record carries beside its three other fields."""
    callers: int = 1
    """Requests under way at once."""
    awaits: bool = False
    """Whether Partisan awaits `send` for every message, instead of `send_nowait` as long as there is room: what pyzmq's
    `send` does, too."""


_THROUGHPUT = {"rate": "msg/s"}
_LATENCY = {"p50": "us", "p99": "us"}
_ROUND_TRIPS = {"rate": "1/s"}

CASES = (
    Case("oneway", "64B", _THROUGHPUT, (PARTISAN, PYZMQ, BLOCKING)),
    Case("oneway", "64B await each send", _THROUGHPUT, (PARTISAN, PYZMQ), awaits=True),
    Case("oneway", "1KiB", _THROUGHPUT, (PARTISAN, PYZMQ, BLOCKING), payload=1024),
    Case("rtt", "64B", _LATENCY, (PARTISAN, TRIO_STREAM, PYZMQ)),
    Case("rtt", "64B 128 callers", _ROUND_TRIPS, (PARTISAN, PYZMQ), callers=128),
)


def cases_of(benchmark: str, module: str) -> list[Case]:
    """Return the cases of the benchmark in which the subject of that module takes part."""
    return [
        case
        for case in CASES
        if case.benchmark == benchmark and module in {subject.module for subject in case.subjects}
    ]
