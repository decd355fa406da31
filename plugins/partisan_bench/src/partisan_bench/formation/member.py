"""Some nodes of a formation: `python -m partisan_bench.formation.member FOLDER OVERLAY NODES FORM PATIENCE FIRST LAST`.

They are the nodes with the numbers from FIRST to LAST; FORM is `star` or `spread`. Says two lines, each with a moment
of the machine-wide monotonic clock: where the first and the last of them listen, and that all are linked as they should
be. Between them it waits for a line with a contact, which may be empty. It says so by itself, as asking dozens of nodes
again and again would be work that delays them. It ends with its standard input, so that it does not outlive the process
that started it, however that one ends.
"""

import resource
import sys
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from pathlib import Path

import trio

from partisan_bench.formation.shapes import Shape, name_of, role_of, shape_of
from partisan_bench.formation.views import lacking
from partisan_core import Node, open_node
from partisan_core.plugins import Plugins


async def main(folder: str, overlay: str, nodes: str, form: str, patience: str, first: str, last: str) -> None:
    """Open the nodes, join, wait for the others, and live until the standard input ends; end when they do not come."""
    numbers = range(int(first), int(last) + 1)
    lacks: list[str] = []
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(_open(Path(folder), overlay, number)) for number in numbers]
        _say(f"{opened[0].addresses[0]} {opened[-1].addresses[0]}")
        shape = shape_of(overlay, Plugins().overlay(overlay).capabilities, int(nodes), is_star=form == "star")
        await trio.lowlevel.wait_readable(sys.stdin)
        contact = sys.stdin.readline().strip()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_end_with_input, nursery.cancel_scope)
            with trio.move_on_after(float(patience)) as scope:
                await _join(opened, contact, shape)
                for node in opened:
                    await _wait_complete(node, shape)
                _say("complete")
            if scope.cancelled_caught:
                lacks = [f"{node.name} has {lack}" for node in opened if (lack := _lack(node, shape))]
                nursery.cancel_scope.cancel()
    if lacks:  # the last word: those of the closing nodes are above it
        print(f"not complete after {patience} s: {'; '.join(lacks)}", file=sys.stderr)


def _open(folder: Path, overlay: str, number: int) -> AbstractAsyncContextManager[Node]:
    name = name_of(number)
    node = {"name": name, "cluster": "bench", "data_dir": str(folder / name), "labels": {"role": role_of(number)}}
    return open_node(node=node, overlay={"use": overlay})


async def _join(nodes: list[Node], contact: str, shape: Shape) -> None:
    """Join all at once: the contact, or in a ring the node before; the first node of all has nobody to join."""
    first = str(nodes[0].addresses[0])
    contacts = [contact, *(str(node.addresses[0]) if shape.is_ring else contact or first for node in nodes[:-1])]
    async with trio.open_nursery() as nursery:
        for node, whom in zip(nodes, contacts, strict=True):
            if whom:
                nursery.start_soon(node.join, whom)


async def _end_with_input(scope: trio.CancelScope) -> None:
    await trio.lowlevel.wait_readable(sys.stdin)
    scope.cancel()


async def _wait_complete(node: Node, shape: Shape) -> None:
    async with node.open_events() as events:
        async for _ in events:
            if not _lack(node, shape):
                return


def _lack(node: Node, shape: Shape) -> str:
    """Say what a node lacks: neighbours, or lanes to them."""
    lanes = lacking(node.connections(), shape)
    near = len(node.neighbours())
    return lanes or (f"{near} neighbours of {shape.neighbours} expected" if near < shape.neighbours else "")


def _say(word: str) -> None:
    print(time.monotonic(), word, flush=True)


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a process may hold thousands of connections
    trio.run(partial(main, *sys.argv[1:]))
