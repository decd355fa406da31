"""The faults of one node: rules and functions that are added, listed and removed while it runs."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import trio

from partisan_core.config.loader import structure_options
from partisan_core.config.model import Selection
from partisan_core.config.problems import key_path
from partisan_core.errors import FaultError, InvalidName
from partisan_core.identity import Address, check_name
from partisan_core.interposition import AckedWay, Deliver, Stage, Stretch, Way
from partisan_core.kernel.postoffice import mailbox_of
from partisan_core.notices import FaultInjected
from partisan_core.refs import Ref
from partisan_core.spelling import did_you_mean
from partisan_core.views import FaultRow
from partisan_faults.config import FaultsConfig
from partisan_faults.filters import Incoming, Outgoing
from partisan_faults.messages import (
    Function,
    Functions,
    Passing,
    WatchedAckedWay,
    WatchedDelivery,
    WatchedWay,
    Watcher,
    as_function,
)
from partisan_faults.rules import BOTH, OF_MESSAGES, OUT, STALLING, Armed, Event, Rule, RuleBook, cuts_off

log = logging.getLogger("partisan.faults")

_NOTICE_EVERY = 1.0
"""Seconds between two notices of one rule (chosen)."""

_LIMIT = 1000
"""Rules and functions of one node (chosen: each is looked at for each frame)."""


class Faults:
    """What harms the messages of one node on purpose. `Node.faults` is one, where it is enabled."""

    def __init__(self, config: FaultsConfig, stage: Stage) -> None:
        self.seed = config.seed or stage.chance.getrandbits(63) or 1
        """What the chance of all rules is drawn from."""
        self._stage = stage
        self._frames, self._messages = RuleBook(self.seed), RuleBook(self.seed)
        self._functions = Functions(stage)
        self._filters: dict[Stretch, tuple[Outgoing, Incoming]] = {}
        self._told: dict[str, float] = {}
        for name, rule in config.rules.items():
            self._check(name, rule)
            self._frames.add(name, rule)
            self._end_in_time(name)
        log.warning(
            "node %s injects faults where rules say so, seed %d, rules: %s",
            *(stage.name, self.seed, ", ".join(config.rules) or "none yet"),
        )

    # -- for applications ---------------------------------------------------------------------------------------

    def add(self, name: str, rule: Rule, *, message: Callable[[Passing], object] | None = None) -> None:
        """Add a rule; it is in force from the next frame, message or dial on.

        Args:
            name: a name that no other rule or function has.
            rule: what to do to what.
            message: strike not frames but single messages, and of these the ones for which this is true.

        Raises:
            FaultError: the name is taken, a channel is unknown, the action or a key is none for messages, or there are
                too many rules.
        """
        self._check(name, rule)
        if message is None:
            self._frames.add(name, rule)
            self._end_in_time(name)
        elif rule.kinds:
            raise FaultError(f"the fault {name!r} is about messages, which have no kinds; nothing was added")
        elif rule.action in OF_MESSAGES:
            armed = self._messages.add(name, rule)
            self._functions.add(name, as_function(armed, message, self._tell))
        else:
            raise FaultError(
                f"{rule.action!r} cannot strike single messages, only {', '.join(OF_MESSAGES)} can; nothing was added"
            )
        self._changed()

    def add_table(self, name: str, table: Mapping[str, object]) -> None:
        """Add a rule that is told as a table of `[faults.rules]` would tell it.

        Raises:
            ConfigError: the table is no rule.
            FaultError: see `add`.
        """
        path = "faults", "rules", name
        origins = {key_path((*path, key)): f"fault {name!r}" for key in table}
        self.add(name, structure_options(Selection(use=name, options=table, origins=origins), Rule, *path))

    def remove(self, name: str) -> None:
        """Remove a rule or a function; what it held back goes on.

        Raises:
            FaultError: there is none of that name.
        """
        names = self.names()
        if name not in names:
            raise FaultError(
                f"there is no fault {name!r}{did_you_mean(name, names)}; nothing was removed. "
                f"There are {', '.join(names) or 'none'}"
            )
        for book in (self._frames, self._messages):
            if name in book:
                book.remove(name)
        self._functions.remove(name)
        self._told.pop(name, None)
        self._changed()

    def names(self) -> list[str]:
        """Of all rules, then of the functions."""
        return list(dict.fromkeys([*(armed.name for armed in self._frames), *self._functions.names()]))

    def rows(self) -> tuple[FaultRow, ...]:
        """A row for each rule with its firings; functions are counted by who wrote them."""
        rules = [(armed, "") for armed in self._frames] + [(armed, "messages ") for armed in self._messages]
        return tuple(FaultRow(one.name, one.rule.action, what + str(one.rule), one.firings) for one, what in rules)

    def interpose(self, name: str, function: Function, *, direction: str = BOTH) -> None:
        """Let a function decide about each message: it returns what goes on, None, a `Delay` or a `Twice`.

        A message that is None itself cannot be told from one that is dropped.

        Raises:
            FaultError: the name is taken, or the direction is none.
        """
        self._check(name, Rule(action="drop", direction=direction))
        self._functions.add(name, function, direction)
        self._changed()

    def watch(self, name: str, *, before: Function | None = None, after: Watcher | None = None) -> None:
        """Let functions see each message: `before(passing)` as it came, `after(passing, message)` what became of it.

        Raises:
            FaultError: the name is taken.
        """
        self._check(name, Rule(action="drop"))
        self._functions.watch(name, before, after)
        self._changed()

    def inject_partition(self, peers: Sequence[str], *, name: str = "partition") -> None:
        """Cut this node off from these: nothing goes or comes, and nobody answers, until `heal`.

        Raises:
            FaultError: no peers, or a single name, or a partition of that name is there already.
        """
        if not peers or isinstance(peers, str):
            raise FaultError("a partition needs a list of peers to be cut off from; nothing was added")
        self.add(name, Rule(action="partition", peers=tuple(peers)))

    def heal(self) -> None:
        """Remove all partitions."""
        for name in [armed.name for armed in self._frames if armed.rule.action == "partition"]:
            self.remove(name)

    # -- for the node: see `interposition` ----------------------------------------------------------------------

    def connected(self, stretch: Stretch) -> None:
        """A new connection meets the rules there are."""
        self._forget_ended()
        if self._frames:
            self._stand_at(stretch)

    def posting(self, ref: Ref, channel: str, find: Callable[[], Way]) -> Way:
        """Ways are watched while there are functions, but for what kernels tell each other."""
        passing = _to_an_application(ref, channel)
        return find() if passing is None else WatchedWay(self._functions, passing, find)

    def posting_acked(self, ref: Ref, channel: str, way: AckedWay) -> AckedWay:
        """So are those of messages that are to be acknowledged."""
        passing = _to_an_application(ref, channel)
        return way if passing is None else WatchedAckedWay(self._functions, passing, way)

    def delivering(self, channel: str, deliver: Deliver) -> Deliver:
        """So is delivery."""
        return WatchedDelivery(self._functions, self._stage, channel, deliver)

    async def dial(self, address: Address) -> None:
        """Refused, or never answered, as rules say about whoever is known to be dialled there."""
        for peer in self._stage.names_at(address) or [""]:
            event = Event(OUT, peer, "")
            for armed in self._frames.strike(event, "refuse"):
                self._tell(armed, event)
                raise ConnectionRefusedError(f"refused by the fault {armed.name!r}")
            await self._never_answer(peer)

    async def admit(self, peer: str) -> None:
        """Who is cut off shakes no hands."""
        await self._never_answer(peer)

    # -- within -------------------------------------------------------------------------------------------------

    async def _never_answer(self, peer: str) -> None:
        if any(cuts_off(armed.rule, peer) for armed in self._frames):
            await trio.sleep_forever()  # or until the handshake, or the dial, has taken too long

    def _check(self, name: str, rule: Rule) -> None:
        try:
            check_name(name)
        except InvalidName as error:
            raise FaultError(f"{error}; nothing was added") from error
        if name in self.names():
            raise FaultError(f"there is a fault {name!r} already; nothing was added. Remove it, or choose another name")
        if len(self.names()) >= _LIMIT:
            raise FaultError(f"there are {_LIMIT} faults already; nothing was added")
        channels = self._stage.channels()
        for channel in rule.channels:
            if channel not in channels:
                raise FaultError(
                    f"the fault {name!r} is about a channel {channel!r} that this node has not"
                    f"{did_you_mean(channel, channels)}; nothing was added. There are {', '.join(sorted(channels))}"
                )

    def _end_in_time(self, name: str) -> None:
        """A pause may have an end."""
        armed = next(armed for armed in self._frames if armed.name == name)
        if armed.rule.action in STALLING and armed.rule.time:
            self._stage.call_later(armed.rule.time, partial(self._end, armed))

    def _end(self, armed: Armed) -> None:
        if armed in list(self._frames):
            self.remove(armed.name)

    def _changed(self) -> None:
        """Stand where rules and functions need it, and nowhere else."""
        self._stage.watch_messages(wanted=bool(self._functions))
        self._forget_ended()
        for stretch in self._stage.stretches():
            if self._frames and stretch not in self._filters:
                self._stand_at(stretch)
            elif stretch in self._filters:
                self._look_again(stretch)

    def _forget_ended(self) -> None:
        for ended in self._filters.keys() - set(self._stage.stretches()):
            del self._filters[ended]

    def _stand_at(self, stretch: Stretch) -> None:
        made = (
            Outgoing(self._frames, stretch, self._stage, self._tell, self._leave),
            Incoming(self._frames, stretch, self._stage, self._tell, self._leave),
        )
        self._filters[stretch] = made
        stretch.interpose(*made)

    def _look_again(self, stretch: Stretch) -> None:
        for one in self._filters[stretch]:
            one.changed()
        self._leave(stretch)

    def _leave(self, stretch: Stretch) -> None:
        """Stand there no longer, when there are no rules and all that was held back has gone on."""
        if not self._frames and all(one.is_idle for one in self._filters.get(stretch, ())):
            stretch.interpose(None, None)
            self._filters.pop(stretch, None)

    def _tell(self, armed: Armed, event: Event) -> None:
        now = trio.current_time()
        if now - self._told.get(armed.name, -_NOTICE_EVERY) >= _NOTICE_EVERY:
            self._told[armed.name] = now
            self._stage.report(
                FaultInjected(armed.name, armed.rule.action, event.direction, event.peer, event.channel, armed.firings)
            )


def _to_an_application(ref: Ref, channel: str) -> Passing | None:
    """What functions are told of messages that go there; None: nothing, for they are of kernels."""
    mailbox = mailbox_of(ref.mailbox)
    return Passing(OUT, ref.node, channel, mailbox, None) if mailbox else None
