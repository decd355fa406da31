"""What an application or operator asks of a member: evict, reconcile, reserve, ping, disconnect."""

from collections.abc import Sequence
from functools import partial

import trio

from partisan_core.errors import CapabilityError, JoinError, MonitorError, NodeDown, UnknownNode
from partisan_core.events import Evict, Reconcile, Reserve
from partisan_core.identity import Address, NodeSpec
from partisan_core.kernel.channels import Channel, find_channel
from partisan_core.kernel.doorway import NO_ANSWER
from partisan_core.kernel.joining import contact
from partisan_core.kernel.kernel import Kernel
from partisan_core.kernel.peer import Peer
from partisan_core.mailboxes import Mailbox
from partisan_core.monitors import Monitor
from partisan_core.refs import Ref
from partisan_core.requirements import describe_lack
from partisan_core.spelling import did_you_mean


def evict(kernel: Kernel, name: str) -> None:
    """See `Node.evict`."""
    _check_capability(kernel, "evict")
    if name == kernel.me.name:
        raise CapabilityError(f"{name} is this node itself: use leave; nothing was changed")
    kernel.driver.feed(Evict(_member(kernel, name)))


async def reconcile(kernel: Kernel, contacts: Sequence[Address]) -> None:
    """See `Node.reconcile`."""
    _check_capability(kernel, "reconcile")
    peers = [await _identify(kernel, address) for address in contacts]
    kernel.driver.feed(Reconcile(tuple(peers)))


def reserve(kernel: Kernel, label: str, value: str, slots: int) -> None:
    """See `Node.reserve`."""
    _check_capability(kernel, "reserved_slots")
    if slots < 0:
        raise ValueError(f"{slots} places cannot be kept; 0 gives them back; nothing was changed")
    kernel.driver.feed(Reserve(label, value, slots))


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


async def monitor(kernel: Kernel, ref: Ref, tag: object, channel: str, to: Mailbox | None) -> Monitor:
    """See `Node.monitor`."""
    kernel.check_member()
    _check_carries(find_channel(kernel.channels, channel))
    if to is not None:
        to.check_open()
    one = kernel.monitoring.monitors.open(ref, channel, tag, to)
    try:
        await one.wait_settled()
    except BaseException:
        one.cancel()
        raise
    return one


def _check_carries(channel: Channel) -> None:
    if hasattr(channel.policy, "open_queue"):
        raise MonitorError(
            f"channel {channel.name!r} keeps only the newest of what waits, by its policy "
            f"{channel.settings.policy.use!r}; nothing was set. Monitor over another channel"
        )


def _check_capability(kernel: Kernel, name: str) -> None:
    kernel.check_member()
    having = kernel.strategy.capabilities
    if name not in having:
        lack = describe_lack(kernel.plugins, kernel.config.overlay.use, having, [name])
        raise CapabilityError(f"{lack}. Nothing was changed: it needs another overlay, on every node of the cluster")


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
