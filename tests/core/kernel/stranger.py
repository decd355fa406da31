"""A peer made by hand over TCP: says in the handshake, and after it, whatever a test wants."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio
from msgspec.structs import replace

from partisan_core.identity import Address, NodeSpec
from partisan_core.kernel.secret_files import automatic_secret
from partisan_core.wire.authentication import Keyring
from partisan_core.wire.frames import Frame, FrameReader, Kind
from partisan_core.wire.handshake import Handshake, Role, State
from partisan_core.wire.messages import Hello, Refusal, Welcome
from tests.core.kernel.nodes import PARTS, PATIENCE

SPEC = NodeSpec("stranger", 1, 1)
HELLO = Hello(
    cluster="default",
    overlay=f"{PARTS}:Acquaintances",
    overlay_version=1,
    node=SPEC,
    channel="membership",
    lane=0,
    channels={"default": 1, "membership": 1},
    serializer="",
    max_message=1 << 24,
    nonce=bytes(16),
)
DATA_HELLO = replace(HELLO, channel="default", serializer=f"{PARTS}:plain")


class Stranger:
    """One connection to a node."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.frames: list[Frame] = []
        self._reader = FrameReader(1 << 25)

    async def shake(
        self,
        hello: Hello = HELLO,
        session: int = 0,
        received: int = 0,
        sent: int = 0,
        between: Callable[[], Awaitable[None]] | None = None,
    ) -> Welcome | Refusal:
        """Shake hands up to the welcome or a refusal; `between` happens before the proof."""
        handshake = Handshake(Role.DIALLER, hello, Keyring("default", [automatic_secret("default")]))
        await self.stream.send_all(handshake.start())
        while True:
            frame = await self.read()
            assert frame is not None, "closed without a word"
            handshake.receive(frame)
            if handshake.refusal is not None:
                return handshake.refusal
            if handshake.state is State.JUDGE:
                if between is not None:
                    await between()
                await self.stream.send_all(handshake.prove(session, received, sent))
            elif handshake.welcome_received is not None:
                return handshake.welcome_received

    async def read(self) -> Frame | None:
        """The next frame; None at the end of the stream."""
        with trio.fail_after(PATIENCE):
            while not self.frames:
                try:
                    data = await self.stream.receive_some()
                except trio.BrokenResourceError:
                    return None
                if not data:
                    return None
                copies = [frame._replace(body=memoryview(bytes(frame.body))) for frame in self._reader.feed(data)]
                self.frames += copies
        return self.frames.pop(0)

    async def read_kind(self, kind: Kind) -> Frame:
        """The next frame of that kind."""
        while True:
            frame = await self.read()
            assert frame is not None, "the node closed the connection"
            if frame.kind == kind:
                return frame

    async def wait_closed(self) -> None:
        """Wait until the node closes the connection."""
        while await self.read() is not None:
            pass


@asynccontextmanager
async def stranger_at(address: Address) -> AsyncIterator[Stranger]:
    """Connect to a node."""
    async with await trio.open_tcp_stream(address.host, address.port) as stream:
        yield Stranger(stream)
