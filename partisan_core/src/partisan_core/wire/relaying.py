"""Messages on their way through a third node. A RELAY frame holds them as a DATA frame holds other messages.

What is inside stays as the channel's serializer made it. Of each letter there are two kinds, so that nothing is passed
on twice: who gets a `Forward` makes it `Forwarded`, and who gets that one is who it was for. A node of an earlier
version skips the frame, and finds a gap in the session.

What is to be acknowledged goes in frames of a session between the two ends, which a relay passes on untouched: see
`kernel.outbound`. They are those of a connection, each in a letter that names the session:

    PROOF    ->  WELCOME: this is the session, and so much of it has arrived. Both have the number of the question
    DATA     ->  ACK or AGAIN, as over a link
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from partisan_core.wire.frames import Kind, encode_frame
from partisan_core.wire.limits import LANES
from partisan_core.wire.messages import Counter, Name, Natural, Positive

_Lane = Annotated[int, Meta(ge=0, lt=LANES)]


FRAME_MARGIN = 1024
"""Bytes that a frame with one largest message may have beyond it: header and checksum, and what joins it (chosen)."""


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


class ForwardFrame(Struct, frozen=True, array_like=True, tag="ff"):
    """To the relay: pass on this frame of a session between this end and another."""

    destination: Name
    incarnation: Counter | None
    lane: _Lane
    """Of the session's sender; on the way, modulo the lanes that there are."""
    session: Counter
    """Its token; 0: it has none yet."""
    frame: bytes


class ForwardedFrame(Struct, frozen=True, array_like=True, tag="df"):
    """From the relay, or from the origin itself: the same."""

    origin: Name
    incarnation: Counter
    instance: Annotated[int, Meta(ge=0)]
    lane: _Lane
    session: Counter
    frame: bytes


class Standing(Struct, frozen=True, array_like=True):
    """The body of a WELCOME frame in a letter: how the receiver's end stands."""

    received: Counter
    """The number of the last message that has arrived."""
    max_message: Positive
    """Bytes of the largest message that the receiver takes."""


Letter = Forward | Forwarded | ForwardFrame | ForwardedFrame

_encode = msgspec.msgpack.Encoder().encode

encode_letter = _encode
"""One of those that `wire.batch` joins into a frame."""

decode_letters = msgspec.msgpack.Decoder(list[Letter]).decode
"""Read the payload of a frame; raises `msgspec.DecodeError` when it is none."""

decode_standing = msgspec.msgpack.Decoder(Standing).decode
"""Read the body of a WELCOME frame; raises `msgspec.DecodeError` when it is none."""


def encode_question(number: int) -> bytes:
    """A whole PROOF frame: does the receiver have the session, and how far has it come?"""
    return encode_frame(Kind.PROOF, b"", number)


def encode_standing(number: int, standing: Standing) -> bytes:
    """A whole WELCOME frame, the answer to question `number`."""
    return encode_frame(Kind.WELCOME, _encode(standing), number)
