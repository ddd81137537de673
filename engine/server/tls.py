"""TLS of the server: a certificate that is read again when its files have changed."""

from __future__ import annotations

import logging
import ssl
import stat
from pathlib import Path

from engine.errors import UsageError

_LOG = logging.getLogger("espdeck.http")
_OTHERS_MAY = stat.S_IRWXO | stat.S_IWGRP  # Debian's group ssl-cert may read keys


class Certificate:
    """A certificate and its key.

    Args:
        certificate: file of the certificate and those that it rests on, in PEM.
        key: file of its private key, in PEM; None where the certificate's file holds it.

    Raises:
        UsageError: they cannot be used; says which and why.
    """

    def __init__(self, certificate: Path, key: Path | None) -> None:
        self._certificate = certificate
        self._key = key or certificate
        self._seen = self._stamp()
        self.context = self._context()

    def refresh(self) -> None:
        """Take the files again where they have changed, for the connections that come.

        Those that make no sense, as in the midst of a renewal, leave the certificate from before.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._context()
            self.context.load_cert_chain(self._certificate, self._key, _no_password)
        except (UsageError, OSError, ValueError) as error:
            _LOG.warning("the certificate from before stays in use: %s", error)
        else:
            _LOG.info("certificate read again: %s", self._certificate)

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        found = []
        for each in (self._certificate, self._key):
            try:
                status = each.stat()
            except OSError:
                found.append((0, 0))
            else:
                found.append((status.st_mtime_ns, status.st_ino))
        return tuple(found)

    def _context(self) -> ssl.SSLContext:
        _check_pem(self._certificate, b"CERTIFICATE-----", "certificate")
        _check_pem(self._key, b"PRIVATE KEY-----", "private key")
        if self._key.stat().st_mode & _OTHERS_MAY:
            raise UsageError(
                f"{self._key}: other users may read or write it: chmod 600 {self._key}"
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self._certificate, self._key, _no_password)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise UsageError(
                    f"{self._key} is not the key of the certificate {self._certificate}"
                ) from error
            raise UsageError(
                f"{self._certificate} and {self._key}: {error.reason or error}"
            ) from error
        except ValueError as error:
            raise UsageError(str(error)) from error
        return context


def _check_pem(path: Path, mark: bytes, what: str) -> None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{what} {path}: {error.strerror}") from error
    if mark not in data:
        raise UsageError(f"{path} holds no {what} in PEM")
    if mark.startswith(b"PRIVATE") and b"ENCRYPTED" in data:
        raise UsageError(
            f"{path} is encrypted, and the server cannot ask for its password: "
            "openssl pkey -in KEY -out NEW"
        )


def _no_password() -> str:
    raise ValueError("the key is encrypted")  # OpenSSL would ask on the terminal
