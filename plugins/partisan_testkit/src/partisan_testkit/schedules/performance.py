"""Performs a schedule on a stage: faults, then a quiet period, then the question whether all promises are kept."""

from itertools import chain, product
from random import Random
from typing import Generic

from partisan_core.identity import Address
from partisan_testkit.schedules.islands import find_islands
from partisan_testkit.schedules.plan import Phase, Planned, Schedule, Step
from partisan_testkit.schedules.settings import ClusterSettings
from partisan_testkit.schedules.stage import N, Stage
from partisan_testkit.schedules.violation import Violation
from partisan_testkit.schedules.witness import Witness
from partisan_testkit.simulator import CALM, seeded

LOOK_SECONDS = 1.0
"""Between two looks whether all is well. Chosen: the round of gossip."""

STAY_SECONDS = 10.0
"""For how long all stays well, but for what mends itself meanwhile. Chosen: a shuffle."""

SLOWNESS = (100, 500, 2000)
"""Milliseconds that a slow node takes for a message. Chosen: up to where its neighbours would begin to wonder."""

MOST_HELP = 5
"""How often an operator helps. Chosen: one help may cause the need of another, as when the only server was evicted."""


class Performance(Generic[N]):
    """One run of a schedule: who lives under which name, and what each step means for them."""

    def __init__(self, schedule: Schedule, cluster: ClusterSettings, stage: Stage[N], witness: Witness) -> None:
        self.schedule, self.cluster = schedule, cluster
        self.stage, self.witness = stage, witness
        self.settled, self.islands = 0.0, 0
        """Seconds until all was well, and how many groups were joined by hand."""
        self._current: dict[str, N] = {}
        self._snapshots: dict[str, bytes] = {}
        self._rng = seeded(schedule.seed, "operator")

    async def run(self) -> None:
        """Do what the schedule says; then see whether all gets well, and stays so.

        Raises:
            Violation: a promise was broken.
        """
        stage = self.stage
        for number, name in enumerate(self.cluster.names):
            await self._begin(name, self.cluster.addresses[name], seeded(self.schedule.seed, f"join {number}"))
        for action in self.schedule.actions:
            await self._reach(action.second)
            if isinstance(action, Phase):
                stage.set_faults(action.faults)
            else:
                await self._perform(action)
        await self._reach(self.schedule.seconds)
        self._end_all_faults()
        self.settled = await self._settle()
        await stage.run(STAY_SECONDS)
        await self._settle()

    async def _reach(self, second: float) -> None:
        """What was done before may have taken longer: whole nodes leave in time that passes."""
        await self.stage.run(max(0.0, second - self.stage.seconds))

    def _end_all_faults(self) -> None:
        """Heal the network. Where the older of two nodes of one name does not retire, an operator ends it."""
        self.stage.set_faults(CALM)
        self._heal()
        if not self.cluster.promises.retires:
            for node in self.stage.living:
                if node is not self._current[node.name]:
                    self.stage.crash(node)

    async def _settle(self) -> float:
        """Wait until all is well; return how long it took.

        Raises:
            Violation: it is not after the overlay's patience, though there is nothing that only an operator can do.
        """
        begin, patience = self.stage.seconds, self.cluster.promises.patience + self.stage.patience
        await self._help()
        for _ in range(MOST_HELP):
            objection = await self._wait(patience)
            if objection is None:
                return self.stage.seconds - begin
            if not await self._help():
                break
        raise Violation(f"{patience:.0f} s after the last fault: {objection}")

    async def _wait(self, patience: float) -> str | None:
        end = self.stage.seconds + patience
        while (objection := next(self.witness.objections(self.stage.living), None)) is not None:
            if self.stage.seconds >= end:
                break
            await self.stage.run(LOOK_SECONDS)
        return objection

    # -- steps -----------------------------------------------------------------------------------------------

    async def _perform(self, planned: Planned) -> None:
        name = self.cluster.names[planned.who]
        node, details = self._current[name], seeded(planned.details, "details")
        lives_on = node.alive and not node.leaving
        match planned.step:
            case Step.CRASH if lives_on:
                self._snapshots[name] = self.stage.crash(node)
            case Step.RESTART if not node.alive:
                await self._restart(name, node, details)
            case Step.LEAVE if lives_on:
                self.witness.history.may_go(node.spec)
                self.stage.leave(node)
            case Step.EVICT if lives_on:
                self._evict(node, details)
            case Step.RECONCILE if lives_on:
                self._reconcile(node, details)
            case Step.USURP if lives_on and self.cluster.may_move(name):
                await self._begin(name, None, details)
            case Step.SLOW if lives_on:
                self.stage.slow(node, details.choice(SLOWNESS))
            case Step.PARTITION | Step.ONE_WAY:
                count = details.choice((2, 2, 3))
                zones = {name: details.randrange(count) for name in self.cluster.names}
                self.stage.partition(zones, one_way=planned.step is Step.ONE_WAY)
            case Step.HEAL:
                self._heal()

    async def _begin(self, name: str, address: Address | None, details: Random) -> None:
        """Start a life that remembers nothing; the first of all founds the cluster, others join it."""
        is_founder = not self._current
        node = await self._start(name, address)
        if self.cluster.joins and not is_founder:
            self.stage.join(node, lambda: self._choose_contact(node, details))

    async def _restart(self, name: str, old: N, details: Random) -> None:
        """Start a new life where the old one was or elsewhere, with the old one's snapshot, or empty and joining."""
        snapshot = self._snapshots.pop(name, b"")
        moves = details.random() < 0.5 and self.cluster.may_move(name)
        address = None if moves else old.spec.addresses[0]
        if snapshot and details.random() < 0.5:
            heir = await self._start(name, address, snapshot)
            if self.stage.remembers_all:
                self.witness.inherits(heir, old)
        else:
            await self._begin(name, address, details)

    async def _start(self, name: str, address: Address | None, snapshot: bytes = b"") -> N:
        node = await self.stage.start(name, address, snapshot)
        self._current[name] = node
        return node

    def _evict(self, node: N, details: Random) -> None:
        others = [peer for name, peer in node.view.items() if name != node.name]
        if others:
            peer = details.choice(others)
            self.witness.history.evicts(node.spec, peer)
            self.stage.evict(node, peer)

    def _reconcile(self, node: N, details: Random) -> None:
        """Of all that live, but for one: who is known and not among them is evicted by it."""
        peers = [other.spec for other in self._others(node.name)]
        if len(peers) > 1:
            peers.remove(details.choice(peers))
            named = {peer.name for peer in peers}
            for name, peer in node.view.items():
                if name != node.name and name not in named:
                    self.witness.history.evicts(node.spec, peer)
            self.stage.reconcile(node, peers)

    def _others(self, name: str) -> list[N]:
        candidates = [node for node in self._current.values() if node.alive and not node.leaving]
        return [node for node in candidates if node.name != name]

    def _choose_contact(self, joiner: N, details: Random) -> N | None:
        others = [node for node in self._others(joiner.name) if self.cluster.is_approached(node.name)]
        return details.choice(others) if others else None

    def _heal(self) -> None:
        self.stage.heal()
        for node in self.stage.living:
            self.stage.slow(node, 0)

    # -- what an operator does ---------------------------------------------------------------------------------

    async def _help(self) -> bool:
        has_started = await self._start_whom_others_turn_to()
        return self._join_islands() or has_started

    async def _start_whom_others_turn_to(self) -> bool:
        """Start the first of them when none lives, and say whether that was so: a star needs a server."""
        names = [name for name in self.cluster.names if self.cluster.is_approached(name)]
        if any(self._current[name] in self.stage.living for name in names):
            return False
        await self._begin(names[0], self._current[names[0]].spec.addresses[0], self._rng)
        return True

    def _join_islands(self) -> bool:
        """Join groups that know nobody else, and never did, as discovery would; say whether there were any.

        It happens when a joiner's contact crashes, and forgets it, before it has told anybody; and when everybody
        whom a node knew is dead. Who once was a neighbour of somebody in another group has to find the way back.
        """
        if not self.cluster.joins:
            return False
        mainland, *others = find_islands(self.stage.living, self.cluster)
        islands = [island for island in others if not self._could_come_back(island)]
        self.islands += len(islands)
        for island in islands:
            self._bring_together(island, mainland)
        return bool(islands)

    def _bring_together(self, island: list[N], mainland: list[N]) -> None:
        """Join by hand, the mainland to the island if there is no other way: a star has few to join through.

        A node that is to join a newer life of itself is told that its name is in use, and ends.
        """
        pairs = list(chain(product(island, mainland), product(mainland, island)))
        outlived = next(
            (one for one, other in pairs if one.name == other.name and one.spec.life < other.spec.life), None
        )
        pair = next((pair for pair in pairs if self._can_join(*pair)), None)
        if outlived is not None:
            self.stage.crash(outlived)
        elif pair is not None:
            joiner, contact = pair
            self.stage.join(joiner, lambda: contact)

    def _can_join(self, joiner: N, contact: N) -> bool:
        """Through an older life of somebody whom the joiner knows it cannot: the handshake is an error."""
        known = joiner.view.get(contact.name)
        return self.cluster.is_approached(contact.name) and (known is None or known.life <= contact.spec.life)

    def _could_come_back(self, island: list[N]) -> bool:
        """In a star who shows no server beyond was told of the end of each: two servers may have evicted each other."""
        if not all(self.cluster.is_approached(node.name) for node in self.stage.living):
            return False
        beyond = [node for node in self.stage.living if node not in island]
        history = self.witness.history
        return any(
            history.could_meet_again(node.spec, other.spec) and history.could_meet_again(other.spec, node.spec)
            for node in island
            for other in beyond
        )
