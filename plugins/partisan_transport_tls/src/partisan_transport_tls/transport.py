"""Dials and listens by another transport, and speaks TLS on the wires that this makes."""

from partisan_core.identity import Address
from partisan_core.kinds import Listener, Transport, Wire
from partisan_transport_tls.certificates import Certificates
from partisan_transport_tls.wire import SCRATCH_BYTES, TlsWire


class TlsTransport:
    """TLS around the wires of `below`."""

    def __init__(self, below: Transport, certificates: Certificates) -> None:
        self._below, self._certificates = below, certificates
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))
        """Shared by all wires: nothing awaits between reading into it and opening what was read."""

    async def listen(self, address: Address) -> Listener:
        """Listen as `below` does, and raise what it raises."""
        return TlsListener(await self._below.listen(address), self)

    async def dial(self, address: Address) -> Wire:
        """Connect as `below` does, and raise what it raises; the TLS handshake comes with the first bytes."""
        return self.wrap(await self._below.dial(address), dialled=True)

    def wrap(self, wire: Wire, *, dialled: bool) -> Wire:
        """Speak TLS on a wire, with what the files hold now."""
        contexts = self._certificates.contexts()
        context = contexts.dialling if dialled else contexts.accepting
        return TlsWire(wire, context, self._scratch, dialled=dialled)


class TlsListener:
    """Accepts connections that have to speak TLS."""

    def __init__(self, below: Listener, transport: TlsTransport) -> None:
        self._below, self._transport = below, transport
        self.address = below.address
        self.is_loopback = bool(getattr(below, "is_loopback", below.address.is_loopback))

    async def accept(self) -> Wire:
        """Wait for the next connection, not for its TLS handshake: nobody waits for a peer that is slow at it."""
        return self._transport.wrap(await self._below.accept(), dialled=False)

    def close(self) -> None:
        """Stop listening. Idempotent."""
        self._below.close()
