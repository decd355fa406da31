"""A node watched by an extension that somebody else published: says what that wrote down of its neighbours."""

from pathlib import Path

import trio

from partisan_core import open_node

FILE = Path("notebook.txt")


async def main() -> None:
    extensions = {"enable": ["notebook"], "notebook": {"file": str(FILE)}}
    with trio.fail_after(20):
        async with (
            open_node(node={"name": "alpha"}, extensions=extensions) as alpha,
            open_node(node={"name": "beta"}) as beta,
        ):
            await beta.join(str(alpha.addresses[0]))
            await alpha.wait_neighbours()


trio.run(main)
print(*(line for line in FILE.read_text().splitlines() if line.startswith("Neighbour")), sep="\n")
