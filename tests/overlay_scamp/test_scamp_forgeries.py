"""Whatever peers send, in whatever order: nothing raises, no bound is broken, and what comes out can be sent."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.msgpack import encode

from partisan_core.effects import Send
from partisan_core.events import DialFailed, Event, Join, LinkDown, LinkUp, Reason, Received, Started, TimerFired
from partisan_core.identity import Address, NodeSpec
from partisan_overlay_scamp import Scamp, ScampConfig, ScampV2Config
from partisan_overlay_scamp.messages import Forward, Heartbeat, Probe, Subscribe, Unsubscribe, Walk, Welcome

VIEW_MAX = 4

numbers = st.one_of(st.integers(-2, 3), st.sampled_from([-(2**63), 2**63 - 1, 2**64 - 1]))
doors = st.sampled_from([(), (Address("10.0.0.1", 1),), (Address("no host!", -1),)])
names = st.sampled_from(["me", "", "a name", *(f"n{number}" for number in range(8))])
hearsay = st.builds(NodeSpec, names, numbers, numbers, doors)
peers = st.builds(NodeSpec, names.filter(lambda name: name.isalnum()), st.integers(1, 3), st.just(0), doors)
messages: st.SearchStrategy[Struct] = st.one_of(
    st.builds(Subscribe, numbers, numbers),
    st.builds(Walk, hearsay, numbers, numbers, numbers, numbers),
    st.builds(Forward, hearsay, numbers, numbers),
    st.builds(Unsubscribe, st.one_of(st.none(), hearsay)),
    st.sampled_from([Heartbeat(), Welcome(), Probe()]),
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Received, peers, messages),
    st.builds(Received, peers, messages),
    st.builds(LinkUp, peers),
    st.builds(LinkDown, peers, st.sampled_from(Reason)),
    st.builds(DialFailed, peers, st.sampled_from(Reason)),
    st.builds(Join, peers),
    st.builds(TimerFired, st.sampled_from(["beat", "renew", "retry", "unknown"])),
)
steps = st.tuples(events, st.floats(0, 200))


@given(st.lists(steps, max_size=60), st.booleans(), st.integers(0, 1000))
def test_no_peer_can_make_a_node_raise_or_grow_or_hold_itself(
    script: list[tuple[Event, float]], is_second: bool, seed: int
) -> None:
    config = ScampV2Config(view_max=VIEW_MAX) if is_second else ScampConfig(view_max=VIEW_MAX)
    node = Scamp(NodeSpec("me", 1, 1, (Address("10.0.0.1", 2),)), config, Random(seed))
    node.handle(Started(), 0.0)
    now = 0.0
    for event, pause in script:
        now += pause
        effects = node.handle(event, now)
        said = [effect.message for effect in effects if isinstance(effect, Send)]
        assert len(said) <= 2 * VIEW_MAX + config.extra_copies + 2
        encode(said)
        assert len(node.links()) <= VIEW_MAX
        assert "me" not in node.links()
        assert node.members().keys() >= node.links().keys() | {"me"}
        assert len(node.members()) <= 2 * VIEW_MAX + 1
        assert all(peer.addresses for peer in node.links().values())


@given(st.binary(max_size=60))
def test_no_snapshot_makes_a_node_raise(data: bytes) -> None:
    node = Scamp(NodeSpec("me", 1, 1, (Address("10.0.0.1", 2),)), ScampConfig(), Random(0))
    node.restore(data)
    node.handle(Started(), 0.0)
    assert "me" in node.members()
