"""Whatever peers, the network and the application say, no exception comes out and the views keep their bounds (I4)."""

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from partisan_core.effects import Note, Send, StartTimer
from partisan_core.events import (
    DialFailed,
    Event,
    Join,
    Leave,
    LinkDown,
    LinkUp,
    Reason,
    Received,
    Reserve,
    Started,
    Suspected,
    TimerFired,
)
from partisan_core.host import StrategyHost
from partisan_core.identity import Address, NodeSpec
from partisan_hyparview import HyParView, HyParViewConfig
from partisan_hyparview._neighbours import MAX_PENDING
from partisan_hyparview.messages import (
    MAX_PEERS,
    Accept,
    Cause,
    Disconnect,
    ForwardJoin,
    JoinRequest,
    Neighbour,
    Refuse,
    Shuffle,
    ShuffleReply,
    Test,
)

ACTIVE, PASSIVE = 3, 5
MOST_EFFECTS = 200
"""What one event may lead to: some times the longest list of peers."""
DOOR = (Address("10.0.0.1", 1),)
LABELS = st.sampled_from([{}, {"role": "server"}])
NAMES = [f"n{number}" for number in range(2 * MAX_PENDING)]

honest = st.builds(NodeSpec, st.sampled_from(NAMES), st.integers(1, 2), st.just(0), st.just(DOOR), LABELS)
forged = st.builds(
    NodeSpec, st.sampled_from(["me", "not a name", "n0"]), st.integers(-1, 3), st.just(0), st.sampled_from([DOOR, ()])
)
specs = st.one_of(honest, honest, honest, forged)
peers = st.lists(specs, max_size=MAX_PEERS).map(tuple)
hops = st.sampled_from([-1, 0, 1, 3, 6, 2**63])
messages = st.one_of(
    st.sampled_from([JoinRequest(), Accept(), Test(), Neighbour(True), Neighbour(False)]),
    st.builds(Refuse, peers),
    st.builds(ForwardJoin, specs, hops),
    st.builds(Shuffle, specs, peers, hops),
    st.builds(ShuffleReply, peers),
    st.builds(Disconnect, st.sampled_from(Cause), peers),
)
tokens = st.sampled_from(["shuffle", "repair", "rejoin", "nonsense", *(f"request {number}" for number in range(9))])
events = st.one_of(
    st.builds(Received, specs, messages),
    st.builds(Received, specs, messages),
    st.builds(Received, specs, messages),
    st.builds(TimerFired, tokens),
    st.builds(LinkUp, specs),
    st.builds(LinkDown, specs, st.sampled_from(Reason)),
    st.builds(DialFailed, specs, st.sampled_from(Reason)),
    st.builds(Join, specs),
    st.builds(Suspected, specs),
    st.builds(Reserve, st.just("role"), st.just("server"), st.integers(0, 4)),
)


def check(node: HyParView) -> None:
    links, members = node.links(), node.members()
    assert len(links) <= ACTIVE
    assert len(members) <= 1 + ACTIVE + PASSIVE
    assert "me" not in links
    assert links.keys() <= members.keys()
    assert all(name == peer.name for name, peer in members.items())
    assert not node._views.active.keys() & node._views.passive.keys()
    assert len(node._views.passive) <= PASSIVE
    assert "me" not in node._views.passive
    assert len(node._near.pending) <= MAX_PENDING
    assert node._views.free >= 0


def neighbours_first() -> list[Event]:
    """A full view, and as many requests as there can be: what a story is told to."""
    near = [NodeSpec(name, 1, 0, DOOR) for name in NAMES[:ACTIVE]]
    walks = [ForwardJoin(NodeSpec(name, 1, 0, DOOR), 0) for name in NAMES[ACTIVE:]]
    asked = [Received(near[0], walk) for walk in walks]
    return [Started(), *(Received(peer, Neighbour(True)) for peer in near), *asked]


@settings(deadline=None, max_examples=60)
@given(st.lists(events, max_size=60), st.integers(0, 99), st.booleans(), st.booleans())
def test_no_story_that_others_tell_breaks_a_node(
    story: Sequence[Event], seed: int, is_crowded: bool, leaves: bool
) -> None:
    me = NodeSpec("me", 1, 0, DOOR)
    node = HyParView(me, HyParViewConfig(active_max=ACTIVE, passive_max=PASSIVE), Random(seed))
    host = StrategyHost(node)
    for second, event in enumerate([*(neighbours_first() if is_crowded else [Started()]), *story]):
        before, links = node.members(), node.links()
        known, wanted = dict(before), dict(links)
        outcomes = list(host.feed(event, float(second)))
        check(node)
        assert node.members() is not before or node.members() == known
        assert node.links() is not links or node.links() == wanted
        assert len([one for one in outcomes if isinstance(one, Send | StartTimer | Note)]) < MOST_EFFECTS
    if leaves:
        list(host.feed(Leave(), 99.0))
        assert not node.members()
        assert not node.links()
