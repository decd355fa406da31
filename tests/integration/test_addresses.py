"""Nodes that are found by IPv6, by host names, and where nobody was before."""

import socket
from typing import Any

import pytest
import trio

from partisan_core import Node
from tests.integration.nodes import PATIENCE, opened, until


async def greet(one: Node, other: Node) -> None:
    """A message each way."""
    for sender, recipient in ((one, other), (other, one)):
        async with recipient.open_mailbox("box") as box:
            await sender.send(f"{recipient.name}/box", f"from {sender.name}")
            with trio.fail_after(PATIENCE):
                assert await box.receive() == f"from {sender.name}"


def listening(*addresses: str) -> dict[str, Any]:
    return {"node": {"listen": list(addresses)}}


async def joined(*nodes: Node) -> None:
    """All join the first."""
    first, *others = nodes
    for other in others:
        with trio.fail_after(PATIENCE):
            await other.join(*map(str, first.addresses))
    await until(lambda: all(len(node.neighbours()) == len(others) for node in nodes))


@pytest.mark.parametrize("host", ["[::1]", "localhost"])
async def test_nodes_meet_by_ipv6_and_by_name(host: str) -> None:
    where = listening(f"{host}:0")
    async with opened("alpha", **where) as alpha, opened("beta", **where) as beta:
        assert str(alpha.addresses[0]).startswith(host)
        await joined(alpha, beta)
        await greet(alpha, beta)
        if host == "[::1]":
            assert all(str(row.address).startswith("[::1]:") for row in alpha.connections())


async def test_a_node_on_both_ip_versions_is_met_by_nodes_of_either() -> None:
    async with (
        opened("both", **listening("127.0.0.1:0", "[::1]:0")) as both,
        opened("old", **listening("127.0.0.1:0")) as old,
        opened("new", **listening("[::1]:0")) as new,
    ):
        with trio.fail_after(PATIENCE):
            await new.join(both.addresses[1])
        await joined(both, old)
        await until(lambda: len(new.neighbours()) == 2)
        for one, other in ((both, old), (both, new), (old, new)):
            await greet(one, other)


class Names(trio.abc.HostnameResolver):
    """Host names that the test decides about; each asked for anew."""

    def __init__(self, **hosts: str) -> None:
        self.hosts = hosts

    async def getaddrinfo(
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002 - the parameters are trio's
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        name = (host or b"").decode()
        return socket.getaddrinfo(self.hosts[name], port, family, type, proto, flags)

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        raise NotImplementedError


async def test_a_host_name_is_resolved_anew_so_that_a_node_is_found_where_it_has_moved() -> None:
    names = Names(**{"beta.example": "127.0.0.1"})
    trio.socket.set_custom_hostname_resolver(names)
    links = {"links": {"redial_limit": "100ms"}}
    async with opened("alpha", **links) as alpha:

        async def beta_at(host: str, port: int) -> int:
            """Beta lives here until alpha has found it, by itself if it knows it already."""
            with socket.socket() as probe:
                probe.bind((host, port))
                port = probe.getsockname()[1]
            node = {"listen": [f"{host}:{port}"], "advertise": [f"beta.example:{port}"]}
            async with opened("beta", node=node, **links) as beta:
                if not alpha.members()[1:]:
                    await joined(beta, alpha)
                await until(lambda: alpha.neighbours() and beta.neighbours())
                await greet(alpha, beta)
                return port

        port = await beta_at("127.0.0.1", 0)
        await until(lambda: not alpha.neighbours())
        names.hosts["beta.example"] = "127.0.0.2"
        assert await beta_at("127.0.0.2", port) == port
