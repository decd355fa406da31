"""A broadcast by flooding reaches everybody."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import product

import trio

from partisan_core.errors import NodeClosed, SendError
from partisan_core.notices import Notice
from partisan_testkit.wholenodes.process import Process

_ARRIVES = 5.0
"""Seconds in which it is everywhere. Chosen: as many round trips as there are nodes take less."""


class Flood:
    """L4: who is told for the first time passes it on to all to whom a link works. From the oldest and the youngest.

    Whether links lead to everybody, the witness knows: where people draw them, who is between may be dead.
    """

    sections: Mapping[str, Mapping[str, object]] = {}
    mailbox = "rumours"

    def __init__(self, seed: int) -> None:
        self._told: dict[str, list[Process]] = {}
        """Who was told of what."""

    async def live(self, process: Process) -> None:
        """Pass on what is new."""
        async with process.node.open_mailbox(self.mailbox) as inbox:
            async for rumour in inbox:
                if process not in self._told[rumour]:
                    self._tell(process, rumour)

    def on_notice(self, process: Process, notice: Notice) -> None:
        """Rumours tell by themselves."""

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """Two begin, and all hear of both."""
        for origin in dict.fromkeys((*living[:1], *living[-1:])):
            self._told[str(origin)] = []
            self._tell(origin, str(origin))
        await trio.sleep(_ARRIVES)
        return (
            f"a broadcast of {origin} reached {teller} and not {process}, to which it has a link"
            for origin, told in self._told.items()
            for teller, process in product(told, living)
            if process.alive and process not in told and process.name in teller.node.nodes()
        )

    def _tell(self, process: Process, rumour: str) -> None:
        self._told[rumour].append(process)
        for name in process.node.nodes():
            with suppress(SendError, NodeClosed):
                process.node.send_nowait(f"{name}/{self.mailbox}", rumour)
