"""What eight machines make of a simulated network."""

from partisan_testkit.conformance.clusters import Cluster
from partisan_testkit.conformance.rules import Broken, Catalogue
from partisan_testkit.conformance.subjects import NODES, OverlaySubject
from partisan_testkit.simulator import CALM, Faults, seeded

RULES: Catalogue[OverlaySubject] = Catalogue("overlay")

_ROUGH = Faults(loss=0.05, duplication=0.1, reordering=0.2)


@RULES.rule()
def joins(overlay: OverlaySubject, seed: int) -> None:
    """Eight nodes that join through one contact, at once or one by one, become one cluster, and stay one."""
    cluster = Cluster(overlay, seed)
    cluster.join_all((0.0, 0.2, 2.0)[seed % 3])
    cluster.wait_until_one("after all have joined")
    for second in range(30):
        cluster.simulation.run(1.0)
        if len(cluster.islands()) != 1:
            raise Broken(f"it fell apart {second + 1} s later, with nothing wrong: {cluster.islands()}")


@RULES.rule()
def rough_network(overlay: OverlaySubject, seed: int) -> None:
    """Eight nodes whose messages are lost, doubled and reordered become one cluster."""
    cluster = Cluster(overlay, seed, faults=_ROUGH)
    cluster.join_all(0.2)
    cluster.simulation.run(10.0)
    cluster.simulation.network.faults = CALM
    cluster.wait_until_one("after the last message was lost")


@RULES.rule()
def crash(overlay: OverlaySubject, seed: int) -> None:
    """When a node crashes, which was nobody's contact, the others stay or become one cluster again."""
    cluster = Cluster.formed(overlay, seed)
    cluster.simulation.crash(cluster.nodes[_victim(seed)])
    cluster.simulation.run(1.0)
    cluster.wait_until_one("after a crash")


@RULES.rule()
def restart(overlay: OverlaySubject, seed: int) -> None:
    """A node that comes back, from its snapshot or by joining again, is in; nobody wants its older life any more."""
    cluster, number = Cluster.formed(overlay, seed), _victim(seed)
    simulation, old = cluster.simulation, cluster.nodes[number]
    remembered = simulation.crash(old) if seed % 2 else simulation.crash(old) and b""
    simulation.run((0.0, 0.05, 5.0, 30.0)[seed % 4])
    new = cluster.nodes[number] = cluster.start(number, remembered)
    if not remembered:
        cluster.join(new)
    cluster.wait_until_one(f"after {new.name} was started again")
    cluster.wait_until_nobody_wants(old.spec, f"after {new.spec} is there")


@RULES.rule()
def leave(overlay: OverlaySubject, seed: int) -> None:
    """Who leaves is let go: nobody wants a link to it any more, unless the overlay has no messages to say so with."""
    cluster = Cluster.formed(overlay, seed)
    leaver = cluster.nodes[_victim(seed)]
    cluster.simulation.leave(leaver)
    cluster.simulation.run(2.0)
    cluster.wait_until_one("after one has left")
    if leaver.strategy.messages:
        cluster.wait_until_nobody_wants(leaver.spec, "after it has left")


def _victim(seed: int) -> int:
    """Anybody but the contact."""
    return seeded(seed, "victim").randrange(1, NODES)
