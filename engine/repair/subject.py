"""What a repair does and why, in one line, out of a model's answer."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from engine.text import clean

MAX_SUBJECT = 72
"""Characters of a commit's subject (git-commit(1) and most hosts show some 50 to 72)."""

CHANGES_TESTS = "changes tests"
"""How the explanation of a repair begins that changes tests, assertions or what is expected."""

NOTHING_SAID = "changed what it held for the cause"
"""The explanation of a repair of which a model says nothing."""

_MAX_SENTENCE = 120
_MAX_LINES = 40
_SUBJECT = re.compile(r"[#>*_` ]{0,8}SUBJECT[*_`]{0,4}:[*_` ]{0,4}(.{3,400})")
_CHATTER = re.compile(
    r"(?:sure|certainly|of course|okay|ok|great|absolutely|thanks|thank you|no problem|yes"
    r"|(?:here|below)(?:'s|’s| is| are)|i(?:'ll|’ll|'ve|’ve| will| have| can| would)\b"
    r"|let(?:'s|’s| me| us)\b|the following|please|as requested|based on|looking at|after reviewing"
    r"|to (?:fix|solve|resolve|address|repair) (?:this|the|it)\b|hope this|feel free)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`'\"])")
_LABEL = re.compile(
    r"(?:(?:root )?cause|problem|issue|fix|explanation|analysis|summary|what is wrong):\s+",
    re.IGNORECASE,
)
_BLOCK = re.compile(r"\s*(?:<{5,}|>{5,}|={5,}|`{3,}|~{3,}|@@|--- |\+\+\+ |\*\*\* )")
_NAMES_A_FILE = re.compile(r"\S+\.\w{1,8}:?")


def subject_of(answer: str) -> str:
    """The line ``SUBJECT:`` of an answer, else its first sentence that says something.

    Args:
        answer: of a model, without its reasoning. Untrusted.

    Returns:
        One line, cut at a word where it is long; empty where the answer says nothing.
    """
    lines = [clean(line) for line in answer.split("\n")[:_MAX_LINES]]
    for line in lines:
        if said := _SUBJECT.match(line):
            return shortened(_plain(said[1]), _MAX_SENTENCE).rstrip(" .")
    sentences = (each for each in _sentences(lines) if not _CHATTER.match(each))
    return shortened(next(sentences, ""), _MAX_SENTENCE)


def shortened(text: str, most: int) -> str:
    """A text of one line with at most so many characters, cut between words where it can be."""
    text = " ".join(text.split())
    return textwrap.shorten(text, most, placeholder="...") if " " in text[:most] else text[:most]


def _sentences(lines: list[str]) -> Iterator[str]:
    """Sentences of what stands before the first block."""
    for line in lines:
        if _BLOCK.match(line):
            return
        plain = _LABEL.sub("", _plain(line), count=1)
        if _NAMES_A_FILE.fullmatch(plain):
            continue
        yield from (each for each in _SENTENCE_END.split(plain) if " " in each)


def _plain(line: str) -> str:
    """A line without its marks of Markdown."""
    return re.sub(r"\*\*|`", "", line).strip().lstrip("#>-* ").strip()
