"""How many tokens a text is to a model, by the tokenizer of that model.

The vocabularies come with the package ``bpe-openai``: nothing is downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

STAND_IN = "o200k_base"
"""Encoding that counts for a model whose own is not known."""

_MODELS = (
    (r"gpt-4o|gpt-4\.1|gpt-4\.5|chatgpt-4o|gpt-5|gpt-oss|o[134](?![a-z0-9])", "o200k_base"),
    (r"gpt-4(?![a-z0-9.])|gpt-3\.5|gpt-35|text-embedding-(?:ada-002|3-)", "cl100k_base"),
    (r"voyage-3", "voyage3_base"),
    (r"cl100k_base$|o200k_base$|voyage3_base$", ""),
)
"""How names of models begin, and their encodings (tiktoken, ``model.py``); the first that fits."""

_MAX_PIECE_CHARACTERS = 50_000
"""The package refuses texts of more than 200,000 tokens; a character is four bytes at most, and a
token one byte at least."""


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Tokens of some texts.

    Args:
        model: whose they are, as it was named.
        encoding: that counted them.
        is_stand_in: whether the model's own encoding is not known.
        count: how many.
    """

    model: str
    encoding: str
    is_stand_in: bool
    count: int


def encoding_of(model: str) -> str | None:
    """The encoding of a model, None where it is not known."""
    name = model.strip().lower().rpartition("/")[2]
    for pattern, encoding in _MODELS:
        if match := re.match(pattern, name):
            return encoding or match[0]
    return None


def count_tokens(texts: Iterable[str], model: str) -> TokenCount:
    """How many tokens some texts are, each counted by itself."""
    known = encoding_of(model)
    encoding = known or STAND_IN
    pieces = [piece for text in texts for piece in _pieces(text)]
    total = 0
    if pieces:
        # Loading it takes a second, which most runs need not spend.
        from bpe_openai import get_encoding

        tokenizer = get_encoding(encoding)
        total = sum(len(tokenizer.encode_ordinary(piece)) for piece in pieces)
    return TokenCount(model, encoding, known is None, total)


def _pieces(text: str) -> Iterable[str]:
    """A text in parts that begin with a line, where lines are not too long."""
    start = 0
    while len(text) - start > _MAX_PIECE_CHARACTERS:
        end = text.rfind("\n", start, start + _MAX_PIECE_CHARACTERS) + 1
        end = end or start + _MAX_PIECE_CHARACTERS
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]
