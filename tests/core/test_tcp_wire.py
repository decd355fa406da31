"""The TCP wire at its end."""

import pytest
import trio

from partisan_core.errors import StartError
from partisan_core.identity import Address
from partisan_core.transports.tcp import TcpTransport


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
