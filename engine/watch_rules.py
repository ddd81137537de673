"""What starts builds of a project by itself: the table ``[watch]`` of ``espdeck.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from engine.cron import Schedule
from engine.errors import UsageError
from engine.formats.toml import Document

TABLE = "watch"
MAX_PATTERN_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class WatchRules:
    """What starts builds of a project.

    Args:
        push: whether each new tip of the branch that is followed is built.
        tags: pattern for names of tags (``*``, ``?``, ``[...]``; ``*`` takes ``/`` too), of which
            new ones are built; empty for none.
        schedule: times at which it is built, as :class:`engine.cron.Schedule` reads them; empty for
            none.
    """

    push: bool = False
    tags: str = ""
    schedule: str = ""

    def has_tag(self, name: str) -> bool:
        """Whether a tag of this name is meant."""
        return bool(self.tags) and fnmatchcase(name, self.tags)


def check_tags(pattern: str) -> str:
    """Check a pattern for tags.

    Raises:
        UsageError: it is too long, or can match no tag.
    """
    if len(pattern) > MAX_PATTERN_CHARACTERS or not pattern.isprintable() or " " in pattern:
        raise UsageError(
            f"tags is a pattern such as 'v*', of {MAX_PATTERN_CHARACTERS} characters at most, "
            "without spaces"
        )
    return pattern


def read(document: Document) -> WatchRules:
    """Read the table; a document without it has the defaults.

    Args:
        document: untrusted: sizes and types are checked.

    Raises:
        MistakeError: something makes no sense; names file, line and key.
    """
    table = document.data.get(TABLE, {})
    if not isinstance(table, dict):
        raise document.wrong((TABLE,), f"{TABLE} must be a table")
    if "pull_requests" in table:  # the author of one could switch it on
        raise document.wrong(
            (TABLE, "pull_requests"),
            f"{TABLE}.pull_requests is for the settings of the lab: "
            f"espdeck config set projects.NAME.{TABLE}.pull_requests true",
        )
    known = {"push", "tags", "schedule"}
    if unknown := sorted(set(table) - known):
        name = f"{TABLE}.{unknown[0]}"[:100]
        raise document.wrong(
            (TABLE, unknown[0]), f"unknown key {name!r} (known: {', '.join(sorted(known))})"
        )
    push = table.get("push", False)
    if not isinstance(push, bool):
        raise document.wrong((TABLE, "push"), f"{TABLE}.push must be true or false")
    tags, schedule = (_text(document, table, key) for key in ("tags", "schedule"))
    try:
        check_tags(tags)
    except UsageError as error:
        raise document.wrong((TABLE, "tags"), f"{TABLE}.{error}") from error
    try:
        if schedule:
            Schedule(schedule)
    except UsageError as error:
        raise document.wrong((TABLE, "schedule"), f"{TABLE}.schedule: {error}") from error
    return WatchRules(push=push, tags=tags, schedule=schedule)


def _text(document: Document, table: dict[str, object], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise document.wrong((TABLE, key), f"{TABLE}.{key} must be a text")
    return value
