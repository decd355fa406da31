"""The TLS wire step by step: any order, any sizes, and what nobody should send."""

import ctypes
import random
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from partisan_core.errors import PeerUncertified
from partisan_transport_tls.certificates import Certificates, Contexts
from partisan_transport_tls.wire import TlsWire
from tests.transport_tls.authorities import Authority
from tests.transport_tls.stepwise import Stepwise, receive_all, shake, stepwise_pair

Ends = tuple[TlsWire, TlsWire]


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    files = Authority(tmp_path_factory.mktemp("certificates")).issue("alpha")
    return Certificates(files.certificate, files.key, files.ca).contexts()


def tls_pair(contexts: Contexts, below: tuple[Stepwise, Stepwise]) -> Ends:
    scratch = memoryview(bytearray(64 * 1024))
    return (
        TlsWire(below[0], contexts.dialling, scratch, dialled=True),
        TlsWire(below[1], contexts.accepting, scratch, dialled=False),
    )


# -- sizes and orders ---------------------------------------------------------------------------------------------

END = some.integers(0, 1)
SIZE = some.one_of(some.integers(1, 100), some.integers(1, 100_000))
STEPS = some.lists(
    some.one_of(
        some.tuples(some.just("send"), END, SIZE),
        some.tuples(some.just("receive"), END, SIZE),
        some.tuples(some.just("room"), END, some.one_of(some.none(), some.integers(0, 70_000))),
    ),
    max_size=60,
)


class Talk:
    """Two ends that send each other random bytes, as the steps say."""

    def __init__(self, contexts: Contexts, seed: int, *, is_shaken: bool) -> None:
        self.below = stepwise_pair()
        self.wires = tls_pair(contexts, self.below)
        if is_shaken:
            shake(*self.wires)
        self.data = [random.Random(seed + end).randbytes(200_000) for end in (0, 1)]
        self.sent, self.got = [0, 0], [b"", b""]
        self.is_done = [True, True]
        """All that this end wanted to send was taken."""

    def send(self, end: int, size: int) -> None:
        offered = self.data[end][self.sent[end] : self.sent[end] + size]
        if not offered:
            return
        try:
            taken = self.wires[end].try_send(offered)
        except BlockingIOError:
            taken = 0
        self.sent[end] += taken
        self.is_done[end] = taken == len(offered)

    def receive(self, end: int, size: int) -> None:
        buffer = bytearray(size)
        try:
            self.got[end] += buffer[: self.wires[end].try_recv_into(buffer)]
        except BlockingIOError:
            """Nothing is there."""

    def room(self, end: int, size: int | None) -> None:
        self.below[end].room = size

    def check(self) -> None:
        for end in (0, 1):
            assert self.data[1 - end].startswith(self.got[end])

    def assert_all_arrived(self, *, of: Sequence[int]) -> None:
        for end in of:
            self.got[1 - end] += receive_all(self.wires[1 - end])
            assert self.got[1 - end] == self.data[end][: self.sent[end]]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(steps=STEPS, seed=some.integers(0, 2**32), is_shaken=some.booleans())
def test_in_any_order_and_in_any_sizes_what_was_sent_arrives(
    contexts: Contexts, steps: list[tuple[str, int, int | None]], seed: int, is_shaken: bool
) -> None:
    talk = Talk(contexts, seed, is_shaken=is_shaken)
    for kind, end, size in steps:
        getattr(talk, kind)(end, size)
        talk.check()
    # an end of which everything was taken need not come back for it to arrive
    talk.assert_all_arrived(of=[end for end in (0, 1) if talk.is_done[end]])
    for end in (0, 1):
        talk.room(end, None)
    for _ in range(100):
        for end in (0, 1):
            talk.send(end, 50_000)
            talk.receive(end, 50_000)
    assert talk.sent == [200_000, 200_000]
    talk.assert_all_arrived(of=(0, 1))


def test_the_last_byte_is_taken_when_all_that_was_made_of_it_is(contexts: Contexts) -> None:
    below = stepwise_pair()
    here, there = tls_pair(contexts, below)
    shake(here, there)
    below[0].room = 100
    assert here.try_send(bytes(1000)) == 999
    with pytest.raises(BlockingIOError):
        here.try_send(b"\0")
    below[0].room = None
    assert here.try_send(b"\0") == 1
    assert receive_all(there) == bytes(1000)


async def test_who_waits_while_a_part_of_the_tls_handshake_is_not_sent_waits_to_write(contexts: Contexts) -> None:
    below = stepwise_pair()
    here, there = tls_pair(contexts, below)
    receive_all(here)
    receive_all(there)
    below[0].room = 10
    with pytest.raises(BlockingIOError):
        here.try_recv_into(bytearray(100))
    await here.wait_readable()
    await here.wait_writable()
    assert below[0].waited_for == ["writable", "writable"]


