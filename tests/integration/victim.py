"""A node in a process of its own: `python -m tests.integration.victim NAME CONTACT...`.

Says its address and "joined", line by line; leaves at the line "leave", closes at the end of its input.
"""

import os
import sys

import trio

from partisan_core import open_node
from partisan_core.errors import NameInUse


async def main(name: str, contacts: list[str]) -> None:
    async with open_node(node={"name": name, "strict": True}) as node:
        print(node.addresses[0], flush=True)
        await node.join(*contacts)
        print("joined", flush=True)
        async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as orders:
            async for order in orders:
                if order == b"leave\n":
                    await node.leave()


if __name__ == "__main__":
    try:
        trio.run(main, sys.argv[1], sys.argv[2:])
    except* NameInUse:
        sys.exit(3)
