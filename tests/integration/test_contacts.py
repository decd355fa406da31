"""Joining through contacts of which some are dead."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import trio
import trio.testing

from partisan_core import Address, Node
from tests.integration.nodes import PATIENCE, opened, until

IMPATIENT = {"dial_timeout": "200ms", "handshake_timeout": "200ms"}


def _bound(stack: ExitStack) -> socket.socket:
    made = stack.enter_context(socket.socket())
    made.bind(("127.0.0.1", 0))
    return made


def refusing(stack: ExitStack) -> socket.socket:
    """Its port is taken, and nobody listens."""
    return _bound(stack)


def silent(stack: ExitStack) -> socket.socket:
    """Connections are made, and nothing is ever said."""
    made = _bound(stack)
    made.listen()
    return made


def swallowing(stack: ExitStack) -> socket.socket:
    """Its queue is full: what is dialled here hangs."""
    made = _bound(stack)
    made.listen(0)
    while True:
        filling = stack.enter_context(socket.socket())
        filling.settimeout(0.1)
        try:
            filling.connect(made.getsockname())
        except TimeoutError:
            return made


DEAD = {"refusing": refusing, "silent": silent, "swallowing": swallowing}


@pytest.fixture
def graveyard() -> Iterator[ExitStack]:
    """Where the sockets of dead contacts lie until the end of the test."""
    with ExitStack() as stack:
        yield stack


def contacts(kinds: str, living: Node, stack: ExitStack) -> list[Address]:
    made = []
    for kind in kinds.split():
        address = living.addresses[0]
        if kind != "living":
            address = Address("127.0.0.1", DEAD[kind](stack).getsockname()[1])
        made.append(address)
    return made


@pytest.mark.parametrize(
    "kinds",
    [
        "living",
        "refusing living",
        "living silent",
        "silent living",
        "swallowing living",
        "refusing silent swallowing refusing living",
        "silent silent living swallowing living",
    ],
)
async def test_one_living_contact_among_dead_ones_is_enough(kinds: str, graveyard: ExitStack) -> None:
    async with opened("alpha") as alpha, opened("beta", links=IMPATIENT) as beta:
        given = contacts(kinds, alpha, graveyard)
        with trio.fail_after(PATIENCE):
            await beta.join(*given)
        await until(lambda: alpha.neighbours() == ("beta",))
        assert beta.neighbours() == ("alpha",)
        assert {row.peer for row in beta.connections()} == {"alpha"}, "the dead ones left no trace"


async def test_a_node_without_a_living_contact_goes_on_trying_until_one_lives(graveyard: ExitStack) -> None:
    port = refusing(graveyard)
    address = Address("127.0.0.1", port.getsockname()[1])
    async with opened("beta", links=IMPATIENT) as beta, trio.open_nursery() as nursery:
        nursery.start_soon(beta.join, address)
        await trio.testing.wait_all_tasks_blocked()
        port.close()
        async with opened("alpha", node={"listen": [str(address)]}) as alpha:
            await until(lambda: alpha.neighbours() and beta.neighbours())


async def test_giving_up_a_join_that_hangs_leaves_the_node_as_it_was(graveyard: ExitStack) -> None:
    async with opened("alpha") as alpha, opened("beta") as beta:
        for kinds in ("silent", "swallowing", "refusing"):
            with trio.move_on_after(0.1) as waited:
                await beta.join(*contacts(kinds, alpha, graveyard))
            assert waited.cancelled_caught
        assert [spec.name for spec in beta.members()] == ["beta"]
        with trio.fail_after(PATIENCE):
            await beta.join(*alpha.addresses)
        assert beta.neighbours() == ("alpha",)
