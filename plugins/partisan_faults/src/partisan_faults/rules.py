"""Which fault strikes what: the rules and their book, pure. Chance is drawn from a seed, for each rule apart."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from random import Random
from typing import Annotated, NamedTuple

from partisan_core.config.readings import Count, Expected, Name, Reading, Table
from partisan_core.config.units import Seconds, format_duration
from partisan_core.identity import NAME_PATTERN
from partisan_core.spelling import did_you_mean
from partisan_core.wire.frames import Kind

IN, OUT, BOTH = "in", "out", "both"

OF_FRAMES = ("drop", "delay", "duplicate", "reorder", "corrupt", "truncate", "close")
"""Actions that strike one frame."""

OF_MESSAGES = ("drop", "delay", "duplicate")
"""Of these, what can strike one message, too."""

STALLING = ("pause", "partition")
"""Actions that hold up whole connections as long as they last."""

ACTIONS = (*OF_FRAMES, *STALLING, "refuse")

_OF_BYTES = ("corrupt", "truncate")

_HANDSHAKE = (Kind.HELLO, Kind.PROOF, Kind.WELCOME, Kind.REFUSAL)

KINDS: Mapping[str, int] = {kind.name.lower(): int(kind) for kind in Kind if kind not in _HANDSHAKE}
"""What a rule calls the frames that follow a handshake."""

CARRYING = frozenset({"data", "relay", "fragment"})
"""The kinds that carry messages."""

_LOSING = ("drop", "duplicate", "reorder")
"""Actions that meet messages alone unless `kinds` says otherwise: what two kernels tell each other is never lost on a
living connection in real life, and never numbered."""


_USED_BY: Mapping[str, Collection[str]] = {
    "kinds": OF_FRAMES,
    "channels": (*OF_FRAMES, *STALLING),
    "probability": (*OF_FRAMES, "refuse"),
    "count": (*OF_FRAMES, "refuse"),
    "skip": (*OF_FRAMES, "refuse"),
    "time": ("delay", "reorder", *STALLING),
    "jitter": ("delay",),
    "bits": ("corrupt",),
}
"""Keys that not all actions have a use for, with those that do."""


@dataclass(frozen=True, slots=True)
class Probability(Reading[float]):
    """How likely something is: above 0, at most 1."""

    def parse(self, value: object) -> float:
        """Accept a number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Expected("a probability: a number above 0 and at most 1")
        return float(value)

    def check(self, value: float) -> None:
        """Compare with the bounds; what is no number lies within none."""
        if not 0 < value <= 1:
            raise Expected("a probability: a number above 0 and at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Table):
    """What to do to what. An empty match is everything."""

    action: str
    """`drop`, `delay`, `duplicate`, `reorder`, `corrupt`, `truncate` or `close` strike a frame (the first three, in
    code, also a message); `pause` and `partition` hold up connections; `refuse` strikes a dial."""
    direction: str = BOTH
    """`out`: what this node sends; `in`: what it receives; or `both`."""
    peers: tuple[Annotated[str, Name()], ...] = ()
    """The nodes at the other end, by name; they need not be known yet."""
    channels: tuple[Annotated[str, Name()], ...] = ()
    """The channels, `membership` included."""
    kinds: tuple[str, ...] = ()
    """The kinds of frame: `data`, `relay`, `fragment`, `control`, `ping`, and others. By default those that carry
    messages where a frame is lost, doubled or disordered, and all where not."""
    probability: Annotated[float, Probability()] = 1.0
    """How likely it strikes what it matches."""
    count: Annotated[int, Count(0, 10**12)] = 0
    """How often it strikes at most; 0: without bound."""
    skip: Annotated[int, Count(0, 10**12)] = 0
    """How many of what it matches go unharmed before: to strike the fifth and no other, skip 4 and count 1."""
    time: Seconds = 0.0
    """For how long a frame is delayed, or held back for another to overtake it; for how long `pause` and `partition`
    last (0: until the rule is removed)."""
    jitter: Seconds = 0.0
    """Up to so much is added to a delay, at random."""
    bits: Annotated[int, Count(1, 1_000_000)] = 1
    """How many bits of a frame `corrupt` flips."""

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Words that are none, and what an action has no use for."""
        for key in ("peers", "channels", "kinds"):
            if isinstance(getattr(self, key), str):
                yield (key,), f'a list of names: write ["{getattr(self, key)}"]'
        for key in ("peers", "channels"):
            if not all(NAME_PATTERN.fullmatch(name) for name in getattr(self, key)):
                yield (key,), "names: 1 to 128 of the characters A-Z a-z 0-9 . _ @ : - each"
        yield from _unknown("action", (self.action,), ACTIONS)
        yield from _unknown("direction", (self.direction,), (BOTH, IN, OUT))
        yield from _unknown("kinds", self.kinds, KINDS)
        if self.action in _OF_BYTES and self.direction == IN:
            yield ("direction",), '"out" or "both": bytes are changed where they are written'
        if self.action == "refuse" and self.direction == IN:
            yield ("direction",), '"out" or "both": a dial is refused to who dials'
        if self.action == "delay" and not self.time + self.jitter:
            yield ("time",), 'how long to delay, for example "50ms"'
        defaults = {field.name: field.default for field in fields(self)}
        for key, actions in _USED_BY.items():
            if self.action not in actions and getattr(self, key) != defaults[key]:
                yield (key,), f"nothing: {self.action} has no use for it"

    def __str__(self) -> str:
        """What it is about, for people."""
        words = [] if self.direction == BOTH else [self.direction]
        words += [f"{key}={','.join(names)}" for key in ("peers", "channels", "kinds") if (names := getattr(self, key))]
        words += [f"p={self.probability:g}"] if self.probability < 1 else []
        words += [f"skips {self.skip}"] if self.skip else []
        words += [f"at most {self.count}"] if self.count else []
        words += [format_duration(self.time)] if self.time else []
        words += [f"jitter {format_duration(self.jitter)}"] if self.jitter else []
        words += [f"bits={self.bits}"] if self.action == "corrupt" else []
        return " ".join(words) or "everything"


def _unknown(key: str, said: Iterable[str], known: Collection[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    for word in said:
        if word not in known:
            yield (key,), f"one of {', '.join(known)}{did_you_mean(str(word), known)}"


def cuts_off(rule: Rule, peer: str) -> bool:
    """Whether it cuts a node off altogether, so that nobody answers there."""
    return rule.action == "partition" and not rule.channels and (not rule.peers or peer in rule.peers)


class Event(NamedTuple):
    """Something that a rule may strike."""

    direction: str
    peer: str
    channel: str
    kind: str = ""
    """Of a frame; empty: it is none."""


class Armed:
    """A rule that is in force, and how often it struck."""

    def __init__(self, name: str, rule: Rule, rng: Random) -> None:
        self.name, self.rule, self.rng = name, rule, rng
        self.firings = self._skipped = 0

    def matches(self, event: Event) -> bool:
        """Whether it is about that."""
        rule = self.rule
        kinds = rule.kinds or (CARRYING if rule.action in _LOSING else ())
        return (
            rule.direction in (BOTH, event.direction)
            and (not rule.peers or event.peer in rule.peers)
            and (not rule.channels or event.channel in rule.channels)
            and (not event.kind or not kinds or event.kind in kinds)
        )

    def strikes(self) -> bool:
        """Draw, and count."""
        rule = self.rule
        if self._skipped < rule.skip:
            self._skipped += 1
            return False
        if rule.count and self.firings >= rule.count:
            return False
        if rule.probability < 1 and self.rng.random() >= rule.probability:
            return False
        self.firings += 1
        return True

    def delay(self) -> float:
        """Draw the seconds of a delay."""
        return self.rule.time + (self.rng.uniform(0, self.rule.jitter) if self.rule.jitter else 0.0)


class RuleBook:
    """Rules by name, in the order in which they were added."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._armed: dict[str, Armed] = {}

    def __bool__(self) -> bool:
        return bool(self._armed)

    def __contains__(self, name: object) -> bool:
        return name in self._armed

    def __iter__(self) -> Iterator[Armed]:
        return iter(self._armed.values())

    def add(self, name: str, rule: Rule) -> Armed:
        """Add a rule under a name that is free. Each draws from a source of its own, whatever others draw."""
        armed = self._armed[name] = Armed(name, rule, Random(f"{self._seed} {name}"))
        return armed

    def remove(self, name: str) -> None:
        """Remove a rule that is there."""
        del self._armed[name]

    def strike(self, event: Event, *actions: str) -> Iterator[Armed]:
        """The rules of those actions that strike; counted."""
        return (armed for armed in self if armed.rule.action in actions and armed.matches(event) and armed.strikes())

    def stalling(self, event: Event) -> Armed | None:
        """A rule that holds such things up; nothing is drawn or counted."""
        return next((armed for armed in self if armed.rule.action in STALLING and armed.matches(event)), None)
