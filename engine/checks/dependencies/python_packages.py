"""Packages of Python that a project's tools ask for, in its ``requirements*.txt``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from engine.checks.dependencies import references
from engine.checks.dependencies.references import Moves
from engine.checks.dependencies.requirements import (
    MAX_BYTES,
    PythonRequirement,
    RequirementsFile,
    parse_requirements,
)
from engine.checks.dependencies.tree import (
    INVALID,
    MISSING,
    UNPINNED,
    SourceTree,
    finding,
    is_absolute,
    name_of,
    names_of,
)
from engine.enums import Severity
from engine.findings import Finding
from engine.text import count

_NAME = re.compile(r"(?:.*/)?(?:requirements[^/]*|[^/]*[-_.]requirements|requirements/[^/]+)\.txt")
_MAX_FILES = 200


def check_python(tree: SourceTree) -> Iterator[Finding]:
    """What is wrong with the requirements of a tree."""
    for name in [each for each in tree.own if _NAME.fullmatch(each)][:_MAX_FILES]:
        text = tree.files.text(name)
        if len(text) > MAX_BYTES:
            continue
        file = parse_requirements(text)
        invalid = [each for each in file.requirements if each.is_invalid]
        if len(invalid) * 2 > len(file.requirements) + len(file.includes):
            continue  # a text of that name
        for each in invalid:
            words = f"pip cannot read {name_of(each.text)!r}"
            yield finding(Severity.WARNING, INVALID, words, name, each.line)
        yield from _check_paths(tree, name, file)
        yield from _check_twice(name, file)
        yield from _check_hashes(name, file)
        yield from _check_pins(tree, name, file)


def _check_paths(tree: SourceTree, name: str, file: RequirementsFile) -> Iterator[Finding]:
    for include in file.includes:
        inside = None if "://" in include.path else tree.relative(name, include.path)
        if include.path and inside is not None and not _is_file(tree, inside):
            words = f"there is no {name_of(include.path)}"
            yield finding(Severity.WARNING, MISSING, words, name, include.line)
    for each in file.requirements:
        # Without a dot, pip may be meant to find it where it is started.
        if not each.path or is_absolute(each.path) or not each.path.startswith("."):
            continue
        inside = tree.relative(name, each.path)
        # Relative paths are meant from where pip is started, most often the root.
        at_root = tree.relative("", each.path)
        places = [place for place in (inside, at_root) if place is not None]
        if len(places) == 2 and not any(
            _is_file(tree, place) or tree.is_folder(place) for place in places
        ):
            words = f"there is no {name_of(each.path)}"
            yield finding(Severity.WARNING, MISSING, words, name, each.line)


def _is_file(tree: SourceTree, name: str) -> bool:
    return name in tree.files.names or tree.is_in_submodule(name)


def _check_twice(name: str, file: RequirementsFile) -> Iterator[Finding]:
    """A package that is asked for in two versions, which pip refuses."""
    seen: dict[str, PythonRequirement] = {}
    for each in file.requirements:
        if not each.name or not each.version or each.has_marker:
            continue
        before = seen.setdefault(each.name, each)
        if before.version != each.version:
            words = (
                f"{name_of(each.name)} is asked for as {name_of(each.version)}, and in line "
                f"{before.line} as {name_of(before.version)}"
            )
            yield finding(Severity.WARNING, INVALID, words, name, each.line)


def _check_hashes(name: str, file: RequirementsFile) -> Iterator[Finding]:
    """Where one has a hash, pip wants all to have one (``--require-hashes``)."""
    hashed = [each for each in file.requirements if each.has_hash]
    bare = [each for each in file.requirements if not each.has_hash and not each.is_invalid]
    if (hashed or file.wants_hashes) and bare:
        # pip-compile --allow-unsafe leaves these to whoever installs.
        bare = [each for each in bare if each.name not in ("pip", "setuptools", "wheel")]
    if (hashed or file.wants_hashes) and bare:
        names = names_of([each.name or each.text for each in bare])
        words = f"pip refuses all, as {count(len(bare), 'requirement')} has no hash: {names}"
        yield finding(Severity.WARNING, INVALID, words, name, bare[0].line)


def _check_pins(tree: SourceTree, name: str, file: RequirementsFile) -> Iterator[Finding]:
    """Packages of which any version will do."""
    constrained = _constrained(tree, name, file)
    free: Counter[str] = Counter()
    first = None
    for each in file.requirements:
        if each.is_invalid or each.path or each.name in constrained:
            continue
        if each.url:
            is_free = each.is_repository and references.of_reference(each.reference) is Moves.YES
        else:
            is_free = not (each.version or each.is_bounded)
        if is_free:
            free[each.name or each.text] += 1
            first = first or each.line
    if free:
        words = f"{count(len(free), 'package')} without a version: {names_of(list(free))}"
        yield finding(Severity.INFO, UNPINNED, words, name, first)


def _constrained(tree: SourceTree, name: str, file: RequirementsFile) -> frozenset[str]:
    """Names of packages that constraints bound."""
    found = set()
    for include in file.includes:
        inside = tree.relative(name, include.path)
        if include.is_constraint and inside is not None:
            read = parse_requirements(tree.files.text(inside)[:MAX_BYTES])
            found |= {each.name for each in read.requirements if each.is_bounded}
        elif include.is_constraint:
            # Constraints from elsewhere may name any.
            found |= {canonicalize_name(each.name) for each in file.requirements if each.name}
    return frozenset(found)
