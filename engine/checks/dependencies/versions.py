"""Versions as ESP-IDF's component manager and PlatformIO mean them.

Both take semantic versions and the simple specifications of the package ``semantic-version``, which
the component manager has a copy of (``idf_component_tools/semver/base.py``). That copy knows a
revision, too: ``1.2.3~4`` comes after ``1.2.3`` and before ``1.2.4``.
"""

from __future__ import annotations

import re

from semantic_version import SimpleSpec, Version

_REVISIONS = 1000  # a patch with its revision is kept as one number, by this factor
_MAX_CHARACTERS = 200
_BLOCK = re.compile(
    r"(?P<op><=|>=|==|!=|~=|<|>|=|\^|~|)"
    r"(?P<major>\d{1,9}|\*)(?:\.(?P<minor>\d{1,9}|\*)(?:\.(?P<patch>\d{1,9}|\*))?)?"
    r"(?:~(?P<revision>\d{1,3}))?(?P<rest>[-+][0-9A-Za-z.+-]*)?"
)
_VERSION = re.compile(r"v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:~(\d{1,3}))?([-+][0-9A-Za-z.+-]*)?")
_UPPER = frozenset({"<", "<=", "==", "=", "", "^", "~", "~="})
_RANGES = frozenset({"^", "~", "~="})
_EXACT = frozenset({"==", "=", ""})


def is_valid(spec: str) -> bool:
    """Whether a specification is one."""
    return _parse(spec) is not None


def allows(spec: str, version: str) -> bool | None:
    """Whether a version is as specified; None where one of them is not understood."""
    parsed, match = _parse(spec), _VERSION.fullmatch(version.strip())
    if parsed is None or match is None:
        return None
    major, minor, patch, revision, rest = match.groups()
    number = int(patch) * _REVISIONS + int(revision or 0)
    try:
        return bool(parsed.match(Version(f"{int(major)}.{int(minor)}.{number}{rest or ''}")))
    except ValueError:
        return None


def is_exact(spec: str) -> bool:
    """Whether a specification means one version alone."""
    match = _BLOCK.fullmatch(spec.strip())
    return (
        match is not None
        and match["op"] in _EXACT
        and (match["patch"] or "*") != "*"
        and "*" not in (match["major"], match["minor"])
    )


def is_unbounded(spec: str) -> bool:
    """Whether any later version is as specified; also for what is not understood as one."""
    if _parse(spec) is None:
        return not spec.strip()
    for block in spec.split(","):
        match = _BLOCK.fullmatch(block.strip())
        if match is not None and match["op"] in _UPPER and match["major"] != "*":
            return False
    return True


def _parse(spec: str) -> SimpleSpec | None:
    if len(spec) > _MAX_CHARACTERS:
        return None
    blocks = []
    for block in (spec.strip() or "*").split(","):
        match = _BLOCK.fullmatch(block.strip())
        if match is None:
            return None
        blocks += _without_revision(match)
    try:
        return SimpleSpec(",".join(blocks))
    except ValueError:
        return None


def _without_revision(match: re.Match[str]) -> list[str]:
    """A block, its patch and revision in one number, as the blocks that mean the same."""
    op, rest = match["op"], match["rest"] or ""
    parts = [part for part in match.group("major", "minor", "patch") if part is not None]
    if "*" in parts or len(parts) < 3:
        if match["revision"] or rest:
            return [""]  # no specification
        if op not in _RANGES or "*" in parts[:1]:
            return [op + ".".join(parts)]
    numbers = [int(part) for part in parts if part != "*"]
    major, minor, patch = (*numbers, 0, 0)[:3]
    low = f"{major}.{minor}.{patch * _REVISIONS + int(match['revision'] or 0)}{rest}"
    if op not in _RANGES:
        return [f"{op}{low}"]
    is_of_major = {"^": major > 0, "~": len(numbers) == 1, "~=": len(numbers) < 3}
    if is_of_major[op]:
        high = f"{major + 1}.0.0"
    elif op == "^" and not minor:
        high = f"0.0.{(patch + 1) * _REVISIONS}"
    else:
        high = f"{major}.{minor + 1}.0"
    return [f">={low}", f"<{high}"]
