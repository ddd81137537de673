"""Components of ESP-IDF that a project asks for, against its locks and what is installed.

As the component manager has it (``idf_component_manager/core.py``, ``prepare_dep_dirs``, and
``dependencies.py``, ``is_solve_required``): the manifests of ``main`` and of each folder in
``components`` are an app's, whose lock lies at its root. An app is pinned by its lock, so that
ranges in its manifests are right; a library has no lock, and its ranges are right, too.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.checks.dependencies import references, versions
from engine.checks.dependencies.manifest import (
    GIT,
    LOCAL,
    MAX_BYTES,
    REGISTRY,
    Dependency,
    Lock,
    LockedComponent,
    Manifest,
    canonical,
    parse_lock,
    parse_manifest,
)
from engine.checks.dependencies.references import Moves
from engine.checks.dependencies.tree import (
    DRIFT,
    INVALID,
    LOCK,
    MISSING,
    UNPINNED,
    SourceTree,
    finding,
    is_absolute,
    is_aside,
    line_of,
    name_of,
    names_of,
)
from engine.enums import Severity
from engine.findings import Finding
from engine.projects.dependencies import FILE_NAME
from engine.source.files import folder_of

LOCK_NAME = "dependencies.lock"

_MAX_MANIFESTS = 1000
_MAX_LOCKS = 50
_HASH = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_APP = re.compile(r"tools/(?:cmake/project|cmakev2/idf)\.cmake")
"""What makes a folder an app to the component manager (``build_system_tools.py``)."""

_COMPONENTS_LEFT_OUT = "EXCLUDE_COMPONENTS"
_LOCK_PROPERTY = "DEPENDENCIES_LOCK"
_UPDATE_HINT = "idf.py reconfigure writes a new lock: commit it"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A dependency and the manifest that has it."""

    file: str
    dependency: Dependency


def check_components(tree: SourceTree) -> Iterator[Finding]:
    """What is wrong with the components of a tree."""
    names = [name for name in tree.own if name.rpartition("/")[2] == FILE_NAME][:_MAX_MANIFESTS]
    asked: list[_Asked] = []
    overridden: set[str] = set()
    for name in names:
        text = tree.files.text(name)
        manifest = Manifest() if len(text) > MAX_BYTES else parse_manifest(text)
        of_app = _is_of_app(tree, name)
        yield from _check_manifest(tree, name, manifest, of_app=of_app)
        if of_app:
            asked += [_Asked(name, each) for each in manifest.dependencies]
            overridden |= manifest.overridden
    wanted = [
        each
        for each in asked
        if each.dependency.name not in overridden and not each.dependency.is_unreadable
    ]
    locks = _locks(tree)
    yield from _check_locks(tree, locks, wanted)
    if wanted:
        yield from _check_pins(tree, locks, wanted)


def _is_of_app(tree: SourceTree, name: str) -> bool:
    """Whether a manifest is one of the app that the project builds."""
    start = f"{tree.app}/" if tree.app else ""
    if not name.startswith(start):
        return False
    parts = name[len(start) :].split("/")
    lists = tree.files.text(tree.in_app("CMakeLists.txt"))
    if not (_APP.search(lists) or tree.in_app("platformio.ini") in tree.files.names):
        return False
    if parts[:-1] in (["main"], ["src"]):
        return True
    return (
        len(parts) == 3
        and parts[0] == "components"
        and f"{folder_of(name)}/CMakeLists.txt" in tree.files.names
        and _COMPONENTS_LEFT_OUT not in lists
    )


def _check_manifest(
    tree: SourceTree, name: str, manifest: Manifest, *, of_app: bool
) -> Iterator[Finding]:
    serious = Severity.INFO if is_aside(name) else Severity.WARNING
    serious = Severity.ERROR if of_app else serious
    if not manifest.is_readable:
        yield finding(serious, INVALID, "the component manager cannot read it", name)
    moving = []
    for each in manifest.dependencies:
        shown = name_of(each.written)
        if each.is_unreadable:
            words = f"{shown}: neither a text nor a mapping"
            hint = "write the version in quotes"
            yield finding(serious, INVALID, words, name, each.line, hint)
        elif each.source == REGISTRY and "$" not in each.version:
            if not versions.is_valid(each.version):
                words = f"{shown}: {name_of(each.version)!r} is not a version of the registry"
                yield finding(serious, INVALID, words, name, each.line)
        elif each.source == GIT and references.of_reference(each.version) is Moves.YES:
            moving.append(each)
        elif each.source == LOCAL and not each.is_conditional and "$" not in each.path:
            yield from _check_path(tree, name, each, serious)
    if moving and not of_app:
        words = f"follows a branch of {names_of([each.written for each in moving])}"
        yield finding(Severity.INFO, UNPINNED, words, name, moving[0].line)


