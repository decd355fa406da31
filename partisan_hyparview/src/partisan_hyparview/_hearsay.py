"""What nodes say of third nodes is bounded like the word of the node itself. Pure."""

from functools import lru_cache

from partisan_core.identity import Address, NodeSpec
from partisan_core.wire.checks import Objection, check_bounds
from partisan_core.wire.limits import HELLO_ENTRIES

_CHECKED = 16_384
"""Checks that are remembered: the same nodes are heard of again and again. Chosen: some 5 MiB at the most."""


def is_sane(peer: NodeSpec) -> bool:
    """Say whether what is heard of `peer` can be true, and names a door to knock at."""
    if not peer.addresses or max(len(peer.labels), len(peer.metadata)) > HELLO_ENTRIES:
        return False
    try:
        _check(peer.name, peer.incarnation, peer.instance, peer.addresses)
    except Objection:
        return False
    return True


@lru_cache(_CHECKED)
def _check(name: str, incarnation: int, instance: int, addresses: tuple[Address, ...]) -> None:
    """Remembers only what is sane: what raises takes no room."""
    check_bounds(NodeSpec(name, incarnation, instance, addresses))
