"""Functions that see, change, hold back or drop single messages: Partisan's interposition functions.

They are called in their order, each with what those before made of the message.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from partisan_core.errors import FaultError, PartisanError, WouldBlock
from partisan_core.identity import NodeSpec
from partisan_core.interposition import AckedWay, Deliver, Stage, Way
from partisan_core.kernel.receipts import Receipt
from partisan_core.mailboxes import Feeder, Mailbox
from partisan_faults.rules import BOTH, IN, Armed, Event

log = logging.getLogger("partisan.faults")

HELD_MESSAGES = 10_000
"""Messages held back at a time; beyond, they go without delay (chosen: as many as a mailbox holds by default)."""

_FULL_AGAIN = 0.01
"""Seconds until a delayed message that found its queue full tries again (chosen)."""


class Passing(Struct, frozen=True):
    """A message on its way."""

    direction: str
    """`out`: this node sends it; `in`: this node received it."""
    peer: str
    """The node at the other end, or whence it comes through a third one."""
    channel: str
    """Empty: it is delivered in its causal order."""
    mailbox: str
    message: Any


class Delay(Struct, frozen=True):
    """The message goes on later; others overtake it."""

    seconds: float
    message: Any


class Twice(Struct, frozen=True):
    """The message goes on, and once more."""

    message: Any


Function = Callable[[Passing], object]
"""Returns the message that goes on, None to drop it, or a `Delay` or `Twice`."""

Watcher = Callable[[Passing, object], object]
"""Called with a message as it came, and with what the functions made of it."""


class Functions:
    """All of one node, by name."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._functions: dict[str, tuple[str, Function]] = {}
        self._before: dict[str, Function] = {}
        self._after: dict[str, Watcher] = {}
        self._held = 0

    def __bool__(self) -> bool:
        return bool(self._functions or self._before or self._after)

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def names(self) -> list[str]:
        """Of all functions, in the order in which they are called."""
        return list(dict.fromkeys([*self._before, *self._functions, *self._after]))

    def add(self, name: str, function: Function, direction: str = BOTH) -> None:
        """Add one that decides, under a name that is free."""
        self._functions[name] = direction, function

    def watch(self, name: str, before: Function | None, after: Watcher | None) -> None:
        """Add watchers, under a name that is free."""
        if before is not None:
            self._before[name] = before
        if after is not None:
            self._after[name] = after

    def remove(self, name: str) -> None:
        """Remove what has that name."""
        for functions in (self._functions, self._before, self._after):
            functions.pop(name, None)

    def decide(self, passing: Passing) -> list[tuple[float, Any]]:
        """The messages that go on, each with the seconds until then."""
        for before in self._before.values():
            before(passing)
        outcome: object = passing.message
        seconds, copies = 0.0, 1
        for direction, function in self._functions.values():
            if direction in (BOTH, passing.direction):
                outcome = function(replace(passing, message=outcome))
                if isinstance(outcome, Delay):
                    seconds, outcome = seconds + outcome.seconds, outcome.message
                elif isinstance(outcome, Twice):
                    copies, outcome = copies + 1, outcome.message
                if outcome is None:
                    copies = 0
                    break
        for after in self._after.values():
            after(passing, outcome)
        return [(seconds, outcome)] * copies

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something when a message has been held back long enough; at once when too many are."""
        if seconds <= 0 or self._held >= HELD_MESSAGES:
            action()
            return
        self._held += 1
        self._stage.call_later(seconds, partial(self._let_go, action))

    def _let_go(self, action: Callable[[], object]) -> None:
        self._held -= 1
        action()


class WatchedWay:
    """Stands where the way to a mailbox would."""

    def __init__(self, functions: Functions, passing: Passing, find: Callable[[], Way]) -> None:
        self._functions, self._passing = functions, passing
        self._way, self._find = find(), find

    def post(self, message: object) -> int:
        """See `Way`. What a function raises meets the sender; what is held back, dropped or doubled counts as sent."""
        size = 0
        for seconds, changed in self._functions.decide(replace(self._passing, message=message)):
            if seconds > 0:
                self._functions.later(seconds, partial(self._post_late, changed))
            else:
                size = self._way.post(changed)
        return size

    def _post_late(self, message: object) -> None:
        try:
            self._find().post(message)
        except WouldBlock:
            self._functions.later(_FULL_AGAIN, partial(self._post_late, message))
        except PartisanError as error:
            log.warning("a message that was held back cannot be sent any more: %s", error)


class WatchedAckedWay(WatchedWay):
    """The same of messages that are to be acknowledged: of these a receipt is asked for, and so one has to be sent."""

    def __init__(self, functions: Functions, passing: Passing, way: AckedWay) -> None:
        super().__init__(functions, passing, lambda: way)
        self._acked_way = way

    def post(self, message: object) -> int:
        """See `Way`: of a channel that acknowledges all messages; raises as `post_acked`."""
        return self._acked_way.post(self._changed(message))

    def post_acked(self, message: object) -> Receipt:
        """See `AckedWay`.

        Raises:
            FaultError: a function does anything else but change it.
        """
        return self._acked_way.post_acked(self._changed(message))

    async def send_acked(self, message: object) -> tuple[Receipt, int]:
        """See `AckedWay`; raises as `post_acked`."""
        return await self._acked_way.send_acked(self._changed(message))

    def _changed(self, message: object) -> object:
        match self._functions.decide(replace(self._passing, message=message)):
            case [(0.0, changed)]:
                return changed
            case _:
                raise FaultError(
                    "a message that is to be acknowledged cannot be dropped, held back or doubled by a function of its "
                    "sender; nothing was sent. Let one of the receiver do it, or a rule about frames"
                )


class WatchedDelivery:
    """Stands where the delivery of a channel would."""

    def __init__(self, functions: Functions, stage: Stage, channel: str, deliver: Deliver) -> None:
        self._functions, self._stage = functions, stage
        self._channel, self._deliver = channel, deliver

    def __call__(self, peer: NodeSpec, batch: list[tuple[str, Any]], feeder: Feeder | None) -> Mailbox | None:
        """See `Deliver`."""
        now: list[tuple[str, Any]] = []
        for mailbox, message in batch:
            for seconds, changed in self._decide(peer, mailbox, message):
                if seconds > 0:
                    self._functions.later(seconds, partial(self._deliver, peer, [(mailbox, changed)], None))
                else:
                    now.append((mailbox, changed))
        return self._deliver(peer, now, feeder)

    def _decide(self, peer: NodeSpec, mailbox: str, message: object) -> Sequence[tuple[float, Any]]:
        """A function that raises must not cost the connection, which is not to blame: the message goes on as it is."""
        if not isinstance(mailbox, str) or mailbox.startswith("!"):
            return [(0.0, message)]  # nobody can read it; or it is the kernel's, or delivered in its turn
        try:
            return self._functions.decide(Passing(IN, peer.name, self._channel, mailbox, message))
        except Exception:
            self._stage.counters["extension_errors"] += 1
            log.exception("a function of the faults raised; the message from %s goes on as it is", peer.name)
            return [(0.0, message)]


def as_function(armed: Armed, when: Callable[[Passing], object], told: Callable[[Armed, Event], None]) -> Function:
    """A rule about messages for which `when` is true, as a function."""

    def function(passing: Passing) -> object:
        event = Event(passing.direction, passing.peer, passing.channel)
        if not (armed.matches(event) and when(passing) and armed.strikes()):
            return passing.message
        told(armed, event)
        if armed.rule.action == "drop":
            return None
        return Twice(passing.message) if armed.rule.action == "duplicate" else Delay(armed.delay(), passing.message)

    return function
