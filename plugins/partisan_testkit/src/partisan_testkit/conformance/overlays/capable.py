"""What an overlay has to do because it claims that it can."""

from collections.abc import Mapping

from partisan_core.events import Reserve
from partisan_core.identity import NodeSpec
from partisan_testkit.conformance.clusters import PATIENCE, Cluster, names
from partisan_testkit.conformance.rules import Broken, Catalogue
from partisan_testkit.conformance.subjects import NODES, OverlaySubject
from partisan_testkit.simulator import SimulatedNode, seeded

RULES: Catalogue[OverlaySubject] = Catalogue("overlay")

_LABEL, _VALUE = "conformance", "reserved"
_CROWD = 24
"""How many join through a node that keeps a place for somebody else. Chosen: any small view is full of them."""


@RULES.rule(needs="full_view")
def full_view(overlay: OverlaySubject, seed: int) -> None:
    """All nodes know all nodes, in the same lives; also after one has come back."""
    cluster = Cluster.formed(overlay, seed)
    _wait_until_all_agree(cluster, "after all have joined")
    cluster.simulation.crash(cluster.nodes[NODES - 1])
    cluster.simulation.run(1.0)
    cluster.nodes[NODES - 1] = cluster.start(NODES - 1)
    cluster.join(cluster.nodes[NODES - 1])
    _wait_until_all_agree(cluster, "after one has come back")


def _wait_until_all_agree(cluster: Cluster, when: str) -> None:
    simulation = cluster.simulation
    everybody = {node.name: node.spec for node in simulation.living}

    def at_odds() -> list[SimulatedNode]:
        return [node for node in simulation.living if not _is_right(node.view, everybody)]

    try:
        simulation.run_until(lambda: not at_odds(), PATIENCE, step=0.1)
    except TimeoutError:
        odd = at_odds()[0]
        raise Broken(
            f"{PATIENCE:.0f} s {when} {odd.name} knows {names(odd.view.values())}, in one life or another"
        ) from None


def _is_right(view: Mapping[str, NodeSpec], everybody: Mapping[str, NodeSpec]) -> bool:
    """Incarnation 0 stands for any life: what a configured list of peers says."""
    return view.keys() == everybody.keys() and all(
        peer.incarnation == 0 or peer.life == everybody[name].life for name, peer in view.items()
    )


@RULES.rule(needs="evict")
def evict(overlay: OverlaySubject, seed: int) -> None:
    """Whoever is evicted is gone from `members()` and `links()` of who evicted it; with `full_view`, of everybody."""
    cluster = Cluster.formed(overlay, seed)
    simulation, host = cluster.simulation, cluster.nodes[0]
    others = [peer for name, peer in host.view.items() if name != host.name]
    if not others:
        return
    peer = seeded(seed, "evicted").choice(others)
    simulation.evict(host, peer)
    if peer.name in host.view or peer.name in host.strategy.links():
        raise Broken(f"{host.name} was told to evict {peer.name}, and still knows it or wants a link to it")
    audience = simulation.nodes if "full_view" in overlay.capabilities else [host]

    def knowing() -> list[str]:
        return [node.name for node in audience if node.alive and node.name != peer.name and peer.name in node.view]

    try:
        simulation.run_until(lambda: not knowing(), PATIENCE, step=0.1)
    except TimeoutError:
        raise Broken(f"{PATIENCE:.0f} s after {peer.name} was evicted it is a member for {knowing()[0]}") from None
    simulation.run(10.0)
    if knowing():
        raise Broken(f"{peer.name} was evicted, and came back at {knowing()[0]}")


@RULES.rule(needs="reconcile")
def reconcile(overlay: OverlaySubject, seed: int) -> None:
    """`Reconcile` makes the members exactly those that it names; with nobody in it, it changes nothing."""
    cluster = Cluster.formed(overlay, seed)
    simulation, host = cluster.simulation, cluster.nodes[0]
    before = dict(host.view)
    simulation.reconcile(host, ())
    if dict(host.view) != before:
        raise Broken("an empty list is no opinion, and yet it changed members()")
    kept = [node.spec for node in cluster.nodes[1 : NODES // 2]]
    simulation.reconcile(host, kept)
    expected = {host.name, *(peer.name for peer in kept)}
    try:
        simulation.run_until(lambda: set(host.view) == expected, PATIENCE, step=0.1)
    except TimeoutError:
        raise Broken(f"of {names(kept)} and itself {host.name} made {names(host.view.values())}") from None


@RULES.rule(needs="reserved_slots")
def reserved_slots(overlay: OverlaySubject, seed: int) -> None:
    """Two nodes that keep a place for each other's label stay linked, whatever crowd without it joins through one."""
    cluster = Cluster(overlay, seed, nodes=0)
    simulation, labels = cluster.simulation, overlay.setting.labels_of(0)
    host, guest = (simulation.start(name, labels={**labels, _LABEL: _VALUE}) for name in ("host", "guest"))
    for node in (host, guest):
        simulation.feed(node, Reserve(_LABEL, _VALUE, 1))
    cluster.nodes = [host]
    cluster.join(guest)
    for number in range(_CROWD):
        simulation.run(1.0)
        cluster.join(simulation.start(f"crowd-{number}", labels=overlay.setting.labels_of(NODES)))
    simulation.run(5.0)
    if guest.name not in host.host.neighbours or host.name not in guest.host.neighbours:
        raise Broken(f"a crowd of {_CROWD} came between {host.name} and {guest.name}")