async def test_what_tls_holds_already_is_not_waited_for(contexts: Contexts) -> None:
    """The next bytes may never come."""
    below = stepwise_pair()
    here, there = tls_pair(contexts, below)
    shake(here, there)
    assert here.try_send(bytes(40_000)) == 40_000
    for size in (100, 20_000):
        assert there.try_recv_into(bytearray(size)) == size
        await there.wait_readable()
        assert below[1].waited_for == []
    assert receive_all(there) == bytes(19_900)
    await there.wait_readable()
    assert below[1].waited_for == ["readable"]


# -- what nobody should send --------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(said=some.binary(max_size=400), is_shaken=some.booleans(), like_tls=some.booleans())
def test_whatever_a_stranger_says_raises_nothing_but_what_a_broken_wire_does(
    contexts: Contexts, said: bytes, is_shaken: bool, like_tls: bool
) -> None:
    below = stepwise_pair()
    here, there = tls_pair(contexts, below)
    if is_shaken:
        shake(here, there)
    below[1].incoming += b"\x16\x03\x01" * like_tls + said
    below[1].is_over = True
    with suppress(ConnectionError, PeerUncertified):
        assert receive_all(there) == b""


@pytest.mark.parametrize("place", [0, 20, 300, -1])
def test_a_record_that_was_changed_on_the_way_breaks_the_connection_and_is_not_delivered(
    contexts: Contexts, place: int
) -> None:
    below = stepwise_pair()
    here, there = tls_pair(contexts, below)
    shake(here, there)
    assert here.try_send(bytes(1000)) == 1000
    below[1].incoming[place] ^= 4
    with pytest.raises(ConnectionError, match="TLS"):
        there.try_recv_into(bytearray(2000))


def test_the_end_of_the_wire_below_is_the_end(contexts: Contexts) -> None:
    below = stepwise_pair()
    here, there = tls_pair(contexts, below)
    shake(here, there)
    here.try_send(b"the last words")
    below[1].is_over = True
    buffer = bytearray(100)
    assert [there.try_recv_into(buffer), there.try_recv_into(buffer)] == [14, 0]


def test_an_older_version_of_tls_is_refused(contexts: Contexts) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    below = stepwise_pair()
    here = TlsWire(below[0], old, memoryview(bytearray(1000)), dialled=True)
    _, there = tls_pair(contexts, below)
    with pytest.raises(BlockingIOError):
        here.try_send(b"hello")
    with pytest.raises(ConnectionError, match="TLS: unsupported protocol"):
        there.try_recv_into(bytearray(100))


def test_who_dials_without_a_certificate_is_refused_by_name(contexts: Contexts) -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname, bare.verify_mode = False, ssl.CERT_NONE
    below = stepwise_pair()
    here = TlsWire(below[0], bare, memoryview(bytearray(10_000)), dialled=True)
    _, there = tls_pair(contexts, below)
    with pytest.raises(BlockingIOError):
        here.try_send(b"hello")
    with pytest.raises(BlockingIOError):
        there.try_recv_into(bytearray(100))
    assert here.try_send(b"hello") == 5
    with pytest.raises(OSError, match="the peer shows no certificate"):
        there.try_recv_into(bytearray(100))
    with pytest.raises(OSError, match="does not accept the certificate of this node: certificate required"):
        here.try_recv_into(bytearray(100))


def test_a_peer_that_demands_new_keys_without_end_and_reads_nothing_is_given_up(contexts: Contexts) -> None:
    """OpenSSL answers each demand with 27 bytes into memory, and sets no bound."""
    below = stepwise_pair()
    here, there = tls_pair(contexts, below)
    shake(here, there)
    below[1].room = 0
    demand = _demand_new_keys(here)
    buffer = bytearray(100)

    def demand_again_and_again() -> None:
        for _ in range(30_000):
            demand()
            here.try_send(b"x")
            there.try_recv_into(buffer)

    with pytest.raises(ConnectionError, match="does not read the answers"):
        demand_again_and_again()


def _demand_new_keys(wire: TlsWire) -> Callable[[], None]:
    """Python's `ssl` has no function for it: OpenSSL's is called, with the pointer that CPython keeps in its object."""
    import _ssl

    function = ctypes.CDLL(_ssl.__file__).SSL_key_update
    function.argtypes = [ctypes.c_void_p, ctypes.c_int]
    place = id(wire._tls._sslobj) + 3 * ctypes.sizeof(ctypes.c_void_p)  # type: ignore[attr-defined]
    connection = ctypes.c_void_p.from_address(place)

    def demand() -> None:
        assert function(connection, 1) == 1

    return demand
