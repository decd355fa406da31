"""One whole run: a temporary folder, a conductor, and the comparison; signals end it in good order."""

import signal
import tempfile
from pathlib import Path

import trio

from partisan_cli.demo.audience import Audience
from partisan_cli.demo.conductor import Conductor, DemoFailed
from partisan_cli.demo.outcome import Outcome, Remarks
from partisan_cli.demo.plan import Plan
from partisan_cli.demo.reference import Comparison, Reference

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(Exception):
    """A signal has ended the run; nothing is left behind."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"stopped by {signal.Signals(number).name}; every node has ended, nothing is left behind")


async def perform(plan: Plan, audience: Audience) -> tuple[Outcome, Remarks]:
    """Run the demo.

    Raises:
        DemoFailed: it could not be brought to its end.
        Stopped: by a signal.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="partisan-demo-") as folder:
            return await _run_until_signal(plan, Path(folder), audience)
    except BaseExceptionGroup as group:
        raise _failure(group) from None


async def _run_until_signal(plan: Plan, folder: Path, audience: Audience) -> tuple[Outcome, Remarks]:
    received: list[int] = []
    result: list[tuple[Outcome, Remarks]] = []
    # What the caller ignores (nohup, a background job of a shell) stays ignored.
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    with trio.open_signal_receiver(*heeded or _SIGNALS[:1]) as signals:
        async with trio.open_nursery() as nursery:

            async def stop_at_signal() -> None:
                async for number in signals:
                    received.append(number)
                    nursery.cancel_scope.cancel()

            nursery.start_soon(stop_at_signal)
            result.append(await _run(plan, folder, audience))
            nursery.cancel_scope.cancel()
    if received:
        raise Stopped(received[0])
    return result[0]


async def _run(plan: Plan, folder: Path, audience: Audience) -> tuple[Outcome, Remarks]:
    reference = Reference(plan.files)
    async with trio.open_nursery() as nursery:
        conductor = Conductor(plan, folder, audience, nursery)
        await conductor.run()
        nursery.cancel_scope.cancel()
    audience.say("counting in one process, to compare")
    comparison = await reference.compare(conductor.read_answer())
    remarks = Remarks(comparison.left_out, tuple(conductor.findings.spared))
    return _outcome(plan, conductor, comparison), remarks


def _outcome(plan: Plan, conductor: Conductor, comparison: Comparison) -> Outcome:
    findings, chronicle = conductor.findings, conductor.chronicle
    left_out = {number for number, file in enumerate(plan.files) if file in comparison.left_out}
    return Outcome(
        nodes=len(plan.names),
        overlay=plan.overlay,
        files=len(plan.files) - len(left_out),
        words=comparison.answer.total(),
        expected_words=comparison.expected.total(),
        match=comparison.answer == comparison.expected and chronicle.agree_but_for(left_out),
        formation_s=round(findings.formation, 3),
        killed=findings.killed,
        detected_s=_slowest(findings.detected),
        rejoined_s=_slowest(findings.rejoined),
        messages=chronicle.messages,
        dropped=dict(chronicle.dropped),
    )


def _slowest(times: list[float]) -> float | None:
    return round(max(times), 4) if times else None


def _failure(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The demo's own word, when there is one among the exceptions of many tasks."""
    known = group.subgroup(DemoFailed)
    return group if known is None else _first(known)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    leaf = group.exceptions[0]
    return _first(leaf) if isinstance(leaf, BaseExceptionGroup) else leaf
