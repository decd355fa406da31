"""The TLS wire at its two ends: over real sockets, and in memory where every step is ours."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from partisan_core.identity import Address
from partisan_core.kinds import Transport, Wire
from partisan_core.transports.memory import MemoryNetwork
from partisan_core.transports.tcp import TcpTransport
from partisan_transport_tls.certificates import Certificates
from partisan_transport_tls.transport import TlsTransport
from tests.transport_tls.authorities import Authority, Files

PATIENCE = 20.0
ANY = Address("127.0.0.1", 0)

Ends = tuple[Wire, Wire]


def transport(files: Files, below: Transport | None = None) -> TlsTransport:
    return TlsTransport(below or TcpTransport(), Certificates(files.certificate, files.key, files.ca))


@asynccontextmanager
async def ends(dialler: Transport, accepter: Transport) -> AsyncIterator[Ends]:
    listener = await accepter.listen(ANY)
    dialled = await dialler.dial(listener.address)
    accepted = await listener.accept()
    try:
        with trio.fail_after(PATIENCE):
            yield dialled, accepted
    finally:
        for one in (dialled, accepted, listener):
            one.close()


async def send(wire: Wire, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[wire.try_send(rest) :]
        except BlockingIOError:
            await wire.wait_writable()


async def receive(wire: Wire, most: int = 256 * 1024) -> bytes:
    """What is there once something is; empty at the end."""
    buffer = bytearray(most)
    while True:
        try:
            return bytes(buffer[: wire.try_recv_into(buffer)])
        except BlockingIOError:
            await wire.wait_readable()


async def receive_exactly(wire: Wire, size: int, most: int = 256 * 1024) -> bytes:
    data = b""
    while len(data) < size:
        got = await receive(wire, most)
        assert got, f"the end after {len(data)} of {size} bytes"
        data += got
    return data


async def echo(wire: Wire) -> None:
    while data := await receive(wire):
        await send(wire, data)


@asynccontextmanager
async def echoing(authority: Authority, below: Transport | None = None) -> AsyncIterator[Wire]:
    """A wire to alpha's end, which sends all back."""
    alpha, beta = transport(authority.issue("alpha"), below), transport(authority.issue("beta"), below)
    async with ends(beta, alpha) as (here, there), trio.open_nursery() as nursery:
        nursery.start_soon(echo, there)
        await send(here, b"?")
        assert await receive(here) == b"?"
        yield here
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("size", [1, 2, 1000, 16 * 1024, 64 * 1024 + 1, 3_000_000])
@pytest.mark.parametrize("network", [TcpTransport, MemoryNetwork])
async def test_what_is_sent_comes_back_whatever_its_size(
    authority: Authority, size: int, network: type[Transport]
) -> None:
    data = random.Random(size).randbytes(size)
    async with echoing(authority, network()) as wire, trio.open_nursery() as nursery:
        nursery.start_soon(send, wire, data)
        assert await receive_exactly(wire, size) == data


async def test_a_reader_with_little_room_gets_all_that_one_read_from_below_brought(authority: Authority) -> None:
    """What TLS holds already is not waited for: nothing more would come."""
    data = random.Random(1).randbytes(50_000)
    async with echoing(authority) as wire:
        await send(wire, data)
        assert await receive_exactly(wire, len(data), most=777) == data


async def test_nobody_on_the_way_reads_what_is_sent(authority: Authority) -> None:
    seen = bytearray()

    class Tapped(TcpTransport):
        async def dial(self, address: Address) -> Wire:
            wire = await super().dial(address)
            inner = wire.try_send

            def tap(data: bytes | bytearray | memoryview) -> int:
                seen.extend(data)
                return inner(data)

            wire.try_send = tap  # type: ignore[method-assign]
            return wire

    alpha, beta = authority.issue("alpha"), authority.issue("beta")
    async with ends(transport(beta, Tapped()), transport(alpha)) as (here, there), trio.open_nursery() as nursery:
        nursery.start_soon(send, here, b"a word in confidence")
        assert await receive(there) == b"a word in confidence"
    assert len(seen) > 20
    assert b"confidence" not in seen


async def test_who_has_nothing_left_to_send_has_sent_it_all(authority: Authority) -> None:
    """The records may be larger than what the wire below takes: the last byte is not taken before all of them are."""
    memory = MemoryNetwork()
    alpha, beta = (transport(authority.issue(name), memory) for name in ("alpha", "beta"))
    async with ends(beta, alpha) as (here, there):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send, here, b"?")
            nursery.start_soon(receive, there)
        taken = 0
        data = random.Random(2).randbytes(400_000)
        with suppress(BlockingIOError):
            while True:
                taken += here.try_send(data[taken:])
        assert 0 < taken < len(data)
        with pytest.raises(BlockingIOError):
            here.try_send(data[taken:])
        got = await receive_exactly(there, taken - 64 * 1024, most=taken)
        while taken < len(data):
            try:
                taken += here.try_send(data[taken:])
            except BlockingIOError:
                got += await receive(there)
        assert got + await receive_exactly(there, len(data) - len(got)) == data


