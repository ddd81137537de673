"""Hides secrets in what is logged: those of the environment, of settings, in URLs, and tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from engine.text import TOKEN_PREFIX, mask, mask_tokens

MASK = "***"

_SECRET_NAME = re.compile(
    r"(?i)(?:.*_)?(?:tokens?|secrets?|passw(?:or)?d|passphrase|pat|credentials?"
    r"|(?:api|access|private|secret|auth|license)_?keys?|key)(?:_.{1,20})?"
)
_MIN_SECRET_CHARACTERS = 6  # a shorter one would hide every such word of a log
_PARAMETER = re.compile(
    r"(?i)([?&;](?:[\w-]{0,20}(?:token|ticket|key|secret|password|signature|sig))=)[^&\s\"'<>]{1,2000}"
)
_AUTHORIZATION = re.compile(r"(?i)\b((?:bearer|basic|token)\s{1,4})[\w.~+/-]{12,2000}=*")


def is_secret_name(name: str) -> bool:
    """Whether an environment variable of this name holds a secret, as ``ESPDECK_LLM_API_KEY``."""
    return _SECRET_NAME.fullmatch(name) is not None


def environment_secrets(environ: Mapping[str, str]) -> frozenset[str]:
    """The secrets that an environment holds, told by the names of its variables."""
    return frozenset(value for name, value in environ.items() if is_secret_name(name))


class SecretFilter:
    """Hides secrets in text.

    Args:
        secrets: values that must not be seen; those of less than six characters are not looked
            for.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        # A longer one first: another may be a part of it.
        known = sorted({each for each in secrets if _is_long(each)}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """The text with :data:`MASK` in place of each secret."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if "://" in text or "@" in text:
            text = mask(text)
        if TOKEN_PREFIX in text:
            text = mask_tokens(text)
        if "=" in text:
            text = _PARAMETER.sub(rf"\1{MASK}", text)
        return _AUTHORIZATION.sub(rf"\1{MASK}", text)


def _is_long(secret: str) -> bool:
    return len(secret.strip()) >= _MIN_SECRET_CHARACTERS
