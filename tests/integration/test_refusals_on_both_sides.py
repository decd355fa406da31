"""Nodes that do not fit: whoever dials, each side is told what differs, by name and with both values."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
from msgspec.structs import replace

from partisan_core import Address, Node
from partisan_core.errors import JoinError
from partisan_core.events import Reason
from partisan_core.notices import DialRefused, PeerRefused
from partisan_core.wire.frames import Frame, FrameReader, Kind, encode_frame
from partisan_core.wire.limits import PREAUTH_BODY
from partisan_core.wire.messages import Hello, Refusal, Refused
from tests.core.kernel.stranger import HELLO, SPEC, stranger_at
from tests.integration.nodes import PATIENCE, notice_of, opened, until

OTHER_OVERLAY = "tests.core.kernel.parts:Acquaintances"

MISFITS: dict[str, dict[str, Any]] = {
    "cluster": {"node": {"cluster": "shop"}},
    "overlay": {"overlay": {"use": OTHER_OVERLAY}, "serializer": {"use": "msgpack"}},
}
VALUES = {"cluster": ("'default'", "'shop'"), "overlay": ("'fullmesh' version 1", f"'{OTHER_OVERLAY}' version 1")}
"""Ours and theirs, as every error has to tell them."""


def misfit(name: str, what: str, *listen: Address) -> Any:
    sections = dict(MISFITS[what])
    where = {"listen": list(map(str, listen))} if listen else {}
    return opened(name, node=sections.pop("node", {}) | where, **sections)


def assert_named(what: str, *texts: str) -> None:
    for text in texts:
        assert f"({what})" in text
        assert all(value in text for value in VALUES[what]), text


@pytest.mark.parametrize("what", MISFITS)
@pytest.mark.parametrize("misfit_joins", [True, False], ids=["they join us", "we join them"])
async def test_a_join_of_nodes_that_do_not_fit_is_refused_by_name_on_both_sides(what: str, misfit_joins: bool) -> None:
    async with opened("alpha") as alpha, misfit("beta", what) as beta:
        joiner, contact = (beta, alpha) if misfit_joins else (alpha, beta)
        async with contact.open_events() as events:
            with trio.fail_after(PATIENCE), pytest.raises(JoinError) as raised:
                await joiner.join(*contact.addresses)
            refused = await notice_of(PeerRefused, events)
        assert refused.code == what
        assert_named(what, str(raised.value), refused.error)
        assert alpha.neighbours() == beta.neighbours() == ()


@asynccontextmanager
async def bereaved() -> AsyncIterator[tuple[Node, Address]]:
    """Alpha, which dials beta; and the address where beta was."""
    async with opened("alpha", links={"redial_limit": "100ms"}) as alpha:
        async with opened("beta") as beta:
            await beta.join(*alpha.addresses)
            await until(lambda: alpha.neighbours() == ("beta",))
            (address,) = beta.addresses
        await until(lambda: not alpha.neighbours())
        yield alpha, address


async def rejected(reason: Reason, node: Node) -> DialRefused:
    """The next dial of this node that fails for that reason."""
    async with node.open_events() as events:
        while True:
            refused = await notice_of(DialRefused, events)
            if refused.reason is reason:
                return refused


@pytest.mark.parametrize("what", MISFITS)
async def test_a_member_that_comes_back_as_a_misfit_is_refused_by_name_on_both_sides(what: str) -> None:
    async with bereaved() as (alpha, address), misfit("beta", what, address) as beta, beta.open_events() as events:
        here = await rejected(Reason.REJECTED, alpha)
        there = await notice_of(PeerRefused, events)
        assert (here.peer.name, there.code) == ("beta", what)
        assert_named(what, here.error, there.error)
        assert alpha.neighbours() == beta.neighbours() == ()


async def test_another_node_at_the_address_of_a_member_is_refused_by_name_on_both_sides() -> None:
    async with bereaved() as (alpha, address), opened("gamma", node={"listen": [str(address)]}) as gamma:
        async with gamma.open_events() as events:
            there = await notice_of(PeerRefused, events)
        async with alpha.open_events() as events:
            here = await notice_of(DialRefused, events)
        assert (here.peer.name, there.code) == ("beta", "name")
        for error in (here.error, there.error):
            assert "(name): node 'beta' was dialled, 'gamma' answered" in error


def of_another_wire(hello: Hello) -> Hello:
    return replace(hello, versions=(7, 9))


def of_another_overlay_version(hello: Hello) -> Hello:
    return replace(hello, overlay_version=hello.overlay_version + 1)


OTHERS = [
    (of_another_wire, Refused.VERSION, ("7 to 9", "1 to 1")),
    (of_another_overlay_version, Refused.OVERLAY, ("'fullmesh' version 2", "'fullmesh' version 1")),
]
"""What a stranger says instead, the code of the refusal, and the values it has to tell."""


@pytest.mark.parametrize(("change", "code", "values"), OTHERS, ids=["wire version", "overlay version"])
async def test_a_stranger_of_another_version_that_dials_us_is_refused_by_name_on_both_sides(
    change: Callable[[Hello], Hello], code: Refused, values: tuple[str, str]
) -> None:
    async with (
        opened("alpha") as alpha,
        alpha.open_events() as events,
        stranger_at(alpha.addresses[0]) as stranger,
    ):
        there = await stranger.shake(change(replace(HELLO, overlay="fullmesh")))
        here = await notice_of(PeerRefused, events)
        assert isinstance(there, Refusal)
        assert (there.code, here.code) == (code, code)
        for text in (there.text, here.error):
            assert all(value in text for value in values), text


@pytest.mark.parametrize(("change", "code", "values"), OTHERS, ids=["wire version", "overlay version"])
async def test_a_stranger_of_another_version_that_we_dial_is_refused_by_name_on_both_sides(
    change: Callable[[Hello], Hello], code: Refused, values: tuple[str, str]
) -> None:
    """It greets us all the same, so that it is for us to refuse."""
    heard: list[Refusal] = []

    async def greet(stream: trio.SocketStream) -> None:
        async with stream:
            ours = msgspec.msgpack.decode((await read_frame(stream)).body, type=Hello)
            await stream.send_all(encode_frame(Kind.HELLO, msgspec.msgpack.encode(change(replace(ours, node=SPEC)))))
            heard.append(msgspec.msgpack.decode((await read_frame(stream)).body, type=Refusal))

    async with opened("alpha") as alpha, trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await nursery.start(trio.serve_tcp, greet, 0)
        with trio.fail_after(PATIENCE), pytest.raises(JoinError) as raised:
            await alpha.join(f"127.0.0.1:{listeners[0].socket.getsockname()[1]}")
        await until(lambda: heard)
        assert heard[0].code == code
        for text in (heard[0].text, str(raised.value)):
            assert all(value in text for value in values), text
        nursery.cancel_scope.cancel()


async def read_frame(stream: trio.SocketStream) -> Frame:
    reader = FrameReader(PREAUTH_BODY)
    with trio.fail_after(PATIENCE):
        while True:
            frames = reader.feed(await stream.receive_some())
            if frames:
                return frames[0]
