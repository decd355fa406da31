"""What is measured: the cases of each benchmark and the subjects that take turns in them."""

from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from shutil import which


@dataclass(frozen=True, slots=True)
class Subject:
    """Partisan or one of its baselines."""

    name: str
    module: str
    """Its module in the package of each benchmark that it takes part in, imported in worker processes only."""
    library: str | None = None
    """The import name of a library that need not be installed."""
    program: str | None = None
    """A program that need not be on the PATH."""
    mend: str = ""
    """How to install that library or program."""

    @property
    def is_installed(self) -> bool:
        """False when the subject's optional library or program is missing."""
        has_library = self.library is None or find_spec(self.library) is not None
        return has_library and (self.program is None or which(self.program) is not None)


PARTISAN = Subject("partisan", "partisan")
PARTISAN_STRUCTS = Subject("partisan", "partisan_structs")
"""It has a name with the former, whose cases its own are compared with, but processes of its own."""
PYZMQ = Subject("pyzmq", "pyzmq", library="zmq", mend="pip install pyzmq")
ERLANG = Subject("erlang", "erlang", program="erl", mend="install Erlang/OTP 25 or newer, Debian's erlang-base")
BLOCKING = Subject("blocking", "blocking")
BLOCKING_CRC32 = Subject("blocking-crc32", "blocking_crc32")
TRIO_STREAM = Subject("trio-stream", "trio_stream")
TRIO_SOCKET = Subject("trio-socket", "trio_socket")
ASYNCIO = Subject("asyncio", "asyncio_streams")

SUBJECTS = (PARTISAN, PARTISAN_STRUCTS, PYZMQ, BLOCKING, BLOCKING_CRC32, TRIO_STREAM, TRIO_SOCKET, ASYNCIO, ERLANG)


MANY_LANES = 16
"""Connections of a channel with many. Origin: the paper."""


class Way(StrEnum):
    """How the messages of many actors go over the connections of a channel; also the name of that channel."""

    ONE_LANE = "one-lane"
    RANDOM = "random"
    """Each message over any of many."""
    BY_KEY = "by-key"
    """Each actor's messages over one of many, always the same."""


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
    bulk: int = 0
    """Bytes of each message that streams beside the others; 0: none does."""
    is_apart: bool = False
    """Whether those have a channel or a connection of their own."""
    round_trip: float = 0.0
    """Seconds that a round trip takes at least, through a proxy that delays; 0: no proxy."""
    way: Way = Way.ONE_LANE
    """How messages go over connections, where that is what is measured."""
    against: str | None = None
    """Another case of the benchmark that Partisan is compared with, beside the baselines."""
    receives: bool = False
    """Whether Partisan takes its messages one by one with `receive`, instead of all there are with `receive_batch`."""
    awaits: bool = False
    """Whether Partisan awaits `send` for every message, instead of `send_nowait` as long as there is room: what pyzmq's
    `send` does, too."""
    acks: bool = False
    """Whether Partisan's messages are acknowledged, and so delivered exactly once."""
    monitors: bool = False
    """Whether a monitor is set beside each round trip: that is measured, and compared with the round trip."""


_KIB, _MIB = 1024, 1024**2
_ECHO = {"rate": "1/s", "p50": "us", "p99": "us"}
_ACTORS = {"1KiB": (_KIB, (1, 16, 128)), "512KiB": (512 * _KIB, (1, 16, 64, 128)), "8MiB": (8 * _MIB, (1, 4, 16))}
"""Payloads and numbers of actors of the paper. More of the largest would be gigabytes under way; the factors that
many lanes bring are there with 16."""


def _echoes(round_trip: float, size: str, payload: int, actors: int) -> list[Case]:
    """Make the cases that differ only in the way."""
    name = f"{round_trip * 1000:.0f}ms {size} {actors} actors "
    return [
        Case(
            "echo",
            name + way,
            _ECHO,
            (PARTISAN, ERLANG) if way is Way.ONE_LANE else (PARTISAN,),
            payload,
            callers=actors,
            round_trip=round_trip,
            way=way,
            against=None if way is Way.ONE_LANE else name + Way.ONE_LANE,
        )
        for way in Way
    ]


