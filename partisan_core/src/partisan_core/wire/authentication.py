"""Authentication: proof that both ends of a handshake hold a secret of the cluster. Hashes and comparisons only.

    key        = HKDF-SHA-256(secret, cluster)
    transcript = SHA-256(length of the dialler's hello | dialler's hello | accepter's hello)
    mac        = HMAC-SHA-256(key, label | transcript | the fields of the frame before its mac)

The label is the role of who signs and what it signs: nothing can be sent back to its maker as its own. The
transcript has the bytes of both hellos as they were sent, so no name, version or wish in them can be changed on the
way; and a nonce of each end, so nothing of an earlier handshake fits. Source: reliability reference, section 4.4.
"""

from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest, digest

_SALT = b"PARTISAN secret, version 1"
_LENGTH_BYTES = 4


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """Derive a key of 32 bytes: RFC 5869 with SHA-256, one block."""
    return digest(digest(salt, secret, "sha256"), info + b"\x01", "sha256")


class Keyring:
    """The secrets of a node as keys of its cluster: it dials with the first and accepts each (at most two)."""

    __slots__ = ("keys",)

    def __init__(self, cluster: str, secrets: Sequence[bytes]) -> None:
        self.keys = tuple(hkdf(secret, _SALT, cluster.encode()) for secret in secrets)


class Authentication:
    """One handshake, both hellos of which are known, under the keys that an end accepts in it."""

    __slots__ = ("_key", "_keys", "_transcript")

    def __init__(self, keys: Sequence[bytes], dialler: bytes, accepter: bytes) -> None:
        self._keys = keys
        self._key = keys[0]
        length = len(dialler).to_bytes(_LENGTH_BYTES, "big")
        self._transcript = sha256(length + dialler + accepter).digest()

    def sign(self, label: bytes, fields: bytes) -> bytes:
        """The mac for a frame of ours."""
        return self._mac(self._key, label, fields)

    def recognise(self, label: bytes, fields: bytes, mac: bytes) -> bool:
        """Whether a key that is accepted made the `mac` of a peer's frame; that key then makes our answer."""
        for key in self._keys:
            if compare_digest(self._mac(key, label, fields), mac):
                self._key = key
                return True
        return False

    def frame_key(self, label: bytes) -> bytes:
        """The key for the frames that one end sends after the handshake."""
        return self._mac(self._key, label, b"")

    def _mac(self, key: bytes, label: bytes, fields: bytes) -> bytes:
        return digest(key, label + self._transcript + fields, "sha256")
