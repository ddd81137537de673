"""Which component of ESP-IDF has a function that the linker does not find."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from engine.findings import Finding

_UNDEFINED = re.compile(r"undefined reference to `([A-Za-z_]\w{2,99})'")
_MAX_NAMES = 10
_MAX_HEADER = 1 << 20
# Registers and their fields: most of the headers, and no functions.
_NO_FUNCTIONS = frozenset({"soc", "register", "test_apps", "test"})


def name_owners(
    findings: Sequence[Finding], idf: Path, built: Iterable[str]
) -> tuple[Finding, ...]:
    """Give undefined references the component whose public header declares them as their hint.

    Args:
        findings: of a build that failed.
        idf: folder of ESP-IDF.
        built: components that were part of the build.
    """
    names = {
        match[1] for each in findings if (match := _UNDEFINED.search(each.message)) is not None
    }
    owners = _owners(idf, sorted(names)[:_MAX_NAMES]) if names else {}
    there = frozenset(built)
    return tuple(_explained(each, owners, there) for each in findings)


def _explained(finding: Finding, owners: dict[str, str], built: frozenset[str]) -> Finding:
    match = _UNDEFINED.search(finding.message)
    owner = owners.get(match[1]) if match else None
    if owner is None:
        return finding
    hint = f"ESP-IDF's component {owner} declares it: "
    if owner in built:
        hint += "it is part of the build, so look which option or target it depends on"
    else:
        hint += f"add {owner} to REQUIRES of the component that calls it"
    return replace(finding, hint=hint)


def _owners(idf: Path, names: Sequence[str]) -> dict[str, str]:
    """The component that declares each name in a public header, by name."""
    declared = re.compile(
        rb"^[A-Za-z_][\w \t*]{0,200}?\b(" + "|".join(names).encode() + rb")\s{0,9}\(", re.M
    )
    found: dict[str, str] = {}
    for component in sorted((idf / "components").glob("*")):
        if component.name in _NO_FUNCTIONS:
            continue
        for header in _headers(component):
            for match in declared.finditer(_read(header)):
                found.setdefault(match[1].decode(), component.name)
        if len(found) == len(names):
            break
    return found


def _read(header: Path) -> bytes:
    try:
        with header.open("rb") as stream:
            return stream.read(_MAX_HEADER)
    except OSError:
        return b""


def _headers(component: Path) -> Iterator[Path]:
    for folder in (component / "include", *component.glob("*/include")):
        for header in folder.rglob("*.h"):
            if not _NO_FUNCTIONS.intersection(header.relative_to(component).parts):
                yield header
