"""A node with a data_dir in a process of its own: `python -m tests.integration.resident NAME DATA_DIR CONTACT...`.

Says its address, and "joined" once it has a neighbour, through the contacts or without any; closes at the end of its
input.
"""

import os
import sys

import trio

from partisan_core import open_node


async def main(name: str, data_dir: str, contacts: list[str]) -> None:
    async with open_node(node={"name": name, "data_dir": data_dir, "strict": True}) as node:
        print(node.addresses[0], flush=True)
        if contacts:
            await node.join(*contacts)
        await node.wait_neighbours()
        print("joined", flush=True)
        async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as orders:
            async for _ in orders:
                """Nothing is ordered."""


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2], sys.argv[3:])
