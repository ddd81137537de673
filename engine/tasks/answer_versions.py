"""Files that a model gives again: the fuller one is kept where the later lost something.

A model that should give a file whole gives a fragment of it, or writes ``// ... rest of the code
unchanged`` in place of what it does not repeat. Taken as the file, that destroys it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.tasks.file_names import DOCUMENTS, comment_sign

MIN_LINES = 6
"""Lines from which a file can shrink so much that something of it must be missing."""

_LONGEST_LINE = 240
_MAX_WORDS = 12
_NO_CODE = DOCUMENTS | {"text", "diff", "csv"}
_DOTS = ("...", "…")
_EDITS = ("<<<<<<< ", "@@ -")
"""How lines begin that change a file, where the file itself was asked for."""

_CODE = (
    r"(?:code|files?|functions?|methods?|implementations?|includes?|imports?|contents?|class|"
    r"definitions?|declarations?|configurations?|body|lines?|settings|options|tests?)"
)
_REST = r"(?:the |all |your )?(?:rest|remainder|remaining|other|previous|existing)\b"
_STAYS = r"(?:unchanged|same|as before|as is|stays?|remains?|here|omitted|untouched|above|below)"
_LEFT_OUT = re.compile(
    rf"{_REST}(?=.*\b{_STAYS}\b).*\b{_CODE}\b|"
    rf"(?:the )?(?:rest|remainder) (?:of (?:the |your |this )?{_CODE}|(?:is |as )?{_STAYS})\b|"
    r"(?:keep )?(?:your |the )?existing (?:code|implementation|functions|methods|imports|includes)|"
    r"(?:unchanged|no changes?(?: here)?|same as before|as before|(?:code )?omitted for brevity)\Z",
    re.IGNORECASE,
)
_ANY_CODE = re.compile(rf"\b{_CODE}\b", re.IGNORECASE)


def left_out(text: str, kind: str) -> str:
    """The first line of a file that stands for lines which are not there, empty for none.

    Args:
        text: untrusted.
        kind: the word of the file's kind; in documents and plain text dots mean nothing.
    """
    if kind in _NO_CODE:
        return ""
    before = ""
    for line in text.split("\n"):
        stripped = line[:_LONGEST_LINE].strip()
        if _stands_for_others(stripped, before, kind):
            return stripped
        before = stripped or before
    return ""


def loss(old: str, new: str, kind: str, elsewhere: Iterable[str] = ()) -> str:
    """What a later version of a file lost, in some words; empty where it can be taken.

    Args:
        old, new: the texts. Untrusted.
        kind: as :func:`left_out` has it.
        elsewhere: texts of the other files of the same answer: what went there is not lost.
    """
    line = left_out(new, kind)
    if line and not left_out(old, kind):
        return f"comes again with lines left out ({line[:60]})"
    had, has = _lines(old), _lines(new)
    if len(had) < MIN_LINES or 2 * len(has) > len(had):
        return ""
    still = set(has)
    lost = [line for line in had if line not in still]
    moved = {line for text in elsewhere for line in _lines(text)}
    if 2 * sum(line in moved for line in lost) >= len(lost):
        return ""
    return f"comes again with {len(has)} of {len(had)} lines"


def _stands_for_others(line: str, before: str, kind: str) -> bool:
    if line.startswith(_EDITS):
        return True
    if line in _DOTS:
        # In Python that is an expression, and in C the last argument.
        return kind != "python" and kind != "yaml" and not before.endswith((",", "("))
    sign = comment_sign(line)
    if not sign:
        return False
    text = line[len(sign) :].strip(" \t*/<>!-{}()[]")
    words = text.strip(".… ").split()
    if len(words) > _MAX_WORDS:
        return False
    speaks = bool(_LEFT_OUT.match(" ".join(words)))
    if not text.startswith(_DOTS):
        return speaks
    # A sentence of comments may go on with dots.
    return speaks or not words or not comment_sign(before) or bool(_ANY_CODE.search(text))


def _lines(text: str) -> list[str]:
    return [stripped for line in text.split("\n") if (stripped := line.strip())]
