"""Who is there, and what is connected: the questions of an application that change nothing."""

from partisan_core.errors import UnknownNode
from partisan_core.identity import NodeSpec
from partisan_core.kernel.channels import check_channel
from partisan_core.kernel.kernel import Kernel
from partisan_core.kernel.peer import Peer
from partisan_core.spelling import did_you_mean


def spec(kernel: Kernel, peer: str | None) -> NodeSpec:
    """See `Node.spec`."""
    if peer is None or peer == kernel.me.name:
        return kernel.me
    known = kernel.judge.newest(peer)
    if known is None:
        names = {kernel.me.name, *kernel.members(), *kernel.peers.table}
        raise UnknownNode(f"no node {peer!r} is known here{did_you_mean(peer, names)}; nothing was done")
    return known


def nodes(kernel: Kernel, kind: str) -> tuple[str, ...]:
    """See `Node.nodes`."""
    if kind == "known":
        return tuple(sorted({kernel.me.name, *kernel.members()}))
    if kind == "visible":
        return tuple(sorted(name for name, peer in kernel.peers.table.items() if peer.is_up))
    raise ValueError(f"nodes() lists the 'known' or the 'visible'{did_you_mean(kind, ('known', 'visible'))}")


def is_connected(kernel: Kernel, peer: str, channel: str | None) -> bool:
    """See `Node.is_connected`."""
    if channel is not None:
        check_channel(kernel.channels, channel)
    known = _peer(kernel, peer)
    lanes = known.connections if known else ()
    return peer == kernel.me.name or any(channel in (None, name) for name, _ in lanes)


def is_fully_connected(kernel: Kernel, peer: str) -> bool:
    """See `Node.is_fully_connected`."""
    known = _peer(kernel, peer)
    return peer == kernel.me.name or (known is not None and known.is_full)


def _peer(kernel: Kernel, name: str) -> Peer | None:
    return kernel.peers.table.get(spec(kernel, name).name)
