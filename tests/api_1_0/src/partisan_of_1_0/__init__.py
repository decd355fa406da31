"""Plugins of every kind that API 1.0 had. FROZEN: see pyproject.toml."""

import json
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

import trio
from msgspec import Struct

from partisan_core.detection import DetectorEffect, DetectorEvent
from partisan_core.effects import Effect, Send
from partisan_core.events import Event, Join, Received
from partisan_core.identity import Address, NodeSpec
from partisan_core.kinds import (
    ChannelPolicyPlugin,
    FailureDetectorPlugin,
    LaneQueue,
    NoOptions,
    OverlayPlugin,
    SerializerPlugin,
    TransportPlugin,
    Verdict,
)
from partisan_core.plugins import hookimpl

PARTISAN_API = "1.0"


class Greeting(Struct, frozen=True, array_like=True, tag="greeting"):
    """I want a link to you."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsConfig:
    most: int = 8
    """How many nodes this one links to."""


class Pairs:
    """Links whoever joined with whom it joined; nobody hears of anybody else."""

    messages: ClassVar[Sequence[type[Struct]]] = (Greeting,)
    capabilities: ClassVar[Collection[str]] = frozenset()

    def __init__(self, me: NodeSpec, config: PairsConfig, rng: Random) -> None:
        self._me, self._most = me, config.most
        self._known: dict[str, NodeSpec] = {}

    def handle(self, event: Event, now: float) -> list[Effect]:
        match event:
            case Join(peer):
                self._meet(peer)
                return [Send(peer, Greeting())]
            case Received(peer, Greeting()):
                self._meet(peer)
        return []

    def _meet(self, peer: NodeSpec) -> None:
        if len(self._known) < self._most:
            self._known = {**self._known, peer.name: peer}

    def members(self) -> Mapping[str, NodeSpec]:
        return {self._me.name: self._me, **self._known}

    def links(self) -> Mapping[str, NodeSpec]:
        return self._known

    def next_hop(self, name: str) -> str | None:
        return None

    def snapshot(self) -> bytes:
        return b""

    def restore(self, data: bytes) -> None:
        pass


class Lines:
    """JSON, an envelope per line."""

    def __init__(self, config: NoOptions) -> None:
        pass

    def encode(self, envelope: tuple[str, object]) -> bytes:
        return json.dumps(envelope).encode()

    def join(self, pieces: Sequence[bytes]) -> bytes:
        return b"\n".join(pieces)

    def decode_batch(self, data: memoryview) -> list[tuple[str, object]]:
        return [(mailbox, message) for mailbox, message in map(json.loads, bytes(data).split(b"\n"))]


class Patient:
    """Lets the sender wait."""

    def make_room(self, lane: LaneQueue, size: int) -> Verdict:
        return Verdict.WAIT


class Trusting:
    """Suspects nobody."""

    def __init__(self, config: NoOptions, rng: Random) -> None:
        pass

    def handle(self, event: DetectorEvent, now: float) -> list[DetectorEffect]:
        return []


class PlainWire:
    """A connected socket."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected
        self.remote = str(connected.getpeername())

    def try_send(self, data: bytes | bytearray | memoryview) -> int:
        return self._socket.send(data)

    def try_recv_into(self, buffer: bytearray | memoryview) -> int:
        return self._socket.recv_into(buffer)

    async def wait_writable(self) -> None:
        await self._wait(trio.lowlevel.wait_writable)

    async def wait_readable(self) -> None:
        await self._wait(trio.lowlevel.wait_readable)

    async def _wait(self, wait: Callable[[socket.socket], Awaitable[None]]) -> None:
        try:
            await wait(self._socket)
        except (trio.ClosedResourceError, ValueError):
            await trio.lowlevel.checkpoint()  # the next try says that it is closed

    def interrupt(self) -> None:
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)

    def close(self) -> None:
        self.interrupt()
        self._socket.close()


class PlainListener:
    """A listening socket."""

    def __init__(self, listening: socket.socket) -> None:
        listening.setblocking(False)
        self._socket = listening
        self.address = Address(*listening.getsockname()[:2])

    async def accept(self) -> PlainWire:
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            try:
                return PlainWire(self._socket.accept()[0])
            except OSError:
                continue

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()


class PlainTcp:
    """TCP, without anything."""

    def __init__(self, config: NoOptions) -> None:
        pass

    async def listen(self, address: Address) -> PlainListener:
        return PlainListener(socket.create_server((address.host, address.port)))

    async def dial(self, address: Address) -> PlainWire:
        stream = await trio.open_tcp_stream(address.host, address.port)
        return PlainWire(socket.socket(fileno=stream.socket.detach()))


@hookimpl
def partisan_transport() -> TransportPlugin:
    return TransportPlugin(make=PlainTcp)


@hookimpl
def partisan_serializer() -> SerializerPlugin:
    return SerializerPlugin(make=Lines)


@hookimpl
def partisan_channel_policy() -> ChannelPolicyPlugin:
    return ChannelPolicyPlugin(policy=Patient())


@hookimpl
def partisan_failure_detector() -> FailureDetectorPlugin:
    return FailureDetectorPlugin(make=Trusting)


@hookimpl
def partisan_overlay() -> OverlayPlugin:
    return OverlayPlugin(make=Pairs, config=PairsConfig)
