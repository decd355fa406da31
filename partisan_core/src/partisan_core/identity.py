"""Who a node is: names, addresses, incarnations.

A name is a stable label; addresses are separate and may change; the incarnation orders the lives of one name.
A newer incarnation of a name replaces the older one everywhere.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

from msgspec import Struct

from partisan_core.errors import AddressError, InvalidName

NAME_PATTERN = re.compile(r"[A-Za-z0-9._@:-]{1,128}")
"""Reliability reference, threat 5: what a peer may be called, so that a name is safe in logs, paths and tables."""

_HOST_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,253}")
_IPV6_PATTERN = re.compile(r"[A-Fa-f0-9:.]+(%[A-Za-z0-9._-]{1,64})?")
"""What Python reads as one, with a scope that is safe in logs: Python takes any text for a scope."""


def check_name(name: str) -> str:
    """Return `name` when it may be a node's or a mailbox's name.

    Raises:
        InvalidName: when it is no text, empty, longer than 128 characters or has a character outside `A-Za-z0-9._@:-`.
    """
    if not isinstance(name, str) or not NAME_PATTERN.fullmatch(name):
        raise InvalidName(f"{str(name)[:140]!r} is not a name: use 1 to 128 of the characters A-Z a-z 0-9 . _ @ : -")
    return name


class Address(Struct, frozen=True, order=True, array_like=True):
    """Where a node listens: a host name, IPv4 or IPv6 address, and a TCP port.

    A host name stays a name until it is dialled, and is resolved again at each redial.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port`, `1.2.3.4:port` or `[::1]:port`; nothing else in the project splits on a colon.

        Raises:
            AddressError: when the text has no port, a port above 65535, or an IPv6 host without brackets.
        """
        host, colon, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        host = host[1:-1] if bracketed else host
        if not colon or not host:
            raise AddressError(f"{text!r} is no address: write host:port, for example 127.0.0.1:9090 or [::1]:9090")
        if not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise AddressError(f"{text!r} is no address: {port!r} is not a port between 0 and 65535")
        if bracketed != isinstance(_ip_address(host), IPv6Address):
            raise AddressError(f"{text!r} is no address: an IPv6 host, and only that, stands in brackets: [::1]:9090")
        if not (_IPV6_PATTERN if bracketed else _HOST_PATTERN).fullmatch(host):
            raise AddressError(f"{text!r} is no address: {host!r} is neither a host name nor an IP address")
        return cls(host, int(port))

    @property
    def is_loopback(self) -> bool:
        """True when only this machine can reach it; a name other than `localhost` is taken as reachable by others."""
        address = _ip_address(self.host)
        if address is None:
            return self.host == "localhost"
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return (mapped or address).is_loopback  # a socket for both families shows IPv4 peers as IPv6

    @property
    def is_wildcard(self) -> bool:
        """True for `0.0.0.0` and `[::]`: fine to listen on, impossible to dial from elsewhere."""
        address = _ip_address(self.host)
        return address is not None and address.is_unspecified

    def __str__(self) -> str:
        host = f"[{self.host}]" if isinstance(_ip_address(self.host), IPv6Address) else self.host
        return f"{host}:{self.port}"


def _ip_address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


class NodeSpec(Struct, frozen=True, array_like=True):
    """What a node tells the others about itself. Travels in handshakes and gossip; views are keyed by `name`.

    Trailing fields may be added in later versions (the wire's evolution rule).
    """

    name: str
    incarnation: int
    """max(persisted + 1, wall-clock milliseconds) at start and at a rejoin after leave: orders the lives of a name."""
    instance: int
    """64 random bits: tells two lives apart that claim one incarnation."""
    addresses: tuple[Address, ...] = ()
    labels: dict[str, str] = {}
    """Role, zone, version: what overlays and operators select by."""
    metadata: dict[str, str] = {}
    """The user's own; never interpreted."""

    @property
    def life(self) -> tuple[int, int]:
        """(incarnation, instance): total order of the lives of one name; the greater one wins everywhere."""
        return (self.incarnation, self.instance)

    def __str__(self) -> str:
        return f"{self.name}@{self.incarnation}"
