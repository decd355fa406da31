"""Handshakes that end in a named refusal."""

import pytest
import trio
from msgspec.structs import replace

from partisan_core import Node, NodeSpec
from partisan_core.errors import JoinError, NameInUse
from partisan_core.events import Reason
from partisan_core.notices import DialRefused, NeighbourDown, NeighbourUp, PeerRefused
from partisan_core.wire.messages import Hello, Refusal, Refused, Welcome
from tests.core.kernel.nodes import PARTS, PATIENCE, Memory, link, notice_of, opened, pair, until
from tests.core.kernel.stranger import DATA_HELLO, HELLO, SPEC, stranger_at


async def join(node: Node, contact: Node) -> None:
    with trio.fail_after(PATIENCE):
        await node.join(*contact.addresses)


@pytest.mark.parametrize("transport", ["tcp", "memory"])
@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"node": {"cluster": "shop"}}, "cluster 'default' there, 'shop' here|'shop' there, 'default' here"),
        ({"overlay": {"use": f"{PARTS}:Ticking"}}, "Ticking.* there, .*Acquaintances.* here"),
        ({"overlay": {"use": f"{PARTS}:newer"}}, "overlay .* version"),
    ],
    ids=["cluster", "overlay", "overlay version"],
)
async def test_nodes_that_do_not_fit_refuse_each_other_with_both_values(
    transport: str, sections: dict[str, object], words: str
) -> None:
    where: dict[str, object] = {"transport": {"use": transport}}
    async with (
        opened("alpha", **where) as alpha,
        alpha.open_events() as events,
        opened("beta", **where, **sections) as beta,
    ):
        with pytest.raises(JoinError, match=words):
            await join(beta, alpha)
        refused = await notice_of(PeerRefused, events)
        assert refused.code in ("cluster", "overlay")
        assert not alpha.neighbours()


@pytest.mark.parametrize("transport", ["tcp", "memory"])
async def test_a_node_cannot_join_itself(transport: str) -> None:
    async with opened("alpha", transport={"use": transport}) as alpha:
        with pytest.raises(JoinError, match="this is node alpha itself"):
            await join(alpha, alpha)


async def test_one_good_contact_among_bad_ones_is_enough() -> None:
    memory = Memory()
    async with (
        memory.opened("alpha") as alpha,
        memory.opened("beta") as beta,
        memory.opened("gamma", node={"cluster": "shop"}) as gamma,
    ):
        with trio.fail_after(PATIENCE):
            await beta.join(*beta.addresses, *gamma.addresses, *alpha.addresses)
        assert beta.neighbours() == ("alpha",)


@pytest.mark.parametrize("transport", ["tcp", "memory"])
async def test_a_newcomer_with_the_name_of_a_living_node_is_refused(transport: str) -> None:
    where: dict[str, object] = {"transport": {"use": transport}}
    async with opened("alpha", **where) as alpha, opened("beta", **where) as beta:
        await link(beta, alpha)
        async with opened("beta", **where) as impostor:
            with pytest.raises(NameInUse, match="the name beta is in use by a living node at"):
                await join(impostor, alpha)
            with pytest.raises(NameInUse, match="in use by this node"):
                await join(impostor, beta)
        assert alpha.neighbours() == ("beta",)
        assert alpha.counters["NeighbourDown"] == 0


async def test_a_newcomer_takes_over_the_name_of_a_node_that_does_not_answer() -> None:
    async with opened("alpha") as alpha, stranger_at(alpha.addresses[0]) as silent:
        assert isinstance(await silent.shake(), Welcome)
        async with alpha.open_events() as events, opened("stranger") as newcomer:
            await join(newcomer, alpha)
            await until(lambda: alpha.neighbours() == ("stranger",))
            up = await notice_of(NeighbourUp, events)
            assert up.peer == newcomer.spec()
        await silent.wait_closed()


async def test_a_name_conflict_at_a_third_node_is_not_blamed_on_the_one_who_joins_it() -> None:
    """Gamma knows a living beta; the contact it is told is another life of that name."""
    async with opened("alpha") as alpha, opened("beta") as beta, opened("gamma") as gamma:
        await link(beta, gamma)
        async with opened("beta") as double:
            with pytest.raises(JoinError, match="beta is in use by a living node"):
                await join(gamma, double)
        assert alpha.neighbours() == ()


