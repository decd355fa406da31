"""What an overlay promises beside its capabilities: the shape of its links, and how long it may take.

A capability tells an application what it may ask for; these tell a witness what to look for. They stand here, by
the name of the overlay, and not in the seam: no application has a use for them.
"""

from dataclasses import dataclass
from enum import StrEnum

from partisan_core.kinds import OverlayPlugin


class Shape(StrEnum):
    """Which links there are once faults are over."""

    FREE = "free"
    """Nothing is said of single links."""
    MESH = "mesh"
    """Everybody is linked to everybody."""
    SYMMETRIC = "symmetric"
    """Either both ends of a link want it, or neither."""
    STAR = "star"
    """Servers are linked to each other, clients to servers."""
    DRAWN = "drawn"
    """Those that people drew, and no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """What a witness of the overlay looks for."""

    shape: Shape = Shape.FREE
    retires: bool = False
    """Of two living nodes of one name the older one retires by itself."""
    lasting_members: bool = False
    """A membership ends by leaving or by eviction, and by nothing else."""
    forgets_the_dead: bool = False
    """Nobody wants a link to who is dead, once faults are over."""
    in_order: bool = False
    """It counts on messages of one peer to arrive in order, and on a link to lose none while it lasts: on what the
    membership channel gives."""
    bound: str = ""
    """The option that says how many links a node has at most."""
    duplication: float = 0.1
    """The largest share of messages that a schedule has arrive twice. A walk of a hundred hops would become ten
    thousand with the default: its overlay says less."""
    patience: float = 300.0
    """Seconds after the last fault in which all must be well. Chosen for whom nobody has measured."""


_KNOWN = {
    "fullmesh": Promises(shape=Shape.MESH, retires=True, lasting_members=True, patience=20.0),
    "clientserver": Promises(shape=Shape.STAR, retires=True, lasting_members=True, patience=30.0),
    "hyparview": Promises(shape=Shape.SYMMETRIC, forgets_the_dead=True, bound="active_max"),
    "scamp_v1": Promises(bound="view_max", duplication=0.01),
    "scamp_v2": Promises(bound="view_max", duplication=0.01),
    "static": Promises(shape=Shape.DRAWN, in_order=True, patience=20.0),
}
"""The patience of the first, second and last: some of the slowest redials (4 s here), some rounds of gossip."""


def promises_of(overlay: str, plugin: OverlayPlugin) -> Promises:
    """Return what is promised: by name, else what follows from the capability `full_view`."""
    full_view = "full_view" in plugin.capabilities
    return _KNOWN.get(overlay, Promises(lasting_members=full_view))
