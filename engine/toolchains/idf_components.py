"""Which component of ESP-IDF has a function or a header that a build does not find."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from engine.files import open_file
from engine.findings import Finding
from engine.toolchains.hints.catalogue import hint_for
from engine.toolchains.hints.hint import BuildSystem

_UNDEFINED_FUNCTION = re.compile(r"undefined reference to `([A-Za-z_]\w{2,99})'")
_MISSING_HEADER = re.compile(
    r"(?P<gcc>[\w./+-]{1,200}\.(?:h|hpp|hh|inc)): No such file or directory"
    r"|'(?P<clang>[\w./+-]{1,200}\.(?:h|hpp|hh|inc))' file not found"
)
_GENERATED = "sdkconfig.h"  # every build makes its own
_MAX_NAMES = 10
_MAX_FOLDERS = 100_000
_MAX_HEADER_BYTES = 1 << 20
# Registers and their fields: most of the headers, and no functions.
_NO_FUNCTIONS = frozenset({"soc", "register", "test_apps", "test"})
_NOT_OFFERED = frozenset(
    {"test", "tests", "test_apps", "host_test", "examples", "docs", "subproject", "private_include"}
    | {"priv_include", "private", "priv"}
)
"""Folders whose headers other components cannot include."""


def hint_components(
    findings: Sequence[Finding], idf: Path, built: Iterable[str]
) -> tuple[Finding, ...]:
    """Give what is not found the component that has it as its hint.

    These are undefined references, by the public header that declares them, and headers that
    cannot be included. Where ESP-IDF itself said what to add, its words stay.

    Args:
        findings: of a build that failed.
        idf: folder of ESP-IDF.
        built: components that were part of the build.
    """
    names = {
        match[1]
        for each in findings
        if (match := _UNDEFINED_FUNCTION.search(each.message)) is not None
    }
    headers = {name for each in findings if (name := _missing_header(each)) is not None}
    owners = _owners(idf, sorted(names)[:_MAX_NAMES]) if names else {}
    offering = _components_with_header(idf, sorted(headers)[:_MAX_NAMES]) if headers else {}
    there = frozenset(built)
    return tuple(
        _with_header(_with_component_hint(each, owners, there), offering) for each in findings
    )


def _missing_header(finding: Finding) -> str | None:
    match = _MISSING_HEADER.match(finding.message)
    if match is None or "REQUIRES list of " in (finding.hint or ""):
        return None
    name = os.path.normpath(match["gcc"] or match["clang"])
    return None if name == _GENERATED else name


def _with_header(finding: Finding, offering: dict[str, list[str]]) -> Finding:
    header = _missing_header(finding)
    components = offering.get(header, []) if header else []
    if not components:
        return finding
    lists = _lists_of(finding.file)
    of = f"idf_component_register call in {lists}" if lists else "the component that includes it"
    name = components[0]
    hint = f"ESP-IDF's component {name} has it: add {name} to REQUIRES list of {of}"
    if len(components) > 1:
        hint += f" (also in {', '.join(components[1:4])})"
    ours = hint_for(f"{finding.message}\n{finding.evidence or ''}", BuildSystem.IDF)
    if finding.hint and finding.hint != ours:
        hint = f"{hint}. {finding.hint}"
    return replace(finding, hint=hint)


def _lists_of(file: str | None) -> str | None:
    """``CMakeLists.txt`` of the component that a file is in, by ESP-IDF's conventions."""
    parts = (file or "").split("/")[:-1]
    for index, part in enumerate(parts):
        if part == "main" or (index and parts[index - 1] == "components"):
            return "/".join((*parts[: index + 1], "CMakeLists.txt"))
    return None


def _components_with_header(idf: Path, headers: Sequence[str]) -> dict[str, list[str]]:
    """Components that have a header where others can include it, those with the name of it first.

    Args:
        idf: folder of ESP-IDF.
        headers: as they are included, such as ``driver/i2c_master.h``.
    """
    last = {header: header.rpartition("/")[2] for header in headers}
    wanted = frozenset(last.values())
    found: dict[str, set[tuple[bool, str]]] = {}
    root = str(idf / "components")
    for count, (folder, folders, files) in enumerate(os.walk(root)):
        if count >= _MAX_FOLDERS:
            break
        folders[:] = [name for name in folders if name not in _NOT_OFFERED]
        for name in wanted.intersection(files):
            path = f"{folder}/{name}"[len(root) :]
            for header in headers:
                if last[header] == name and path.endswith(f"/{header}"):
                    place = path.removesuffix(f"/{header}")
                    private = "include" not in place.rpartition("/")[2]
                    component = path.split("/")[1]
                    found.setdefault(header, set()).add((private, component))
    return {header: _best_components(header, places) for header, places in found.items()}


def _best_components(header: str, places: set[tuple[bool, str]]) -> list[str]:
    """Of components that have a header those where it is in a folder for that, else all."""
    private = min(places)[0]
    names = {name for is_private, name in places if is_private == private}
    return sorted(names, key=lambda name: (name not in header, name))


def _with_component_hint(
    finding: Finding, owners: dict[str, str], built: frozenset[str]
) -> Finding:
    match = _UNDEFINED_FUNCTION.search(finding.message)
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
        with open_file(header) as stream:
            return stream.read(_MAX_HEADER_BYTES)
    except OSError:
        return b""


def _headers(component: Path) -> Iterator[Path]:
    for folder in (component / "include", *component.glob("*/include")):
        for header in folder.rglob("*.h"):
            if not _NO_FUNCTIONS.intersection(header.relative_to(component).parts):
                yield header
