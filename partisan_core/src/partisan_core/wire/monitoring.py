"""What the kernels of two nodes tell each other about monitors, as messages of the channel that was asked for.

The watcher's end asks `Watch` and `Unwatch`, the other end tells `Ended`: each is said again until it is answered, so
that nothing depends on a connection. Both ends know a monitor by the number that the watcher gave it.

    Watch    ->  Watching: it is set; or Ended: there is nothing to watch; or Refused
    Unwatch  ->  Unwatched
    Ended    ->  Seen

What may have to be answered says on which channel.

Where there is no link the relay is asked, which watches for others as it does for itself.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from partisan_core.downs import DETAIL_KEPT, DownReason
from partisan_core.wire.messages import Counter

MONITORS = "!monitors"
"""The recipient; no mailbox of an application can have that name."""

_Name = Annotated[str, Meta(max_length=128)]
"""Only looked up, or shown escaped: so it is bounded as names are, but no pattern is checked, a third of the time that
reading a word takes (measured)."""

What = tuple[Counter, Counter]
"""A life by its incarnation, and which of its mailboxes by a number that none after it has; 0: the node as a whole."""


class Watch(Struct, frozen=True, array_like=True, tag="watch"):
    """Tell when this ends."""

    number: Counter
    node: _Name
    """Whose it is: the receiver's, or that of a node to which the receiver has a link."""
    mailbox: _Name
    """Empty: the node as a whole."""
    incarnation: Counter | None
    """Only that life of it."""
    channel: _Name
    """On which it is told."""
    behind: _Name
    """The watcher's mailbox to which it is told: after what was sent to that one before."""
    what: What | None = None
    """Only that one: it was set there before, and may have been forgotten."""


class Watching(Struct, frozen=True, array_like=True, tag="watching"):
    """It lives, and its end will be told."""

    number: Counter
    channel: _Name
    what: What


class Refused(Struct, frozen=True, array_like=True, tag="refused"):
    """It cannot be set, and nothing is said about what was to be watched."""

    number: Counter
    detail: Annotated[str, Meta(max_length=DETAIL_KEPT)]


class Ended(Struct, frozen=True, array_like=True, tag="ended"):
    """It is no more."""

    number: Counter
    channel: _Name
    reason: DownReason
    detail: Annotated[str, Meta(max_length=DETAIL_KEPT)] = ""


class Seen(Struct, frozen=True, array_like=True, tag="seen"):
    """That was heard: say it no more."""

    number: Counter


class Unwatch(Struct, frozen=True, array_like=True, tag="unwatch"):
    """Its end need not be told."""

    number: Counter
    channel: _Name


class Unwatched(Struct, frozen=True, array_like=True, tag="unwatched"):
    """It will not be."""

    number: Counter


Word = Watch | Watching | Refused | Ended | Seen | Unwatch | Unwatched


class _Said(Struct, array_like=True):
    """Around a word: how a struct is read msgspec finds out once, how a union is read each time (measured: 10 us)."""

    word: Word


def write(word: Word) -> object:
    """Plain data, for whichever serializer the channel has."""
    return msgspec.to_builtins(word)


def read(data: Any) -> Word:  # noqa: ANN401 - what arrives is whatever was sent
    """Read what a serializer made of it.

    Raises:
        msgspec.ValidationError: it is no such word.
    """
    return msgspec.convert((data,), _Said).word
