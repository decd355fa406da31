"""What an application or operator asks of the membership: join, leave, evict, reconcile."""

from collections.abc import Sequence

import trio

from partisan_core.errors import CapabilityError, JoinError, NameInUse, NodeDown, UnknownNode, WireError
from partisan_core.events import Evict, Join, Reason, Reconcile
from partisan_core.identity import Address, NodeSpec
from partisan_core.kernel._links import Backoff
from partisan_core.kernel.handshaking import Refusing
from partisan_core.kernel.kernel import Kernel
from partisan_core.kernel.peer import Peer
from partisan_core.spelling import did_you_mean
from partisan_core.wire.messages import Refused

_PASSING = (Refused.SIMULTANEOUS, Refused.CLOSING, Refused.NOT_MEMBER)
"""Refusals after which trying again makes sense."""


class Operations:
    """Turns requests into events, once the connection layer has learnt who is meant."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def join(self, contacts: Sequence[Address]) -> None:
        """See `Node.join`."""
        if not contacts:
            raise JoinError("join needs the address of at least one node of the cluster; nothing was changed")
        kernel = self._kernel
        if kernel.left:
            await kernel.let_go(Reason.LEFT)  # what an evicted node still holds would hold its name, too
            kernel.renew()
        backoff = Backoff(kernel.config.links.redial_first, 1.0, kernel.rng)
        while not await self._join_one_of(contacts):
            await trio.sleep(backoff.next())

    async def leave(self) -> None:
        """See `Node.leave`."""
        await self._kernel.leave()

    def evict(self, name: str) -> None:
        """See `Node.evict`."""
        kernel = self._kernel
        kernel.check_member()
        if "evict" not in kernel.strategy.capabilities:
            raise CapabilityError(f"overlay {kernel.config.overlay.use!r} cannot evict; nothing was changed")
        if name == kernel.me.name:
            raise CapabilityError(f"{name} is this node itself: use leave; nothing was changed")
        kernel.driver.feed(Evict(self._member(name)))

    async def reconcile(self, contacts: Sequence[Address]) -> None:
        """See `Node.reconcile`."""
        kernel = self._kernel
        kernel.check_member()
        mine = {*kernel.me.addresses}
        peers = [await self._identify(address) for address in contacts if address not in mine]
        kernel.driver.feed(Reconcile(tuple(peers)))

    async def ping(self, name: str) -> float:
        """See `Node.ping`."""
        peer = self._kernel.peers.table.get(self._member(name).name)
        if peer is None or peer.connection is None:
            raise NodeDown(f"there is no connection to {name}{_because(peer)}; nothing was sent")
        answers: list[float] = []
        answered = trio.Event()

        def on_pong(rtt: float) -> None:
            answers.append(rtt)
            answered.set()

        peer.connection.ping(on_pong)
        await answered.wait()
        return answers[0]

    def _member(self, name: str) -> NodeSpec:
        members = self._kernel.members()
        if name not in members:
            raise UnknownNode(f"no member {name!r} is known here{did_you_mean(name, members)}; nothing was changed")
        return members[name]

    async def _identify(self, address: Address) -> NodeSpec:
        for member in self._kernel.members().values():
            if address in member.addresses:
                return member
        try:
            return await self._contact(address)
        except (OSError, WireError, trio.TooSlowError) as error:
            raise JoinError(f"{address} could not be asked who it is: {error}; nothing was changed") from error

    async def _join_one_of(self, contacts: Sequence[Address]) -> bool:
        """One round over all contacts. True: joined."""
        refused: list[str] = []
        for address in contacts:
            try:
                contact = await self._contact(address)
            except Refusing as refusing:
                if refusing.code == Refused.NAME_IN_USE and refusing.by_peer:
                    raise NameInUse(f"{address}: {refusing}") from refusing
                if refusing.code not in _PASSING:
                    refused.append(f"{address}: {refusing}")
            except (OSError, WireError, trio.TooSlowError, trio.ClosedResourceError):
                continue
            else:
                self._kernel.driver.feed(Join(contact))
                if await self._linked():
                    return True
        if len(refused) == len(contacts):
            raise JoinError(f"this node lives on, not joined: {'; '.join(refused)}")
        return False

    async def _contact(self, address: Address) -> NodeSpec:
        try:
            return await self._kernel.doorway.contact(address)
        except Refusing as refusing:
            if refusing.code == Refused.SIMULTANEOUS and refusing.peer is not None:
                return refusing.peer  # connected already: the refusal was ours
            raise

    async def _linked(self) -> bool:
        """Wait, about as long as a handshake may take, for the overlay to make somebody a neighbour."""
        driver = self._kernel.driver
        with trio.move_on_after(self._kernel.config.links.handshake_timeout):
            while not driver.host.neighbours:
                await driver.changed.park()
        return bool(driver.host.neighbours)


def _because(peer: Peer | None) -> str:
    return f" ({peer.last_error})" if peer is not None and peer.last_error else ""
