"""TLS around any wire: records made and opened in memory, moved by the wire below.

The TLS handshake runs by itself within the first reads and writes, so that its deadline is that of the handshake that
follows on the same wire. After it, TLS 1.3 never waits for bytes in order to write: reader and writer stay independent.
"""

import ssl
from collections.abc import Collection
from contextlib import suppress
from typing import Any, cast

import trio

from partisan_core.errors import PeerUncertified
from partisan_core.kinds import Wire

SCRATCH_BYTES = 64 * 1024
"""Bytes read from below at once: four records. What a connection keeps of memory follows from it (chosen)."""

_CHUNK = 64 * 1024
"""Bytes made into records at once: about a frame of the core, so that most frames are one system call (chosen)."""

_MOST_ANSWERS = 256 * 1024
"""Bytes that TLS itself may owe a peer. Updates of keys ask for an answer each, and a peer that sends them without end
and reads nothing must not fill this node (chosen: well above what `_CHUNK` leaves behind)."""

_URI = "partisan://"

_OF_CERTIFICATES = ("CERTIFICATE", "UNKNOWN_CA", "DECRYPT_ERROR")
"""Words of the alerts that speak of certificates: RFC 8446, section 6.2. The last is for a signature that is wrong."""


class TlsWire:
    """One TLS connection. One task alone uses it until it has both sent and received something, as a handshake does.

    The end of the stream is what the wire below says, with TLS's own word for it or without: whether all was said is
    for Partisan's goodbye to tell, which travels inside.
    """

    def __init__(self, below: Wire, context: ssl.SSLContext, scratch: memoryview, *, dialled: bool) -> None:
        self.remote = below.remote
        self.names: Collection[str] = ()
        """Whom the peer's certificate names, once the TLS handshake is done."""
        self._below, self._scratch = below, scratch
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=not dialled)
        self._unsent = memoryview(b"")
        """Records that the wire below has not taken yet; what `_outgoing` holds comes after them."""
        self._is_last_owed = False
        """The last byte given to `try_send` is in a record, and was not reported as taken."""
        self._is_shaken = self._is_over = False

    def try_send(self, data: bytes | bytearray | memoryview) -> int:
        """Make records of as much as one chunk, and send them.

        As long as a part of the records waits, the last byte counts as not taken: who has something left comes back,
        and so the records are sent to their end.
        """
        if not self._is_shaken:
            self._shake()
        self._flush()
        if self._is_last_owed:
            self._is_last_owed = False
            return 1
        chunk = memoryview(data)[:_CHUNK]
        self._tls.write(chunk)
        try:
            self._flush()
        except BlockingIOError:
            self._is_last_owed = True
            if len(chunk) == 1:
                raise
            return len(chunk) - 1
        return len(chunk)

    def try_recv_into(self, buffer: bytearray | memoryview) -> int:
        """Open the records that are there; 0 at the end of the stream.

        Raises:
            BlockingIOError: no whole record is there.
            PeerUncertified: one end does not accept the certificate of the other.
            OSError: when the connection is broken, or what arrived is no TLS.
        """
        if not self._is_shaken:
            self._shake()
        room = memoryview(buffer)
        filled = self._open_into(room)
        while filled < len(room) and not self._is_over:
            arrived = self._fetch()
            filled += self._open_into(room[filled:])
            if arrived < len(self._scratch):
                break
        if self._outgoing.pending:
            self._answer()
        if not filled and not self._is_over:
            raise BlockingIOError
        return filled

    async def wait_readable(self) -> None:
        """Wait until `try_recv_into` is worth a try."""
        if self._is_shaken and (self._is_over or self._may_open()):
            await trio.lowlevel.checkpoint()
        elif self._is_shaken:
            await self._below.wait_readable()
        else:
            await self._wait_for_handshake()

    async def wait_writable(self) -> None:
        """Wait until `try_send` is worth a try."""
        if self._is_shaken:
            await self._below.wait_writable()
        else:
            await self._wait_for_handshake()

    def interrupt(self) -> None:
        """Let those who wait go on."""
        self._below.interrupt()

    def limit_silence(self, seconds: float) -> None:
        """Hand it to the wire below, where that can."""
        limit = getattr(self._below, "limit_silence", None)
        if limit is not None:
            limit(seconds)

    def abort(self) -> None:
        """Abort the wire below, where that can; else close it."""
        getattr(self._below, "abort", self._below.close)()

    def close(self) -> None:
        """Close the wire below. Idempotent."""
        self._below.close()

    # -- the TLS handshake --------------------------------------------------------------------------------------

    def _shake(self) -> None:
        """Go on with the TLS handshake as far as it goes without waiting.

        Raises:
            BlockingIOError: it waits for the peer.
        """
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError as error:
                with suppress(OSError):
                    self._flush()  # tells the peer why
                raise _named(error) from error
            if not self._fetch():
                if self._is_over:
                    raise ConnectionError("the peer closed the connection during the TLS handshake: is it for TLS?")
                raise BlockingIOError
        self._flush()
        self.names = _names_in(self._tls)
        self._is_shaken = True

    async def _wait_for_handshake(self) -> None:
        if self._unsent:
            await self._below.wait_writable()
        else:
            await self._below.wait_readable()

    # -- records ------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        while self._unsent or self._outgoing.pending:
            if not self._unsent:
                self._unsent = memoryview(self._outgoing.read())
            self._unsent = self._unsent[self._below.try_send(self._unsent) :]

    def _fetch(self) -> int:
        """Bytes that came from below; 0 when there are none now, or never any more."""
        try:
            arrived = self._below.try_recv_into(self._scratch)
        except BlockingIOError:
            return 0
        self._is_over = not arrived
        self._incoming.write(self._scratch[:arrived])
        return arrived

    def _open_into(self, room: memoryview) -> int:
        """Open records until they or the room are at their end."""
        filled = 0
        try:
            while filled < len(room) and self._may_open():
                opened = int(self._tls.read(len(room) - filled, room[filled:]))
                filled += opened
                if not opened:
                    self._is_over = True
                    break
        except ssl.SSLWantReadError:
            pass  # the rest of a record is still on its way
        except ssl.SSLError as error:
            raise _named(error) from error
        return filled

    def _may_open(self) -> bool:
        """False when no whole record can be there. Asking takes 0.1 µs, a try in vain 2 µs (measured)."""
        return self._incoming.pending > 0 or self._tls.pending() > 0

    def _answer(self) -> None:
        """Send what TLS itself has to say; what is wrong with sending is for the writer to find."""
        with suppress(OSError):
            self._flush()
        if self._outgoing.pending > _MOST_ANSWERS:
            raise ConnectionError("the peer has TLS answer again and again, and does not read the answers")


def _names_in(tls: ssl.SSLObject) -> Collection[str]:
    certificate = cast("dict[str, Any]", tls.getpeercert())
    names: list[tuple[str, str]] = certificate.get("subjectAltName", ())
    return frozenset(
        [name for kind, name in names if kind == "DNS"]
        + [name.removeprefix(_URI) for kind, name in names if kind == "URI" and name.startswith(_URI)]
    )


def _named(error: ssl.SSLError) -> OSError:
    """What is wrong, and at which end."""
    reason = error.reason or str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return PeerUncertified(f"the certificate of the peer is not accepted here: {error.verify_message}")
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return PeerUncertified("the peer shows no certificate")
    if "ALERT" in reason and any(word in reason for word in _OF_CERTIFICATES):
        said = reason.partition("ALERT_")[2].replace("_", " ").lower()
        return PeerUncertified(f"the peer does not accept the certificate of this node: {said}")
    return ConnectionError(f"TLS: {reason.replace('_', ' ').lower()}")
