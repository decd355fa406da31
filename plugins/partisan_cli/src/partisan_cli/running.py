"""A node as a process: starts, says where it is, lives until somebody ends it, leaves, and clears up."""

import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

import click
import trio

from partisan_cli.runtime import Residence
from partisan_core.config.model import Config
from partisan_core.errors import JoinError, NodeClosed, PartisanError
from partisan_core.identity import Address
from partisan_core.node import Node
from partisan_core.opening import open_node
from partisan_core.views import Change

log = logging.getLogger("partisan.run")


def run_node(load: Callable[[], Config], contacts: Sequence[Address], residence: Residence, *, as_json: bool) -> None:
    """Run a node until a signal or an operator ends it; `load` is called again for each reload.

    Raises:
        PartisanError: it could not start, or was refused by all `contacts`; nothing was left behind.
    """
    residence.prepare()
    try:
        trio.run(_Run(load, contacts, residence, as_json=as_json).main)
    finally:
        residence.remove()


class _Run:
    def __init__(
        self, load: Callable[[], Config], contacts: Sequence[Address], residence: Residence, *, as_json: bool
    ) -> None:
        self._load, self._contacts = load, contacts
        self._residence = residence
        self._as_json = as_json
        self._end = trio.Event()

    async def main(self) -> None:
        with (
            trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals,
            trio.open_signal_receiver(signal.SIGHUP) as hang_ups,
        ):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, signals)
                async with open_node(self._load) as node:
                    self._residence.announce()
                    self._say_where(node)
                    await self._live(node, hang_ups)
                nursery.cancel_scope.cancel()

    async def _live(self, node: Node, hang_ups: AsyncIterator[int]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._reload, node, hang_ups)
            nursery.start_soon(self._obey, node)
            if self._contacts:
                nursery.start_soon(self._join, node)
            await self._end.wait()
            nursery.cancel_scope.cancel()
        with suppress(NodeClosed):
            await node.leave()

    async def _watch(self, signals: AsyncIterator[int]) -> None:
        """The first signal asks the node to end, the second ends the process."""
        async for number in signals:
            if self._end.is_set():
                self._residence.remove_now()
                os._exit(128 + number)
            log.info("%s: leaving the cluster; once more to end at once", signal.Signals(number).name)
            self._end.set()

    async def _reload(self, node: Node, hang_ups: AsyncIterator[int]) -> None:
        async for _ in hang_ups:
            try:
                changes = await node.reload()
            except PartisanError as error:
                log.error("SIGHUP: %s", error)
            else:
                log.info("SIGHUP: %s", ", ".join(map(_told, changes)) or "nothing has changed")

    async def _obey(self, node: Node) -> None:
        await node.wait_end_asked()
        log.info("an operator asks for the end")
        self._end.set()

    async def _join(self, node: Node) -> None:
        try:
            await node.join(*self._contacts)
        except JoinError as error:
            raise JoinError(f"{error}. The process ends, since it was started to join") from error
        log.info("%s: joined, neighbours %s", node.name, ", ".join(node.neighbours()))

    def _say_where(self, node: Node) -> None:
        addresses = [str(address) for address in node.addresses]
        data_dir = str(self._residence.data_dir.absolute())
        if self._as_json:
            line = {"name": node.name, "addresses": addresses, "data_dir": data_dir, "process": os.getpid()}
            click.echo(json.dumps(line))
        else:
            click.echo(f"node {node.name} at {', '.join(addresses)}, data_dir {data_dir}")


def _told(change: Change) -> str:
    return f"{change.key} is {change.after}" + ("" if change.before is None else f", was {change.before}")
