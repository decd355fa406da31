"""Joining through several contacts, some of which are dead, slow or strangers."""

import pytest
import trio
from trio.testing import MockClock

from partisan_core.errors import JoinError, NodeClosed
from partisan_core.identity import Address
from partisan_core.kinds import Wire
from tests.core.kernel.frail import FrailNetwork
from tests.core.kernel.nodes import PARTS, PATIENCE, Memory, until
from tests.core.kernel.test_virtual_time import on

SILENT = [f"silent-{number}.example:9090" for number in range(4)]
CLOSED = [f"closed-{number}.example:9090" for number in range(4)]


class Continent(FrailNetwork):
    """Whoever is called silent never answers a dial."""

    async def dial(self, address: Address) -> Wire:
        if address.host.startswith("silent"):
            self.dials.append(trio.current_time())
            await trio.sleep_forever()
        return await super().dial(address)


@pytest.mark.parametrize("dead", [1, 2, 4])
async def test_each_silent_contact_costs_a_quarter_of_a_second_at_most(dead: int, autojump_clock: MockClock) -> None:
    network = Continent()
    async with on(network, "alpha") as alpha, on(network, "beta") as beta:
        start = trio.current_time()
        with trio.fail_after(PATIENCE):
            await beta.join(*SILENT[:dead], *alpha.addresses)
        assert trio.current_time() - start == pytest.approx(0.25 * dead, abs=0.01)
        assert beta.neighbours() == ("alpha",)


async def test_contacts_that_refuse_cost_no_time(autojump_clock: MockClock) -> None:
    network = Continent()
    async with on(network, "alpha") as alpha, on(network, "beta") as beta:
        start = trio.current_time()
        with trio.fail_after(PATIENCE):
            await beta.join(*CLOSED, *alpha.addresses)
        assert trio.current_time() - start < 0.01


async def test_a_contact_that_answers_is_enough_and_the_others_are_left_alone(autojump_clock: MockClock) -> None:
    network = Continent()
    async with on(network, "alpha") as alpha, on(network, "beta") as beta, on(network, "gamma") as gamma:
        await gamma.join(*SILENT[:1], *alpha.addresses, *beta.addresses)
        await trio.sleep(5)
        assert gamma.neighbours() == ("alpha",)
        assert not beta.connections()


async def test_a_join_goes_on_until_one_of_the_contacts_lives(autojump_clock: MockClock) -> None:
    network = Continent()
    async with on(network, "alpha") as alpha, trio.open_nursery() as nursery:
        joined = trio.Event()

        async def join() -> None:
            await alpha.join(*SILENT[:1], "beta.example:9090", *CLOSED)
            joined.set()

        nursery.start_soon(join)
        await trio.sleep(30)
        assert not joined.is_set()
        async with on(network, "beta", node={"listen": ["beta.example:9090"]}):
            with trio.fail_after(PATIENCE):
                await joined.wait()
        assert len(network.dials) < 6 * 3 * 30, "with pauses between the rounds"


async def test_a_contact_that_answers_and_leads_to_no_link_does_not_keep_the_others_from_their_turn(
    autojump_clock: MockClock,
) -> None:
    network, choosy = FrailNetwork(), {"use": f"{PARTS}:Choosy"}
    async with (
        on(network, "alpha", overlay=choosy) as alpha,
        on(network, "beta", overlay=choosy) as beta,
        on(network, "gamma", overlay=choosy) as gamma,
    ):
        with trio.fail_after(PATIENCE):
            await gamma.join(*alpha.addresses, *beta.addresses)
        assert gamma.neighbours() == ("beta",)


async def test_the_same_node_under_two_addresses_is_one_neighbour(autojump_clock: MockClock) -> None:
    network = Continent()
    two = {"listen": ["a.example:1", "b.example:2"]}
    async with on(network, "alpha", node=two) as alpha, on(network, "beta") as beta:
        with trio.fail_after(PATIENCE):
            await beta.join("a.example:1", "b.example:2", "a.example:1", fully=True)
        await trio.sleep(5)
        assert alpha.neighbours() == ("beta",)
        assert beta.counters["NeighbourUp"] == alpha.counters["NeighbourUp"] == 1


async def test_a_join_without_contacts_is_an_error() -> None:
    async with Memory().opened("alpha") as alpha:
        with pytest.raises(JoinError, match="at least one"):
            await alpha.join()


async def test_a_join_ends_with_an_error_when_the_node_leaves_meanwhile(autojump_clock: MockClock) -> None:
    async with on(Continent(), "alpha") as alpha, trio.open_nursery() as nursery:

        async def join() -> None:
            with pytest.raises(NodeClosed, match="has left"), trio.fail_after(PATIENCE):
                await alpha.join(*SILENT, fully=True)

        nursery.start_soon(join)
        await trio.sleep(3)
        await alpha.leave()


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_full_join_goes_on_when_the_contact_goes_before_it_is_full(
    wanted: bool, autojump_clock: MockClock
) -> None:
    """The first alpha accepts the membership connection and no data lane; a second one takes its place."""
    network = FrailNetwork()
    async with on(network, "beta") as beta, trio.open_nursery() as nursery:
        address = {"listen": ["alpha.example:1"]}
        other = {"serializer": {"use": "tests.core.kernel.parts:other"}}
        async with on(network, "alpha", node=address, **other) as alpha:
            done = trio.Event()

            async def join() -> None:
                await beta.join(*alpha.addresses, fully=True)
                done.set()

            nursery.start_soon(join)
            await until(lambda: beta.neighbours() == ("alpha",))
            await trio.sleep(5)
            assert not done.is_set()
            assert not beta.is_fully_connected("alpha")
            if not wanted:
                beta.evict("alpha")
        async with on(network, "alpha", node=address):
            with trio.fail_after(PATIENCE):
                await done.wait()
            assert beta.is_fully_connected("alpha")
