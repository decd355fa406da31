"""Joining a cluster through contacts of whom only addresses are known, and some of whom are dead."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

import trio

from partisan_core.errors import JoinError, NameInUse, PeerUncertified
from partisan_core.events import Join, Reason
from partisan_core.identity import Address, NodeSpec
from partisan_core.kernel._links import Backoff
from partisan_core.kernel.doorway import NO_ANSWER
from partisan_core.kernel.handshaking import Refusing
from partisan_core.kernel.kernel import Kernel
from partisan_core.wire.messages import Refused

STAGGER = 0.25
"""Seconds until the next contact is tried beside one that has not answered yet (RFC 8305, section 8)."""

_PASSING = (Refused.SIMULTANEOUS, Refused.CLOSING, Refused.NOT_MEMBER)
"""Refusals after which trying again makes sense."""


async def join(kernel: Kernel, contacts: Sequence[Address], *, fully: bool) -> None:
    """See `Node.join`."""
    if not contacts:
        raise JoinError("join needs the address of at least one node of the cluster; nothing was changed")
    async with kernel.renewing:  # one new life, however many ask for it
        if kernel.left:
            await kernel.let_go(Reason.LEFT)  # what an evicted node still holds would hold its name, too
            await kernel.renew()
    backoff = Backoff(kernel.config.links.redial_first, 1.0, kernel.rng)
    order = deque(dict.fromkeys(contacts))
    while not await join_one_of(kernel, order, fully=fully):
        order.rotate(-1)  # who answers, but lets nobody in, is not the first again
        await trio.sleep(backoff.next())
        kernel.check_member()


async def contact(kernel: Kernel, address: Address) -> NodeSpec:
    """Who is at that address; connected to it from now on. Raises as `Doorway.contact`."""
    try:
        return await kernel.doorway.contact(address)
    except Refusing as refusing:
        known = kernel.peers.table.get(refusing.claimed)
        if refusing.code == Refused.SIMULTANEOUS and known is not None and known.connection is not None:
            return known.connection.peer  # what this address says of that peer is not proved
        raise


async def join_one_of(kernel: Kernel, contacts: Collection[Address], *, fully: bool) -> bool:
    """One round over all contacts. True: joined."""
    refusals: dict[Address, str] = {}
    me = kernel.me
    while (answer := await _first_answer(kernel, contacts, refusals)) is not None:
        if kernel.left or kernel.me is not me:
            return False  # the life that asked is over
        address, found = answer
        why = await _join_through(kernel, found)
        if not why:
            return bool(kernel.driver.host.neighbours) and (not fully or await _is_filled(kernel, found))
        refusals[address] = f"declined by {found.name}: {why}"
    if len(refusals) == len(contacts):
        raise JoinError(
            f"this node lives on, not joined: {'; '.join(f'{one}: {why}' for one, why in refusals.items())}"
        )
    return False


_Answer = tuple[Address, NodeSpec]


async def _first_answer(kernel: Kernel, contacts: Iterable[Address], refusals: dict[Address, str]) -> _Answer | None:
    """Dial one contact after the other, without waiting for the silent ones, until one answers."""
    answers: list[_Answer | Exception] = []

    async def knock(address: Address, ended: trio.Event) -> None:
        try:
            found: NodeSpec | Exception | None = await _ask(kernel, address, refusals)
        except Exception as error:  # noqa: BLE001 - raised below, where it comes out in no group
            found = error
        ended.set()
        if found is not None:
            answers.append(found if isinstance(found, Exception) else (address, found))
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for address in [one for one in contacts if one not in refusals]:
            ended = trio.Event()
            nursery.start_soon(knock, address, ended)
            with trio.move_on_after(STAGGER):
                await ended.wait()
    first = answers[0] if answers else None
    if isinstance(first, Exception):
        raise first
    return first


async def _ask(kernel: Kernel, address: Address, refusals: dict[Address, str]) -> NodeSpec | None:
    try:
        return await contact(kernel, address)
    except Refusing as refusing:
        if refusing.code == Refused.NAME_IN_USE and refusing.is_proven:
            raise NameInUse(f"{address}: {refusing}") from refusing
        if refusing.code not in _PASSING:
            refusals[address] = str(refusing)
    except PeerUncertified as error:
        refusals[address] = str(error)
    except NO_ANSWER:
        pass
    return None


async def _join_through(kernel: Kernel, contact: NodeSpec) -> str:
    """Wait, about as long as a handshake may take, for the overlay to make somebody a neighbour, or to be declined.

    Returns why it was declined; nothing if it was not.
    """
    driver = kernel.driver
    driver.declined[contact.name] = ""
    try:
        driver.feed(Join(contact))
        with trio.move_on_after(kernel.config.links.handshake_timeout):
            while not (driver.host.neighbours or driver.declined.get(contact.name)):
                await driver.changed.park()
    finally:
        why = driver.declined.pop(contact.name, "")
    return why


async def _is_filled(kernel: Kernel, contact: NodeSpec) -> bool:
    """Wait, about as long as a handshake may take, for every lane to the contact; False: the link may be gone."""
    table = kernel.peers.table
    with kernel.journal.open_stream() as notices, trio.move_on_after(kernel.config.links.handshake_timeout):
        while (peer := table.get(contact.name)) is not None and not peer.is_full:
            await notices.receive()
    return peer is not None and peer.is_full