async def test_another_node_at_a_known_address_means_that_the_known_one_is_gone() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha, alpha.open_events() as events:
        async with memory.opened("beta") as beta:
            await link(beta, alpha)
            address = str(beta.addresses[0])
        down = await notice_of(NeighbourDown, events)
        assert down.reason is Reason.GONE
        async with memory.opened("gamma", node={"listen": [address]}):
            await until(lambda: "gamma" in str(alpha.member_states()))
            (row,) = [row for row in alpha.member_states() if row.name == "beta"]
            assert "'beta' was dialled, 'gamma' answered" in row.last_error


async def refusal_of(address_of: Node, hello: Hello) -> Refusal:
    async with stranger_at(address_of.addresses[0]) as stranger:
        answer = await stranger.shake(hello)
        assert isinstance(answer, Refusal)
        await stranger.wait_closed()
        return answer


@pytest.mark.parametrize(
    ("hello", "code", "words"),
    [
        (replace(HELLO, versions=(7, 9)), Refused.VERSION, "7 to 9 there"),
        (replace(HELLO, magic=b"ERLANG"), Refused.MALFORMED, "does not begin with"),
        (replace(HELLO, node=replace(SPEC, name="al pha")), Refused.MALFORMED, "al pha"),
        (replace(HELLO, lane=3), Refused.CHANNEL, "no lane 3 of channel 'membership'"),
        (replace(DATA_HELLO, node=replace(SPEC, name="unknown")), Refused.NOT_MEMBER, "after the membership"),
        (replace(DATA_HELLO, channel="bulk"), Refused.CHANNEL, "no lane 0 of channel 'bulk'"),
        (replace(DATA_HELLO, serializer="json"), Refused.SERIALIZER, "'json' there"),
    ],
    ids=lambda value: str(value) if isinstance(value, Refused) else "",
)
async def test_a_hello_that_cannot_be_accepted_is_refused_by_name(hello: Hello, code: Refused, words: str) -> None:
    async with opened("alpha") as alpha:
        refusal = await refusal_of(alpha, hello)
        assert refusal.code is code
        assert words in refusal.text


async def test_an_older_incarnation_than_the_known_one_is_refused() -> None:
    async with opened("alpha") as alpha:
        newer = replace(HELLO, node=NodeSpec("stranger", 5, 1))
        async with stranger_at(alpha.addresses[0]) as stranger:
            assert isinstance(await stranger.shake(newer), Welcome)
            refusal = await refusal_of(alpha, replace(HELLO, node=NodeSpec("stranger", 4, 1)))
            assert refusal.code is Refused.STALE
            assert "incarnation 4 of stranger is older than 5" in refusal.text


async def test_an_older_incarnation_is_refused_when_the_newer_is_gone_and_forgotten_too() -> None:
    """Seed 3 of HyParView: who took a name at another door died, and the former life of that name was let in."""
    async with opened("alpha") as alpha:
        async with stranger_at(alpha.addresses[0]) as stranger:
            assert isinstance(await stranger.shake(replace(HELLO, node=NodeSpec("stranger", 5, 1))), Welcome)
        await until(lambda: "stranger" not in alpha._kernel.peers.table)
        refusal = await refusal_of(alpha, replace(HELLO, node=NodeSpec("stranger", 4, 1)))
        assert refusal.code is Refused.STALE


async def test_a_handshake_that_was_overtaken_by_a_newer_life_is_refused_at_its_end() -> None:
    """The older life said its hello first and its proof last."""
    async with (
        opened("alpha") as alpha,
        stranger_at(alpha.addresses[0]) as newer,
        stranger_at(alpha.addresses[0]) as older,
    ):
        answers: list[Welcome | Refusal] = []

        async def overtake() -> None:
            answers.append(await newer.shake(replace(HELLO, node=NodeSpec("stranger", 5, 1))))

        assert isinstance(await older.shake(between=overtake), Refusal)
        assert isinstance(answers[0], Welcome)


async def test_a_node_that_has_left_refuses_and_is_joined_again_once_it_is_back() -> None:
    async with pair() as (alpha, beta):
        await beta.leave()
        with trio.move_on_after(0.2) as waited:
            await alpha.join(*beta.addresses)
        assert waited.cancelled_caught
        await link(beta, alpha)


async def test_a_refused_dial_is_noticed_with_the_reason() -> None:
    memory = Memory()
    async with memory.opened("alpha") as alpha, alpha.open_events() as events:
        async with memory.opened("beta") as beta:
            await link(beta, alpha)
        refused = await notice_of(DialRefused, events)
        assert refused.peer.name == "beta"
        assert "nobody listens" in refused.error
