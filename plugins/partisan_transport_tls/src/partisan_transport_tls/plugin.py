"""What this distribution hands to Partisan: the transport `tls`."""

from dataclasses import dataclass
from pathlib import Path

from partisan_core.kinds import TransportPlugin
from partisan_core.plugins import hookimpl
from partisan_core.transports.tcp import TcpTransport
from partisan_transport_tls.certificates import Certificates
from partisan_transport_tls.transport import TlsTransport

PARTISAN_API = "1.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """`[transport]` with `use = "tls"`. All three are files in PEM, and have no default: nobody can guess them."""

    certificate: Path
    """This node's certificate, then those between it and the CA, if there are any."""
    key: Path
    """Its private key, without a password."""
    ca: Path
    """The certificates of the authorities that the nodes of this cluster, and nobody else, have theirs from."""


def _make(options: TlsOptions) -> TlsTransport:
    return TlsTransport(TcpTransport(), Certificates(options.certificate, options.key, options.ca))


@hookimpl
def partisan_transport() -> TransportPlugin:
    """TLS around the TCP of the core."""
    return TransportPlugin(make=_make, config=TlsOptions, secure=True)
