"""What a star costs while nothing happens: little talk, and answers that need no look at every member."""

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from partisan_clientserver import Client, ClientServerConfig, Server
from partisan_clientserver.messages import News, Summary, Update
from partisan_core.effects import Send
from partisan_core.events import Event, LinkUp, Received, Started, TimerFired
from partisan_core.identity import NodeSpec
from partisan_core.membership import Entry, MembershipSet, Status, Version, Versions

TTL = ClientServerConfig().tombstone_ttl
ROLES = {"s1": "server", "s2": "server", "s3": "server", "c1": "client", "c2": "client"}
ASKER = NodeSpec("c1", 1, 1, (), {"role": "client"})


class Thorough(Server):
    """A server that goes through all members for every summary."""

    def _is_settled(self, versions: Versions) -> bool:
        return False


def spec(name: str, life: int = 1, role: str = "") -> NodeSpec:
    return NodeSpec(name, life, life, (), {"role": role or ROLES[name]})


specs = st.builds(spec, st.sampled_from(sorted(ROLES)), st.integers(0, 2), st.sampled_from(["", "server", "client"]))
entries = st.builds(Entry, specs, st.sampled_from(Status), st.sampled_from([0, 1000, round(TTL * 900)]))
entry_lists = st.lists(entries, max_size=6)


def versions_of(*known: Entry) -> dict[str, Version]:
    held = MembershipSet(TTL)
    held.merge([Entry(one.spec, one.status, one.age if one.status else 0) for one in known], 0.0)
    return held.versions()


def server_of(made: type[Server], *steps: list[Entry]) -> Server:
    server = made(spec("s1"), ClientServerConfig(), Random(0))
    server.handle(Started(), 0.0)
    for step in steps:
        server.handle(Received(spec("s2"), News(tuple(step))), 0.0)
    return server


def sent(to: Server | Client, *events: Event, now: float = 0.0) -> list[object]:
    effects = [effect for event in events for effect in to.handle(event, now)]
    return [effect.message for effect in effects if isinstance(effect, Send)]


@given(st.sampled_from([ASKER, spec("s2")]), entry_lists, entry_lists, entry_lists)
@example(asker=spec("s2"), before=[Entry(ASKER), Entry(spec("c2"))], after=[], others=[])
@example(asker=ASKER, before=[], after=[Entry(spec("s3"))], others=[])
def test_who_asks_hears_what_it_would_if_the_server_went_through_all_members(
    asker: NodeSpec, before: list[Entry], after: list[Entry], others: list[Entry]
) -> None:
    known = [Entry(ASKER), Entry(spec("s1")), Entry(spec("s2"))]
    held = [known, [*known, *before], [*known, *after], others]
    summaries = [Summary(versions_of(*one)) for one in held]
    quick, thorough = server_of(Server, before), server_of(Thorough, before)
    for step in ([], after):
        for summary in summaries:
            news = Received(spec("s2"), News(tuple(step)))
            asked = Received(asker, summary)
            assert sent(quick, news, asked, asked) == sent(thorough, news, asked, asked)


def test_a_client_that_lacks_nothing_costs_no_look_at_every_member(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [Entry(ASKER), Entry(spec("s1")), Entry(spec("s2"))]
    server = server_of(Server, [*known, Entry(spec("c2"))])
    looks: list[Versions] = []
    delta_for = MembershipSet.delta_for

    def counted(self: MembershipSet, versions: Versions, now: float) -> list[Entry]:
        looks.append(versions)
        return delta_for(self, versions, now)

    monkeypatch.setattr(MembershipSet, "delta_for", counted)
    settled, lacking = Received(ASKER, Summary(versions_of(*known))), Received(ASKER, Summary(versions_of(*known[:2])))
    assert sent(server, settled, settled) == []
    assert looks == []
    assert sent(server, lacking) == [Update((Entry(spec("s2")),))]
    assert len(looks) == 1


def test_a_client_speaks_in_every_round_while_something_happens_and_in_every_fifth_when_calm() -> None:
    client = Client(ASKER, ClientServerConfig(), Random(0))
    client.handle(Started(), 0.0)
    client.handle(Received(spec("s1"), News((Entry(spec("s1")),))), 0.0)

    def spoken(rounds: int) -> list[int]:
        return [number for number in range(1, rounds + 1) if sent(client, TimerFired("round"))]

    for happened in (LinkUp(spec("s1")), Received(spec("s1"), News(()))):
        client.handle(happened, 0.0)
        assert spoken(20) == [1, 2, 3, 4, 5, 10, 15, 20]
