"""A node in a process of its own: `python -m tests.integration.victim [NAME CONTACT...]`.

Says its address and "joined", line by line; leaves at the line "leave", closes at the end of its input. Without
arguments it has imported all it needs when it says "waiting", and is told in a line of JSON who it is.
"""

import os
import sys

import msgspec
import trio
from msgspec import Struct

from partisan_core import open_node
from partisan_core.errors import NameInUse


class Life(Struct):
    """What a process is to be."""

    name: str
    contacts: list[str]
    listen: str = "127.0.0.1:0"
    data_dir: str | None = None


async def main(life: Life) -> None:
    node_settings = {"name": life.name, "listen": [life.listen], "data_dir": life.data_dir, "strict": True}
    async with open_node(node={key: value for key, value in node_settings.items() if value is not None}) as node:
        print(node.addresses[0], flush=True)
        await node.join(*life.contacts)
        print("joined", flush=True)
        async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as orders:
            async for order in orders:
                if order == b"leave\n":
                    await node.leave()


async def rehearse() -> None:
    """Import what a node imports when it is opened."""
    async with open_node():
        pass


def wait_for_a_life() -> Life:
    trio.run(rehearse)
    print("waiting", flush=True)
    line = os.read(sys.stdin.fileno(), 4096)
    if not line:
        sys.exit()
    return msgspec.json.decode(line, type=Life)


if __name__ == "__main__":
    try:
        trio.run(main, Life(sys.argv[1], sys.argv[2:]) if sys.argv[1:] else wait_for_a_life())
    except* NameInUse:
        sys.exit(3)
