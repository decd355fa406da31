"""TCP on loopback that passes for another network: no connection and no listener counts as of this machine."""

from partisan_core.identity import Address
from partisan_core.kinds import Listener, TransportPlugin, Wire
from partisan_core.transports.tcp import TcpListener, TcpTransport

HOST = "192.0.2.1"
"""Of the block that is reserved for documentation (RFC 5737)."""


class _Afar(TcpTransport):
    async def listen(self, address: Address) -> Listener:
        listener = await super().listen(address)
        assert isinstance(listener, TcpListener)
        return _AfarListener(listener)

    async def dial(self, address: Address) -> Wire:
        return _moved(await super().dial(address))


class _AfarListener:
    is_loopback = False

    def __init__(self, inner: TcpListener) -> None:
        self._inner = inner
        self.address = inner.address

    async def accept(self) -> Wire:
        return _moved(await self._inner.accept())

    def close(self) -> None:
        self._inner.close()


def _moved(wire: Wire) -> Wire:
    wire.remote = str(Address(HOST, Address.parse(wire.remote).port))  # type: ignore[misc]
    return wire


afar = TransportPlugin(make=lambda options: _Afar())
