"""The certificate of this node, its key, and whom it believes: three files that may be replaced while it runs."""

import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from partisan_core.errors import StartError

log = logging.getLogger("partisan.transport.tls")


class CertificateError(StartError):
    """A certificate, key or CA file cannot be used, or they do not fit together."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """What a TLS handshake begins with, at either end."""

    dialling: ssl.SSLContext
    accepting: ssl.SSLContext


class Certificates:
    """Reads the files, again before each handshake."""

    def __init__(self, certificate: Path, key: Path, ca: Path) -> None:
        """Read them for the first time.

        Raises:
            CertificateError: they cannot be used.
        """
        self._certificate, self._key, self._ca = certificate, key, ca
        self._seen = self._read()
        self._contexts = self._load(self._seen)

    def contexts(self) -> Contexts:
        """Contexts of what the files hold now.

        While they cannot be used, because they are being replaced perhaps, what they held before stays in use, and the
        log says so, once for each content.
        """
        contents = self._read()
        if contents != self._seen:
            self._seen = contents
            try:
                self._contexts = self._load(contents)
            except CertificateError as error:
                log.warning("%s; the former certificate, key and CA stay in use", error)
            else:
                log.info("%s, its key and CA were read again", self._certificate)
        return self._contexts

    def _read(self) -> Sequence[bytes | str]:
        return [_content(file) for file in (self._certificate, self._key, self._ca)]

    def _load(self, contents: Sequence[bytes | str]) -> Contexts:
        for content in contents:
            if isinstance(content, str):
                raise CertificateError(content)
        return Contexts(self._make(ssl.PROTOCOL_TLS_CLIENT), self._make(ssl.PROTOCOL_TLS_SERVER))

    def _make(self, end: int) -> ssl.SSLContext:
        context = ssl.SSLContext(end)
        context.check_hostname = False  # nodes have names of their own; the kernel compares them
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if end == ssl.PROTOCOL_TLS_SERVER:
            context.num_tickets = 0  # no session is resumed: certificates are looked at each time
        try:
            context.load_verify_locations(self._ca)
        except OSError as error:
            raise CertificateError(f"the CA file {self._ca} holds no certificates: {_reason(error)}") from error
        try:
            context.load_cert_chain(self._certificate, self._key, _no_password)
        except (OSError, ValueError) as error:
            pair = f"the certificate {self._certificate} and the key {self._key}"
            raise CertificateError(f"{pair} cannot be used together: {_reason(error)}") from error
        return context


def _content(file: Path) -> bytes | str:
    """What the file holds, or in words why that cannot be read."""
    try:
        if file.is_file():  # a pipe in its place would keep us waiting
            return file.read_bytes()
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}"
    return f"{file} is no file"


def _no_password() -> NoReturn:
    raise ValueError("the key has a password, for which nobody can be asked; store it without one")


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    return reason.replace("_", " ").lower() if reason else str(error)
