"""How a restarted node comes back to the peers that it remembers, without contacts."""

import logging
from collections.abc import Iterable, Sequence
from itertools import takewhile

import trio

from partisan_core.errors import JoinError, NameInUse
from partisan_core.identity import Address
from partisan_core.kernel._links import Backoff
from partisan_core.kernel.joining import join_one_of
from partisan_core.kernel.kernel import Kernel

log = logging.getLogger("partisan.membership")

_STAGGER = 0.1
"""Seconds, on average, between two tries of a round: some 30 are in progress while nobody answers (chosen)."""

_MORE = 8
"""Unknown peers that are tried beyond the first that answers: nodes that all restart at once may have come back to
each other in pairs, and are one cluster after that (chosen; decision 0011)."""


async def rejoin(kernel: Kernel, peers: dict[str, tuple[Address, ...]]) -> None:
    """Try `peers` (the one seen last at the end) in rounds, with growing pauses, until there is a neighbour.

    Raises:
        NameInUse: a living node has this node's name: the data_dir was copied.
    """
    links, me = kernel.config.links, kernel.me
    backoff = Backoff(links.redial_first, links.redial_limit, kernel.rng)
    await trio.sleep(backoff.next())  # the overlay may bring itself back, from its snapshot
    while kernel.me is me and not kernel.judge.barred:  # who has left and joined again remembers nobody
        failures: list[JoinError | NameInUse] = []
        async with trio.open_nursery() as nursery:
            for addresses in takewhile(lambda _: kernel.me is me, _unknown(kernel, peers)):
                nursery.start_soon(_try, kernel, addresses, failures)
                await trio.sleep(kernel.rng.uniform(0, 2 * _STAGGER))
        if kernel.driver.host.neighbours or kernel.me is not me:
            return
        for taken in (failure for failure in failures if isinstance(failure, NameInUse)):
            raise taken
        why = failures[-1] if failures else "no answer"
        log.info("%s: none of %d remembered peers could be joined (%s); trying again", kernel.me.name, len(peers), why)
        await trio.sleep(backoff.next())


def _unknown(kernel: Kernel, peers: dict[str, tuple[Address, ...]]) -> Iterable[Sequence[Address]]:
    """Everybody while alone; then a few of whom the cluster that was found knows nothing."""
    more = _MORE
    for name in reversed(peers):
        if not kernel.driver.host.neighbours:
            yield peers[name]
        elif name not in kernel.members() and more:
            more -= 1
            yield peers[name]


async def _try(kernel: Kernel, addresses: Sequence[Address], failures: list[JoinError | NameInUse]) -> None:
    try:
        await join_one_of(kernel, addresses, fully=False)
    except (JoinError, NameInUse) as error:
        failures.append(error)
