"""What the conductor and the workers tell each other over pipes: one JSON object per line.

Times are `time.monotonic()`, one clock for all processes of a machine.
"""

from collections.abc import AsyncGenerator
from typing import TypeVar

import msgspec
import trio
from msgspec import Struct


class Begin(Struct, frozen=True, tag="begin"):
    """The first order: who to be."""

    name: str
    cluster: str
    data_dir: str
    """Of this node alone, the same for all its lives: incarnations grow even when the wall clock does not."""
    listen: str
    labels: dict[str, str]
    overlay: dict[str, object]
    serializer: dict[str, object]
    files: str
    """The path of a file with the paths to count, each ended by a zero byte."""
    pause: float
    """Seconds from the begin of one file to that of the next."""


class Join(Struct, frozen=True, tag="join"):
    """Join through one of these addresses."""

    contacts: tuple[str, ...]


class Count(Struct, frozen=True, tag="count"):
    """Begin to count."""


class Finish(Struct, frozen=True, tag="finish"):
    """Everything is counted: tell what is known. The end of the orders ends the worker."""

    answer: str | None
    """Where to write the results; None: only their fingerprints are asked for."""


Order = Begin | Join | Count | Finish


class Started(Struct, frozen=True, tag="started"):
    """The node listens."""

    address: str
    incarnation: int


class View(Struct, frozen=True, tag="view"):
    """The neighbours or the roster have changed."""

    at: float
    neighbours: dict[str, int]
    """Name and incarnation."""
    living: dict[str, int]
    """Name and incarnation of everybody who is up according to the roster."""


class Progress(Struct, frozen=True, tag="progress"):
    """How far the work is."""

    left: int = 0
    """Files that are this node's and have no result yet, as far as it knows."""
    shares: dict[str, int] = {}
    """How many of the results it knows each node has counted."""
    messages: int = 0
    """Sent so far."""
    dropped: dict[str, int] = {}
    """Messages not delivered, by reason."""

    @property
    def known(self) -> int:
        """How many results it knows."""
        return sum(self.shares.values())


class Finished(Struct, frozen=True, tag="finished"):
    """The answer to `Finish`."""

    fingerprints: list[str]
    """Of each file's result."""


class Failed(Struct, frozen=True, tag="failed"):
    """The worker cannot go on."""

    error: str


Report = Started | View | Progress | Finished | Failed

_Line = TypeVar("_Line")


def to_line(what: Order | Report) -> bytes:
    """One line of JSON."""
    return msgspec.json.encode(what) + b"\n"


async def read_lines(
    stream: trio.abc.ReceiveStream, decoder: msgspec.json.Decoder[_Line]
) -> AsyncGenerator[_Line, None]:
    """Decode line after line until the end of the stream; an unfinished last line is nobody's word.

    Raises:
        msgspec.DecodeError: a line is not of the decoder's type.
    """
    rest = bytearray()
    async for chunk in stream:
        rest += chunk
        *lines, tail = rest.split(b"\n")
        rest = bytearray(tail)
        for line in lines:
            yield decoder.decode(line)
