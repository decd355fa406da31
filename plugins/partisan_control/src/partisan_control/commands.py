"""What a control client can ask of a node, by name."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
import trio
from msgspec import Struct

from partisan_control.protocol import (
    DECODE_ERRORS,
    EvictArguments,
    FaultArguments,
    Gone,
    JoinArguments,
    Joined,
    NameArguments,
    Nothing,
    PingArguments,
    Pong,
    failure,
    read_request,
    success,
)
from partisan_core.errors import ControlError, JoinError, NodeClosed, PartisanError
from partisan_core.node import Node
from partisan_core.spelling import did_you_mean
from partisan_core.views import Counters

log = logging.getLogger("partisan.control")


class Command(NamedTuple):
    """A command: what it takes and what it does. It returns what can be written as JSON."""

    arguments: type[Struct]
    perform: Callable[[Node, Any], Awaitable[object]]


async def perform(node: Node, line: bytes) -> bytes:
    """Do what a line asks for; the answer is a line. A fault of ours is logged, and the node lives on."""
    try:
        request = read_request(line)
        command = _find(request.command)
        return success(await command.perform(node, _arguments(request.command, request.arguments)))
    except PartisanError as error:
        return failure(error)
    except Exception as error:
        log.exception("a control command failed; the node lives on")
        return failure(
            ControlError(f"{type(error).__name__}: {error}. This is a fault of the node, which lives on; see its log")
        )


def _find(name: str) -> Command:
    if name not in COMMANDS:
        raise ControlError(
            f"no command {name[:64]!a} is known{did_you_mean(name[:64], COMMANDS)}; nothing was done. "
            f"There are {', '.join(COMMANDS)}"
        )
    return COMMANDS[name]


def _arguments(name: str, raw: msgspec.Raw) -> Struct:
    try:
        return msgspec.json.decode(raw, type=COMMANDS[name].arguments)
    except DECODE_ERRORS as error:
        raise ControlError(f"the arguments of {name} are wrong: {error}; nothing was done") from error


async def _status(node: Node, _: Nothing) -> object:
    return node.status()


async def _members(node: Node, _: Nothing) -> object:
    return node.member_states()


async def _connections(node: Node, _: Nothing) -> object:
    return node.connections()


async def _links(node: Node, _: Nothing) -> object:
    return node.links()


async def _counters(node: Node, _: Nothing) -> object:
    return Counters(dict(node.counters), dict(node.dropped), node.channels())


async def _ping(node: Node, arguments: PingArguments) -> object:
    rtt = None
    with trio.move_on_after(arguments.timeout):
        rtt = await node.ping(arguments.peer)
    return Pong(arguments.peer, rtt)


async def _join(node: Node, arguments: JoinArguments) -> object:
    with trio.move_on_after(arguments.timeout) as scope:
        await node.join(*arguments.addresses)
    if scope.cancelled_caught:
        raise JoinError(
            f"nobody let {node.name} in at {', '.join(arguments.addresses)} within {arguments.timeout:g} s; it lives "
            f"on, not joined. Is a node of cluster {node.status().cluster!r} running there? Then try again"
        )
    return Joined(node.neighbours())


async def _leave(node: Node, _: Nothing) -> object:
    # once begun it is done, whoever is still there to hear of it; bounded by links.flush_timeout
    with trio.CancelScope(shield=True):
        await node.leave()
    return Gone(node.name, ends=False)


async def _reload(node: Node, _: Nothing) -> object:
    return await node.reload()


async def _shut_down(node: Node, _: Nothing) -> object:
    with trio.CancelScope(shield=True), suppress(NodeClosed):
        await node.leave()
    return Gone(node.name, ends=node.ask_end())


async def _evict(node: Node, arguments: EvictArguments) -> object:
    node.evict(arguments.name)
    return Nothing()


async def _faults(node: Node, _: Nothing) -> object:
    return node.faults.rows()


async def _add_fault(node: Node, arguments: FaultArguments) -> object:
    node.faults.add_table(arguments.name, arguments.rule)
    return node.faults.rows()


async def _remove_fault(node: Node, arguments: NameArguments) -> object:
    node.faults.remove(arguments.name)
    return node.faults.rows()


async def _heal_faults(node: Node, _: Nothing) -> object:
    node.faults.heal()
    return node.faults.rows()


COMMANDS = {
    "status": Command(Nothing, _status),
    "members": Command(Nothing, _members),
    "connections": Command(Nothing, _connections),
    "links": Command(Nothing, _links),
    "counters": Command(Nothing, _counters),
    "ping": Command(PingArguments, _ping),
    "join": Command(JoinArguments, _join),
    "leave": Command(Nothing, _leave),
    "evict": Command(EvictArguments, _evict),
    "reload": Command(Nothing, _reload),
    "faults": Command(Nothing, _faults),
    "faults_add": Command(FaultArguments, _add_fault),
    "faults_remove": Command(NameArguments, _remove_fault),
    "faults_heal": Command(Nothing, _heal_faults),
    "shutdown": Command(Nothing, _shut_down),
}
