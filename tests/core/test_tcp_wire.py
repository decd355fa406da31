"""The TCP wire at its end."""

import socket

import pytest
import trio

from partisan_core.errors import StartError
from partisan_core.identity import Address
from partisan_core.transports.tcp import TcpTransport, TcpWire
from tests.core.kernel.nodes import link, opened, until


async def test_waiting_for_a_wire_that_is_closed_already_says_so() -> None:
    """It raised ValueError for the descriptor -1 once and took the node down: a frame had closed its own connection."""
    transport = TcpTransport()
    listener = await transport.listen(Address("127.0.0.1", 0))
    wire = await transport.dial(listener.address)
    accepted = await listener.accept()
    wire.close()
    with pytest.raises(trio.ClosedResourceError):
        await wire.wait_readable()
    with pytest.raises(trio.ClosedResourceError):
        await wire.wait_writable()
    accepted.close()
    listener.close()
    with pytest.raises(trio.ClosedResourceError):
        await listener.accept()


@pytest.mark.parametrize("host", ["a..b", ".", "a" * 64, "fe80::1%" + "z" * 300])
async def test_a_host_that_no_resolver_takes_is_not_reached_like_any_other(host: str) -> None:
    """A peer advertises what it likes; Python's codec for host names raises UnicodeError, which took the node down."""
    address = Address(host, 9)
    with pytest.raises(OSError, match="no host name"):
        await TcpTransport().dial(address)
    with pytest.raises(StartError, match="no host name"):
        await TcpTransport().listen(address)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no TCP_USER_TIMEOUT")
async def test_the_system_breaks_silent_connections_of_the_membership_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A data lane whose reader waits for a full mailbox would be broken, too (decision 0010)."""
    limited: list[float] = []
    monkeypatch.setattr(TcpWire, "limit_silence", lambda wire, seconds: limited.append(seconds))
    links = {"ping_interval": "1s", "ping_attempts": 2, "ping_timeout": "3s"}
    async with opened("alpha", links=links) as alpha, opened("beta", links=links) as beta:
        await link(beta, alpha)
        await until(lambda: beta.is_fully_connected("alpha"))
        rows = [*alpha.connections(), *beta.connections()]
        assert {row.channel for row in rows} == {"membership", "default"}
        await until(lambda: all(row.rtt for node in (alpha, beta) for row in node.connections()))
    assert limited == [7.0, 7.0], "one for each end"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no TCP_USER_TIMEOUT")
async def test_the_limit_of_silence_is_set_on_the_socket() -> None:
    listening = await TcpTransport().listen(Address("127.0.0.1", 0))
    connected = socket.create_connection((listening.address.host, listening.address.port))
    wire = TcpWire(connected)
    wire.limit_silence(5.25)
    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5250
    wire.close()
    (await listening.accept()).close()
    listening.close()


async def test_who_is_told_of_an_abort_reads_what_had_arrived_and_then_that_the_connection_was_reset() -> None:
    """The end of a stream waits behind what was not acknowledged, and so for ever where no acknowledgement comes."""
    listening = await TcpTransport().listen(Address("127.0.0.1", 0))
    dialled = TcpWire(socket.create_connection((listening.address.host, listening.address.port)))
    accepted = await listening.accept()
    dialled.try_send(b"arrived")
    dialled.abort()
    dialled.abort()
    buffer = bytearray(100)
    await accepted.wait_readable()
    assert buffer[: accepted.try_recv_into(buffer)] == b"arrived"
    with pytest.raises(ConnectionResetError):
        accepted.try_recv_into(buffer)
    with pytest.raises(trio.ClosedResourceError):
        await dialled.wait_writable()
    accepted.close()
    listening.close()
