"""Causal order: nothing is delivered before what led to it, at whichever nodes."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import count
from random import Random

import trio

from partisan_core.errors import NodeClosed, SendError
from partisan_core.notices import Notice
from partisan_testkit.happens_before import Delivered, Event, HappensBefore, Life, Sent
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.simulator import seeded
from partisan_testkit.wholenodes.process import Process

_PAUSE = (0.1, 1.5)
"""Seconds between two sends of a node. Chosen: seldom enough that the other promises have most of the time."""

_ARRIVES = 30.0
"""Seconds in which a message arrives once all is well. Chosen: three times the patience of the extension, for what it
waits for may itself have to be asked for again (10 s are too few for seed 0 of 8 nodes of SCAMP)."""


class Causal:
    """I3, for messages of all nodes under one label; and that none of them waits for ever."""

    sections: Mapping[str, Mapping[str, object]] = {"extensions": {"enable": ["causal"]}}
    mailbox = "causes"

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._numbers = count()
        self._order = HappensBefore()
        self._awaited: dict[int, str] = {}
        """What has to arrive, since all is well."""
        self._is_calm = False

    async def live(self, process: Process) -> None:
        """Talk to others, and listen."""
        async with process.node.open_mailbox(self.mailbox) as inbox, trio.open_nursery() as nursery:
            nursery.start_soon(self._talk, process, seeded(self._seed, f"causal {process.endpoint.name}"))
            async for number in inbox:
                process.endpoint.network.record("causal", process.endpoint.name, number)
                self._awaited.pop(number, None)
                self._take(Delivered(_life(process), number))

    def on_notice(self, process: Process, notice: Notice) -> None:
        """Messages tell by themselves."""

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """What is sent to a neighbour now arrives, whatever it has to wait for."""
        self._is_calm = True
        for process in living:
            for name in process.node.neighbours():
                number = next(self._numbers)
                self._awaited[number] = f"a message in causal order of {process.name} to {name}"
                await self._send(process, name, number)
        await trio.sleep(_ARRIVES)
        return (f"{message} did not arrive, with all well" for message in self._awaited.values())

    async def _talk(self, process: Process, rng: Random) -> None:
        while not self._is_calm:
            await trio.sleep(rng.uniform(*_PAUSE))
            if others := process.others:
                with suppress(SendError, NodeClosed):
                    await self._send(process, rng.choice(others), next(self._numbers))

    async def _send(self, process: Process, target: str, number: int) -> None:
        """Noted before, for the message may arrive before `send` returns."""
        self._take(Sent(_life(process), number, (target, process.node.spec(target).incarnation)))
        await process.node.send(f"{target}/{self.mailbox}", number, causal="default")

    def _take(self, event: Event) -> None:
        for fault in self._order.take(event):
            raise Violation(fault)


def _life(process: Process) -> Life:
    return process.name, process.spec.incarnation
