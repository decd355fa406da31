"""TLS as a transport for Partisan: encrypted connections between nodes that know each other by certificates."""

from partisan_transport_tls.plugin import TlsOptions as TlsOptions
from partisan_transport_tls.transport import TlsTransport as TlsTransport
from partisan_transport_tls.wire import TlsWire as TlsWire
