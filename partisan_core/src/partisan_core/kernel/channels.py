"""The channels of a node: configuration, codec and policy, bound once at start."""

import random
import zlib
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import msgspec
from msgspec import Struct

from partisan_core.config.model import ChannelConfig
from partisan_core.drops import DropReason
from partisan_core.errors import UnknownChannel
from partisan_core.interposition import Deliver
from partisan_core.kernel._links import Backoff
from partisan_core.kernel.fallback import FallbackLane
from partisan_core.kernel.lane import Lane
from partisan_core.kernel.queue import Limits
from partisan_core.kernel.resending import FIRST_LOOK, LAST_LOOK, Resending
from partisan_core.kernel.states import CallLater, StateLane
from partisan_core.kinds import ChannelPolicy, Serializer, StateQueue
from partisan_core.spelling import did_you_mean
from partisan_core.wire.batch import join_array
from partisan_core.wire.limits import LEAST_BODY

MEMBERSHIP = "membership"
"""The control channel: always there, one lane, the core's own typed codec."""

DECODE_ERRORS = (msgspec.DecodeError, RecursionError, MemoryError, OverflowError, ValueError, TypeError)
"""What decoding a peer's bytes may raise (reliability reference 4.2); anything else is a bug of ours and loud."""


class Channel(Struct):
    """One channel, ready to make lanes."""

    name: str
    settings: ChannelConfig
    policy: ChannelPolicy
    codec_name: str
    codec: Serializer
    deliver: Deliver
    batch_bytes: int
    on_dropped: Callable[[DropReason, int], None]
    """Told of messages of its lanes that are not delivered."""
    call_later: CallLater
    rng: random.Random

    def open_lane(self, index: int, max_message: int = 0) -> Lane:
        """A new lane, empty and without a connection, to a peer that takes messages of `max_message` bytes.

        A batch may become twice as large as asked for, and larger when it is joined: a quarter leaves room for both.
        """
        batch = min(self.batch_bytes, max(LEAST_BODY, max_message) // 4)
        settings = self.settings
        limits = Limits(settings.queue_messages, settings.queue_bytes, batch)
        open_queue: Callable[[Serializer], StateQueue] | None = getattr(self.policy, "open_queue", None)
        lane: Lane
        if open_queue is not None:
            lane = StateLane(
                self.name, index, self.policy, limits, open_queue(self.codec), self.call_later, max_message
            )
        elif settings.fallback == "default":
            lane = FallbackLane(self.name, index, self.policy, limits, self.call_later)
        else:
            lane = Lane(self.name, index, self.policy, limits)
        lane.on_dropped = self.on_dropped
        backoff = Backoff(FIRST_LOOK, LAST_LOOK, self.rng)
        lane.watch = Resending(lane.session.outbox, lane.ask, lane.wake, self.call_later, backoff).watch
        return lane


def offer(channels: Mapping[str, Channel]) -> dict[str, int]:
    """What a peer is told of them: the parallelism of each."""
    return {name: channel.settings.parallelism for name, channel in channels.items()}


def union_of(first: type | None, messages: Sequence[type[Struct]]) -> Any:  # noqa: ANN401 - the type of types
    """The union of what a decoder takes: `first`, or one of the messages."""
    return reduce(or_, messages, first)


class MembershipCodec:
    """The core's typed codec of one overlay's messages: works with no serializer installed.

    Between them stand those of the failure detector, as bytes: see `detecting`.
    """

    def __init__(self, messages: Sequence[type[Struct]]) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        union: Any = union_of(bytes, messages)
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(list[tuple[str, union]])

    def encode(self, envelope: tuple[str, object]) -> bytes:
        """One message of the overlay, or of the detector."""
        return self._encoder.encode(envelope)

    def join(self, pieces: Sequence[bytes]) -> bytes:
        """An array of them."""
        return join_array(pieces)

    def decode_batch(self, data: memoryview) -> list[tuple[str, Any]]:
        """Typed messages and bytes, or `msgspec.DecodeError`."""
        batch: list[tuple[str, Any]] = self._decoder.decode(data)
        return batch


def find_channel(channels: Mapping[str, Channel], name: str) -> Channel:
    """The channel an application may send on.

    Raises:
        UnknownChannel: there is none of that name; nothing was sent.
    """
    channel = channels.get(name)
    if channel is None or name == MEMBERSHIP:
        raise _unknown(name, set(channels) - {MEMBERSHIP}, "sent")
    return channel


def check_channel(channels: Mapping[str, Channel], name: str) -> None:
    """Raise `UnknownChannel` when there is none of that name, `membership` included."""
    if name not in channels:
        raise _unknown(name, channels, "done")


def _unknown(name: str, known: Collection[str], what: str) -> UnknownChannel:
    return UnknownChannel(
        f"no channel {name!r} is configured{did_you_mean(name, known)}; nothing was {what}. There are "
        f"{', '.join(sorted(known))}. Add [channels.{name}] to the configuration of every node"
    )


def choose_lane(key: Hashable, lanes: int) -> int:
    """The lane of a partition key: stable between processes and runs, so never `hash()`."""
    return zlib.crc32(repr(key).encode()) % lanes if lanes > 1 else 0
