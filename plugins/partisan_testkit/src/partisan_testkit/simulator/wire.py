"""How messages travel: as bytes, as between real nodes, or as the objects that they are."""

from typing import Any, Protocol

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from partisan_testkit.simulator.node import SimulatedNode

Payload = Any
"""What is on the way: something that the wire that packed it can unpack, and msgspec can encode for the log."""

FRAME_OVERHEAD = 24
"""Bytes that a message costs on the wire beside its own: 20 of a data frame and 4 of its count."""


class Wire(Protocol):
    """Turns messages into what travels, and back."""

    def pack(self, sender: SimulatedNode, message: Struct) -> Payload:
        """Return what goes on its way."""

    def unpack(self, receiver: SimulatedNode, payload: Payload) -> Struct:
        """Return what the strategy of the receiver is handed."""


class EncodedWire:
    """Encodes and decodes, and counts bytes: a message that cannot be encoded, or breaks a bound, is loud."""

    def __init__(self) -> None:
        self._encode = Encoder().encode
        self._decoder: Decoder[Struct] | None = None

    def pack(self, sender: SimulatedNode, message: Struct) -> Payload:
        """Return the encoded message."""
        data = self._encode(message)
        sender.sent_bytes += len(data) + FRAME_OVERHEAD
        return data

    def unpack(self, receiver: SimulatedNode, payload: Payload) -> Struct:
        """Return the message decoded anew for each receiver: nodes share no objects."""
        receiver.received_bytes += len(payload) + FRAME_OVERHEAD
        return (self._decoder or self._make_decoder(receiver)).decode(payload)

    def _make_decoder(self, node: SimulatedNode) -> Decoder[Struct]:
        first, *others = node.strategy.messages
        union = first
        for other in others:
            union = union | other  # type: ignore[assignment]
        self._decoder = Decoder(union)
        return self._decoder


class ObjectWire:
    """Hands messages over: fast, and nodes share what they tell each other, which saves most of the memory."""

    def pack(self, sender: SimulatedNode, message: Struct) -> Payload:
        """Return the message."""
        return message

    def unpack(self, receiver: SimulatedNode, payload: Payload) -> Struct:
        """Return the message."""
        message: Struct = payload
        return message
