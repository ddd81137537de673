"""Links to artifacts that hold for some time, for whoever has them: signed with a workspace's key.

A signature is good for one file under one name until one time, and for nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from urllib.parse import quote, urlencode

from engine.files import read_file

KEY_FILE = "artifacts.key"
"""File of a workspace that has its key."""

_PURPOSE = "espdeck: download of an artifact, 1"
_KEY_BYTES = 32


class LinkSigner:
    """Signs links to artifacts, and knows its own signatures.

    Args:
        workspace: its folder; the key is made with the first link.
    """

    def __init__(self, workspace: Path) -> None:
        self._path = workspace / KEY_FILE

    def link(self, sha256: str, name: str, expires: int) -> str:
        """The path of a link, relative to the root of the API, with its query.

        Args:
            name: of the file, as it is saved.
            expires: when it ends to hold, in seconds since the epoch.

        Raises:
            OSError: the key cannot be read or made.
        """
        signature = self._signature(sha256, name, expires)
        query = urlencode({"expires": expires, "signature": signature})
        return f"download/{sha256}/{quote(name, safe='')}?{query}"

    def holds(self, sha256: str, name: str, expires: int, signature: str, *, now: float) -> bool:
        """Whether a link was signed here, and still holds.

        Args:
            now: in seconds since the epoch.

        Raises:
            OSError: the key cannot be read or made.
        """
        ours = self._signature(sha256, name, expires).encode()
        is_ours = hmac.compare_digest(ours, signature.encode("utf-8", "replace"))
        return is_ours and now < expires

    def _signature(self, sha256: str, name: str, expires: int) -> str:
        text = "\n".join((_PURPOSE, sha256, str(expires), name))
        key = self._key()
        return hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def _key(self) -> bytes:
        for _ in range(2):
            with contextlib.suppress(FileNotFoundError):
                key = read_file(self._path, _KEY_BYTES)
                if len(key) == _KEY_BYTES:
                    return key
                self._path.unlink()  # damaged: links from before do not hold any more
            self._make_key()
        raise OSError(f"{self._path}: cannot be kept")

    def _make_key(self) -> None:
        """Make the file, whole, unless another thread or process was first."""
        part = self._path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
            with contextlib.suppress(FileExistsError):
                os.link(part, self._path)
        finally:
            part.unlink(missing_ok=True)
