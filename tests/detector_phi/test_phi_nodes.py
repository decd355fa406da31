"""The detector in real nodes, on a virtual clock."""

import trio
from trio.testing import MockClock

from partisan_core.notices import PeerSuspected, PeerTrusted
from partisan_core.views import MemberState
from tests.core.kernel.nodes import notice_of
from tests.core.kernel.test_virtual_time import frail_pair

PHI = {"use": "phi"}


async def test_a_peer_that_went_silent_is_suspected_within_five_seconds_and_trusted_when_it_is_back(
    autojump_clock: MockClock,
) -> None:
    async with frail_pair(failure_detector=PHI, links={"reconnect_grace": "1h"}) as (network, alpha, _beta, events):
        await trio.sleep(600)
        assert alpha.counters["PeerSuspected"] == 0
        start = trio.current_time()
        network.silence()
        assert (await notice_of(PeerSuspected, events)).peer.name == "beta"
        assert trio.current_time() - start < 5
        network.silent = False
        assert (await notice_of(PeerTrusted, events)).peer.name == "beta"
        assert alpha.counters["NeighbourDown"] == 0


async def test_a_connection_that_breaks_and_is_back_at_once_is_no_suspicion(autojump_clock: MockClock) -> None:
    """The detector `tcp` suspects each time."""
    async with frail_pair(failure_detector=PHI) as (network, alpha, beta, _events):
        for _ in range(20):
            await trio.sleep(1.7)
            network.cut()
        await trio.sleep(60)
        assert alpha.counters["ChannelDown"] >= 20
        assert alpha.counters["PeerSuspected"] == beta.counters["PeerSuspected"] == 0
        states = {row.name: row.state for row in alpha.member_states()}
        assert states["beta"] is MemberState.UP
