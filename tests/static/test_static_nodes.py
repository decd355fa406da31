"""Real nodes over the memory transport: a ring of five with one chord, in virtual time."""

import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from partisan_core import Node, load_config, open_node
from partisan_core.errors import UnknownNode

GRAPH = {
    "alpha": ("beta", "gamma"),  # the chord
    "beta": ("gamma",),
    "gamma": ("delta",),
    "delta": ("epsilon",),
    "epsilon": ("alpha",),
}
"""Who names whom in its configuration: each edge is named by one end."""
NEIGHBOURS = {
    "alpha": ("beta", "epsilon", "gamma"),
    "beta": ("alpha", "gamma"),
    "gamma": ("alpha", "beta", "delta"),
    "delta": ("epsilon", "gamma"),
    "epsilon": ("alpha", "delta"),
}
A_MINUTE = 60.0

_networks = itertools.count()


class Graph:
    """The nodes of one network in memory, each opened and closed by itself."""

    def __init__(self) -> None:
        self._network = f"static-{next(_networks)}"

    def opened(self, name: str, *peers: str) -> AbstractAsyncContextManager[Node]:
        settings: Mapping[str, Mapping[str, object]] = {
            "node": {"name": name, "listen": [f"{name}.memory:9090"], "strict": True},
            "transport": {"use": "memory", "network": self._network},
            "overlay": {"use": "static", "peers": [f"{peer}={peer}.memory:9090" for peer in peers]},
        }
        return open_node(load_config(environ={}, overrides=settings))


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(A_MINUTE):
        while not condition():
            await trio.sleep(0.01)


def are_linked(nodes: Mapping[str, Node], expected: Mapping[str, tuple[str, ...]]) -> bool:
    return all(nodes[name].neighbours() == expected[name] == nodes[name].nodes() for name in expected)


def without(name: str) -> dict[str, tuple[str, ...]]:
    return {one: tuple(other for other in others if other != name) for one, others in NEIGHBOURS.items() if one != name}


@asynccontextmanager
async def all_but_delta(graph: Graph) -> AsyncIterator[dict[str, Node]]:
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(graph.opened(name, *peers))
            for name, peers in GRAPH.items()
            if name != "delta"
        }


async def test_a_configured_ring_with_a_chord_has_these_links_and_no_others(autojump_clock: MockClock) -> None:
    graph = Graph()
    async with all_but_delta(graph) as nodes, graph.opened("delta", *GRAPH["delta"]) as delta:
        nodes["delta"] = delta
        await until(lambda: are_linked(nodes, NEIGHBOURS))
        await trio.sleep(A_MINUTE)
        assert are_linked(nodes, NEIGHBOURS)
        assert nodes["beta"].nodes("known") == ("alpha", "beta", "gamma")
        with pytest.raises(UnknownNode):
            await nodes["beta"].send("delta/inbox", "nobody forwards")
        async with nodes["gamma"].open_mailbox("inbox") as inbox:
            await nodes["alpha"].send("gamma/inbox", "along the chord")
            assert await inbox.receive() == "along the chord"


async def test_a_node_that_stops_and_comes_back_gets_its_links_back(autojump_clock: MockClock) -> None:
    graph = Graph()
    async with all_but_delta(graph) as nodes:
        async with graph.opened("delta", *GRAPH["delta"]) as delta:
            await until(lambda: are_linked(nodes | {"delta": delta}, NEIGHBOURS))
            first = delta.spec()
        await until(lambda: are_linked(nodes, without("delta")))
        assert "delta" in nodes["gamma"].nodes("known")
        async with graph.opened("delta") as delta:  # it names nobody: the others find it
            await until(lambda: are_linked(nodes | {"delta": delta}, NEIGHBOURS))
            assert nodes["gamma"].spec("delta") == delta.spec() != first


async def test_who_leaves_is_known_no_more_and_may_join_again_as_a_new_life(autojump_clock: MockClock) -> None:
    graph = Graph()
    async with all_but_delta(graph) as nodes, graph.opened("delta", *GRAPH["delta"]) as delta:
        await until(lambda: are_linked(nodes | {"delta": delta}, NEIGHBOURS))
        await delta.leave()
        await until(lambda: are_linked(nodes, without("delta")))
        await trio.sleep(A_MINUTE)
        assert all("delta" not in node.nodes("known") for node in nodes.values())
        await delta.join(*nodes["gamma"].addresses)
        await until(lambda: are_linked(nodes | {"delta": delta}, NEIGHBOURS))


async def test_evicting_ends_one_link_for_both_and_joining_makes_it_again(autojump_clock: MockClock) -> None:
    graph = Graph()
    async with graph.opened("alpha") as alpha, graph.opened("beta") as beta:
        await alpha.join(*beta.addresses)
        await until(lambda: alpha.neighbours() == ("beta",) and beta.neighbours() == ("alpha",))
        beta.evict("alpha")
        await until(lambda: not alpha.nodes() and not beta.nodes())
        assert (alpha.nodes("known"), beta.nodes("known")) == (("alpha",), ("beta",))
        await trio.sleep(A_MINUTE)
        assert not alpha.nodes()
        await beta.join(*alpha.addresses)
        await until(lambda: alpha.neighbours() == ("beta",) and beta.neighbours() == ("alpha",))
