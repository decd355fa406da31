"""What nodes say of third nodes is bounded like the word of the node itself. Pure."""

from partisan_core.identity import NodeSpec
from partisan_core.wire.checks import is_within_bounds


def is_sane(peer: NodeSpec) -> bool:
    """Say whether what is heard of `peer` can be true, and names a door to knock at."""
    return bool(peer.addresses) and is_within_bounds(peer)