_PINGING = (PARTISAN, TRIO_STREAM, PYZMQ)
_ALONE = {"p99": "ms", "p50": "ms"}
_BESIDE_BULK = {"p99": "ms", "p50": "ms", "bulk": "MB/s"}
_FLOODING = (PARTISAN, PYZMQ, BLOCKING, TRIO_SOCKET, ASYNCIO, ERLANG)
_THROUGHPUT = {"rate": "msg/s"}
_VOLUME = {"volume": "MB/s"}
_CALLING = (PARTISAN, PYZMQ, ASYNCIO, ERLANG)
_LATENCY = {"p50": "us", "p99": "us"}
_ROUND_TRIPS = {"rate": "1/s"}
_SETTING = {"p50": "us", "p99": "us", "round_trips": "x"}
_MEMORY = {"sender": "x", "receiver": "x"}

CASES = (
    Case("oneway", "64B", _THROUGHPUT, _FLOODING),
    Case("oneway", "64B Structs", _THROUGHPUT, (PARTISAN_STRUCTS,), against="64B"),
    Case("oneway", "64B await each send", _THROUGHPUT, (PARTISAN, PYZMQ), awaits=True),
    Case("oneway", "64B receive each", _THROUGHPUT, (PARTISAN, PYZMQ), receives=True),
    Case("oneway", "64B acked", _THROUGHPUT, (PARTISAN,), acks=True, against="64B"),
    Case("oneway", "1KiB", _THROUGHPUT, _FLOODING, payload=_KIB),
    Case("oneway", "512KiB", _VOLUME, (*_FLOODING, BLOCKING_CRC32), payload=512 * _KIB),
    Case("rtt", "64B", _LATENCY, (*_CALLING, TRIO_STREAM, TRIO_SOCKET)),
    Case("rtt", "64B 16 callers", _ROUND_TRIPS, _CALLING, callers=16),
    Case("rtt", "64B 128 callers", _ROUND_TRIPS, _CALLING, callers=128),
    Case("rtt", "monitor", _SETTING, (PARTISAN,), monitors=True),
    Case("hol", "same channel", _BESIDE_BULK, (*_PINGING, ERLANG), bulk=8 * _MIB),
    Case("hol", "channels apart", _BESIDE_BULK, _PINGING, bulk=8 * _MIB, is_apart=True),
    Case("hol", "20ms alone", _ALONE, (*_PINGING, ERLANG), round_trip=0.02),
    Case("hol", "20ms same channel", _BESIDE_BULK, (*_PINGING, ERLANG), bulk=8 * _MIB, round_trip=0.02),
    Case("hol", "20ms channels apart", _BESIDE_BULK, _PINGING, bulk=8 * _MIB, is_apart=True, round_trip=0.02),
    Case("memory", "4MiB", _MEMORY, (PARTISAN, BLOCKING), payload=4 * _MIB),
    Case("memory", "8MiB", _MEMORY, (PARTISAN, BLOCKING), payload=8 * _MIB),
    *(
        case
        for round_trip in (0.001, 0.02)
        for size, (payload, numbers) in _ACTORS.items()
        for actors in numbers
        for case in _echoes(round_trip, size, payload, actors)
    ),
)


def round_trips_of(benchmark: str, containing: str = "") -> list[float]:
    """Return the round trips among the cases of the benchmark, the shortest first."""
    return sorted({case.round_trip for case in CASES if case.benchmark == benchmark and containing in case.name})


def cases_of(benchmark: str, module: str, containing: str = "", round_trip: float | None = None) -> list[Case]:
    """Return the cases of the benchmark in which the subject of that module takes part.

    Args:
        benchmark: its name.
        module: of the subject.
        containing: what is part of the case's name.
        round_trip: only the cases with that one.
    """
    return [
        case
        for case in CASES
        if case.benchmark == benchmark
        and module in {subject.module for subject in case.subjects}
        and containing in case.name
        and round_trip in (None, case.round_trip)
    ]
