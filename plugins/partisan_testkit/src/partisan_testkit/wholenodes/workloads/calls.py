"""Calls made of what there is: an acknowledged request, an acknowledged answer, and a monitor in between."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import count

import trio

from partisan_core import Mailbox
from partisan_core.downs import Down
from partisan_core.errors import MonitorError, NodeClosed, SendError
from partisan_core.notices import Notice
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.simulator import seeded
from partisan_testkit.wholenodes.process import Process

_PAUSE = (0.5, 5.0)
"""Seconds between two calls of a node."""

_ENDS = 20.0
"""Seconds in which a call ends once all is well: see the monitors."""

_TWICE = 0.1
"""Seconds for which the caller goes on listening. Chosen: a message that is doubled comes twice at once."""


class Calls:
    """I6: a call is carried out at most once, and ends once: with its answer, or because there will be none."""

    sections: Mapping[str, Mapping[str, object]] = {}
    mailbox = "echo"

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._numbers = count()
        self._carried_out: set[int] = set()
        self._open: dict[int, str] = {}
        self._is_calm = False

    async def live(self, process: Process) -> None:
        """Answer, and call others."""
        async with process.node.open_mailbox(self.mailbox) as requests, trio.open_nursery() as nursery:
            nursery.start_soon(self._call_for_ever, process)
            async for number, box in requests:
                if number in self._carried_out:
                    raise Violation(f"{process} carried out call {number} twice")
                self._carried_out.add(number)
                with suppress(SendError, NodeClosed):
                    await process.node.send(box, number, ack=True)

    def on_notice(self, process: Process, notice: Notice) -> None:
        """Calls tell by themselves."""

    async def conclude(self, living: list[Process]) -> Iterator[str]:
        """What is still open ends, and so does a call to each neighbour: with an answer."""
        self._is_calm = True
        unanswered: set[str] = set()
        async with trio.open_nursery() as nursery:
            nursery.cancel_scope.deadline = trio.current_time() + _ENDS
            for process in living:
                for name in process.node.neighbours():
                    unanswered.add(f"{process.name} to {name}")
                    nursery.start_soon(self._expect_answer, process, name, unanswered)
            await trio.sleep(_ENDS)
        return (
            f"the call {call} {what}, with all well"
            for calls, what in ((unanswered, "has no answer"), (self._open.values(), "does not end"))
            for call in sorted(calls)
        )

    async def _expect_answer(self, process: Process, name: str, unanswered: set[str]) -> None:
        if await self._call(process, name):
            unanswered.discard(f"{process.name} to {name}")

    async def _call_for_ever(self, process: Process) -> None:
        rng = seeded(self._seed, f"calls {process.endpoint.name}")
        while not self._is_calm:
            await trio.sleep(rng.uniform(*_PAUSE))
            if others := process.others:
                await self._call(process, rng.choice(others))

    async def _call(self, process: Process, target: str) -> bool:
        """Call once; say whether there was an answer."""
        number = next(self._numbers)
        self._open[number] = f"{number} of {process} to {target}"
        try:
            with suppress(SendError, MonitorError, NodeClosed):
                async with process.node.open_mailbox(f"call-{number}") as answers:
                    with await process.node.monitor(f"{target}/{self.mailbox}", to=answers):
                        box = str(process.node.ref(answers.name))
                        await process.node.send(f"{target}/{self.mailbox}", (number, box), ack=True)
                        return await self._wait(process, number, answers)
            return False
        finally:
            del self._open[number]

    async def _wait(self, process: Process, number: int, answers: Mailbox) -> bool:
        answer = await answers.receive()
        process.endpoint.network.record("call", process.endpoint.name, number, str(answer))
        if isinstance(answer, Down):
            return False
        with trio.move_on_after(_TWICE):
            another = await answers.receive()
            if not isinstance(another, Down):
                raise Violation(f"{process} got {answer} and {another} for call {number}")
        if answer != number:
            raise Violation(f"{process} got {answer} for call {number}")
        return True
