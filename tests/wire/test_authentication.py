"""Authentication: only who holds the secret gets through, and only with what it really said."""

from collections.abc import Callable
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from partisan_core.wire.authentication import Authentication, Keyring, hkdf
from partisan_core.wire.frames import Frame, Kind, encode_frame
from partisan_core.wire.handshake import SECRETS_DIFFER, Handshake, State
from partisan_core.wire.messages import Proof, Refused
from tests.wire.hands import KEYRING, OTHER_SECRET, SECRET, accepter, dialler, frame

OTHER_KEYRING = Keyring("shop", [OTHER_SECRET])

STEPS = ["hello of the dialler", "hello of the accepter", "proof", "welcome"]


def run(one: Handshake, other: Handshake, on_the_way: Callable[[int, bytes], bytes] = lambda step, data: data) -> None:
    """The whole handshake, as far as it gets; `on_the_way` may change the frame of each step."""
    says: list[tuple[Handshake, Handshake, Callable[[], bytes]]] = [
        (one, other, one.start),
        (other, one, other.greet),
        (one, other, lambda: one.prove(7, 300, 70_000)),
        (other, one, lambda: other.welcome(7, 69_999, resumed=True, sent=301)),
    ]
    for step, (speaker, listener, say) in enumerate(says):
        listener.receive(frame(on_the_way(step, say())))
        if listener.farewell:
            if speaker.state is not State.DONE:
                speaker.receive(frame(listener.farewell))
            return


def changed(data: bytes, bit: int) -> bytes:
    """The frame with one bit of its body changed, and a checksum that fits."""
    old = frame(data)
    body = bytearray(old.body)
    body[bit // 8] ^= 1 << bit % 8
    return encode_frame(old.kind, bytes(body), old.number, old.flags)


def test_the_key_derivation_is_that_of_the_standard() -> None:
    """RFC 5869, test case 1, the first 32 bytes."""
    derived = hkdf(b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)))
    assert derived.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


def test_two_ends_with_one_secret_get_through() -> None:
    one, other = dialler(), accepter()
    run(one, other)
    assert (one.state, other.state) == (State.DONE, State.DONE)


@pytest.mark.parametrize(
    ("dials", "accepts", "through"),
    [
        (dials, accepts, dials[0] in accepts)
        for dials, accepts in product(
            [(SECRET,), (SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET), (OTHER_SECRET,)], repeat=2
        )
    ],
)
def test_the_first_secret_of_the_dialler_has_to_be_one_of_the_accepters(
    dials: tuple[bytes, ...], accepts: tuple[bytes, ...], through: bool
) -> None:
    one, other = dialler(Keyring("shop", dials)), accepter(Keyring("shop", accepts))
    run(one, other)
    assert (one.state is State.DONE) == (other.state is State.DONE) == through


def test_a_wrong_secret_is_refused_by_name_with_one_text_and_without_a_mac() -> None:
    one, other = dialler(OTHER_KEYRING), accepter()
    run(one, other)
    assert one.refused_by_peer
    assert not one.refusal_is_proven
    assert one.refusal == other.refusal
    assert other.refusal is not None
    assert (other.refusal.code, other.refusal.text) == (Refused.AUTH, SECRETS_DIFFER)
    assert b"\xc4\x00" in other.farewell, "an empty mac: nothing is shown to who does not hold the secret"


def test_an_accepter_with_a_wrong_secret_is_refused_although_it_welcomes() -> None:
    """It skips the check of the proof, and goes on."""
    one, other = dialler(), accepter(OTHER_KEYRING)
    other.receive(frame(one.start()))
    one.receive(frame(other.greet()))
    one.prove(0, 0)
    other.state = State.JUDGE_PROOF
    one.receive(frame(other.welcome(1, 0, resumed=False)))
    assert one.state is State.REFUSED
    assert one.refusal is not None
    assert one.refusal.code is Refused.AUTH


def test_one_secret_gives_different_keys_in_different_clusters() -> None:
    one, other = dialler(Keyring("shop", [SECRET])), accepter(Keyring("bank", [SECRET]))
    run(one, other)
    assert (one.state, other.state) == (State.REFUSED, State.REFUSED)


@pytest.mark.parametrize("step", range(4), ids=STEPS)
@given(data=st.data())
def test_no_bit_of_a_handshake_can_be_changed_on_the_way(step: int, data: st.DataObject) -> None:
    one, other = dialler(), accepter()

    def change(now: int, sent: bytes) -> bytes:
        if now != step:
            return sent
        return changed(sent, data.draw(st.integers(0, len(frame(sent).body) * 8 - 1)))

    run(one, other, change)
    assert one.state is not State.DONE
    assert one.welcome_received is None
    assert step == STEPS.index("welcome") or other.state is not State.DONE


