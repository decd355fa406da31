"""What an application or operator asks of a member: evict, reconcile, ping, disconnect."""

from collections.abc import Sequence
from functools import partial

import trio

from partisan_core.errors import CapabilityError, JoinError, NodeDown, UnknownNode
from partisan_core.events import Evict, Reconcile
from partisan_core.identity import Address, NodeSpec
from partisan_core.kernel.doorway import NO_ANSWER
from partisan_core.kernel.joining import contact
from partisan_core.kernel.kernel import Kernel
from partisan_core.kernel.peer import Peer
from partisan_core.spelling import did_you_mean


def evict(kernel: Kernel, name: str) -> None:
    """See `Node.evict`."""
    kernel.check_member()
    _check_capability(kernel, "evict")
    if name == kernel.me.name:
        raise CapabilityError(f"{name} is this node itself: use leave; nothing was changed")
    kernel.driver.feed(Evict(_member(kernel, name)))


async def reconcile(kernel: Kernel, contacts: Sequence[Address]) -> None:
    """See `Node.reconcile`."""
    kernel.check_member()
    _check_capability(kernel, "reconcile")
    peers = [await _identify(kernel, address) for address in contacts]
    kernel.driver.feed(Reconcile(tuple(peers)))


async def ping(kernel: Kernel, name: str) -> float:
    """See `Node.ping`."""
    peer = kernel.peers.table.get(_member(kernel, name).name)
    if peer is None or peer.connection is None:
        raise NodeDown(f"there is no connection to {name}{_because(peer)}; nothing was sent")
    answers: list[float] = []
    answered = trio.Event()

    def on_pong(rtt: float) -> None:
        answers.append(rtt)
        answered.set()

    peer.connection.ping(on_pong)
    await answered.wait()
    return answers[0]


def disconnect(kernel: Kernel, name: str) -> None:
    """See `Node.disconnect`. Later, as it may be asked for by what is being read from one of the connections."""
    peer = kernel.peers.table.get(name)
    for connection in [] if peer is None else list(peer.connections.values()):
        kernel.timers.call_later(0, partial(connection.drain_and_close, "this node was asked to disconnect"))


def _check_capability(kernel: Kernel, name: str) -> None:
    if name not in kernel.strategy.capabilities:
        raise CapabilityError(f"overlay {kernel.config.overlay.use!r} cannot {name}; nothing was changed")


def _member(kernel: Kernel, name: str) -> NodeSpec:
    members = kernel.members()
    if name not in members:
        raise UnknownNode(f"no member {name!r} is known here{did_you_mean(name, members)}; nothing was changed")
    return members[name]


async def _identify(kernel: Kernel, address: Address) -> NodeSpec:
    for member in kernel.members().values():
        if address in member.addresses:
            return member
    try:
        return await contact(kernel, address)
    except NO_ANSWER as error:
        raise JoinError(f"{address} could not be asked who it is: {error}; nothing was changed") from error


def _because(peer: Peer | None) -> str:
    return f" ({peer.last_error})" if peer is not None and peer.last_error else ""