def _check_path(
    tree: SourceTree, name: str, dependency: Dependency, serious: Severity
) -> Iterator[Finding]:
    """A component in a folder: whether there is one."""
    path, shown = dependency.path, name_of(dependency.written)
    if is_absolute(path):
        words = f"{shown}: {name_of(path)} is a folder of one machine"
        severity = Severity.INFO if is_aside(name) else Severity.WARNING
        yield finding(severity, MISSING, words, name, dependency.line)
        return
    inside = tree.relative(name, path)
    if inside is not None and inside != "." and not tree.is_folder(inside):
        words = f"{shown}: there is no folder {name_of(path)}"
        yield finding(serious, MISSING, words, name, dependency.line)


def _locks(tree: SourceTree) -> dict[str, Lock]:
    """The locks of the app, by file."""
    start = tree.in_app(LOCK_NAME)
    found = {}
    for name in tree.own:
        rest = name.removeprefix(start)
        if rest != name and (not rest or rest[0] == ".") and "/" not in rest:
            found[name] = parse_lock(tree.files.text(name))
        if len(found) == _MAX_LOCKS:
            break
    return found


def _check_locks(
    tree: SourceTree, locks: dict[str, Lock], wanted: list[_Asked]
) -> Iterator[Finding]:
    local = _local_components(tree)
    has_local_sources = any(each.dependency.source == LOCAL for each in wanted)
    for file, lock in locks.items():
        if not lock.is_readable:
            hint = "delete it: idf.py reconfigure creates it again"
            words = "the component manager cannot read it"
            yield finding(Severity.ERROR, INVALID, words, file, hint=hint)
            continue
        tracked = tree.is_tracked(file)
        if tracked:
            yield from _check_local_paths(file, lock, tree.files.text(file))
        elif (
            wanted
            and not (has_local_sources or tree.is_example)
            and not tree.is_ignored(file)
            and tree.is_tracked(wanted[0].file)
        ):
            words = "it is not committed, though the manifests are"
            hint = "commit it, so that every build has the same components; or let Git ignore it"
            yield finding(Severity.WARNING, LOCK, words, file, hint=hint)
        is_other_chip = tree.target and lock.target and lock.target != tree.target
        if tracked and is_other_chip and len(locks) == 1:
            words = f"made for {name_of(lock.target)}: a build for {tree.target} changes it"
            hint = f"{_LOCK_PROPERTY} in CMakeLists.txt gives each chip a lock of its own"
            yield finding(Severity.INFO, LOCK, words, file, hint=hint)
        yield from _compare(file, lock, wanted, local)
        if len(locks) == 1 or (tree.target and lock.target == tree.target):
            yield from _check_installed(tree, file, lock)


def _check_local_paths(file: str, lock: Lock, text: str) -> Iterator[Finding]:
    """A committed lock that names folders of one machine."""
    for name, each in lock.components.items():
        if each.source == LOCAL and is_absolute(each.path):
            words = f"{name_of(name)} is in {name_of(each.path)}, a folder of one machine"
            hint = "a lock with local components is not for others: do not commit it"
            yield finding(Severity.WARNING, LOCK, words, file, line_of(text, each.path), hint)


def _local_components(tree: SourceTree) -> frozenset[str]:
    """Names of the components that lie in the app: they stand in for others of that name."""
    start = tree.in_app("components/")
    folders = {
        name[len(start) :].partition("/")[0]
        for name in tree.files.names
        if name.startswith(start) and name.count("/") > start.count("/")
    }
    return frozenset(
        each
        for folder in folders
        for each in (canonical(folder.replace("__", "/")), folder.lower().rpartition("__")[2])
    )


