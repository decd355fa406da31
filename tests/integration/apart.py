"""Two nodes that hear of each other only through proxies, which a test cuts, silences and damages."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from partisan_core import Address, Node
from tests.integration.nodes import opened, until
from tests.integration.proxy import Proxy, opened_proxy


@dataclass(frozen=True, slots=True)
class Apart:
    """Alpha and beta, and the proxies in front of them: all they say to each other goes through one of these."""

    alpha: Node
    beta: Node
    proxies: tuple[Proxy, Proxy]

    def reset(self, first: int = 0) -> None:
        for proxy in self.proxies:
            proxy.reset(first)

    def damage(self, wanted: bool = True) -> None:
        for proxy in self.proxies:
            proxy.damages = wanted

    def silence(self) -> None:
        for proxy in self.proxies:
            proxy.silent = True

    def is_whole(self) -> bool:
        ends = self.alpha.connections(), self.beta.connections()
        return all(ends) and all(row.state == "connected" for rows in ends for row in rows)

    def answered(self, channel: str, lane: int) -> str | None:
        """The dialler's end of the connection of one lane; None while the ends do not agree on one."""
        found = [
            row.address
            for node in (self.alpha, self.beta)
            for row in node.connections()
            if (row.channel, row.lane, row.dialled) == (channel, lane, False)
        ]
        return found[0] if len(found) == 1 and self.is_whole() else None

    async def kill(self, channel: str, lane: int) -> None:
        """Reset the connection of one lane, and wait until there is another one."""
        killed = self.answered(channel, lane)
        assert killed is not None
        for proxy in self.proxies:
            proxy.reset_where(lambda far: str(Address(*far.socket.getsockname())) == killed)
        await until(lambda: self.answered(channel, lane) not in (None, killed))

    @property
    def lost_connections(self) -> int:
        return sum(node.counters[kind] for node in (self.alpha, self.beta) for kind in ("ChannelDown", "PeerSuspected"))

    @property
    def downs(self) -> int:
        return self.alpha.counters["NeighbourDown"] + self.beta.counters["NeighbourDown"]


def free_address() -> Address:
    """Nobody listens there just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


@asynccontextmanager
async def _opened_behind(name: str, proxy: Proxy, sections: dict[str, object]) -> AsyncIterator[Node]:
    proxy.target = free_address()
    node = {"listen": [str(proxy.target)], "advertise": [str(proxy.address)]}
    async with opened(name, node=node, **sections) as opened_node:
        yield opened_node


@asynccontextmanager
async def apart(**sections: object) -> AsyncIterator[Apart]:
    async with (
        opened_proxy() as before_alpha,
        opened_proxy() as before_beta,
        _opened_behind("alpha", before_alpha, sections) as alpha,
        _opened_behind("beta", before_beta, sections) as beta,
    ):
        await alpha.join(before_beta.address)
        await until(lambda: alpha.neighbours() and beta.neighbours())
        scene = Apart(alpha, beta, (before_alpha, before_beta))
        await until(scene.is_whole)
        yield scene
