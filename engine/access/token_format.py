"""How tokens and the values of cookies look, and what is kept of them."""

from __future__ import annotations

import hashlib
import re
import secrets

from engine.text import TOKEN_PREFIX

SECRET_CHARACTERS = 43
"""What a secret of 32 bytes has in Base64."""

_SECRET_BYTES = 32
_SECRET = re.compile(rf"[A-Za-z0-9_-]{{{SECRET_CHARACTERS}}}")


def new_secret() -> str:
    """A random value: what a cookie holds."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def new_token() -> str:
    """A random token."""
    return TOKEN_PREFIX + new_secret()


def is_secret(text: str) -> bool:
    """Whether a text has the form of what a cookie holds."""
    return _SECRET.fullmatch(text) is not None


def is_token(text: str) -> bool:
    """Whether a text has the form of a token."""
    return text.startswith(TOKEN_PREFIX) and is_secret(text[len(TOKEN_PREFIX) :])


def hash_of(secret: str) -> str:
    """What is kept of a secret: its SHA-256. Random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
