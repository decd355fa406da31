"""Eight nodes of one overlay in one process, whose lives a trial decides on."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import trio

from partisan_cli.demo.plan import choose_addresses, labels_of
from partisan_core import Node, load_config, open_node
from partisan_core.notices import MemberJoined, MemberLeft, NeighbourDown, NeighbourUp, Notice
from tests.any_overlay.network import Network
from tests.any_overlay.settings import Setting

NAMES = tuple(f"n{number}" for number in range(8))
FIRST, *_, LAST = NAMES
"""Through whom all join; and who leaves, dies and comes back: a client, on overlays with roles."""

PATIENCE = 60.0
"""Seconds, virtual ones mostly, until a wait is a failure."""

CHANNELS: Mapping[str, Mapping[str, object]] = {
    "default": {"queue_messages": 100},
    "left": {"parallelism": 2},
    "right": {"parallelism": 2},
}


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for what cannot be waited for otherwise."""
    with trio.move_on_after(PATIENCE):
        while not condition():
            await trio.sleep(0.02)
        return
    raise AssertionError(f"not within {PATIENCE:g} s: {what}")


@dataclass
class Life:
    """One node from its start to its end, and all it was told of others."""

    node: Node
    scope: trio.CancelScope
    ended: trio.Event = field(default_factory=trio.Event)
    told: dict[str, list[tuple[str, int, str]]] = field(default_factory=dict)
    """By name of the other: kind of the notice, incarnation, reason."""

    def note(self, notice: Notice) -> None:
        """Keep what concerns others."""
        if isinstance(notice, MemberJoined | MemberLeft | NeighbourUp | NeighbourDown):
            kind, reason = type(notice).__name__, str(getattr(notice, "reason", ""))
            self.told.setdefault(notice.peer.name, []).append((kind, notice.peer.incarnation, reason))

    def links(self, name: str) -> list[tuple[str, int, str]]:
        """The ups and downs of another."""
        return [told for told in self.told.get(name, []) if told[0].startswith("Neighbour")]


class Cluster:
    """Starts and ends nodes; each runs in a task of its own."""

    def __init__(self, setting: Setting, network: Network | None, folder: Path | None, nursery: trio.Nursery) -> None:
        """Real TCP without a `network`; a `data_dir` for each node in `folder`, if there is one."""
        self.setting, self._folder, self._nursery, self._network = setting, folder, nursery, network
        self.lives: dict[str, Life] = {}
        self._ports = count(1024)
        self._addresses = self._choose_addresses(*NAMES)

    def __getitem__(self, name: str) -> Node:
        return self.lives[name].node

    @property
    def network(self) -> Network:
        """For trials in which connections break."""
        assert self._network is not None
        return self._network

    @property
    def names(self) -> set[str]:
        """Who lives."""
        return {*self.lives}

    @property
    def nodes(self) -> list[Node]:
        """All that live."""
        return [life.node for life in self.lives.values()]

    # -- lives --------------------------------------------------------------------------------------------------

    async def form(self) -> None:
        """Start all; all join the first one, where links are made by joining."""
        for name in NAMES:
            await self.start(name)
        if not self.setting.by_configuration:
            for name in NAMES[1:]:
                await self.join(name, FIRST)
        await self.until_whole()

    async def start(self, name: str) -> Node:
        """Start a node that has joined nobody."""
        self.lives[name] = await self._nursery.start(self._live, name)
        return self[name]

    async def restart(self, name: str, *, join: bool) -> None:
        """End a node without a farewell, start it again at once on another address, and let it join the others."""
        await self.end(name)
        self._addresses |= self._choose_addresses(name)
        await self.start(name)
        if join and not self.setting.by_configuration:
            await self.join(name, *(self.names - {name}))

    async def end(self, name: str) -> Life:
        """End a node without a farewell."""
        life = self.lives.pop(name)
        life.scope.cancel()
        await life.ended.wait()
        return life

    async def join(self, name: str, *contacts: str) -> None:
        """Let a node join through others."""
        with trio.fail_after(PATIENCE):
            await self[name].join(*(self[contact].addresses[0] for contact in contacts))

    def dead_addresses(self) -> tuple[str, ...]:
        """Two at which nobody listens."""
        return tuple(self._choose_addresses("dead", "deaf").values())

    # -- state --------------------------------------------------------------------------------------------------

    def neighbours(self, name: str) -> set[str]:
        """Of one node."""
        return {*self[name].neighbours()}

    def seen_by(self, name: str) -> set[str]:
        """Whose neighbour a node is; where views are directed that is not the same."""
        return {other for other in self.names if name in self.neighbours(other)}

    def linked(self, name: str) -> set[str]:
        """To whom a link works, whoever of both wants it."""
        return {*self[name].nodes()}

    def reached(self, start: str) -> set[str]:
        """Who is reached from one node over links."""
        seen, edge = set[str](), {start}
        while edge:
            seen |= edge
            edge = {peer for name in edge for peer in self.linked(name)} - seen
        return seen

    def is_whole(self) -> bool:
        """Every link has two ends, all lanes of it are connected, and everybody is reached from everywhere."""
        ends = {(name, peer) for name in self.names for peer in self.linked(name)}
        return (
            ends == {(peer, name) for name, peer in ends}
            and all(self[name].is_fully_connected(peer) for name, peer in ends)
            and self.reached(next(iter(self.lives))) == self.names
        )

    async def until_whole(self) -> None:
        """Wait for that."""
        await until(self.is_whole, "one whole cluster")

    # -- making -------------------------------------------------------------------------------------------------

    async def _live(self, name: str, task_status: trio.TaskStatus[Life]) -> None:
        with trio.CancelScope() as scope:
            async with open_node(load_config(environ={}, overrides=self._sections(name))) as node:
                life = Life(node, scope)
                async with node.open_events() as events:
                    task_status.started(life)
                    async for notice in events:
                        life.note(notice)
        life.ended.set()

    def _choose_addresses(self, *names: str) -> dict[str, str]:
        if self._network is None:
            return choose_addresses(names)
        return {name: f"{name}.memory:{next(self._ports)}" for name in names}

    def _sections(self, name: str) -> dict[str, Mapping[str, object]]:
        index = NAMES.index(name) if name in NAMES else len(NAMES)
        node: dict[str, object] = {"name": name, "labels": labels_of(index), "strict": True}
        node["listen"] = [self._addresses.get(name) or self._choose_addresses(name)[name]]
        if self._folder is not None:
            node["data_dir"] = str(self._folder / name)
        sections: dict[str, Mapping[str, object]] = {
            "node": node,
            "overlay": self.setting.table(name, self._addresses),
            "channels": CHANNELS,
        }
        if self._network is not None:
            use = "tests.any_overlay.network:transport"
            sections["transport"] = {"use": use, "network": self._network.name, "node": name}
        return sections


@asynccontextmanager
async def formed(setting: Setting, *, folder: Path | None = None, real: bool = False) -> AsyncIterator[Cluster]:
    """A whole cluster in memory, or over `real` TCP."""
    async with trio.open_nursery() as nursery:
        cluster = Cluster(setting, None if real else Network(), folder, nursery)
        await cluster.form()
        yield cluster
        nursery.cancel_scope.cancel()
