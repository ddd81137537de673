"""The last meaningful line of a program's output: its cause of failure, where no other is known."""

from __future__ import annotations

import re

from engine.text import clean

_MAX_LINE_CHARACTERS = 400
_MEANINGLESS = (
    # Signs alone: a rule, a box, dots.
    re.compile(r"\W*$"),
    # A rule with a label, as PlatformIO and pytest end with, or one with words on a side.
    re.compile(r"([-=*#~_+─━═]{3,200}) .{1,200} [-=*#~_+─━═]{3,200}$"),
    # A progress bar: of tqdm, click, curl, rich.
    re.compile(r".{0,80}?(?:[\[|][#=>. █▉▊▋▌▍▎▏░▒▓-]{5,200}[\]|]|[━╸╺█▓▒░]{5,200})"),
    # PlatformIO's table of what became of each environment (``run/cli.py``).
    re.compile(r"Environment +Status +Duration$"),
    re.compile(r"\S{1,100} +(?:FAILED|SUCCESS|IGNORED)(?: +[\d:.]{1,20})?$"),
)


def last_line(output: str) -> str:
    """The last line that says something, empty when none does.

    Args:
        output: what a program printed, with control sequences or without; of lines that it drew
            over itself the last state counts.
    """
    for line in reversed(output.splitlines()):
        words = clean(line[:_MAX_LINE_CHARACTERS]).strip()
        if not any(each.match(words) for each in _MEANINGLESS):
            return words
    return ""
