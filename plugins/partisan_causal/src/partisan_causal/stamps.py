"""What travels with each message of a label: its number, and what has to be delivered before it.

On the wire, in MessagePack: `[label, number, given_up, is_probe, lives, triples]`. Each life, `[name, incarnation]`, is
listed once; the triples, without brackets around each, name it by its place, for a name is longer than all the rest.
"""

from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

from partisan_core.wire.messages import Counter, Name

MOST_TRIPLES = 4096
"""That one stamp may carry (chosen: 64 nodes which all have something on its way to all others)."""

MOST_NAMED = 3 * MOST_TRIPLES // 4
"""From so many on `send` waits (chosen: not all who wait with it are to be refused afterwards)."""

LAST_NUMBER = 2**62
"""Nobody comes that far by counting."""

_Number = Annotated[int, Meta(ge=1, le=LAST_NUMBER)]


class CausalityError(Exception):
    """A stamp or a confirmation that cannot be: it was discarded, and nothing else has changed."""


class Life(NamedTuple):
    """One life of a node."""

    name: Name
    incarnation: Counter


class Triple(NamedTuple):
    """The message `number` of `origin`, and all that it sent to `destination` before."""

    origin: Life
    destination: Life
    number: int


class Stamp(NamedTuple):
    """What a message carries for its label."""

    number: int
    """Counts all that the origin sent under the label, to whomever."""
    given_up: int
    """What the origin sent to the same destination up to this number and has not come may never come; 0: nothing."""
    before: tuple[Triple, ...]
    """What happened before it and is not known to be settled."""
    is_probe: bool = False
    """No message of the application: asks to be confirmed when all of `before` is settled."""


def check_stamp(stamp: Stamp, origin: Life, me: Life, sent: int) -> None:
    """What a stamp of the origin may say to us, who have sent so many messages.

    Raises:
        CausalityError: it cannot be.
    """
    number, given_up, before, _ = stamp
    if origin == me or not 0 <= given_up < number <= LAST_NUMBER or len(before) > MOST_TRIPLES:
        raise CausalityError(f"message {number} of {origin} after {len(before)} others cannot be")
    for triple in before:
        last = sent if triple.origin == me else number - 1 if triple.origin == origin else LAST_NUMBER
        if triple.origin == triple.destination or not 1 <= triple.number <= last:
            raise CausalityError(f"message {number} of {origin} waits for {triple}, which cannot be")


class Answer(NamedTuple):
    """What the destination of a message tells its origin."""

    label: Annotated[str, Meta(max_length=128)]
    number: _Number
    is_refusal: bool
    """False: it was delivered."""


class _Written(Struct, frozen=True, array_like=True):
    label: Annotated[str, Meta(max_length=128)]
    number: _Number
    given_up: Counter
    is_probe: bool
    lives: Annotated[list[Life], Meta(max_length=2 * MOST_TRIPLES)]
    triples: Annotated[list[Annotated[int, Meta(ge=0, le=LAST_NUMBER)]], Meta(max_length=3 * MOST_TRIPLES)]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Written).decode


encode_answer = msgspec.msgpack.Encoder().encode
"""Make the bytes of an answer."""

decode_answer = msgspec.msgpack.Decoder(Answer).decode
"""Read an answer; raises `msgspec.DecodeError` when it is none."""


def write_stamp(label: str, stamp: Stamp) -> bytes:
    """Make the bytes of a stamp."""
    places: dict[Life, int] = {}
    triples: list[int] = []
    for origin, destination, number in stamp.before:
        triples += places.setdefault(origin, len(places)), places.setdefault(destination, len(places)), number
    return _encode(_Written(label, stamp.number, stamp.given_up, stamp.is_probe, list(places), triples))


def read_stamp(data: bytes) -> tuple[str, Stamp]:
    """Read the label and the stamp.

    Raises:
        CausalityError: it is malformed, or has too many triples.
    """
    try:
        label, number, given_up, is_probe, lives, flat = msgspec.structs.astuple(_decode(data))
        triples = zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        before = tuple(Triple(lives[origin], lives[destination], n) for origin, destination, n in triples)
    except (msgspec.DecodeError, RecursionError, ValueError, IndexError) as error:
        raise CausalityError(f"a stamp of {len(data)} bytes cannot be read: {error}; it was discarded") from None
    return label, Stamp(number, given_up, before, is_probe)
