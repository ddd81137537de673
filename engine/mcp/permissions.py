"""What agents may do beside reading: classes that a person allows by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

from engine.errors import AccessError, UsageError
from engine.text import near_or_all


class McpAllow(StrEnum):
    """A class of what changes something."""

    BUILD = "build"
    """Start, cancel and repeat builds and tests that use no board; add the project for it."""

    FLASH = "flash"
    """Write firmware to boards and restart them; builds and tests that use a board."""

    CONSOLE = "console"
    """Type to a board and restart it."""

    RESERVE = "reserve"
    """Reserve boards and give them back."""


def parse_mcp_allowed(names: Sequence[str]) -> frozenset[McpAllow]:
    """Classes by their names.

    Raises:
        UsageError: there is none of that name.
    """
    known = [*map(str, McpAllow)]
    for name in names:
        if name not in known:
            raise UsageError(f"--allow {name[:80]!r} is no class{near_or_all(name, known)}")
    return frozenset(map(McpAllow, names))


def check_allowed(what: str, needed: Collection[McpAllow], allowed: Collection[McpAllow]) -> None:
    """See that something may be done.

    Args:
        what: it is, for the message.
        needed: classes of which one is enough; none for what everybody may.
        allowed: what a person allowed.

    Raises:
        AccessError: it may not; the message says how a person allows it.
    """
    if needed and not set(needed) & set(allowed):
        raise AccessError(
            f"{what} is not allowed here: the person who set this server up allows it with "
            f"espdeck mcp --allow {next(iter(needed))}"
        )