@pytest.mark.parametrize(
    ("wish", "none"),
    [
        ({"keyed": True}, {"keyed": False}),
        ({"checksums": ("xxh3",)}, {"checksums": ()}),
        ({"unpacks": ("zlib",)}, {"unpacks": ()}),
        ({"packs": "zlib"}, {"packs": "zstd"}),
    ],
)
def test_a_wish_for_how_frames_are_made_cannot_be_taken_out_of_a_hello(
    wish: dict[str, object], none: dict[str, object]
) -> None:
    one, other = dialler(**wish), accepter()
    changed = replace(one.hello, **none)

    def take_out(step: int, sent: bytes) -> bytes:
        return encode_frame(Kind.HELLO, msgspec.msgpack.encode(changed)) if step == 0 else sent

    run(one, other, take_out)
    assert other.peer == changed, "the change was made"
    assert (one.state, other.state) == (State.REFUSED, State.REFUSED)


def test_a_recorded_dialler_does_not_get_through_again() -> None:
    recorded: list[bytes] = []

    def record(step: int, sent: bytes) -> bytes:
        recorded.append(sent)
        return sent

    run(dialler(), accepter(), record)
    other = accepter(nonce=bytes(32))
    other.receive(frame(recorded[STEPS.index("hello of the dialler")]))
    other.greet()
    other.receive(frame(recorded[STEPS.index("proof")]))
    assert other.refusal is not None
    assert other.refusal.code is Refused.AUTH


def test_what_an_end_said_cannot_be_sent_back_to_it() -> None:
    """A stranger without the secret lets two nodes answer each other's riddles, or one its own."""
    ours, theirs = b"hello of one", b"hello of other"
    here = Authentication(KEYRING.keys, ours, theirs)
    assert here.recognise(b"DIALLER Proof", b"fields", here.sign(b"DIALLER Proof", b"fields"))
    assert not here.recognise(b"ACCEPTER Welcome", b"fields", here.sign(b"DIALLER Proof", b"fields"))
    swapped = Authentication(KEYRING.keys, theirs, ours)
    assert not swapped.recognise(b"DIALLER Proof", b"fields", here.sign(b"DIALLER Proof", b"fields"))


def test_bytes_cannot_be_moved_from_one_hello_to_the_other() -> None:
    one, other = Authentication(KEYRING.keys, b"ab", b"c"), Authentication(KEYRING.keys, b"a", b"bc")
    assert not other.recognise(b"", b"", one.sign(b"", b""))


def test_an_accepter_says_nothing_that_needs_the_secret_before_the_dialler_did() -> None:
    """No oracle: whoever asks without the secret gets nothing that could be tried or used elsewhere."""
    other = accepter()
    other.receive(frame(dialler().start()))
    other.greet()
    other.receive(Frame(Kind.PROOF, 0, 0, memoryview(msgspec.msgpack.encode(Proof(0, 0, 0, bytes(32))))))
    assert other.state is State.REFUSED
    assert msgspec.msgpack.decode(frame(other.farewell).body)[-1] == b""


def test_a_refusal_is_proven_when_both_ends_have_the_secret_and_the_dialler_has_shown_it() -> None:
    one, other = dialler(), accepter()
    other.receive(frame(one.start()))
    one.receive(frame(other.greet()))
    other.receive(frame(one.prove(0, 0)))
    one.receive(frame(other.refuse(Refused.STALE, "a newer life is known")))
    assert one.refusal_is_proven


@given(st.binary(max_size=64))
def test_a_refusal_of_a_stranger_is_not_proven(mac: bytes) -> None:
    one, other = dialler(), accepter()
    other.receive(frame(one.start()))
    one.receive(frame(other.greet()))
    one.prove(0, 0)
    body = msgspec.msgpack.encode(["stale", "a newer life is known", mac])
    one.receive(Frame(Kind.REFUSAL, 0, 0, memoryview(body)))
    assert one.refusal is not None
    assert not one.refusal_is_proven


def test_a_keyring_does_not_show_its_secrets() -> None:
    shown = repr(KEYRING) + str(KEYRING) + repr(Authentication(KEYRING.keys, b"", b""))
    assert SECRET.decode() not in shown
    assert KEYRING.keys[0].hex() not in shown
    assert repr(KEYRING.keys[0]) not in shown
