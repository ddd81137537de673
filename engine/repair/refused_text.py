"""What no model may write into a file: signs that nobody sees, and words in place of lines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from engine.text import clean

_PROSE = frozenset({".md", ".txt", ".rst", ".adoc", ".html", ".htm"})
_LONGEST = 200

# Cf and what looks like nothing (UAX #31, UTR #36), but the selectors that emoji end with.
_INVISIBLE = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_ODD_BLANK = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")

_COMMENT = re.compile(r"(?://+|/\*+|#+|--+|;+|<!--|\{/\*|%+|\()?[ \t]*")
_COMMENT_END = re.compile(r"[ \t]*(?:\*/\}?|-->|\))?[ \t.:]*\Z")
_DOTS = re.compile(r"\.{3,}|\u2026")
_WHAT = (
    r"(?:code|file|function|functions|program|implementation|content|contents|logic|lines|class)"
)
_LEFT_OUT = re.compile(
    rf"(?:(?:the|your|keep|all)\s+)*(?:(?:rest|remainder)\s+of\s+(?:the\s+|your\s+)?(?:\w+\s+)?{_WHAT}"
    rf"|(?:existing|remaining|unchanged)\s+(?:\w+\s+)?{_WHAT}"
    rf"|{_WHAT}?\s*(?:unchanged|omitted|as\s+before|same\s+as\s+(?:before|above)))"
    r"(?:\s+(?:here|above|below|remains?|stays?|is|goes|the\s+same|same|unchanged|omitted|as\s+before"
    r"|as\s+it\s+is|for\s+brevity|continues?))*",
    re.IGNORECASE,
)
_TELLING = re.compile(
    r"\b(?:rest|remainder|remaining|existing|unchanged|same|previous|omitted|snip|keep|original"
    r"|left\s+out|other\s+(?:functions?|code|methods?|includes?|lines?|fields?|members?))\b",
    re.IGNORECASE,
)


def invisible(lines: Iterable[str], file: str) -> str | None:
    """Why lines must not be written because somebody who looks at the diff does not see all of it.

    Args:
        file: its path; in texts for people the no-break space is one that they may want.
    """
    prose = PurePosixPath(file).suffix.lower() in _PROSE
    for line in lines:
        if line.isascii() and line.isprintable():
            continue
        plain = line.replace("\t", " ")
        found = _INVISIBLE.search(plain) or (None if prose else _ODD_BLANK.search(plain))
        if found:
            sign = found[0]
            name = unicodedata.name(sign, "a control").lower()
            return f"would have U+{ord(sign):04X} ({name}), which nobody sees: write it without"
        if clean(plain) != plain:
            return "would have control characters"
    return None


def stands_for_lines(line: str, file: str) -> bool:
    """Whether a line stands for lines that a model did not write.

    Args:
        file: its path; in Python a line of three dots is a statement.
    """
    text = line.strip()
    if not text or len(text) > _LONGEST:
        return False
    comment = _COMMENT.match(text)
    start = comment.end() if comment else 0
    text, is_comment = _COMMENT_END.sub("", text[start:]), start > 0
    dots = _DOTS.search(line)
    if not _DOTS.sub("", text).strip():
        is_python = PurePosixPath(file).suffix.lower() in (".py", ".pyi")
        return dots is not None and (is_comment or not is_python)
    if dots and _TELLING.search(text):
        return is_comment or bool(_DOTS.match(text))
    return is_comment and _LEFT_OUT.fullmatch(text) is not None
