"""The keys of one control plane: an authority, its certificates, a key for tokens."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 400
SKEW = datetime.timedelta(hours=1)  # tests may run beside a clock that is a little behind
SERVICE_ADDRESS = "10.96.0.1"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority:
    """Signs what the control plane and its users need; every file lies in ``directory``.

    The authority's own key is RSA, and its certificate carries its name as a host, too: Kueue
    asks for both.
    """

    def __init__(self, directory: Path, name: str = "clt-test-ca") -> None:
        self.directory = directory
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _builder(self._name, self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        )
        self.key = _write_key(self._key, directory / "ca.key")
        self.certificate = directory / "ca.crt"
        self.certificate.write_bytes(_pem(certificate.sign(self._key, hashes.SHA256())))

    def server(self, name: str, *hosts: str) -> tuple[Path, Path]:
        """Certificate and key of a server on loopback and on ``hosts``, names or addresses."""
        named = ("127.0.0.1", SERVICE_ADDRESS, "localhost", *hosts)
        names = [_name(host) for host in dict.fromkeys(named)]
        return self._issue(name, [], ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client(self, user: str, *groups: str) -> tuple[Path, Path]:
        """Certificate and key of a user as Kubernetes reads them: name and groups."""
        return self._issue(user, list(groups), ExtendedKeyUsageOID.CLIENT_AUTH, [])

    def token_key(self) -> Path:
        """A private key that signs service-account tokens, its public key in ``tokens.pub``."""
        key = ec.generate_private_key(ec.SECP256R1())
        (self.directory / "tokens.pub").write_bytes(
            key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        return _write_key(key, self.directory / "tokens.key")

    def _issue(
        self,
        user: str,
        groups: list[str],
        usage: x509.ObjectIdentifier,
        names: list[x509.GeneralName],
    ) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
        builder = _builder(x509.Name(subject), self._name, key).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        base = self.directory / user.replace(":", "-")
        certificate = base.with_name(f"{base.name}.crt")
        certificate.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))
        return certificate, _write_key(key, base.with_name(f"{base.name}.key"))


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(subject: x509.Name, issuer: x509.Name, key: Key) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + datetime.timedelta(days=DAYS))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(key: Key, path: Path) -> Path:
    """PKCS 8 would do for TLS; the controller-manager wants the older form for tokens."""
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return path
