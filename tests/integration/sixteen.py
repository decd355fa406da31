"""Sixteen processes of one overlay: they form, three are killed at once, and one comes back on another port.

`python -m tests.integration.sixteen --overlay hyparview` prints the times, and fails when one was back too late; fewer
`--processes` for a busy machine.
"""

import argparse
import sys
import time
from collections.abc import Collection

from partisan_cli.demo.plan import NAMES, choose_addresses, labels_of
from tests.any_overlay.settings import SETTINGS, Setting
from tests.integration.agent import Look
from tests.integration.agents import Agent, eventually

BACK = 2.0
"""Seconds in which a node that was restarted on another port is back."""


class Sixteen:
    """The processes, by name."""

    def __init__(self, setting: Setting, processes: int = 16) -> None:
        self.names = NAMES[:processes]
        self.victims = (self.names[1], *self.names[-2:])
        """A server and two clients, on overlays with roles; in a ring the rest hangs together by the chord."""
        self.agents: dict[str, Agent] = {}
        self.times: dict[str, float] = {}
        self._setting = setting
        self._ring = choose_addresses(self.names)

    def run(self) -> None:
        """All of it; `times` has the seconds each part took."""
        begun = time.monotonic()
        self.form()
        self.times["formed"] = time.monotonic() - begun
        begun = time.monotonic()
        self.kill()
        self.times["repaired"] = time.monotonic() - begun
        self.times["back"] = self.bring_back(self.victims[-1])

    def form(self) -> None:
        """Start all, let them join the first one, and wait until they hang together."""
        for name in self.names:
            self.start(name)
        for agent in self.agents.values():
            agent.started()
        if not self._setting.by_configuration:
            self._join(self.names[1:], self.names[:1])
        self.until_whole()

    def kill(self) -> None:
        """Kill the victims at once, and wait until the others hang together without them."""
        for name in self.victims:
            self.agents.pop(name).kill()
        self.until_whole()

    def bring_back(self, name: str) -> float:
        """Start a victim on another port; the seconds until it is a neighbour of its neighbours, after it listened."""
        self._ring |= choose_addresses([name])
        self.start(name).started()
        begun = time.monotonic()
        if not self._setting.by_configuration:
            self._join([name], [other for other in self.names if other in self.agents and other != name])

        def is_back() -> bool:
            """The old life is dead, so a link to the name is one to the new."""
            views = {other: linked(look) for other, look in self.looks().items()}
            return bool(views[name]) and all(name in views[other] for other in views[name])

        eventually(is_back, f"{name} to be back")
        took = time.monotonic() - begun
        self.until_whole()
        return took

    def start(self, name: str) -> Agent:
        """Start a process in place of the one that had this name."""
        node = {"listen": [self._ring[name]], "labels": labels_of(self.names.index(name))}
        self.agents[name] = Agent(name, node=node, overlay=self._setting.table(name, self._ring))
        return self.agents[name]

    def looks(self) -> dict[str, Look]:
        """How things stand everywhere."""
        for agent in self.agents.values():
            agent.tell("look")
        return {name: agent.answer(Look) for name, agent in self.agents.items()}

    def until_whole(self) -> None:
        """Wait until every link has two ends among the living, and leads from everybody to everybody."""
        eventually(self._is_whole, "one whole cluster")

    def end(self) -> None:
        """End all processes."""
        for agent in self.agents.values():
            agent.kill()

    def _is_whole(self) -> bool:
        return is_whole({name: linked(look) for name, look in self.looks().items()})

    def _join(self, joiners: Collection[str], contacts: Collection[str]) -> None:
        addresses = [self._ring[contact] for contact in contacts]
        for joiner in joiners:
            self.agents[joiner].tell("join", contacts=addresses)
        for joiner in joiners:
            self.agents[joiner].answer(type(None))


def linked(look: Look) -> set[str]:
    """To whom a link works, whoever of both wants it: views may be directed."""
    return {row.peer for row in look.lanes if row.channel == "membership" and row.state == "connected"}


def is_whole(near: dict[str, set[str]]) -> bool:
    """Every link has two ends, and everybody is reached from everywhere."""
    ends = {(name, peer) for name, peers in near.items() for peer in peers}
    if ends != {(peer, name) for name, peer in ends}:
        return False
    seen, edge = set[str](), {next(iter(near))}
    while edge:
        seen |= edge
        edge = {peer for name in edge for peer in near[name]} - seen
    return len(seen) == len(near)


def main() -> bool:
    """Run each overlay that is asked for; whether all victims were back in time."""
    in_time = True
    parser = argparse.ArgumentParser(prog="python -m tests.integration.sixteen")
    parser.add_argument("--overlay", action="append", choices=[setting.overlay for setting in SETTINGS])
    parser.add_argument("--processes", type=int, default=16)
    arguments = parser.parse_args()
    for setting in SETTINGS:
        if setting.overlay in (arguments.overlay or [setting.overlay]):
            sixteen = Sixteen(setting, arguments.processes)
            try:
                sixteen.run()
            finally:
                sixteen.end()
            times = ", ".join(f"{what} after {seconds:.2f} s" for what, seconds in sixteen.times.items())
            print(f"{setting.overlay}, {arguments.processes} processes: {times}")
            in_time = in_time and sixteen.times["back"] < BACK
    return in_time


if __name__ == "__main__":
    sys.exit(not main())
