"""Colour codes out of tool and firmware output, before it is parsed."""

from __future__ import annotations

import re

_CSI = re.compile(r"\x1b\[[0-9;:?]{0,32}[ -/]?[@-~]")


def plain(text: str) -> str:
    """Text without CSI sequences (ECMA-48, 5.4), the ones that colour output.

    For parsers only: what is shown to a person goes through the boundary that strips everything.
    """
    return _CSI.sub("", text) if "\x1b" in text else text
