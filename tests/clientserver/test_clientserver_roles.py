"""Who accepts whom, as pure strategies say it."""

from itertools import product
from random import Random

import pytest
from msgspec import Struct, ValidationError
from msgspec.msgpack import decode, encode

from partisan_clientserver import Client, ClientServerConfig, Server
from partisan_clientserver.messages import Digest, News, Rejected, Summary, Update
from partisan_clientserver.plugin import make_member
from partisan_core.effects import Decline, Send
from partisan_core.errors import StartError
from partisan_core.events import DialFailed, Join, LinkDown, LinkUp, Reason, Received, Started, TimerFired
from partisan_core.identity import NodeSpec
from partisan_core.membership import MAX_ENTRIES, Entry, Status
from partisan_core.plugins import Plugins

LABELS: dict[str, dict[str, str]] = {
    "server": {"role": "server"},
    "client": {"role": "client"},
    "unlabelled": {},
    "unknown": {"role": "observer"},
}
LINKED = {("server", "server"), ("server", "client"), ("client", "server")}
PAIRS = list(product(("server", "client"), LABELS))


def spec(name: str, label: str, life: int = 1) -> NodeSpec:
    return NodeSpec(name, life, life, (), LABELS[label])


def member(name: str, label: str, servers: int = 2) -> Server | Client:
    made = make_member(spec(name, label), ClientServerConfig(servers=servers), Random(0))
    made.handle(Started(), 0.0)
    return made


def client_of(*names: str, servers: int = 2) -> Client:
    made = member("me", "client", servers)
    assert isinstance(made, Client)
    for name in names:
        made.handle(Join(spec(name, "server")), 0.0)
    return made


@pytest.mark.parametrize(("mine", "theirs"), PAIRS)
def test_a_speaker_is_a_member_or_is_rejected_by_name_as_the_table_says(mine: str, theirs: str) -> None:
    me, peer = member("me", mine), spec("peer", theirs)
    effects = me.handle(Received(peer, Summary({"peer": (1, 1)})), 0.0)
    rejections = [one.message for one in effects if isinstance(one, Send) and isinstance(one.message, Rejected)]
    if (mine, theirs) in LINKED:
        assert (set(me.members()), set(me.links()), rejections) == ({"me", "peer"}, {"peer"}, [])
    else:
        assert (set(me.members()), set(me.links())) == ({"me"}, set())
        assert ["peer" in one.reason for one in rejections] == [True]


@pytest.mark.parametrize(("mine", "theirs"), PAIRS)
def test_a_contact_and_hearsay_become_members_as_the_table_says(mine: str, theirs: str) -> None:
    for event in (Join(spec("peer", theirs)), Received(spec("s", "server"), News((Entry(spec("peer", theirs)),)))):
        me = member("me", mine)
        me.handle(event, 0.0)
        assert ("peer" in me.members()) == ((mine, theirs) in LINKED)
        assert "peer" not in me.links() or (mine, theirs) in LINKED


@pytest.mark.parametrize(("mine", "theirs"), PAIRS)
def test_a_contact_without_a_role_is_declined_by_name_and_every_other_is_asked(mine: str, theirs: str) -> None:
    effects = member("me", mine).handle(Join(spec("peer", theirs)), 0.0)
    declined = [one for one in effects if isinstance(one, Decline)]
    if theirs in ("server", "client"):
        assert declined == []
    else:
        assert [one.peer.name for one in declined] == ["peer"]
        assert "node peer has " in declined[0].why
        assert 'write [node.labels] role = "server" or "client"' in declined[0].why


