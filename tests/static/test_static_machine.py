"""The static overlay as a pure machine: events in, effects and views out."""

from random import Random

import pytest
from msgspec.msgpack import decode, encode

from partisan_core.config import load_config, structure_options
from partisan_core.effects import Effect, Note, Send
from partisan_core.errors import ConfigError
from partisan_core.events import Evict, Join, Leave, LinkDown, LinkUp, Reason, Received
from partisan_core.identity import Address, NodeSpec
from partisan_core.plugins import Plugins
from partisan_static import Static, StaticConfig
from partisan_static._protocol import MAX_PEERS
from partisan_static.messages import Farewell, Greeting

ALPHA, BETA, GAMMA = (NodeSpec(name, 5, 5, (Address(name, 1),)) for name in ("alpha", "beta", "gamma"))
NEWER_BETA = NodeSpec("beta", 6, 1, (Address("elsewhere", 1),))
LISTED_BETA = NodeSpec("beta", 0, 0, (Address("listed", 1),))


def static(*peers: NodeSpec) -> Static:
    return Static(ALPHA, StaticConfig(peers=peers), Random(0))


def joined(*contacts: NodeSpec) -> Static:
    made = static()
    for contact in contacts:
        made.handle(Join(contact), 0.0)
    return made


def greeted(machine: Static, peer: NodeSpec) -> list[Effect]:
    return machine.handle(Received(peer, Greeting()), 0.0)


def test_the_overlay_is_found_by_its_name_and_declares_what_it_can() -> None:
    plugin = Plugins().overlay("static")
    assert plugin.config is StaticConfig
    assert isinstance(plugin.make(ALPHA, StaticConfig(), Random(0)), Static)
    assert plugin.capabilities == Static.capabilities == {"evict"}


@pytest.mark.parametrize("message", [Greeting(), Farewell()])
def test_every_message_survives_the_wire(message: Greeting | Farewell) -> None:
    assert decode(encode(message), type=Greeting | Farewell) == message
    assert type(message) in Static.messages


def test_a_node_knows_itself_and_whom_the_configuration_names_but_for_its_own_name() -> None:
    machine = static(LISTED_BETA, ALPHA)
    assert machine.links() == {"beta": LISTED_BETA}
    assert machine.members() == {"alpha": ALPHA, "beta": LISTED_BETA}


def test_views_are_the_same_objects_while_nothing_changes() -> None:
    machine = joined(BETA)
    members, links = machine.members(), machine.links()
    for event in (Join(BETA), LinkUp(BETA), LinkDown(BETA, Reason.GONE), Received(BETA, Greeting()), Evict(GAMMA)):
        machine.handle(event, 0.0)
    assert machine.members() is members
    assert machine.links() is links


def test_who_is_joined_is_wanted_and_greeted_on_every_new_link() -> None:
    machine = static()
    assert machine.handle(Join(BETA), 0.0) == []
    assert machine.links() == {"beta": BETA}
    assert machine.handle(LinkUp(BETA), 0.0) == [Send(BETA, Greeting())]


def test_who_greets_is_a_peer_from_then_on() -> None:
    machine = static()
    assert greeted(machine, BETA) == []
    assert machine.links() == {"beta": BETA}


def test_a_link_to_who_is_no_peer_any_more_makes_nobody_a_peer() -> None:
    machine = static()
    assert machine.handle(LinkUp(BETA), 0.0) == []
    assert machine.links() == {}


def test_a_link_that_is_down_stays_wanted() -> None:
    machine = joined(BETA)
    machine.handle(LinkDown(BETA, Reason.UNREACHABLE), 0.0)
    assert machine.links() == {"beta": BETA}


def test_a_node_is_never_its_own_peer() -> None:
    machine = joined(ALPHA)
    greeted(machine, ALPHA)
    assert machine.links() == {}


