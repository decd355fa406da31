"""What an application is promised, tried out: each trial runs unchanged on every overlay and tells what it saw.

A trial does not know the overlay. What must hold everywhere it asserts, and then says `YES`; where overlays may
differ it says what it saw.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import trio
from trio.testing import wait_all_tasks_blocked

from partisan_core import Mailbox
from partisan_core.errors import CapabilityError, SendError, WouldBlock
from tests.any_overlay.cluster import CHANNELS, FIRST, LAST, NAMES, Cluster, until

YES, NO = "yes", "no"

MESSAGES = 10
"""From each sender to each recipient."""

Run = Callable[[Cluster], Awaitable[str]]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Trial:
    """One row of the matrix."""

    title: str
    run: Run
    everywhere: bool
    """It must hold on every overlay."""
    keeps_state: bool = False
    """Nodes have a `data_dir`."""

    @property
    def name(self) -> str:
        """For the listing of tests."""
        return self.run.__name__


TRIALS: list[Trial] = []
"""In the order of the rows."""


def promise(title: str, *, everywhere: bool = True, keeps_state: bool = False) -> Callable[[Run], Run]:
    """Make a trial of a function."""

    def keep(run: Run) -> Run:
        TRIALS.append(Trial(title, run, everywhere, keeps_state))
        return run

    return keep


async def exchange(cluster: Cluster, pairs: Iterable[Pair], channel: str = "default") -> None:
    """Send numbered messages from the first to the second of each pair, and see each arrive once and in order."""
    pairs = [*pairs]
    received: dict[str, list[tuple[str, int]]] = {name: [] for name in cluster.names}

    async def receive(name: str, task_status: trio.TaskStatus[None]) -> None:
        async with cluster[name].open_mailbox("exchange") as box:
            task_status.started()
            async for sender, number in box:
                received[name].append((sender, number))

    async with trio.open_nursery() as nursery:
        for name in received:
            await nursery.start(receive, name)
        for number in range(MESSAGES):
            for sender, recipient in pairs:
                await cluster[sender].send(f"{recipient}/exchange", [sender, number], channel=channel)
        expected = len(pairs) * MESSAGES
        await until(lambda: sum(map(len, received.values())) >= expected, f"{expected} messages")
        await trio.sleep(0.2)  # whatever came twice is there by now
        nursery.cancel_scope.cancel()
    for sender, recipient in pairs:
        numbers = [number for origin, number in received[recipient] if origin == sender]
        assert numbers == [*range(MESSAGES)], f"{sender} to {recipient}: {numbers}"


def linked(cluster: Cluster) -> list[Pair]:
    """Every node with each of its neighbours."""
    return [(name, peer) for name in sorted(cluster.names) for peer in sorted(cluster.neighbours(name))]


# -- messages ---------------------------------------------------------------------------------------------------


@promise("A message to a neighbour, or to oneself, arrives exactly once, and in the order of its sender")
async def messages_to_neighbours(cluster: Cluster) -> str:
    await exchange(cluster, [*linked(cluster), *((name, name) for name in NAMES)])
    return YES


@promise("A message to a member without a link", everywhere=False)
async def messages_to_other_members(cluster: Cluster) -> str:
    await trio.sleep(30)  # partial views fill up
    members = [(one, peer) for one in cluster.nodes for peer in one.nodes("known")]
    pairs = [(one.name, peer) for one, peer in members if peer not in {one.name, *one.nodes()}]
    return await ways(cluster, pairs) if pairs else "every member has a link"


@promise("A message to a node that is no member here", everywhere=False)
async def messages_to_strangers(cluster: Cluster) -> str:
    known = {node.name: {*node.nodes("known"), *node.nodes()} for node in cluster.nodes}
    pairs = [(one, peer) for one in NAMES for peer in NAMES if peer not in known[one]]
    return await ways(cluster, pairs) if pairs else "everybody is a member"


async def ways(cluster: Cluster, pairs: list[Pair]) -> str:
    """See how messages go where there is no link."""
    seen, taken = set[str](), list[Pair]()
    for one, peer in pairs:
        try:
            await cluster[one].send(f"{peer}/nobody", 0)
            taken.append((one, peer))
        except SendError as error:
            seen.add(f"`{type(error).__name__}`")
    if taken:
        await exchange(cluster, taken)
        dialled = {peer in cluster[one].nodes("visible") for one, peer in taken}
        seen |= {"dialled" if one else "relayed" for one in dialled}
    return ", ".join(sorted(seen))


@promise("Each channel has its own connections, as many as both ends want")
async def connections_of_channels(cluster: Cluster) -> str:
    expected = [("default", 0), *((name, lane) for name in CHANNELS if name != "default" for lane in range(2))]
    for one, peer in linked(cluster):
        lanes = [(row.channel, row.lane) for row in cluster[one].connections() if row.peer == peer]
        assert sorted(lanes) == sorted([("membership", 0), *expected]), f"{one} to {peer}: {lanes}"
    for channel in CHANNELS:
        await exchange(cluster, linked(cluster), channel)
    return YES


@promise("A mailbox that is not read holds up its senders, and nothing else; nothing is lost")
async def a_bounded_mailbox(cluster: Cluster) -> str:
    sender, recipient = linked(cluster)[0]
    async with cluster[recipient].open_mailbox("full", limit=10) as full:
        sent = 0
        try:
            while sent < 5000:
                await cluster[sender].send(f"{recipient}/other", "", channel="left")
                cluster[sender].send_nowait(f"{recipient}/full", [sent, "x" * 5000])
                sent += 1
        except WouldBlock:
            pass
        assert 10 < sent < 1000
        await exchange(cluster, [(sender, recipient)], "right")
        await trio.sleep(20)
        assert recipient in cluster.neighbours(sender), "what is full is no reason to be down"
        with trio.fail_after(30):
            assert [(await full.receive())[0] for _ in range(sent)] == [*range(sent)]
    return YES


# -- events -----------------------------------------------------------------------------------------------------


async def check_order(cluster: Cluster) -> None:
    """At every node: the link to another is up, down, up, …, and the last word says how it is."""
    await wait_all_tasks_blocked()  # what is told has been heard
    for name, life in cluster.lives.items():
        for other in life.told:
            kinds = [kind for kind, *_ in life.links(other)]
            expected = [("NeighbourUp", "NeighbourDown")[number % 2] for number in range(len(kinds))]
            assert kinds == expected, f"{name} of {other}: {kinds}"
            is_up = bool(kinds) and kinds[-1] == "NeighbourUp"
            assert is_up == (other in cluster.neighbours(name)), f"{name} of {other}: {kinds}"


@promise("Up and down are told in turn, and the last word says how it is")
async def ups_and_downs(cluster: Cluster) -> str:
    await check_order(cluster)
    one, peer = linked(cluster)[0]
    cluster.network.cut(one, peer)
    await cluster.restart(LAST, join=True)
    await cluster.until_whole()
    await trio.sleep(5)
    await check_order(cluster)
    return YES


# -- coming and going -------------------------------------------------------------------------------------------


@promise("`join` with several contacts, the first of them dead, finds the cluster")
async def discovery(cluster: Cluster) -> str:
    newcomer = await cluster.start("newcomer")
    with trio.fail_after(30):
        await newcomer.join(*cluster.dead_addresses(), *cluster[FIRST].addresses)
    await until(newcomer.neighbours, "a neighbour")
    await cluster.until_whole()
    await exchange(cluster, linked(cluster))
    return YES


@promise("Who leaves is nobody's neighbour any more, for the reason `left`, and may join again")
async def leaving(cluster: Cluster) -> str:
    witnesses = cluster.seen_by(LAST)
    before = cluster[LAST].spec().incarnation
    with trio.fail_after(30):
        await cluster[LAST].leave()
    assert cluster.neighbours(LAST) == set()
    await until(lambda: all(LAST not in cluster.neighbours(name) for name in NAMES), "no neighbour")
    for name in witnesses:
        assert ("NeighbourDown", before, "left") in cluster.lives[name].links(LAST)
    await trio.sleep(20)
    assert cluster.reached(FIRST) == {*NAMES} - {LAST}
    await cluster.join(LAST, FIRST)
    await cluster.until_whole()
    assert cluster[LAST].spec().incarnation > before
    return YES


@promise("A restart at another address: the old life is down once, then the new one is up, and talks")
async def restarting(cluster: Cluster) -> str:
    witnesses = cluster.seen_by(LAST)
    before = cluster[LAST].spec().incarnation
    await cluster.restart(LAST, join=True)
    await cluster.until_whole()
    await trio.sleep(5)
    now = cluster[LAST].spec().incarnation
    for name in {*NAMES} - {LAST}:
        links = [(kind, life) for kind, life, _ in cluster.lives[name].links(LAST)]
        assert links.count(("NeighbourDown", before)) == links.count(("NeighbourUp", before)), f"{name}: {links}"
        assert name not in witnesses or ("NeighbourDown", before) in links
        assert [life for _, life in links] == sorted(life for _, life in links), "nothing of the old life comes late"
    assert {life for name in cluster.seen_by(LAST) for _, life, _ in cluster.lives[name].links(LAST)[-1:]} <= {now}
    await exchange(cluster, linked(cluster))
    return YES


@promise("A node with a `data_dir` comes back without contacts", keeps_state=True)
async def coming_back(cluster: Cluster) -> str:
    await cluster.restart(LAST, join=False)
    await until(lambda: cluster.neighbours(LAST), "a neighbour")
    await cluster.until_whole()
    return YES


@promise("Who crashes", everywhere=False)
async def crashing(cluster: Cluster) -> str:
    told_before = {name: len(life.told.get(LAST, [])) for name, life in cluster.lives.items() if name != LAST}
    await cluster.end(LAST)
    await until(lambda: all(LAST not in cluster.neighbours(name) for name in cluster.names), "down")
    await cluster.until_whole()
    # an overlay may ask after whom it lost, and hear of it again: what counts is that somebody let it go
    told = {kind for name, count in told_before.items() for kind, *_ in cluster.lives[name].told.get(LAST, [])[count:]}
    return "is forgotten" if "MemberLeft" in told else "stays a member"


# -- the network ------------------------------------------------------------------------------------------------


@promise("Connections that break are made again at once; nobody is told of a down")
async def breaking(cluster: Cluster) -> str:
    for one, peer in linked(cluster)[:5]:
        cluster.network.cut(one, peer)
        await trio.sleep(0.01)
        await cluster.until_whole()
    reasons = {reason for life in cluster.lives.values() for name in NAMES for *_, reason in life.links(name)}
    assert not reasons & {"gone", "unreachable", "restarted"}, "an overlay may change its mind, but nobody was away"
    await exchange(cluster, linked(cluster))
    return YES


@promise("Connections that go silent without a word are replaced within 5 s")
async def silence(cluster: Cluster) -> str:
    one, peer = linked(cluster)[0]
    cluster.network.silence(one, peer)
    await trio.sleep(5)
    assert cluster.is_whole()
    await exchange(cluster, linked(cluster))
    return YES


@promise("Two neighbours that cannot reach each other for a minute: nobody is split off")
async def separation(cluster: Cluster) -> str:
    one, peer = LAST, min(cluster.neighbours(LAST))
    cluster.network.separate(one, peer)
    await trio.sleep(15)
    assert peer not in cluster.neighbours(one)
    await until(lambda: cluster.reached(one) == {*NAMES}, "everybody in reach")
    await trio.sleep(45)
    cluster.network.rejoin(one, peer)
    await trio.sleep(15)
    await cluster.until_whole()
    await exchange(cluster, linked(cluster))
    return YES


# -- monitors ---------------------------------------------------------------------------------------------------


async def watched_pairs(cluster: Cluster) -> list[Pair]:
    """Every node with each node to which there is a way, itself too."""
    pairs = [(one, peer) for one in NAMES for peer in NAMES]
    ways = [pair for pair in pairs if pair[0] == pair[1] or await has_way(cluster, *pair)]
    assert {*linked(cluster)} <= {*ways}
    return ways


async def has_way(cluster: Cluster, one: str, peer: str) -> bool:
    """Whether a message can go there: over a link, over one that is made for it, or over a relay that has one."""
    try:
        return await cluster[one].is_alive(f"{peer}/actor")
    except SendError:
        return False


def told(boxes: dict[str, Mailbox]) -> list[tuple[str, str, str]]:
    """Who was told of whom, and why, sorted; nothing else is in the mailboxes."""
    downs = []
    for name, box in boxes.items():
        while len(box):
            down = box.receive_nowait()
            downs.append((name, down.tag, str(down.reason)))
    return sorted(downs)


@promise("A monitor of a mailbox, on any node to which there is a way, is told its end once, and its reason")
async def monitors_of_mailboxes(cluster: Cluster) -> str:
    await trio.sleep(5)
    actors, boxes = ({name: cluster[name].open_mailbox(box) for name in NAMES} for box in ("actor", "told"))
    pairs = await watched_pairs(cluster)
    for one, peer in pairs:
        await cluster[one].monitor(f"{peer}/actor", tag=peer, to=boxes[one])
    for one, peer in linked(cluster)[:5]:
        cluster.network.cut(one, peer)
    await trio.sleep(40)  # longer than an idle link is kept
    assert told(boxes) == [], "all live"
    for box in actors.values():
        box.close("done")
    await until(lambda: sum(map(len, boxes.values())) >= len(pairs), "told")
    await trio.sleep(5)
    assert told(boxes) == sorted((one, peer, "failed") for one, peer in pairs)
    return YES


@promise("A monitor of a node that dies, and of a mailbox there, is told once; those of others are not")
async def monitors_of_nodes(cluster: Cluster) -> str:
    await trio.sleep(5)
    _, boxes = ({name: cluster[name].open_mailbox(box) for name in NAMES} for box in ("actor", "told"))
    pairs = [(one, peer) for one, peer in await watched_pairs(cluster) if one != peer]
    for one, peer in pairs:
        await cluster[one].monitor_node(peer, tag=peer, to=boxes[one])
        await cluster[one].monitor(f"{peer}/actor", tag=peer, to=boxes[one])
    await cluster.end(LAST)
    del boxes[LAST]
    expected = sorted(2 * [(one, peer, "noconnection") for one, peer in pairs if peer == LAST])
    await until(lambda: sum(map(len, boxes.values())) >= len(expected), "told")
    await trio.sleep(5)
    assert told(boxes) == expected
    return YES


# -- membership -------------------------------------------------------------------------------------------------


@promise("`members()` is", everywhere=False)
async def members(cluster: Cluster) -> str:
    await trio.sleep(20)
    known = [({peer.name for peer in node.members()}, cluster.neighbours(node.name)) for node in cluster.nodes]
    if all(view == {*NAMES} for view, _ in known):
        return "everybody"
    return "the neighbours" if all(len(view) == len(near) + 1 for view, near in known) else "a part"


@promise("Every node is linked to", everywhere=False)
async def degree(cluster: Cluster) -> str:
    await trio.sleep(20)
    return "everybody" if all(len(node.neighbours()) == len(NAMES) - 1 for node in cluster.nodes) else "some"


@promise("`evict`", everywhere=False)
async def evicting(cluster: Cluster) -> str:
    witness = min(cluster.neighbours(LAST))
    try:
        cluster[witness].evict(LAST)
    except CapabilityError:
        return NO
    await until(lambda: LAST not in cluster.neighbours(witness), "evicted")
    await trio.sleep(5)
    return "of one link" if cluster.neighbours(LAST) else YES


@promise("`reconcile`", everywhere=False)
async def reconciling(cluster: Cluster) -> str:
    kept = NAMES[:5]
    try:
        with trio.fail_after(30):
            await cluster[FIRST].reconcile([str(cluster[name].addresses[0]) for name in kept[1:]])
    except CapabilityError:
        return NO
    await until(lambda: all(cluster.neighbours(name) == {*kept} - {name} for name in kept), "the rest")
    return YES
