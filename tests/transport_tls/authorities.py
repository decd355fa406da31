"""Authorities and the certificates that they issue, made anew for each test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Files:
    """The three files of a node."""

    certificate: Path
    key: Path
    ca: Path

    @property
    def table(self) -> dict[str, str]:
        """As `[transport]` has it."""
        return {"use": "tls", "certificate": str(self.certificate), "key": str(self.key), "ca": str(self.ca)}


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder = folder
        self.ca = folder / f"{name}.pem"
        self._name, self._key = _name(name), generate_private_key(SECP256R1())
        builder = self._builder(self._name, self._key).add_extension(x509.BasicConstraints(True, None), critical=True)
        self._write(self.ca, builder.sign(self._key, SHA256()))

    def issue(
        self,
        name: str,
        *,
        uris: Sequence[str] = (),
        dns: Sequence[str] | None = None,
        age: timedelta = timedelta(),
        password: bytes = b"",
    ) -> Files:
        """A certificate that names the node `name`; or others, or one that has expired."""
        files = Files(self.folder / f"{name}.pem", self.folder / f"{name}.key", self.ca)
        key = generate_private_key(SECP256R1())
        names = [x509.DNSName(one) for one in ([name] if dns is None else dns)]
        builder = self._builder(_name(name), key, age).add_extension(
            x509.SubjectAlternativeName([*names, *map(x509.UniformResourceIdentifier, uris)]), critical=False
        )
        encryption = BestAvailableEncryption(password) if password else NoEncryption()
        self._write(files.certificate, builder.sign(self._key, SHA256()))
        files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        return files

    def _builder(
        self, subject: x509.Name, key: EllipticCurvePrivateKey, age: timedelta = timedelta()
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC) - age
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
        )

    @staticmethod
    def _write(path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(Encoding.PEM))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])
