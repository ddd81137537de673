"""Certificates of a test's own authority, and who trusts it."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

_AUTHORITY = trustme.CA()
ONE = _AUTHORITY.issue_cert("localhost", "lab.example", "127.0.0.1")
OTHER = _AUTHORITY.issue_cert("localhost", "127.0.0.1")


def trusting() -> ssl.SSLContext:
    """What a client knows that trusts the authority."""
    context = ssl.create_default_context()
    _AUTHORITY.configure_trust(context)
    return context


def authority(folder: Path) -> Path:
    """The file of the authority's certificate."""
    file = folder / "authority.pem"
    _AUTHORITY.cert_pem.write_to_path(str(file))
    return file


def written(folder: Path, cert: trustme.LeafCert = ONE) -> dict[str, Path]:
    """The files of a certificate, as settings name them."""
    certificate, key = folder / "lab.pem", folder / "lab.key"
    certificate.write_bytes(b"".join(each.bytes() for each in cert.cert_chain_pems))
    key.touch(0o600)
    key.write_bytes(cert.private_key_pem.bytes())
    return {"tls_certificate": certificate, "tls_key": key}
