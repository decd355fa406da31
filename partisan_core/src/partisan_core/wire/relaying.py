"""Messages on their way through a third node. A RELAY frame holds them as a DATA frame holds other messages.

What is inside stays as the channel's serializer made it. There are two kinds, so that nothing is passed on twice: who
gets a `Forward` makes it `Forwarded`, and who gets that one is who it was for. A node of an earlier version skips the
frame, and finds a gap in the session.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from partisan_core.wire.messages import Counter, Name, Natural


class Forward(Struct, frozen=True, array_like=True, tag="f"):
    """To the relay: pass this on."""

    destination: Name
    incarnation: Counter | None
    """Only to that life of it."""
    wish: Natural
    """The lane, modulo their number: the order of a partition key is kept."""
    piece: bytes


class Forwarded(Struct, frozen=True, array_like=True, tag="d"):
    """From the relay: this is for you. Of the origin, the receiver knows what the relay says."""

    origin: Name
    incarnation: Counter
    instance: Annotated[int, Meta(ge=0)]
    piece: bytes


Letter = Forward | Forwarded

encode_letter = msgspec.msgpack.Encoder().encode
"""One of those that `wire.batch` joins into a frame."""

decode_letters = msgspec.msgpack.Decoder(list[Letter]).decode
"""Read the payload of a frame; raises `msgspec.DecodeError` when it is none."""
