"""The user's private folder: the certificate that signs renders, and the key of their watermark.

It belongs to the user and not to a project, so that neither git nor DVC ever sees it, and all projects of one user sign alike.
"""

import datetime
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from facedance.job import InputError

KEYS = "FACEDANCE_KEYS"
"""Environment variable that names another private folder than ~/.config/facedance."""

SELF_MADE = "self-made by facedance"
"""The organisation in certificates that are made on the spot, for which nobody vouches."""

PUBLIC_WATERMARK = b"facedance"
"""The watermark's key where the user has none, so that every copy of this program finds it."""

_CHAIN, _KEY, _WATERMARK, _MADE = "certificate.pem", "key.pem", "watermark.key", "self-made"
_YEARS = 20  # without a time stamp, a signature is as good as its certificate is


@dataclass(frozen=True)
class Signer:
    """A certificate with its chain (PEM, its own first), and how to sign with it: equal bytes get equal signatures."""

    chain: bytes
    algorithm: str  # as C2PA calls it
    sign: Callable[[bytes], bytes]

    @property
    def fingerprint(self) -> str:
        """Hex digest of the certificate."""
        return x509.load_pem_x509_certificate(self.chain).fingerprint(hashes.SHA256()).hex()


def private_folder() -> Path:
    """Where the user's keys are, or would be."""
    return Path(os.environ.get(KEYS) or "~/.config/facedance").expanduser()


def watermark_key() -> bytes:
    """The user's key for watermarks (`watermark.key`, any bytes), or the one that everybody has.

    Raises:
        InputError: it cannot be read, or is too short to be secret.
    """
    path = private_folder() / _WATERMARK
    if not path.exists():
        return PUBLIC_WATERMARK
    key = _read(path).strip()
    if len(key) < 16:
        raise InputError(f"{path} holds {len(key)} bytes; a watermark's key needs 16, as `openssl rand -hex 16` gives them")
    return key


def signer() -> Signer:
    """The user's certificate (`certificate.pem` with its chain, and `key.pem`), else one that is made on the spot and kept.

    Raises:
        InputError: a file is missing or cannot be used, or the folder cannot be written to.
    """
    folder = private_folder()
    given = [(folder / name).exists() for name in (_CHAIN, _KEY)]
    if any(given) and not all(given):
        raise InputError(f"{folder} needs both {_CHAIN} and {_KEY} to sign with, or neither: {given.count(True)} of 2 is there")
    if not any(given):
        folder = folder / _MADE
        try:
            _make(folder)
        except OSError as error:
            raise InputError(
                f"no certificate can be kept in {folder} ({error.strerror}): say {KEYS}=<a private folder>, "
                "or set marks.credentials to false"
            ) from None
    return _load(folder)


def own_serial() -> str | None:
    """The number of the certificate that this user signs with, None while there is none."""
    folder = private_folder()
    for path in (folder / _CHAIN, folder / _MADE / _CHAIN):
        if path.exists():
            try:
                return str(x509.load_pem_x509_certificate(path.read_bytes()).serial_number)
            except ValueError:
                return None
    return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): it should be a file of yours") from None


def _load(folder: Path) -> Signer:
    chain, own = _read(folder / _CHAIN), _read(folder / _KEY)
    try:
        certificate = x509.load_pem_x509_certificate(chain)
        key = load_pem_private_key(own, password=None)
    except (ValueError, TypeError) as error:
        raise InputError(f"{folder} holds no certificate and key in PEM without a password ({error})") from None
    der = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*der) != certificate.public_key().public_bytes(*der):
        raise InputError(f"{folder / _KEY} is not the key of {folder / _CHAIN}, whose first certificate has to be the key's own")
    if datetime.datetime.now(datetime.UTC) > certificate.not_valid_after_utc:
        raise InputError(
            f"{folder / _CHAIN} was valid until {certificate.not_valid_after_utc:%Y-%m-%d}: renew it, or move it away"
        )
    if isinstance(key, Ed25519PrivateKey):
        return Signer(chain, "ed25519", key.sign)
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        name, algorithm = _CURVES[key.curve.name]
        return Signer(chain, name, partial(_ecdsa, key, algorithm))
    raise InputError(
        f"{folder / _KEY} is of a kind that signs differently each time: take Ed25519 or a NIST curve (P-256 to P-521)"
    )


_CURVES: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    "secp256r1": ("es256", hashes.SHA256()),
    "secp384r1": ("es384", hashes.SHA384()),
    "secp521r1": ("es512", hashes.SHA512()),
}


def _ecdsa(key: ec.EllipticCurvePrivateKey, algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    """RFC 6979's signature, which has no chance in it, as COSE writes it: r and s one after the other."""
    size = (key.curve.key_size + 7) // 8
    numbers = decode_dss_signature(key.sign(data, ec.ECDSA(algorithm, deterministic_signing=True)))
    return b"".join(number.to_bytes(size, "big") for number in numbers)


def _make(folder: Path) -> None:
    """A certificate of one's own and its key, unless they are there; of two processes that make one, the first wins."""
    if folder.exists():
        return
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    root, leaf = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    chain = [_certificate("facedance", leaf, root), _certificate(SELF_MADE, root, root)]
    (made / _CHAIN).write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain))
    key = leaf.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    os.close(os.open(made / _KEY, os.O_CREAT | os.O_EXCL, 0o600))
    (made / _KEY).write_bytes(key)
    try:
        made.rename(folder)
    except OSError:
        shutil.rmtree(made)
        if not folder.exists():
            raise


def _certificate(name: str, of: Ed25519PrivateKey, by: Ed25519PrivateKey) -> x509.Certificate:
    """A certificate with what C2PA asks for, of nobody in particular; one that is signed by its own key is the chain's root."""
    root = of is by
    today = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(SELF_MADE))
        .public_key(of.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        .add_extension(_usage(root), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(of.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if not root:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(by, None)


def _named(name: str) -> x509.Name:
    parts = ((NameOID.COMMON_NAME, name), (NameOID.ORGANIZATION_NAME, SELF_MADE))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _usage(root: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not root,
        key_cert_sign=root,
        crl_sign=root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
