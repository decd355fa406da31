"""Conformance kit, simulator and clusters in one process, for tests of Partisan overlays and applications.

`cluster` is imported when it is first used: who simulates strategies alone does not pay for whole nodes.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from partisan_testkit.wholenodes.cluster import Cluster as Cluster
    from partisan_testkit.wholenodes.cluster import cluster as cluster

__all__ = ["Cluster", "cluster"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from partisan_testkit.wholenodes import cluster as home

    return getattr(home, name)