def _compare(
    file: str, lock: Lock, wanted: list[_Asked], local: frozenset[str]
) -> Iterator[Finding]:
    """What the manifests ask for, and the lock has not or has otherwise."""
    missing: dict[str, list[Dependency]] = {}
    for each in wanted:
        dependency = each.dependency
        name = dependency.name
        if dependency.source not in (REGISTRY, GIT) or dependency.is_conditional:
            continue
        if name in local or name.rpartition("/")[2] in local:
            continue
        locked = lock.components.get(name) or (
            # Of Git, names stay as they are written, without a namespace.
            lock.components.get(canonical(name.rpartition("/")[2]))
            if dependency.source == GIT
            else None
        )
        if locked is None:
            missing.setdefault(each.file, []).append(dependency)
        elif said := _difference(dependency, locked):
            words = f"{name_of(dependency.written)}: {said}"
            yield finding(Severity.WARNING, DRIFT, words, file, hint=_UPDATE_HINT)
    for manifest, dependencies in missing.items():
        names = names_of([each.written for each in dependencies])
        words = f"not in {name_of(file)}: {names}"
        yield finding(
            Severity.WARNING, MISSING, words, manifest, dependencies[0].line, _UPDATE_HINT
        )


def _difference(dependency: Dependency, locked: LockedComponent) -> str:
    """How a lock differs from a manifest, empty where it does not."""
    if dependency.source != locked.source:
        if {dependency.source, locked.source} == {GIT, REGISTRY}:
            kinds = {GIT: "a Git repository", REGISTRY: "the registry"}
            return f"locked from {kinds[locked.source]}, wanted from {kinds[dependency.source]}"
        return ""
    version, there = dependency.version, locked.version
    if dependency.source == GIT:
        is_other = _COMMIT.fullmatch(version) is not None and _COMMIT.fullmatch(there) is not None
        if is_other and not there.startswith(version):
            return f"locked at commit {there[:10]}, wanted at {version[:10]}"
        return ""
    if versions.allows(version, there) is False:
        return f"locked at {name_of(there)}, wanted as {name_of(version)}"
    return ""


def _check_installed(tree: SourceTree, file: str, lock: Lock) -> Iterator[Finding]:
    """Components in ``managed_components`` that are not what the lock has."""
    others = []
    for name, locked in lock.components.items():
        folder = tree.in_app(f"managed_components/{name.replace('/', '__')}")
        installed = tree.files.text(f"{folder}/.component_hash").strip().lower()
        if (
            _HASH.fullmatch(installed)
            and _HASH.fullmatch(locked.component_hash)
            and installed != locked.component_hash
        ):
            others.append((name, f"{folder}/.component_hash"))
    if not others:
        return
    names = names_of([name for name, _ in others])
    if tree.is_tracked(others[0][1]):
        words = f"managed_components has other versions than the lock: {names}"
        yield finding(Severity.WARNING, DRIFT, words, file, hint="commit both or neither")
    else:
        words = f"managed_components has other versions, which the next build replaces: {names}"
        yield finding(Severity.INFO, DRIFT, words, file)


def _is_free(dependency: Dependency) -> bool:
    """Whether any later version will do."""
    if dependency.source == GIT:
        return any(references.of_reference(each) is Moves.YES for each in dependency.versions)
    return dependency.source == REGISTRY and any(map(versions.is_unbounded, dependency.versions))


def _is_range(dependency: Dependency) -> bool:
    return dependency.source == REGISTRY and any(
        versions.is_valid(each) and not versions.is_exact(each) for each in dependency.versions
    )


def _check_pins(
    tree: SourceTree, locks: dict[str, Lock], wanted: list[_Asked]
) -> Iterator[Finding]:
    """What may be another version tomorrow, as no lock is committed."""
    if any(tree.is_tracked(file) for file in locks):
        return
    if _LOCK_PROPERTY in tree.files.text(tree.in_app("CMakeLists.txt")) and not locks:
        return  # it has another name
    by_file: dict[str, list[Dependency]] = {}
    for each in wanted:
        by_file.setdefault(each.file, []).append(each.dependency)
    for file, dependencies in by_file.items():
        free = [each for each in dependencies if _is_free(each)]
        bounded = [each for each in dependencies if each not in free and _is_range(each)]
        hint = f"commit {posixpath.basename(LOCK_NAME)}, or ask for versions"
        for found, severity, words in (
            (free, Severity.WARNING, "any later version will do"),
            (bounded, Severity.INFO, "a later version of a range will do"),
        ):
            if found:
                names = names_of([dependency.written for dependency in found])
                yield finding(
                    Severity.INFO if tree.is_example else severity,
                    UNPINNED,
                    f"{words}, and no lock is committed: {names}",
                    file,
                    found[0].line,
                    hint,
                )
