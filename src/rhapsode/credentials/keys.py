"""The key that Content Credentials are signed with: made on first use and kept among the user's files, or their own."""

import datetime
import logging
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rhapsode.errors import OptionsError
from rhapsode.files import atomic_path
from rhapsode.places import user_folder

log = logging.getLogger(__name__)

#: Name variables of the environment: the user's own key and certificates, PEM files.
KEY_VARIABLE, CERTIFICATE_VARIABLE = "RHAPSODE_CREDENTIALS_KEY", "RHAPSODE_CREDENTIALS_CERTIFICATE"
#: Says who signs with a key of our making: nobody whose name was checked.
SIGNER = "A user of Rhapsode"
_FILE = "credentials.pem"
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
#: A certificate that has run out makes all that it signed before invalid, since no authority states when that was.
_YEARS = 50


@dataclass(frozen=True)
class SigningKey:
    """Sign with a key whose public half certificates name.

    Attributes:
        key: private key, PEM (PKCS #8).
        certificates: PEM: that of the key first, then those that vouch for it.
        algorithm: name of the signature in C2PA, such as es256.
    """

    key: bytes
    certificates: bytes
    algorithm: str = "es256"

    @property
    def root(self) -> str:
        """Give the last certificate, PEM."""
        return x509.load_pem_x509_certificates(self.certificates)[-1].public_bytes(Encoding.PEM).decode()


def signing_key(key: Path | None = None, certificate: Path | None = None) -> SigningKey:
    """Give the key to sign with: the one that is named, here or in the environment, else the user's.

    Args:
        key: private key, PEM; that of the environment variable `RHAPSODE_CREDENTIALS_KEY` where None.
        certificate: its certificates, PEM; likewise of `RHAPSODE_CREDENTIALS_CERTIFICATE`.

    Raises:
        OptionsError: one is named without the other, or they are unreadable or do not belong together.
    """
    key, certificate = key or _named(KEY_VARIABLE), certificate or _named(CERTIFICATE_VARIABLE)
    if key is None and certificate is None:
        return users_key(user_folder("data"))
    if key is None or certificate is None:
        raise OptionsError(
            f"{key or certificate}: a key to sign with and its certificate go together", "name both", "half-a-key"
        )
    return read_key(key, certificate)


def read_key(key: Path, certificate: Path) -> SigningKey:
    """Read a key and its certificates; see `signing_key`."""
    try:
        private = load_pem_private_key(key.read_bytes(), None)
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
        public = chain[0].public_key()
    except (OSError, ValueError, TypeError, IndexError) as error:
        reason = str(getattr(error, "strerror", None) or error).splitlines()[0].lower()
        raise OptionsError(
            f"{key}, {certificate}: not a key and its certificate ({reason})",
            "name PEM files without a password",
            "bad-key",
        ) from None
    if private.public_key() != public:
        raise OptionsError(
            f"{certificate}: is not the certificate of {key}", "name those that belong together", "bad-key"
        )
    if isinstance(private, rsa.RSAPrivateKey):
        algorithm = "ps256"
    elif isinstance(private, ed25519.Ed25519PrivateKey):
        algorithm = "ed25519"
    else:
        algorithm = _CURVES.get(private.curve.name, "") if isinstance(private, ec.EllipticCurvePrivateKey) else ""
    if not algorithm:
        raise OptionsError(f"{key}: a kind of key that C2PA does not have", "choose ES256, PS256 or Ed25519", "bad-key")
    return SigningKey(_pem(private), _pem_chain(chain), algorithm)


@lru_cache(maxsize=8)
def users_key(folder: Path | None) -> SigningKey:
    """Read the user's key, or make it; where it cannot be kept, it serves this process, and that is said.

    Args:
        folder: of the user's files; None where there is none.
    """
    path = None if folder is None else folder / _FILE
    try:
        if path is not None and path.exists():
            return read_key(path, path)
        made = make_key()
        if path is not None:
            _keep(made, path)
            return read_key(path, path)  # another process may have kept one at the same time
        why = "there is no home folder"
    except OSError as error:
        why = (error.strerror or str(error)).lower()
    text = "Content Credentials are signed with a key for this run alone: it cannot be kept (%s)"
    log.warning(text, why if path is None else f"{path}: {why}", extra={"code": "key-for-once"})
    return made


def make_key() -> SigningKey:
    """Make a key, and a chain of two certificates, as C2PA asks for; the key of the upper one is thrown away."""
    own, upper = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate(upper.public_key(), f"{SIGNER}: made by itself", None, upper)
    leaf = _certificate(own.public_key(), SIGNER, root, upper)
    return SigningKey(_pem(own), _pem_chain([leaf, root]))


def _certificate(
    public: ec.EllipticCurvePublicKey, name: str, issuer: x509.Certificate | None, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """Certify a public key: as one that signs files, or, without an issuer, as one that certifies."""
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, SIGNER), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    # A day before, for clocks that are late.
    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    certifies = issuer is None
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=certifies, path_length=0 if certifies else None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not certifies, key_cert_sign=certifies, crl_sign=False, decipher_only=False, **usage
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not certifies:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])  # what C2PA takes from anybody
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(signer, SHA256())


def own_root() -> str:
    """Give the certificate that this user's files lead to, PEM; empty where they have signed none yet."""
    key, certificate, folder = _named(KEY_VARIABLE), _named(CERTIFICATE_VARIABLE), user_folder("data")
    if key is not None and certificate is not None:
        return read_key(key, certificate).root
    kept = folder is not None and (folder / _FILE).exists()
    return users_key(folder).root if kept else ""


def _keep(made: SigningKey, path: Path) -> None:
    with atomic_path(path) as partial:
        partial.touch(0o600)
        partial.write_bytes(made.key + made.certificates)


def _pem(private: object) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]


def _pem_chain(certificates: list[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def _named(variable: str) -> Path | None:
    return Path(os.environ[variable]) if os.environ.get(variable) else None
