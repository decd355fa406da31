"""The handshake between two ends that behave."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from partisan_core.errors import HandshakeError
from partisan_core.wire.frames import Kind
from partisan_core.wire.handshake import TRANSITIONS, Handshake, Role, State, Way
from partisan_core.wire.messages import Proof, Refused, Welcome
from tests.wire.hands import ALPHA, BETA, KEYRING, accepter, dialler, frame, hello, shake, unsigned


def test_two_fitting_nodes_connect() -> None:
    one, other = dialler(), accepter()
    shake(one, other)
    assert (one.state, other.state) == (State.JUDGE, State.PROOF)
    assert one.peer is not None
    assert other.peer is not None
    assert (one.peer.node, other.peer.node) == (BETA, ALPHA)
    assert one.version == other.version == 1
    other.receive(frame(one.prove(7, 100, 200)))
    assert other.state is State.JUDGE_PROOF
    assert unsigned(other.proof) == Proof(7, 100, 200)
    one.receive(frame(other.welcome(7, 200, resumed=True, sent=100)))
    assert (one.state, other.state) == (State.DONE, State.DONE)
    assert unsigned(one.welcome_received) == Welcome(7, 200, True, 100)
    assert one.refusal is other.refusal is None


def test_the_accepter_repeats_the_channel_lane_and_serializer_of_the_dialler() -> None:
    one, other = dialler(channel="bulk", lane=3, serializer="msgpack"), accepter()
    shake(one, other)
    assert one.state is State.JUDGE
    assert one.peer is not None
    assert (one.peer.channel, one.peer.lane, one.peer.serializer) == ("bulk", 3, "msgpack")


def test_a_contact_of_which_only_the_address_is_known_may_have_any_name() -> None:
    one = Handshake(Role.DIALLER, hello(ALPHA), KEYRING, expected=None)
    shake(one, accepter())
    assert one.state is State.JUDGE


def test_the_highest_common_version_is_spoken() -> None:
    one, other = dialler(versions=(1, 3)), accepter(versions=(2, 5))
    shake(one, other)
    assert one.version == other.version == 3


ACCEPTER_REFUSES = [
    ({"cluster": "bank"}, {}, Refused.CLUSTER, ["'bank' there", "'shop' here"]),
    ({"overlay": "hyparview"}, {}, Refused.OVERLAY, ["'hyparview' version 1", "'fullmesh' version 1"]),
    ({"overlay_version": 2}, {}, Refused.OVERLAY, ["version 2 there", "version 1 here"]),
    ({"versions": (3, 4)}, {"versions": (1, 2)}, Refused.VERSION, ["3 to 4 there", "1 to 2 here"]),
    ({"versions": (1, 2)}, {"versions": (3, 4)}, Refused.VERSION, ["1 to 2 there", "3 to 4 here"]),
    ({"node": BETA}, {}, Refused.SELF, ["node beta itself"]),
    ({"magic": b"SOMEBODY"}, {}, Refused.MALFORMED, ["b'PARTISAN'"]),
]


@pytest.mark.parametrize(("ours", "theirs", "code", "words"), ACCEPTER_REFUSES)
def test_the_accepter_refuses_by_name_and_the_dialler_hears_it(
    ours: dict[str, object], theirs: dict[str, object], code: Refused, words: list[str]
) -> None:
    one, other = dialler(**ours), accepter(**theirs)
    shake(one, other)
    assert (one.state, other.state) == (State.REFUSED, State.REFUSED)
    assert (one.refused_by_peer, other.refused_by_peer) == (True, False)
    assert one.refusal == other.refusal
    assert one.refusal is not None
    assert one.refusal.code is code
    assert all(word in one.refusal.text for word in words)


def test_another_node_than_the_one_dialled_is_refused_by_the_dialler() -> None:
    one, other = Handshake(Role.DIALLER, hello(ALPHA), KEYRING, expected="gamma"), accepter()
    shake(one, other)
    assert one.refusal is not None
    assert one.refusal.code is Refused.NAME
    assert one.refusal.text == "node 'gamma' was dialled, 'beta' answered"
    assert (other.refusal, other.refused_by_peer) == (one.refusal, True)


@pytest.mark.parametrize(
    ("asked", "answered", "code"),
    [
        ({"channel": "bulk"}, {"channel": "default"}, Refused.CHANNEL),
        ({"lane": 1}, {"lane": 2}, Refused.LANE),
        ({"serializer": "msgpack"}, {"serializer": "json"}, Refused.SERIALIZER),
    ],
)
def test_an_answer_for_another_lane_than_the_one_asked_for_is_refused(
    asked: dict[str, object], answered: dict[str, object], code: Refused
) -> None:
    one = dialler(**asked)
    one.start()
    one.receive(frame(Handshake(Role.DIALLER, hello(BETA, **(asked | answered)), KEYRING).start()))
    assert one.refusal is not None
    assert one.refusal.code is code


@pytest.mark.parametrize("code", [code for code in Refused if code is not Refused.OTHER])
def test_the_kernel_may_refuse_a_hello_it_has_judged(code: Refused) -> None:
    one, other = dialler(), accepter()
    other.receive(frame(one.start()))
    assert other.refuse(code, "because") == other.farewell
    one.receive(frame(other.farewell))
    assert (one.state, other.state) == (State.REFUSED, State.REFUSED)
    assert one.refusal == other.refusal
    assert one.refusal is not None
    assert (one.refusal.code, one.refusal.text) == (code, "because")


def test_a_refusal_keeps_its_text_bounded_and_harmless() -> None:
    one, other = dialler(), accepter()
    other.receive(frame(one.start()))
    one.receive(frame(other.refuse(Refused.CLOSING, "\x1b[2J\n" + "x" * 2000)))
    assert one.refusal is not None
    assert one.refusal.text == "?[2J?" + "x" * 507


def test_values_of_a_peer_are_quoted_escaped_and_shortened() -> None:
    one, other = dialler(cluster="c" * 128), accepter()
    shake(one, other)
    assert one.refusal is not None
    assert "'" + "c" * 63 + "... there" in one.refusal.text


def test_a_hello_too_long_to_be_believed_is_not_sent() -> None:
    one = dialler(node=replace(ALPHA, metadata={"story": "x" * 5000}))
    with pytest.raises(HandshakeError, match="Shorten the node's labels, metadata"):
        one.start()
    assert one.state is State.START


def allowed(role: Role, state: State, way: Way) -> set[Kind]:
    return {kind for this, kind in TRANSITIONS[role][state] if this is way}


def reach(role: Role, state: State) -> Handshake:
    """A handshake in that state, brought there by a peer that behaves."""
    one, other = dialler(), accepter()
    this = one if role is Role.DIALLER else other
    steps: list[Callable[[], None]] = [
        lambda: other.receive(frame(one.start())),
        lambda: one.receive(frame(other.greet())),
        lambda: other.receive(frame(one.prove(0, 0))),
        lambda: one.receive(frame(other.welcome(1, 0, resumed=False))),
    ]
    if state is State.REFUSED:
        steps[1:] = [lambda: one.receive(frame(other.refuse(Refused.CLOSING, "")))]
    for step in steps:
        if this.state is state:
            break
        step()
    assert this.state is state
    return this


STATES = [(role, state) for role in Role for state in TRANSITIONS[role]]
HELLOS = {Role.DIALLER: Handshake(Role.DIALLER, hello(BETA), KEYRING).start(), Role.ACCEPTER: dialler().start()}
"""What each role hears."""
BODIES: dict[Kind, bytes] = {
    Kind.REFUSAL: reach(Role.ACCEPTER, State.JUDGE).refuse(Refused.CLOSING, ""),
    Kind.PROOF: reach(Role.DIALLER, State.JUDGE).prove(0, 0),
    Kind.WELCOME: reach(Role.ACCEPTER, State.JUDGE_PROOF).welcome(1, 0, resumed=False),
}


@pytest.mark.parametrize(("role", "state"), STATES)
@pytest.mark.parametrize("kind", list(Kind))
def test_a_frame_is_taken_where_the_table_has_it_and_refused_elsewhere(role: Role, state: State, kind: Kind) -> None:
    this = reach(role, state)
    received = frame(BODIES.get(kind, HELLOS[role]))._replace(kind=kind)
    if state in (State.START, State.DONE, State.REFUSED):
        with pytest.raises(HandshakeError, match="takes no frames"):
            this.receive(received)
        assert this.state is state
    elif kind in allowed(role, state, Way.HEARS):
        this.receive(received)
        assert this.state is TRANSITIONS[role][state][Way.HEARS, kind]
    else:
        this.receive(received)
        assert this.state is State.REFUSED
        assert this.refusal is not None
        assert this.refusal.code is Refused.MALFORMED
        assert frame(this.farewell).kind == Kind.REFUSAL


@pytest.mark.parametrize(("role", "state"), STATES)
def test_a_caller_that_says_what_the_table_does_not_have_is_told_so(role: Role, state: State) -> None:
    calls: dict[Kind, Callable[[Handshake], bytes]] = {
        Kind.PROOF: lambda this: this.prove(0, 0),
        Kind.WELCOME: lambda this: this.welcome(1, 0, resumed=False),
        Kind.REFUSAL: lambda this: this.refuse(Refused.CLOSING, ""),
        Kind.HELLO: lambda this: this.start(),
    }
    for kind, call in calls.items():
        this = reach(role, state)
        if kind in allowed(role, state, Way.SENDS):
            call(this)
            assert this.state is TRANSITIONS[role][state][Way.SENDS, kind]
        else:
            with pytest.raises(HandshakeError, match="the handshake is unchanged"):
                call(this)
            assert this.state is state
            assert (this.farewell == b"") or state is State.REFUSED


def test_every_unfinished_state_ends_in_done_or_refused() -> None:
    for role, states in TRANSITIONS.items():
        for state, moves in states.items():
            assert (moves == {}) == (state in (State.DONE, State.REFUSED))
            assert set(moves.values()) <= set(TRANSITIONS[role])