@pytest.mark.parametrize(("mine", "theirs"), PAIRS)
def test_the_words_of_a_rejection_reach_whoever_joins_unless_servers_are_named(mine: str, theirs: str) -> None:
    speaker = NodeSpec("peer", 1, 1, (), LABELS[theirs])
    for known in ([], ["s1"]):
        me = member("me", mine)
        for name in known:
            me.handle(Join(spec(name, "server")), 0.0)
        sent = me.handle(Received(speaker, Summary({})), 0.0)
        rejections = [one.message for one in sent if isinstance(one, Send) and isinstance(one.message, Rejected)]
        if (mine, theirs) in LINKED:
            assert rejections == []
            continue
        [rejection] = rejections
        joining = member("peer", "client")  # with the label that it should have had
        said = joining.handle(Received(me._me, rejection), 0.0)
        if theirs == "client" and known:
            assert (said, set(joining.links())) == ([], {"s1"})
        else:
            assert said == [Decline(me._me, rejection.reason)]
            assert joining.links() == {}


@pytest.mark.parametrize("label", ["unlabelled", "unknown"])
def test_a_node_without_a_role_is_not_made_and_the_error_names_the_label(label: str) -> None:
    with pytest.raises(StartError, match=r"'clientserver': node me has .*role.*nothing was started"):
        member("me", label)


def test_a_rejection_of_a_client_names_the_servers_and_is_not_answered() -> None:
    asked, asking = client_of("s1"), member("you", "client")
    [send] = asked.handle(Received(spec("you", "client"), Summary({})), 0.0)
    assert isinstance(send, Send)
    assert asking.handle(Received(spec("me", "client"), send.message), 0.0) == []
    assert set(asking.links()) == {"s1"}


def test_a_rejection_of_an_overlong_label_fits_into_its_message() -> None:
    peer = NodeSpec("p" * 128, 1, 1, (), {"role": "\x00" * 255})
    [send] = member("me", "server").handle(Received(peer, Summary({})), 0.0)
    assert isinstance(send, Send)
    assert decode(encode(send.message), type=Rejected) == send.message


def test_a_server_wants_the_link_of_a_client_until_it_is_lost() -> None:
    server, client = member("me", "server"), spec("c", "client")
    server.handle(Received(client, Summary({})), 0.0)
    assert set(server.links()) == {"c"}
    server.handle(LinkDown(client, Reason.UNREACHABLE), 0.0)
    assert (set(server.links()), set(server.members())) == (set(), {"me", "c"})


def test_a_new_life_of_a_linked_client_stays_wanted_before_it_has_said_so() -> None:
    server = member("me", "server")
    server.handle(Received(spec("c", "client"), Summary({})), 0.0)
    server.handle(LinkUp(spec("c", "client", 2)), 0.0)
    assert server.links() == {"c": spec("c", "client", 2)}


def test_a_server_goes_on_wanting_a_lost_server() -> None:
    server, other = member("me", "server"), spec("s", "server")
    server.handle(Join(other), 0.0)
    server.handle(LinkDown(other, Reason.UNREACHABLE), 0.0)
    assert set(server.links()) == {"s"}


def test_a_client_wants_no_more_servers_than_it_is_told_to() -> None:
    client = client_of("s1", "s2", "s3", "s4")
    assert len(client.links()) == 2
    assert set(client.members()) == {"me", "s1", "s2", "s3", "s4"}


def test_a_client_puts_another_server_into_the_place_of_a_lost_one_at_once() -> None:
    client = client_of("s1", "s2", servers=1)
    [lost] = client.links().values()
    client.handle(LinkDown(lost, Reason.UNREACHABLE), 0.0)
    assert set(client.links()) == {"s1", "s2"} - {lost.name}


def test_a_client_replaces_a_server_that_cannot_be_dialled_with_the_next_round() -> None:
    client = client_of("s1", "s2", servers=1)
    [lost] = client.links().values()
    client.handle(DialFailed(lost, Reason.GONE), 0.0)
    assert set(client.links()) == {lost.name}, "replaced at once, two dead servers would be dialled without a pause"
    client.handle(TimerFired("round"), 1.0)
    assert set(client.links()) == {"s1", "s2"} - {lost.name}