@pytest.mark.parametrize("event", [LinkUp(NEWER_BETA), Received(NEWER_BETA, Greeting()), Join(NEWER_BETA)])
def test_a_newer_life_replaces_the_older_one(event: LinkUp | Received | Join) -> None:
    machine = joined(BETA)
    assert Note(BETA, Reason.RESTARTED) in machine.handle(event, 0.0)
    assert machine.links() == {"beta": NEWER_BETA}
    greeted(machine, BETA)
    machine.handle(Received(BETA, Farewell()), 0.0)
    assert machine.links() == {"beta": NEWER_BETA}


def test_a_farewell_ends_the_link() -> None:
    machine = joined(BETA, GAMMA)
    assert machine.handle(Received(BETA, Farewell()), 0.0) == [Note(BETA, Reason.LEFT)]
    assert machine.links() == {"gamma": GAMMA}
    assert set(machine.members()) == {"alpha", "gamma"}


def test_who_leaves_tells_its_peers_and_is_deaf_from_then_on() -> None:
    machine = joined(BETA, GAMMA)
    assert machine.handle(Leave(), 0.0) == [Send(BETA, Farewell()), Send(GAMMA, Farewell())]
    assert machine.handle(Join(BETA), 0.0) == []
    assert machine.links() == {}
    assert "alpha" not in machine.members()
    assert machine.snapshot() == b""


def test_who_is_evicted_is_told_and_turned_away_until_it_begins_anew() -> None:
    machine = joined(BETA)
    assert machine.handle(Evict(BETA), 0.0) == [Note(BETA, Reason.EVICTED), Send(BETA, Farewell())]
    assert greeted(machine, BETA) == [Send(BETA, Farewell())]
    assert machine.links() == {}
    greeted(machine, NEWER_BETA)
    assert machine.links() == {"beta": NEWER_BETA}


def test_who_was_evicted_is_a_peer_again_when_it_is_joined() -> None:
    machine = joined(BETA)
    machine.handle(Evict(BETA), 0.0)
    machine.handle(Join(BETA), 0.0)
    assert greeted(machine, BETA) == []
    assert machine.links() == {"beta": BETA}


def test_who_greets_a_full_node_is_turned_away() -> None:
    machine = joined(*(NodeSpec(f"peer-{number}", 1, 1) for number in range(MAX_PEERS)))
    assert greeted(machine, BETA) == [Send(BETA, Farewell())]
    assert greeted(machine, NodeSpec("peer-0", 2, 2)) == [Note(NodeSpec("peer-0", 1, 1), Reason.RESTARTED)]
    assert len(machine.links()) == MAX_PEERS


def test_a_snapshot_brings_back_who_was_joined_and_the_configuration_who_is_configured() -> None:
    before = static(LISTED_BETA)
    before.handle(LinkUp(BETA), 0.0)
    before.handle(Join(GAMMA), 0.0)
    after, without = static(LISTED_BETA), static()
    after.restore(before.snapshot())
    without.restore(before.snapshot())
    assert after.links() == {"beta": LISTED_BETA, "gamma": GAMMA}
    assert without.members() == {"alpha": ALPHA, "gamma": GAMMA}


@pytest.mark.parametrize("data", [b"", b"\xc1 no snapshot", encode(7)])
def test_a_snapshot_that_cannot_be_read_is_ignored(data: bytes) -> None:
    machine = static(LISTED_BETA)
    machine.restore(data)
    assert machine.links() == {"beta": LISTED_BETA}


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        (["beta"], "expected a name and its address"),
        ([7], "expected a name and its address"),
        (["beta=127.0.0.1"], "has no port|is no address"),
        (["be ta=127.0.0.1:1"], "expected a name: 1 to 128"),
        (["beta=127.0.0.1:1", "beta=127.0.0.1:2"], "each name once"),
    ],
)
def test_a_wrong_peer_is_a_mistake_of_the_configuration(peers: list[object], expected: str) -> None:
    settings = {"overlay": {"use": "static", "peers": peers}}
    with pytest.raises(ConfigError, match=expected):
        structure_options(load_config(environ={}, overrides=settings).overlay, StaticConfig, "overlay")
