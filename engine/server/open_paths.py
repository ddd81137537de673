"""What can be asked for without a token. All else cannot, whatever its route says."""

from __future__ import annotations

import re

OPEN_PATHS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"/(healthz|readyz)"), "supervisors and load balancers ask; they tell no facts"),
    (re.compile(r"/(login|logout)"), "a browser without a valid cookie"),
    (re.compile(r"/api(/v1)?/webhook/?"), "a forge asks, who signs what it posts"),
    (re.compile(r"/api(/v1)?/download/[^/]+/[^/]+"), "a signature stands for the token"),
    (re.compile(r"/badge/.+"), "pages of forges show them; of public projects alone"),
)
"""Paths, without the prefix of a reverse proxy, and why they are open."""


def is_open(path: str) -> bool:
    """Whether a path can be asked for without a token.

    Args:
        path: decoded, without the prefix of a reverse proxy.
    """
    return any(pattern.fullmatch(path) for pattern, _reason in OPEN_PATHS)