def test_a_client_keeps_a_server_whose_link_works_by_the_next_round() -> None:
    client = client_of("s1", "s2", servers=1)
    [late] = client.links().values()
    client.handle(DialFailed(late, Reason.GONE), 0.0)
    client.handle(LinkUp(late), 0.5)
    client.handle(TimerFired("round"), 1.0)
    assert set(client.links()) == {late.name}


def test_a_client_goes_on_wanting_a_lost_server_when_there_is_no_other_or_it_has_restarted() -> None:
    alone = client_of("s1")
    alone.handle(LinkDown(spec("s1", "server"), Reason.UNREACHABLE), 0.0)
    assert set(alone.links()) == {"s1"}
    client = client_of("s1", "s2", servers=1)
    [old] = client.links().values()
    client.handle(LinkDown(old, Reason.RESTARTED), 0.0)
    client.handle(LinkUp(spec(old.name, "server", 2)), 0.0)
    assert client.links() == {old.name: spec(old.name, "server", 2)}


def test_a_server_that_comes_back_as_a_client_is_no_server_any_more() -> None:
    client = client_of("s1", "s2", servers=1)
    [old] = client.links()
    client.handle(Received(spec("s3", "server"), Update((Entry(spec(old, "client", 2)),))), 0.0)
    assert old not in client.links()
    assert old not in client.members()


def test_a_client_names_a_connected_server_as_the_way_to_everybody_else() -> None:
    client = client_of("s1", "s2", "s3")
    assert client.next_hop("stranger") is None
    [first, second] = client.links().values()
    client.handle(LinkUp(first), 0.0)
    assert [client.next_hop(name) for name in ("stranger", second.name, first.name, "me")] == [
        first.name,
        first.name,
        None,
        None,
    ]
    client.handle(LinkDown(first, Reason.UNREACHABLE), 0.0)
    assert client.next_hop("stranger") is None


def test_a_server_names_no_way() -> None:
    assert member("me", "server").next_hop("stranger") is None


def test_a_client_is_told_of_servers_and_of_its_own_end_and_of_no_other_client() -> None:
    server, client = member("me", "server"), spec("c1", "client")
    effects = server.handle(Received(client, Summary({"c1": (1, 1)})), 0.0)
    told = Entry(spec("c2", "client")), Entry(spec("s2", "server")), Entry(client, Status.EVICTED)
    effects += server.handle(Received(spec("s1", "server"), News(told)), 0.0)
    effects += server.handle(Received(client, Summary({"c1": (1, 1)})), 0.0)
    sent = [one.message for one in effects if isinstance(one, Send) and one.peer == client]
    entries = [entry for one in sent if isinstance(one, News | Update) for entry in one.entries]
    assert {entry.spec.name for entry in entries} == {"me", "s1", "s2", "c1"}


def test_the_overlay_is_found_by_its_name_and_declares_what_it_can() -> None:
    plugin = Plugins().overlay("clientserver")
    assert plugin.config is ClientServerConfig
    assert isinstance(plugin.make(spec("s", "server"), ClientServerConfig(), Random(0)), Server)
    assert plugin.capabilities == Client.capabilities == Server.capabilities == {"evict"}


ALPHA = spec("alpha", "server")
MESSAGES = [
    Digest(2**64 - 1),
    Summary({"alpha": (1, 2)}),
    Update((Entry(ALPHA),), ("beta",)),
    News((Entry(ALPHA),)),
    Rejected("because", (Entry(ALPHA),)),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_survives_the_wire(message: Struct) -> None:
    assert decode(encode(message), type=Digest | Summary | Update | News | Rejected) == message
    assert type(message) in Server.messages


def test_a_message_with_more_names_than_a_set_may_hold_is_refused() -> None:
    names = [f"node-{number}" for number in range(MAX_ENTRIES + 1)]
    with pytest.raises(ValidationError, match="length"):
        decode(encode(["u", [], names]), type=Update)
