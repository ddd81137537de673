"""Text of others in a question to a model: fenced so that nothing in it can end the fence."""

from __future__ import annotations

import re

from engine.text import clean


def fenced(text: str, info: str = "") -> str:
    """Text in a fence that nothing in it can end.

    Args:
        text: untrusted; control characters are taken out, tabs stay.
        info: what it is: a word of ours, never of the text's.
    """
    lines = [_plain(line) for line in text.split("\n")]
    runs = [len(run) for line in lines for run in re.findall(r"`{3,}", line)]
    fence = "`" * (max(runs, default=2) + 1)
    body = "\n".join(lines)
    return f"{fence}{info}\n{body}\n{fence}"


def _plain(line: str) -> str:
    """A line that cannot steer a terminal, with its tabs: a model has to repeat it exactly."""
    return "\t".join(clean(part) for part in line.split("\t"))
