"""Four nodes with the overlay `ring`: each links to two of the three others, and says to whom."""

import socket
from contextlib import AsyncExitStack

import trio

from partisan_core import open_node

NAMES = ("alpha", "beta", "gamma", "delta")


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses: a static list of peers must name them before the nodes listen."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


async def main() -> None:
    addresses = {name: f"127.0.0.1:{port}" for name, port in zip(NAMES, free_ports(len(NAMES)), strict=True)}
    overlay = {"use": "ring", "peers": [f"{name}={address}" for name, address in addresses.items()]}
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(open_node(node={"name": name, "listen": [address]}, overlay=overlay))
            for name, address in addresses.items()
        ]
        for node in nodes:
            await node.wait_neighbours(2)
        for node in nodes:
            print(node.name, *sorted(node.neighbours()))


async def with_a_deadline() -> None:
    with trio.fail_after(20):
        await main()


trio.run(with_a_deadline)
