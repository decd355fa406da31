"""Who may be a member, and who could reach us: decided once, when the listeners are bound and nobody was let in."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import trio

from partisan_core.config.model import Config
from partisan_core.errors import AddressError, InsecureBindError
from partisan_core.identity import Address
from partisan_core.kernel.secret_files import automatic_secret, how_to_make, read_secret
from partisan_core.kinds import Listener, TransportPlugin
from partisan_core.wire.authentication import Keyring

log = logging.getLogger("partisan.security")

_WARN_EVERY = 60.0
"""Seconds (design, section 12)."""

_NO_SECRET = b""
"""What a node has that needs none, or wants none: the same handshake, and everybody knows the answer."""


@dataclass(frozen=True, slots=True)
class Security:
    """What the door and the connections have to know."""

    keyring: Keyring
    is_private: bool
    """Nobody outside of this process can reach the node."""
    open_at: Sequence[Address] = ()
    """Where others can reach it without a secret, by the will of the operator."""
    always_keyed: bool = False
    is_secure: bool = False
    """The transport protects what it carries, and knows who is at the other end."""

    def origin(self, remote: str) -> str:
        """The host at the other end of a wire; empty when it is this machine."""
        if self.is_private:
            return ""
        try:
            address = Address.parse(remote)
        except AddressError:
            return remote
        return "" if address.is_loopback else address.host

    def wants_keyed(self, remote: str) -> bool:
        """Whether the frames of a wire need more than a checksum; without a secret, nothing gives more."""
        return self.always_keyed or not (self.is_secure or self.open_at or self.origin(remote) == "")

    async def warn(self) -> None:
        """Remind the operator of an open door, for ever."""
        where = ", ".join(map(str, self.open_at))
        while True:
            log.warning("%s: anybody who can reach it may join this cluster (security.allow_insecure)", where)
            await trio.sleep(_WARN_EVERY)


def secure(config: Config, listeners: Sequence[Listener], transport: TransportPlugin) -> Security:
    """Find the secret that fits where the node listens.

    Raises:
        InsecureBindError: others than this machine could reach it, and no secret is configured.
        SecretError: the secret cannot be read, made or trusted.
    """
    settings, cluster = config.security, config.node.cluster
    reached = [] if transport.private else [listener.address for listener in listeners if not _is_loopback(listener)]
    open_at: Sequence[Address] = ()
    if settings.secret_files:
        found = [read_secret(path) for path in settings.secret_files]
    elif transport.private or transport.secure:
        found = [_NO_SECRET]
    elif not reached:
        found = [automatic_secret(cluster)]
    elif settings.allow_insecure:
        found, open_at = [_NO_SECRET], reached
    else:
        raise _insecure(reached[0])
    keyring, always_keyed = Keyring(cluster, found), settings.keyed_frames == "always"
    return Security(keyring, transport.private, open_at, always_keyed, transport.secure)


def _is_loopback(listener: Listener) -> bool:
    return bool(getattr(listener, "is_loopback", listener.address.is_loopback))


def _insecure(address: Address) -> InsecureBindError:
    return InsecureBindError(
        f"others than this machine can reach {address}, and this node has no secret to tell them from members; nothing "
        f'was started. {how_to_make("cluster.secret")}; then set [security] secret_files = ["cluster.secret"]. Or '
        f"listen on 127.0.0.1, or set allow_insecure = true to let anybody in"
    )
