"""The door of a node: dials others and answers those who dial; connections go to `Peers`."""

import logging
from collections import Counter
from collections.abc import Callable

import trio
from msgspec import Struct, field

from partisan_core.config.model import LinkConfig
from partisan_core.errors import PeerUncertified, WireError
from partisan_core.events import Reason
from partisan_core.identity import Address, NodeSpec
from partisan_core.interposition import Interposition
from partisan_core.kernel.connection import Shaken
from partisan_core.kernel.handshaking import HungUp, Refusing, Shaker
from partisan_core.kernel.journal import Journal
from partisan_core.kernel.peer import MEMBERSHIP_LANE, Failure, LaneKey, Peer
from partisan_core.kernel.peers import Peers
from partisan_core.kinds import Listener, Transport, Wire
from partisan_core.notices import PeerRefused
from partisan_core.wire.messages import Refused

log = logging.getLogger("partisan.door")

NO_ANSWER = (OSError, WireError, trio.TooSlowError, trio.ClosedResourceError)
"""What dialling raises when there is nobody, or no node of ours."""

HALF_OPEN_LIMIT = 512
"""Handshakes in progress at the door (reliability reference 4.3: a smaller cap is itself a denial of service)."""

HOST_LIMIT = 32
"""Of these, from one other machine (reliability reference 4.1, threat 9)."""

_ACCEPT_PAUSE = 0.1
"""Seconds to wait after a fault of `accept`, such as no descriptors left (chosen)."""

_MOST_TELLING = (Reason.UNREACHABLE, Reason.REJECTED, Reason.GONE)
"""Of the failures at several addresses: `GONE` only when every one of them refused."""


class Doorway(Struct, eq=False):
    """Makes connections of wires."""

    _shaker: Shaker
    _peers: Peers
    _transport: Transport
    _settings: Callable[[], LinkConfig]
    _journal: Journal
    _nursery: trio.Nursery
    _origin: Callable[[str], str]
    _on_stale: Callable[[NodeSpec], None]
    """A member knows a newer life of our name than the one given."""
    _half_open: Counter[str] = field(default_factory=Counter)
    """By the host they come from; empty for this machine."""
    interposition: Interposition | None = None

    # -- answering ----------------------------------------------------------------------------------------------

    async def serve(self, listener: Listener) -> None:
        """Accept until the listener is closed; never awaits a peer."""
        while True:
            try:
                wire = await listener.accept()
            except trio.ClosedResourceError:
                return
            except OSError as error:
                log.warning("cannot accept at %s: %s; trying again", listener.address, error)
                await trio.sleep(_ACCEPT_PAUSE)
                continue
            origin = self._origin(wire.remote)
            if self._half_open.total() >= HALF_OPEN_LIMIT:
                self._refused(wire, "busy", f"more than {HALF_OPEN_LIMIT} handshakes in progress")
            elif origin and self._half_open[origin] >= HOST_LIMIT:
                self._refused(wire, "busy", f"more than {HOST_LIMIT} handshakes in progress from {origin}")
            else:
                self._half_open[origin] += 1
                self._nursery.start_soon(self._answer, wire, origin)

    async def _answer(self, wire: Wire, origin: str) -> None:
        try:
            with trio.fail_after(self._settings().handshake_timeout):
                shaken = await self._shaker.accept(wire)
        except Refusing as refusing:
            if refusing.code == Refused.SIMULTANEOUS:
                wire.close()  # both dialled at once, one goes on: nothing to report
            else:
                self._refused(wire, refusing.code, str(refusing))
        except trio.TooSlowError:
            self._refused(wire, "silent", f"no handshake within {self._settings().handshake_timeout:g} s")
        except PeerUncertified as error:
            self._refused(wire, Refused.CERTIFICATE, str(error))
        except (HungUp, ConnectionResetError, BrokenPipeError, trio.ClosedResourceError) as error:
            self._refused(wire, "hung_up", str(error))
        except (WireError, OSError) as error:
            self._refused(wire, "garbage", f"{type(error).__name__}: {error}")
        except BaseException:
            wire.close()
            raise
        else:
            self._peers.attach(shaken)
        finally:
            self._half_open[origin] -= 1
            self._half_open += Counter()  # forgets who has none in progress

    def _refused(self, wire: Wire, code: str, error: str) -> None:
        wire.close()
        self._journal.report(PeerRefused(wire.remote, code, error[:512]))
        self._journal.counters[f"refused_{code}"] += 1

    # -- dialling -----------------------------------------------------------------------------------------------

    async def dial(self, peer: Peer, key: LaneKey) -> None:
        """Dial one lane of a peer; the end is told to `Peers.dial_ended`."""
        self._peers.dial_ended(peer, key, await self._try_addresses(peer, key))

    async def contact(self, address: Address) -> NodeSpec:
        """Dial somebody of whom only the address is known.

        Raises:
            Refusing: by us or by them; the code says whether trying again makes sense.
            OSError, WireError, trio.TooSlowError: not reached, or no node of ours.
        """
        wire = await self._reach(address)
        shaken = await self._shake(wire, MEMBERSHIP_LANE, None)
        self._peers.attach(shaken)
        return shaken.hello.node

    async def _try_addresses(self, peer: Peer, key: LaneKey) -> Failure | None:
        """Each address in turn."""
        failures: list[Failure] = []
        for address in peer.spec.addresses:
            try:
                await self._dial_address(peer, key, address)
            except NO_ANSWER as error:
                if isinstance(error, Refusing) and error.yields:
                    return None
                if isinstance(error, Refusing) and error.code == Refused.STALE and error.is_proven:
                    self._on_stale(error.ours)
                failures.append(_failure_of(error, address))
            else:
                return None
        no_address = Failure(Reason.UNREACHABLE, "it has no address")
        return min(failures, key=lambda failure: _MOST_TELLING.index(failure.reason), default=no_address)

    async def _dial_address(self, peer: Peer, key: LaneKey, address: Address) -> None:
        wire = await self._reach(address)
        if key in peer.connections:
            wire.close()
            return
        self._peers.attach(await self._shake(wire, key, peer.spec.name))

    async def _reach(self, address: Address) -> Wire:
        self._journal.counters["dials"] += 1
        with trio.fail_after(self._settings().dial_timeout):
            if self.interposition is not None:
                await self.interposition.dial(address)
            return await self._transport.dial(address)

    async def _shake(self, wire: Wire, key: LaneKey, expected: str | None) -> Shaken:
        try:
            with trio.fail_after(self._settings().handshake_timeout):
                return await self._shaker.dial(wire, key, expected)
        except BaseException:
            wire.close()
            raise


def _failure_of(error: Exception, address: Address) -> Failure:
    return Failure(_reason_of(error), f"{address}: {error or 'no answer in time'}", str(address), _code_of(error))


def _code_of(error: Exception) -> str:
    if isinstance(error, PeerUncertified):
        return Refused.CERTIFICATE
    return error.code if isinstance(error, Refusing) else ""


def _reason_of(error: Exception) -> Reason:
    """Another node at the address, or one that closes, means as much as nobody: who we look for is not there."""
    if isinstance(error, ConnectionRefusedError):
        return Reason.GONE
    if isinstance(error, Refusing | PeerUncertified):
        return Reason.GONE if _code_of(error) in (Refused.NAME, Refused.CLOSING) else Reason.REJECTED
    return Reason.UNREACHABLE
