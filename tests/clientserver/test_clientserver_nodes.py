"""Real nodes over memory: a server dies and its clients go elsewhere."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from random import Random

import pytest
import trio

from partisan_clientserver import Client, ClientServerConfig, Server
from partisan_clientserver.messages import Summary
from partisan_core import Node, load_config, open_node
from partisan_core.errors import JoinError, StartError
from partisan_core.identity import NodeSpec
from partisan_core.kinds import OverlayPlugin

CLIENTS = ("c0", "c1", "c2")


def opened(
    name: str, labels: Mapping[str, str], use: str = "clientserver", **overlay: object
) -> AbstractAsyncContextManager[Node]:
    settings = {
        "node": {"name": name, "listen": [f"{name}.memory:0"], "strict": True, "labels": dict(labels)},
        "overlay": {"use": use, **overlay},
        "transport": {"use": "memory", "network": "clientserver"},
    }
    return open_node(load_config(environ={}, overrides=settings))


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(60):
        while not condition():
            await trio.sleep(0.01)


async def test_clients_fail_over_when_their_server_dies_and_never_link_to_each_other(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(opened("s1", {"role": "server"}))
        clients = [await stack.enter_async_context(opened(name, {"role": "client"}, servers=1)) for name in CLIENTS]
        async with opened("s0", {"role": "server"}) as victim:
            for node in (*clients, server):
                with trio.fail_after(60):
                    await node.join(victim.addresses[0])
            await until(lambda: all(set(client.nodes("known")) == {"s0", "s1", client.name} for client in clients))
            await until(lambda: set(server.nodes("known")) == {"s0", "s1", *CLIENTS})
            assert all(set(client.nodes()) == {"s0"} for client in clients)
        await until(lambda: all(set(client.nodes()) == {"s1"} for client in clients))
        await until(lambda: set(server.nodes()) == set(CLIENTS))
        assert set(server.nodes("known")) == {"s0", "s1", *CLIENTS}, "a crash ends no membership"
        inbox = clients[0].open_mailbox("inbox")
        with trio.fail_after(5):
            await server.send("c0/inbox", "hello")
            assert await inbox.receive() == "hello"


async def test_a_client_that_joins_through_a_client_is_linked_to_the_server_alone(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with (
        opened("s0", {"role": "server"}) as server,
        opened("c0", {"role": "client"}) as first,
        opened("c1", {"role": "client"}) as second,
    ):
        await first.join(server.addresses[0])
        with trio.fail_after(60):
            await second.join(first.addresses[0])
        await until(lambda: set(server.nodes()) == {"c0", "c1"})
        await until(lambda: first.nodes() == second.nodes() == ("s0",))


async def test_clients_reach_each_other_through_any_server_and_after_one_has_died(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(opened(f"s{number}", {"role": "server"})) for number in range(2)]
        clients = [await stack.enter_async_context(opened(name, {"role": "client"})) for name in CLIENTS]
        boxes = [client.open_mailbox("box") for client in clients]

        async def talk() -> None:
            for client in clients:
                for other in CLIENTS:
                    await client.send(f"{other}/box", client.name)
            for box in boxes:
                with trio.fail_after(5):
                    assert sorted([await box.receive() for _ in CLIENTS]) == list(CLIENTS)

        async with opened("s9", {"role": "server"}) as victim:
            for node in (*servers, *clients):
                with trio.fail_after(60):
                    await node.join(victim.addresses[0])
            await until(lambda: all(set(client.nodes()) == {"s0", "s1", "s9"} for client in clients))
            await talk()
        await until(lambda: all(set(client.nodes()) == {"s0", "s1"} for client in clients))
        await talk()
        assert all(set(client.nodes()) == {"s0", "s1"} for client in clients), "a client was dialled"


async def test_a_client_that_joins_through_a_client_without_servers_hears_why_it_may_not(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with opened("c0", {"role": "client"}) as first, opened("c1", {"role": "client"}) as second:
        with (
            trio.fail_after(5),
            pytest.raises(JoinError, match=r"by c0: node c1 is a client, .* servers only"),
        ):
            await second.join(first.addresses[0])
        assert second.nodes("known") == ("c1",)


async def test_who_has_an_unknown_role_hears_it_from_the_server(autojump_clock: trio.testing.MockClock) -> None:
    """Of a later version, say, in which there are more roles."""
    use = f"{__name__}:lenient"
    async with opened("s0", {"role": "server"}, use) as server, opened("x", {"role": "monitor"}, use) as lost:
        with trio.fail_after(5), pytest.raises(JoinError, match=r"by s0: node x has the label role = 'monitor': write"):
            await lost.join(server.addresses[0])
        assert server.nodes("known") == ("s0",)


class Monitor(Client):
    """Asks before it links."""

    def _handle_join(self, contact: NodeSpec) -> None:
        self._send(contact, Summary({}))


def _as_it_comes(me: NodeSpec, config: ClientServerConfig, rng: Random) -> Server | Client:
    return Server(me, config, rng) if me.labels.get("role") == "server" else Monitor(me, config, rng)


lenient = OverlayPlugin(make=_as_it_comes, config=ClientServerConfig)


@pytest.mark.parametrize("labels", [{}, {"role": "observer"}], ids=["unlabelled", "unknown"])
async def test_a_node_without_a_role_does_not_start_and_leaves_its_address_free(labels: dict[str, str]) -> None:
    with pytest.raises(StartError, match="role"):
        async with opened("lost", labels):
            pass
    async with opened("lost", {"role": "client"}):
        pass
