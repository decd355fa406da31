"""A cluster of six processes, three servers and three clients, which differ in their channels."""

from itertools import combinations

from tests.integration.agent import Look
from tests.integration.agents import Agent, eventually
from tests.integration.sockets import connections_between, connections_of

_ALL = {"default": 1, "pair": 2}
CHANNELS = {
    "server-1": _ALL | {"bulk": 4, "backstage": 2},
    "server-2": _ALL | {"bulk": 4, "backstage": 1},
    "server-3": _ALL | {"bulk": 4, "backstage": 2},
    "client-1": _ALL | {"bulk": 2},
    "client-2": _ALL | {"bulk": 2},
    "client-3": _ALL | {"bulk": 1},
}
"""Parallelism by node and channel."""

NAMES = tuple(CHANNELS)

Lanes = set[tuple[str, int]]


def lanes_between(one: str, other: str) -> Lanes:
    """The lanes that two nodes should have: the smaller parallelism of each channel that both have."""
    common = CHANNELS[one].keys() & CHANNELS[other].keys()
    lanes = {(name, lane) for name in common for lane in range(min(CHANNELS[one][name], CHANNELS[other][name]))}
    return lanes | {("membership", 0)}


class Six:
    """The processes, by name."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}

    def __getitem__(self, name: str) -> Agent:
        return self.agents[name]

    def form(self) -> None:
        """Start all: servers and clients each become a cluster, then a client joins a server."""
        for name in NAMES:
            self.start(name)
        addresses = {name: agent.started().addresses for name, agent in self.agents.items()}
        for contact, *joiners in (NAMES[:3], NAMES[3:]):
            for joiner in joiners:
                self[joiner].do("join", contacts=addresses[contact])
            self._until_alone({contact, *joiners})
        self["client-3"].do("join", contacts=addresses["server-2"])
        self.until_whole()

    def start(self, name: str, **node: object) -> Agent:
        """Start a process in place of the one that had this name."""
        channels = {channel: {"parallelism": count} for channel, count in CHANNELS[name].items()}
        self.agents[name] = Agent(name, node=node, channels=channels)
        return self.agents[name]

    def looks(self, *but: str) -> dict[str, Look]:
        """How things stand everywhere."""
        asked = [agent for name, agent in self.agents.items() if name not in but]
        for agent in asked:
            agent.tell("look")
        return {agent.name: agent.answer(Look) for agent in asked}

    def is_whole(self, *but: str) -> bool:
        """All but those count each other's living life alone as members, and each has exactly its lanes to each."""
        looks = self.looks(*but)
        lives = {name: look.incarnation for name, look in looks.items()}
        return all(
            look.members == lives
            and {*look.neighbours} == looks.keys() - {name}
            and {(row.peer, row.channel, row.lane) for row in look.lanes}
            == {(peer, *lane) for peer in looks.keys() - {name} for lane in lanes_between(name, peer)}
            and all(row.state == "connected" for row in look.lanes)
            for name, look in looks.items()
        )

    def sockets_fit(self, *but: str) -> bool:
        """Each pair has one TCP connection per lane, and nobody has any other."""
        held = {name: connections_of(agent.process.pid) for name, agent in self.agents.items() if agent.lives}
        pairs = {
            pair: connections_between(held[pair[0]], held[pair[1]]) for pair in combinations(held.keys() - set(but), 2)
        }
        return sum(map(len, held.values())) == 2 * sum(pairs.values()) and pairs == {
            pair: len(lanes_between(*pair)) for pair in pairs
        }

    def until_whole(self, *but: str) -> None:
        """Wait for both."""
        eventually(lambda: self.is_whole(*but) and self.sockets_fit(*but), f"a whole cluster without {but}")

    def hear(self, *but: str) -> dict[str, list[tuple[str, str, str]]]:
        """What was noticed at each since this was last asked."""
        return {name: agent.news() for name, agent in self.agents.items() if name not in but}

    def kill(self) -> None:
        """End all processes."""
        for agent in self.agents.values():
            agent.kill()

    def _until_alone(self, group: set[str]) -> None:
        """Wait until these three know each other, and nobody else."""

        def are_alone() -> bool:
            looks = self.looks()
            return all({*looks[name].neighbours, name} == looks[name].members.keys() == group for name in group)

        eventually(are_alone, f"a cluster of {group}")
