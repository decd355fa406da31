"""One node of a formation: `python -m partisan_bench.formation.member NAME FOLDER OVERLAY NODES PATIENCE [CONTACT]`.

Says two lines, each with a moment of the machine-wide monotonic clock: where it listens, and that it is linked to
all of the others. It says so by itself, as asking dozens of nodes again and again would be work that delays them. It
ends with its standard input, so that it does not outlive the process that started it, however that one ends.
"""

import sys
import time
from functools import partial

import trio

from partisan_bench.formation.views import lacking
from partisan_core import Node, open_node


async def main(name: str, folder: str, overlay: str, nodes: str, patience: str, *contacts: str) -> None:
    """Open a node, join, wait for the others, and live until the standard input ends; end when they do not come."""
    async with (
        open_node(node={"name": name, "cluster": "bench", "data_dir": folder}, overlay={"use": overlay}) as node,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(_end_with_input, nursery.cancel_scope)
        _say(str(node.addresses[0]))
        with trio.move_on_after(float(patience)) as scope:
            if contacts:
                await node.join(*contacts)
            await _wait_complete(node, int(nodes))
            _say("complete")
        if scope.cancelled_caught:
            print(f"not complete after {patience} s: {lacking(node.connections(), int(nodes))}", file=sys.stderr)
            nursery.cancel_scope.cancel()


async def _end_with_input(scope: trio.CancelScope) -> None:
    await trio.lowlevel.wait_readable(sys.stdin)
    scope.cancel()


async def _wait_complete(node: Node, nodes: int) -> None:
    """Wait until every other node is a neighbour and each lane to each of them is connected."""
    async with node.open_events() as events:
        async for _ in events:
            if len(node.neighbours()) == nodes - 1 and not lacking(node.connections(), nodes):
                return


def _say(word: str) -> None:
    print(time.monotonic(), word, flush=True)


if __name__ == "__main__":
    trio.run(partial(main, *sys.argv[1:]))
