"""Who answers at the address of a contact or a peer without holding the secret: nothing it says may be acted on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from msgspec.structs import replace

from partisan_core import NodeSpec
from partisan_core.identity import Address
from partisan_core.wire.authentication import Keyring
from partisan_core.wire.frames import FrameReader, Kind
from partisan_core.wire.handshake import Handshake, Role
from partisan_core.wire.messages import Hello, Refused
from tests.core.kernel.nodes import link, opened, until
from tests.core.kernel.stranger import HELLO

ELSEWHERE = Address("127.0.0.1", 1)


class Impostor:
    """Says a hello to everybody who dials, and then a refusal or nothing."""

    def __init__(self, hello: Hello, refusal: Refused | None = None) -> None:
        self.asked = 0
        """How many have said their hello."""
        self._hello, self._refusal = hello, refusal

    async def answer(self, stream: trio.SocketStream) -> None:
        handshake = Handshake(Role.ACCEPTER, self._hello, Keyring("default", [b"guessed"]))
        reader = FrameReader(4096)
        async with stream:
            while data := await stream.receive_some():
                for frame in reader.feed(data):
                    if frame.kind == Kind.HELLO:
                        handshake.receive(frame)
                        await stream.send_all(self._say(handshake))
                        self.asked += 1

    def _say(self, handshake: Handshake) -> bytes:
        return handshake.greet() if self._refusal is None else handshake.refuse(self._refusal, "forged")


@asynccontextmanager
async def listening(impostor: Impostor, port: int = 0) -> AsyncIterator[Address]:
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, impostor.answer, listeners)
        yield Address(*listeners[0].socket.getsockname())
        nursery.cancel_scope.cancel()


async def test_a_contact_that_has_proved_nothing_makes_nobody_a_member() -> None:
    """It answers two dials under one name: the second looks as if the first were about to connect."""
    victim = NodeSpec("victim", HELLO.node.incarnation, 1, (ELSEWHERE,))
    impostor = Impostor(replace(HELLO, node=victim))
    async with (
        opened("alpha", links={"handshake_timeout": "0.5s"}) as alpha,
        listening(impostor) as one,
        listening(impostor) as other,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(alpha.join, one, other)
        await until(lambda: impostor.asked == 2)
        await until(lambda: alpha.counters["dials"] >= 3)
        assert "victim" not in alpha.nodes("known")
        nursery.cancel_scope.cancel()


async def test_a_contact_that_says_the_name_of_a_connected_peer_changes_nothing_of_what_is_known_of_it() -> None:
    async with opened("alpha") as alpha, opened("beta") as beta:
        await link(alpha, beta)
        claimed = replace(beta.spec(), addresses=(ELSEWHERE,))
        async with listening(Impostor(replace(HELLO, node=claimed))) as address:
            with trio.fail_after(5):
                await alpha.join(address)
        assert alpha.spec("beta") == beta.spec()


async def test_an_impostor_at_the_first_address_of_a_peer_cannot_keep_us_from_the_second() -> None:
    """`simultaneous` means that the peer's own dial goes on; only the peer may say so."""
    async with listening(Impostor(HELLO, Refused.SIMULTANEOUS)) as first:
        [second] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        own = Address(*second.socket.getsockname())
        await second.aclose()
        beta_node = {"listen": [str(own)], "advertise": [str(first), str(own)]}
        async with (
            opened("alpha", node={"advertise": [str(ELSEWHERE)]}) as alpha,
            opened("beta", node=beta_node),
        ):
            with trio.fail_after(5):
                await alpha.join(own, fully=True)
