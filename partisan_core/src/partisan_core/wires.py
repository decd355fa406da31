"""What a transport is made of: connections, and where they are accepted. Part of `kinds`."""

from typing import Protocol

from partisan_core.identity import Address


class Wire(Protocol):
    """One connection: ordered bytes both ways. Everything but the two waits is immediate.

    May have an attribute `names`: whom the certificate of the other end names, when there has to be one. A peer that
    says it is somebody else is refused as `certificate`. Asked once its first bytes have been read. Since: 1.3

    May have a method `limit_silence(seconds)`: break when what was sent is not acknowledged for so long. Since: 1.3

    May have a method `abort()`: close, and tell the other end at once, instead of what is still to be sent. Since: 1.3
    """

    @property
    def remote(self) -> str:
        """The other end: `host:port` where it has an address, else a text for people, taken as another machine."""

    def try_send(self, data: bytes | bytearray | memoryview) -> int:
        """Send what the system takes at once and return how much that was.

        Raises:
            BlockingIOError: when it takes nothing now.
            OSError: when the connection is broken.
        """

    def try_recv_into(self, buffer: bytearray | memoryview) -> int:
        """Read what is there and return how much; 0 at the end of the stream.

        Raises:
            BlockingIOError: when nothing is there.
            OSError: when the connection is broken.
        """

    async def wait_writable(self) -> None:
        """Wait until `try_send` is worth a try. A trio checkpoint."""

    async def wait_readable(self) -> None:
        """Wait until `try_recv_into` is worth a try. A trio checkpoint."""

    def interrupt(self) -> None:
        """Let those who wait go on, whether or not there is anything to do for them."""

    def close(self) -> None:
        """Close at once. Idempotent; wakes those who wait."""


class Listener(Protocol):
    """Accepts connections at one address.

    May have an attribute `is_loopback`, true when only this machine can reach it: of a listener whose `address` is a
    host name, by what that was resolved to. Without the attribute, the name is judged: see `Address.is_loopback`.
    """

    @property
    def address(self) -> Address:
        """Where it listens, with the real port."""

    async def accept(self) -> Wire:
        """Wait for the next connection. A trio checkpoint."""

    def close(self) -> None:
        """Stop listening. Idempotent."""


class Transport(Protocol):
    """Makes connections."""

    async def listen(self, address: Address) -> Listener:
        """Listen at `address`; port 0 means any.

        Raises:
            OSError: when the address cannot be had.
        """

    async def dial(self, address: Address) -> Wire:
        """Connect to `address`; a host name is resolved anew each time. The deadline is the caller's.

        Raises:
            OSError: when nobody answers there.
        """
