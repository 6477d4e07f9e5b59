"""The private folder: whose certificate signs, and what is said of one that cannot."""

import datetime
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from facedance.job import InputError
from facedance.marks import keys


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(keys.KEYS, str(tmp_path / "keys"))
    return tmp_path / "keys"


def give(folder, key, days=10, other=None):
    """A certificate of the key's own, and the key, or another one."""
    folder.mkdir(exist_ok=True)
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "A studio")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7)
        .not_valid_before(now - datetime.timedelta(days=20))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else keys.hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes((other or key).private_bytes(*private))


def test_a_certificate_is_made_once_and_names_nobody(folder):
    first, second = keys.signer(), keys.signer()
    assert first.chain == second.chain
    assert first.sign(b"x") == second.sign(b"x")
    leaf, root = x509.load_pem_x509_certificates(first.chain)
    assert {attribute.value for attribute in (*leaf.subject, *leaf.issuer)} == {"facedance", keys.SELF_MADE}
    leaf.verify_directly_issued_by(root)
    assert stat.S_IMODE((folder / "self-made" / "key.pem").stat().st_mode) == 0o600
    assert keys.own_serial() == str(leaf.serial_number)
    assert [path.name for path in folder.iterdir()] == ["self-made"]


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(ed25519.Ed25519PrivateKey.generate(), "ed25519"), (ec.generate_private_key(ec.SECP384R1()), "es384")],
    ids=["ed25519", "es384"],
)
def test_the_user_s_own_is_taken_and_signs_equally_each_time(folder, key, algorithm):
    give(folder, key)
    signer = keys.signer()
    assert signer.algorithm == algorithm
    assert signer.sign(b"x") == signer.sign(b"x")
    assert keys.own_serial() == "7"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "key.pem").unlink(), "both"),
        (lambda f: (f / "key.pem").write_text("no key"), "PEM"),
        (lambda f: ((f / "key.pem").unlink(), (f / "key.pem").mkdir()), "cannot be read"),
        (lambda f: give(f, rsa.generate_private_key(65537, 2048)), "differently each time"),
        (lambda f: give(f, ed25519.Ed25519PrivateKey.generate(), days=-1), "was valid until"),
        (lambda f: give(f, ed25519.Ed25519PrivateKey.generate(), other=ed25519.Ed25519PrivateKey.generate()), "not the key"),
    ],
    ids=["no key", "no PEM", "a folder", "RSA", "expired", "another's"],
)
def test_says_what_is_wrong_with_it(folder, spoil, said):
    give(folder, ed25519.Ed25519PrivateKey.generate())
    spoil(folder)
    with pytest.raises(InputError, match=said):
        keys.signer()


def test_says_where_nothing_can_be_kept(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(keys.KEYS, str(tmp_path / "file" / "keys"))
    with pytest.raises(InputError, match=r"marks\.credentials"):
        keys.signer()


def test_the_watermark_s_key_is_everybody_s_unless_there_is_one(folder):
    assert keys.watermark_key() == keys.PUBLIC_WATERMARK
    folder.mkdir()
    (folder / "watermark.key").write_text("0123456789abcdef0123456789abcdef\n")
    assert keys.watermark_key() == b"0123456789abcdef0123456789abcdef"
    (folder / "watermark.key").write_text("short")
    with pytest.raises(InputError, match="needs 16"):
        keys.watermark_key()
