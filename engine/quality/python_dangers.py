"""Rates the dangers in Python that bandit finds: which block, warn or are none.

Python in a firmware's repository builds it, generates code, and talks to boards in a lab. What
bandit calls HIGH blocks where it is sure, but for :data:`ONLY_WARN`; MEDIUM warns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.quality.security_ratings import BLOCKS, WARNS, Rating, SecurityLevel

ONLY_WARN: Mapping[str, str] = {
    "B303": "a checksum; to keep a secret, use another hash",
    "B312": "debuggers and instruments of a lab speak telnet",
    "B321": "instruments of a lab speak FTP",
    "B324": "a checksum; to keep a secret, use another hash",
    "B401": "debuggers and instruments of a lab speak telnet",
    "B402": "instruments of a lab speak FTP",
    "B411": "an import alone does nothing",
    "B412": "an import alone does nothing",
    "B413": "an import alone does nothing",
    "B415": "an import alone does nothing",
    "B507": "boards of a lab have new host keys every day",
    "B701": "templates of code and settings are not HTML",
    "B702": "templates of code and settings are not HTML",
}
"""Tests of bandit that do not block, and why."""

_SHELLS = frozenset({"B602", "B605"})
_NETWORK_IMPORT = re.compile(
    r"^[ \t]{0,40}(?:import|from)[ \t]{1,20}(?:socketserver|xmlrpc|flask|fastapi|aiohttp|bottle"
    r"|django|tornado|starlette|sanic|cherrypy|websockets|paho|http\.server|socket)\b",
    re.MULTILINE,
)


def rate(test: str, severity: str, confidence: str, text: str) -> Rating:
    """Rate what bandit found.

    Args:
        test, severity, confidence: as bandit has them.
        text: of the file. Untrusted. A command that is put together is the developer's own, unless
            the program takes words from a network.
    """
    if test in _SHELLS and not _NETWORK_IMPORT.search(text):
        return Rating(SecurityLevel.WARNS, "a tool that its user gives the words")
    if severity != "HIGH" or confidence not in ("MEDIUM", "HIGH"):
        return WARNS
    return Rating(SecurityLevel.WARNS, ONLY_WARN[test]) if test in ONLY_WARN else BLOCKS