# -- who is at the other end --------------------------------------------------------------------------------------


async def shake(wire: Wire) -> None:
    """What a handshake of Partisan does: each end sends and receives something."""
    await send(wire, b"we are one of yours")
    assert await receive(wire) == b"we are one of yours"


async def outcomes(dialler: Transport, accepter: Transport) -> list[str]:
    """What each end has to say of a handshake, the dialler first; empty when it went well."""
    said = ["", ""]

    async def attempt(place: int, wire: Wire) -> None:
        try:
            await shake(wire)
        except (OSError, AssertionError) as error:
            said[place] = f"{type(error).__name__}: {error}"
        finally:
            wire.close()

    async with ends(dialler, accepter) as both, trio.open_nursery() as nursery:
        for place, wire in enumerate(both):
            nursery.start_soon(attempt, place, wire)
    return said


async def test_each_end_learns_whom_the_others_certificate_names(authority: Authority) -> None:
    alpha = transport(authority.issue("alpha", dns=["alpha", "a"], uris=["partisan://al@pha", "https://beta"]))
    async with ends(transport(authority.issue("beta")), alpha) as (here, there):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shake, here)
            nursery.start_soon(shake, there)
        assert here.names == {"alpha", "a", "al@pha"}  # type: ignore[attr-defined]
        assert there.names == {"beta"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("at_fault", ["dialler", "accepter"])
@pytest.mark.parametrize(
    ("fault", "seen", "told"),
    [
        ("expired", "certificate has expired", "does not accept the certificate of this node: certificate expired"),
        ("impostor", "certificate signature failure", "does not accept the certificate of this node: decrypt error"),
        ("stranger", "unable to get local issuer certificate", "does not accept the certificate of this node"),
    ],
)
async def test_a_certificate_that_is_not_accepted_is_named_at_both_ends(
    authority: Authority, at_fault: str, fault: str, seen: str, told: str
) -> None:
    good = transport(authority.issue("alpha"))
    if fault == "expired":
        bad = authority.issue("beta", age=timedelta(days=3))
    else:
        elsewhere = authority.folder / "elsewhere"
        elsewhere.mkdir()
        issued = Authority(elsewhere, "authority" if fault == "impostor" else "stranger").issue("beta")
        bad = Files(issued.certificate, issued.key, authority.ca)
    if at_fault == "dialler":
        theirs, ours = await outcomes(transport(bad), good)
    else:
        ours, theirs = await outcomes(good, transport(bad))
    assert ours.startswith("PeerUncertified: the certificate of the peer is not accepted here")
    assert seen in ours
    assert theirs.startswith("PeerUncertified: the peer")
    assert told in theirs


async def test_an_end_that_speaks_no_tls_is_told_from_one_with_a_bad_certificate(authority: Authority) -> None:
    ours = transport(authority.issue("alpha"))
    plain, accepted = await outcomes(TcpTransport(), ours)
    assert accepted.startswith("ConnectionError: TLS: ")
    assert plain
    dialled, _ = await outcomes(ours, TcpTransport())
    assert dialled.startswith("ConnectionError: ")


# -- waiting ------------------------------------------------------------------------------------------------------


async def test_who_waits_to_write_during_the_tls_handshake_waits_for_the_peer(
    authority: Authority, autojump_clock: MockClock
) -> None:
    """The wire below could be written all the time: to try again and again would be a busy loop."""
    memory = MemoryNetwork()
    alpha, beta = (transport(authority.issue(name), memory) for name in ("alpha", "beta"))
    async with ends(beta, alpha) as (here, _):
        with pytest.raises(BlockingIOError):
            here.try_send(b"hello")
        with trio.move_on_after(1) as scope:
            await here.wait_writable()
        assert scope.cancelled_caught


async def test_an_abort_is_one_of_the_wire_below_where_that_can(authority: Authority) -> None:
    alpha, beta = (transport(authority.issue(name)) for name in ("alpha", "beta"))
    async with ends(alpha, beta) as (here, there):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shake, here)
            nursery.start_soon(shake, there)
        here.abort()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionResetError):
            await receive(there)
    memory = MemoryNetwork()
    async with ends(transport(authority.issue("alpha"), memory), transport(authority.issue("beta"), memory)) as both:
        both[0].abort()  # type: ignore[attr-defined]
        with pytest.raises(trio.ClosedResourceError):
            await both[0].wait_readable()


async def test_a_wire_that_is_closed_wakes_who_waits_for_it(authority: Authority) -> None:
    async with echoing(authority) as wire, trio.open_nursery() as nursery:

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await wire.wait_readable()

        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        wire.close()
        with pytest.raises(trio.ClosedResourceError):
            await wire.wait_writable()
        wire.close()
