"""What becomes of one frame under the rules; pure."""

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from partisan_core.wire.frames import CHECKSUM, HEADER, HEADER_SIZE, Kind
from partisan_faults.rules import OF_FRAMES, OUT, Armed, Event, RuleBook

Damage = Callable[[bytes], bytes]
"""Changes the bytes of a frame that are written."""

_CHANGING_BYTES = ("corrupt", "truncate")


class Fate(NamedTuple):
    """Where a frame goes from here."""

    copies: int = 1
    """0: it is dropped."""
    delay: float = 0.0
    """Seconds."""
    aside: float | None = None
    """It waits for another to overtake it, so many seconds at most."""
    damage: tuple[Damage, ...] = ()
    closes: str = ""
    """The rule that breaks the connection instead."""


def decide(book: RuleBook, event: Event, told: Callable[[Armed, Event], None]) -> Fate:
    """Ask the rules in their order; a frame that is dropped, or breaks its connection, meets no further one."""
    fate = Fate()
    actions = OF_FRAMES if event.direction == OUT else tuple(one for one in OF_FRAMES if one not in _CHANGING_BYTES)
    for armed in book.strike(event, *actions):
        told(armed, event)
        fate = _apply(fate, armed)
        if not fate.copies or fate.closes:
            break
    return fate


def _apply(fate: Fate, armed: Armed) -> Fate:
    match armed.rule.action:
        case "drop":
            return fate._replace(copies=0)
        case "duplicate":
            return fate._replace(copies=fate.copies + 1)
        case "delay":
            return fate._replace(delay=fate.delay + armed.delay())
        case "reorder":
            return fate._replace(aside=armed.rule.time or OVERTAKEN_WITHIN)
        case "corrupt":
            return fate._replace(damage=(*fate.damage, flipping(armed.rng, armed.rule.bits)))
        case "truncate":
            return fate._replace(damage=(*fate.damage, truncating(armed.rng)))
        case _:
            return fate._replace(closes=armed.name)


OVERTAKEN_WITHIN = 0.05
"""Seconds a frame waits to be overtaken where its rule does not say (chosen)."""


def flipping(rng: Random, bits: int) -> Damage:
    """Damage that changes some bits, wherever they are."""

    def flip(frame: bytes) -> bytes:
        changed = bytearray(frame)
        for place in rng.sample(range(8 * len(frame)), min(bits, 8 * len(frame))):
            changed[place // 8] ^= 1 << place % 8
        return bytes(changed)

    return flip


def truncating(rng: Random) -> Damage:
    """Damage that leaves out the end."""
    return lambda frame: frame[: rng.randrange(len(frame))]


def cut(frames: memoryview) -> Iterator[tuple[str, bytes]]:
    """Whole frames, each with its CRC-32, one by one with their kinds."""
    start = 0
    while start < len(frames):
        length, kind, _, _, _ = HEADER.unpack_from(frames, start)
        end = start + HEADER_SIZE + length + CHECKSUM.size
        yield kind_name(kind), bytes(frames[start:end])
        start = end


def kind_name(kind: int) -> str:
    """What rules call it."""
    return Kind(kind).name.lower()
