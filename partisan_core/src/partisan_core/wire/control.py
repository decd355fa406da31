"""What two kernels tell each other on the membership connection, beside the overlay's messages."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from partisan_core.events import Reason
from partisan_core.wire.frames import IGNORABLE, Kind, encode_frame
from partisan_core.wire.messages import Channels


class Interest(Struct, frozen=True, array_like=True, tag="i"):
    """Whether the sender wants the link: a link lives while either end does."""

    wanted: bool


class Goodbye(Struct, frozen=True, array_like=True, tag="g"):
    """The last frame of a connection that ends on purpose; the receiver closes when it has read it."""

    reason: Reason


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Interest | Goodbye] = msgspec.msgpack.Decoder(Interest | Goodbye)


_channels = msgspec.msgpack.Decoder(Channels)


def encode_channels(channels: Mapping[str, int]) -> bytes:
    """A whole CHANNELS frame. Who does not know it meets the new channels with the next link."""
    return encode_frame(Kind.CHANNELS, _encoder.encode(channels), flags=IGNORABLE)


def decode_channels(body: memoryview) -> dict[str, int]:
    """Read the body of a CHANNELS frame.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _channels.decode(body)


def encode_receipt(received: int, *, again: bool) -> bytes:
    """A whole ACK or AGAIN frame: all messages up to number `received` have arrived."""
    return encode_frame(Kind.AGAIN if again else Kind.ACK, b"", received, IGNORABLE)


def encode_control(message: Interest | Goodbye) -> bytes:
    """The body of a CONTROL frame."""
    return _encoder.encode(message)


def decode_control(body: memoryview) -> Interest | Goodbye:
    """Read the body of a CONTROL frame.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _decoder.decode(body)
