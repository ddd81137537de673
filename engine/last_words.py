"""What a program said last before it ended: the cause, where nothing else is known of it."""

from __future__ import annotations

import re

from engine.text import clean

_MAX_LINE = 400
_SAYS_NOTHING = (
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


def last_words(output: str) -> str:
    """The last line that says something, empty when none does.

    Args:
        output: what a program printed, with control sequences or without; of lines that it drew
            over itself the last state counts.
    """
    for line in reversed(output.splitlines()):
        words = clean(line[:_MAX_LINE]).strip()
        if not any(each.match(words) for each in _SAYS_NOTHING):
            return words
    return ""
