"""Words on monitors on their way: each request is said again until it is answered (decision 0039).

Not by acknowledged delivery, which there is, too (decision 0036). Each of these words has an answer that says more than
that it was taken in: which life and which mailbox are watched. Where a session is lost, as when one end takes the other
for dead, acknowledged delivery gives up with `Undelivered`, and the word would have to be said again all the same. So
this would stay, and receipts would come to it; and a lane whose messages are not acknowledged would have to keep and
number frames for a word now and then.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import lru_cache

import trio
from msgspec import Struct, field

from partisan_core.errors import NodeClosed, NodeDown, PartisanError, SendError, WouldBlock
from partisan_core.kernel.outlets import Outlets
from partisan_core.kernel.states import CallLater
from partisan_core.refs import Ref
from partisan_core.wire.monitoring import MONITORS, Word, write

_PAUSE = 1.0
"""Seconds between two looks at what was not answered. Chosen: a link that takes longer for a round trip is rare, and to
say it once too often is harmless."""

_MOST_LOOKS = 16
"""Looks between two tries, at most: doubled from one on."""

_PATIENCE = 8
"""How often a word is tried that may stay without an answer, for some 90 s: who has lost its way to us is told so by
the connection layer."""

_DESKS = 1000
"""References that are not made anew for each word, which costs 1 us (chosen: more peers than a node has)."""


@lru_cache(_DESKS)
def desk(node: str, incarnation: int | None) -> Ref:
    """Where words to a node go, or to one life of it."""
    return Ref.reserved(node, MONITORS, incarnation)


class Way(Struct, frozen=True):
    """To whom a word goes, and how."""

    to: Ref
    channel: str
    behind: str = ""
    """After what was sent to that mailbox."""


class Request(Struct, eq=False):
    """A word that is to be answered."""

    way: Way
    word: Word
    failed: Callable[[PartisanError], object] = lambda error: None
    """There is no way, or no answer; it will not be tried again."""
    is_patient: bool = True
    """It must be answered; otherwise it may be given up."""
    tries: int = 0
    looks: int = 0
    is_waiting: bool = False
    """For room in its lane."""


class Requests(Struct, eq=False):
    """Those of one node."""

    _outlets: Outlets
    _call_later: CallLater
    _nursery: trio.Nursery
    _open: dict[Request, None] = field(default_factory=dict)
    _is_looking: bool = False

    def __len__(self) -> int:
        return len(self._open)

    def ask(self, request: Request) -> None:
        """Say it until it is `answered`."""
        self._open[request] = None
        self.say(request)
        self._look_later()

    def ask_later(self, request: Request) -> None:
        """The same, but with the next look for the first time."""
        self._open[request] = None
        self._look_later()

    def answered(self, request: Request | None) -> None:
        """It was heard, or does not matter any more."""
        if request is not None:
            self._open.pop(request, None)

    def answer(self, way: Way, word: Word) -> None:
        """Say it once, if there is a way and room for it: who does not hear it asks again."""
        with suppress(SendError, NodeClosed):
            self._post(way, word)

    def say(self, request: Request) -> None:
        """Say it once more, or once only, as soon as there is room for it."""
        if request.is_waiting:
            return
        request.tries += 1
        request.looks = min(2**request.tries, _MOST_LOOKS)
        try:
            self._post(request.way, request.word)
        except WouldBlock as full:
            if full.wait is not None:
                request.is_waiting = True
                self._nursery.start_soon(self._wait, request, full.wait)
        except (SendError, NodeClosed) as error:
            if request in self._open:
                del self._open[request]
                request.failed(error)

    def _post(self, way: Way, word: Word) -> None:
        outlet = None if way.behind else self._outlets.routes[way.channel].get(way.to)
        (outlet or self._outlets.find(way.to, way.channel, way.behind or None)).post(write(word))

    async def _wait(self, request: Request, room: Callable[[], Awaitable[int]]) -> None:
        with suppress(SendError):  # what became of the way, the next look sees
            await room()
        request.is_waiting = False

    def _look_later(self) -> None:
        if self._open and not self._is_looking:
            self._is_looking = True
            self._call_later(_PAUSE, self._look)

    def _look(self) -> None:
        self._is_looking = False
        for request in list(self._open):
            request.looks -= 1
            if request.looks > 0 or request.is_waiting or request not in self._open:
                continue
            if request.is_patient or request.tries < _PATIENCE:
                self.say(request)
            else:
                del self._open[request]
                request.failed(NodeDown(f"node {request.way.to.node} does not answer"))
        self._look_later()
