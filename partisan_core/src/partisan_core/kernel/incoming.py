"""What arrives of messages on one connection: counted by the session, decoded once, handed to whom they are for."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from partisan_core.drops import DropReason
from partisan_core.errors import FrameError
from partisan_core.identity import NodeSpec
from partisan_core.kernel.budget import Budget, Claim
from partisan_core.kernel.channels import DECODE_ERRORS, Channel
from partisan_core.kernel.lane import Lane, Room
from partisan_core.mailboxes import Feeder
from partisan_core.wire.batch import split_after, split_data
from partisan_core.wire.checks import printable
from partisan_core.wire.fragments import Assembly, split_fragment
from partisan_core.wire.frames import AFTER, Frame, Kind
from partisan_core.wire.packing import Packing
from partisan_core.wire.relaying import Letter, decode_letters

_DATA, _FRAGMENT = int(Kind.DATA), int(Kind.FRAGMENT)
CARRIES_MESSAGES = frozenset({_DATA, _FRAGMENT, int(Kind.RELAY)})
"""The kinds of frame that are taken here."""

_T = TypeVar("_T")
_Decode = Callable[[memoryview], list[_T]]


class Recipient(Protocol):
    """Who is told what the messages of a channel themselves do not go to."""

    def on_gap(self, peer: NodeSpec, lane: Lane, lost: int | None) -> None:
        """Messages of the peer were lost with a connection; None: nobody knows how many."""

    def on_letters(self, channel: Channel, peer: NodeSpec, letters: list[Letter], feeder: Feeder) -> Room | None:
        """Messages for or from third nodes have arrived; returns a mailbox that is full now."""


class Incoming:
    """One connection's. What does not fit together raises `FrameError`."""

    def __init__(
        self,
        peer: NodeSpec,
        lane: Lane,
        channel: Channel,
        packing: Packing,
        recipient: Recipient,
        max_body: int,
        budget: Budget,
    ) -> None:
        self.messages = 0
        self.is_owing = False
        """The peer is to be told what has arrived."""
        self.is_missing = False
        """And that something is missing."""
        self._peer, self._lane, self._channel, self._recipient = peer, lane, channel, recipient
        self._decode, self._packing = channel.codec.decode_batch, packing
        self._max_body = max_body
        self._assembly, self._claim = Assembly(max_body), Claim(budget)

    def take(self, frame: Frame, feeder: Feeder) -> Room | None:
        """Take a frame in; returns what keeps the lane from being read now."""
        if frame.kind == _FRAGMENT:
            return self._on_fragment(frame, feeder)
        body, flags = frame.body, frame.flags
        if flags & AFTER:
            after, body = split_after(frame)
            if self._refuses(frame.number, after):
                return None
        count, payload = split_data(body, flags)
        if flags:
            payload = self._packing.unpack(flags, payload, self._max_body)
        return self._on_messages(frame.kind, frame.number, count, payload, feeder)

    def end(self) -> None:
        """The connection is over: what has not arrived whole never will."""
        self._assembly.clear()
        self._claim.end()

    def _refuses(self, first: int, after: int) -> bool:
        """Messages from number `first` come after that one: is it missing? An acknowledgement is due in any case."""
        session = self._lane.session
        self.is_owing = True
        if not session.refuses(after):
            return False
        self.is_missing = session.must_ask(first) or self.is_missing
        return True

    def _on_fragment(self, frame: Frame, feeder: Feeder) -> Room | None:
        """A slice of a large message: it begins when the peer's budget has room, and is delivered with its last."""
        begins = not self._assembly.total
        after, body = split_after(frame) if frame.flags & AFTER else (0, frame.body)
        place, part = split_fragment(body)
        part = self._packing.unpack(frame.flags, part, self._max_body)
        whole = self._assembly.add(place, part, frame.number)
        if whole is None:
            return None if not begins or self._claim.begin(self._assembly.total) else self._claim
        self._claim.end()
        if frame.flags & AFTER and self._refuses(frame.number, after):
            return None
        return self._on_messages(whole.kind, whole.number, 1, whole.payload, feeder)

    def _on_messages(self, kind: int, first: int, count: int, payload: memoryview, feeder: Feeder) -> Room | None:
        admission = self._lane.session.admit(first, count)
        if admission.gap:
            self._recipient.on_gap(self._peer, self._lane, admission.gap)
        if admission.skip == count:
            return None
        if kind == _DATA:
            batch = self._decoded(self._decode, payload, count, admission.skip)
            return self._channel.deliver(self._peer, batch, feeder)
        letters = self._decoded(decode_letters, payload, count, admission.skip)
        return self._recipient.on_letters(self._channel, self._peer, letters, feeder)

    def _decoded(self, decode: _Decode[_T], payload: memoryview, count: int, skip: int) -> list[_T]:
        try:
            batch = decode(payload)
        except DECODE_ERRORS as error:
            self._lane.drop(DropReason.UNDECODABLE, count - skip)
            said = f"{type(error).__name__}: {printable(str(error))}"  # which may quote the peer
            raise FrameError(f"a batch of {count} messages cannot be decoded: {said}") from error
        if len(batch) != count:
            self._lane.drop(DropReason.UNDECODABLE, count - skip)
            raise FrameError(f"a batch said to hold {count} messages holds {len(batch)}")
        self.messages += count - skip
        return batch[skip:] if skip else batch
