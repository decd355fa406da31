"""The full mesh: everybody knows everybody and wants a link to everybody.

That is what gossip does when nothing is restricted: see `partisan_core.gossip` for how members hear of each other,
and for what a crash, a restart and an eviction mean.
"""

from collections.abc import Collection
from typing import ClassVar

from partisan_core.gossip import GossipMember


class FullMesh(GossipMember):
    """One node of a full mesh."""

    capabilities: ClassVar[Collection[str]] = frozenset({"full_view", "evict", "reconcile"})
