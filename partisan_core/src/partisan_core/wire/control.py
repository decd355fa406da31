"""What two kernels tell each other on the membership connection, beside the overlay's messages."""

import msgspec
from msgspec import Struct

from partisan_core.events import Reason


class Interest(Struct, frozen=True, array_like=True, tag="i"):
    """Whether the sender wants the link: a link lives while either end does."""

    wanted: bool


class Goodbye(Struct, frozen=True, array_like=True, tag="g"):
    """The last frame of a connection that ends on purpose; the receiver closes when it has read it."""

    reason: Reason


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Interest | Goodbye] = msgspec.msgpack.Decoder(Interest | Goodbye)


def encode_control(message: Interest | Goodbye) -> bytes:
    """The body of a CONTROL frame."""
    return _encoder.encode(message)


def decode_control(body: memoryview) -> Interest | Goodbye:
    """Read the body of a CONTROL frame.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _decoder.decode(body)
