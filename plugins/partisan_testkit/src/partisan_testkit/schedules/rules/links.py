"""Rules of the graph of links, for the shapes that it can have. All are asked after the quiet period."""

from collections.abc import Iterator

from partisan_testkit.schedules.aftermath import Aftermath
from partisan_testkit.schedules.history import who
from partisan_testkit.schedules.islands import find_groups
from partisan_testkit.schedules.stage import Subject


def is_connected(aftermath: Aftermath) -> Iterator[str]:
    """From every living node a way leads over working links to every other (L2), taken in either direction."""
    neighbours = {
        node: [other for other in aftermath.living if aftermath.is_linked(node, other)] for node in aftermath.living
    }
    groups = find_groups(neighbours)
    if len(groups) > 1:
        apart = ", ".join(sorted(str(node) for node in groups[-1]))
        yield f"{len(groups)} groups of nodes have no link to each other; one is {apart}"


def all_are_linked(aftermath: Aftermath) -> Iterator[str]:
    """A mesh: everybody is linked to everybody."""
    for node, other in _pairs(aftermath):
        if not aftermath.is_linked(node, other):
            yield f"{node} has no link to {other}"


def links_are_symmetric(aftermath: Aftermath) -> Iterator[str]:
    """A link that one end wants is wanted by the other (L2)."""
    for node, other in _pairs(aftermath):
        if aftermath.wants(node, other) and not aftermath.wants(other, node):
            yield f"{node} wants a link to {other}, who wants none"


def no_links_to_the_dead(aftermath: Aftermath) -> Iterator[str]:
    """Nobody wants a link to a life that is over (L5)."""
    for node in aftermath.living:
        for peer in node.strategy.links().values():
            if aftermath.means(peer) is None:
                yield f"{node} still wants a link to {peer}, who is dead"


def star_holds(aftermath: Aftermath) -> Iterator[str]:
    """Servers are linked to each other; a client to a server as long as one lives, and never to a client."""
    cluster = aftermath.cluster
    servers = {node.name for node in aftermath.living if cluster.is_server(node.name)}
    for node in aftermath.living:
        if cluster.is_server(node.name):
            missing = sorted(servers - {node.name} - node.host.neighbours.keys())
            if missing:
                yield f"server {node} has no link to {', '.join(missing)}"
        else:
            others = sorted(name for name in node.strategy.links() if not cluster.is_server(name))
            if others:
                yield f"client {node} wants links to {', '.join(others)}"
            if servers and not servers & node.host.neighbours.keys():
                yield f"client {node} has no link to a server"


def links_are_as_drawn(aftermath: Aftermath) -> Iterator[str]:
    """The links between living nodes are those that were drawn, but for who was evicted by whom.

    An eviction ends an edge for two lives; when it hit an older life than the one that lives, the edge may be there
    or not. Nor can an edge be asked for when one end has moved, and the other said farewell to it, as who leaves or
    evicts does, and came back: the one does not dial who said farewell, and the other does not know where.
    """
    for node, other in _pairs(aftermath):
        drawn = frozenset((node.name, other.name)) in aftermath.cluster.edges
        linked = aftermath.is_linked(node, other)
        if linked and not drawn:
            yield f"{node} has a link to {other} that nobody drew"
        elif drawn and not linked and not (_is_over(aftermath, node, other) or _is_over(aftermath, other, node)):
            yield f"{node} has no link to its peer {other}"


def _is_over(aftermath: Aftermath, node: Subject, other: Subject) -> bool:
    history = aftermath.history
    has_evicted = (who(node.spec), other.name) in history.evictions
    has_moved = node.spec.addresses[0] != aftermath.cluster.addresses[node.name]
    was_evicted = any(name == other.name and peer == node.name for (name, _), peer in history.evictions)
    return has_evicted or (has_moved and (was_evicted or bool(history.ends[other.name])))


def _pairs(aftermath: Aftermath) -> Iterator[tuple[Subject, Subject]]:
    for node in aftermath.living:
        for other in aftermath.living:
            if other.name != node.name:
                yield node, other
