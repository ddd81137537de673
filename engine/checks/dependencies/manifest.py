"""``idf_component.yml`` and ``dependencies.lock`` of ESP-IDF's component manager, as text.

Sources: IDF Component Manager documentation, "idf_component.yml Manifest File" and
"Dependencies.lock File"; its ``idf_component_tools/manifest/models.py`` and
``idf_component_tools/lock/manager.py`` (formats 1.0.0 to 3.0.0). The files are untrusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from engine.formats.untrusted import yaml_mapping

MAX_BYTES = 512 << 10
"""Bytes that a manifest or a lock may have."""

REGISTRY, GIT, LOCAL, IDF = "service", "git", "local", "idf"
"""Where a component comes from, as locks have it."""

_MAX_DEPENDENCIES = 1000
_MAX_CLAUSES = 100
_MAX_TEXT_CHARACTERS = 300
_NAMESPACE = "espressif"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A component that a manifest asks for.

    Args:
        name: with its namespace, in small letters, as the component manager compares names.
        written: the name as the manifest has it. Untrusted.
        line: in the file, from 1; None where it is not found.
        source: :data:`REGISTRY`, :data:`GIT`, :data:`LOCAL` or :data:`IDF`.
        version: what is asked for: a specification of the registry's, a reference of Git's; empty
            where nothing is said.
        path: folder of a local component, as it is written.
        versions: all that may be asked for, by ``rules`` and ``matches``; ``version`` alone where
            there are none.
        is_conditional: whether it is wanted for some chips, versions or options alone, by which
            its version may differ too.
        is_unreadable: whether it has a form that the component manager refuses.
    """

    name: str
    written: str
    line: int | None
    source: str
    version: str = ""
    path: str = ""
    versions: tuple[str, ...] = ()
    is_conditional: bool = False
    is_unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """An ``idf_component.yml``.

    Args:
        dependencies: in their order.
        overridden: names of those that it replaces by others.
        is_readable: whether it is YAML of that form.
    """

    dependencies: tuple[Dependency, ...] = ()
    overridden: frozenset[str] = frozenset()
    is_readable: bool = True


@dataclass(frozen=True, slots=True)
class LockedComponent:
    """What a lock says of a component.

    Args:
        source: as in :class:`Dependency`, or what it says else.
        version: a version or the hash of a commit; ``*`` for a local one that has none.
        component_hash: of its files, empty for none.
        path: folder of a local component.
    """

    source: str
    version: str
    component_hash: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """A ``dependencies.lock``.

    Args:
        components: by name, as in :class:`Dependency`.
        format: its version, such as ``2.0.0``.
        target: chip that it was made for, empty for none.
        is_readable: whether it is YAML of that form.
    """

    components: Mapping[str, LockedComponent] = field(default_factory=dict)
    format: str = ""
    target: str = ""
    is_readable: bool = True


def canonical(name: str) -> str:
    """A name as the component manager compares it (``canonical_component_name``)."""
    small = name.lower()
    return small if small == IDF or "/" in small else f"{_NAMESPACE}/{small}"


def parse_manifest(text: str) -> Manifest:
    """Read an ``idf_component.yml``."""
    data = yaml_mapping(text, MAX_BYTES)
    if not data:
        return Manifest(is_readable=_is_empty(text))
    listed = data.get("dependencies")
    if listed is not None and not isinstance(listed, dict):
        return Manifest(is_readable=False)
    lines = _lines_of(text)
    found = [
        _dependency(name, wanted, lines)
        for name, wanted in list((listed or {}).items())[:_MAX_DEPENDENCIES]
        if isinstance(name, str)
    ]
    return Manifest(tuple(found), frozenset(_overridden(data.get("overrides"))))


def parse_lock(text: str) -> Lock:
    """Read a ``dependencies.lock``."""
    data = yaml_mapping(text, MAX_BYTES)
    listed = data.get("dependencies", {})
    # An empty lock is taken for none (``LockManager.load``).
    if not data or not isinstance(listed, dict):
        return Lock(is_readable=not data and _is_empty(text))
    found = {}
    for name, said in list(listed.items())[:_MAX_DEPENDENCIES]:
        if not isinstance(name, str) or not isinstance(said, dict):
            return Lock(is_readable=False)
        source = said.get("source")
        if not isinstance(source, dict):
            return Lock(is_readable=False)
        found[canonical(name.replace("__", "/"))] = LockedComponent(
            _text(source.get("type")),
            _text(said.get("version")),
            _text(said.get("component_hash")).lower(),
            _text(source.get("path")),
        )
    return Lock(found, _text(data.get("version")), _text(data.get("target")))


def _dependency(name: str, wanted: object, lines: Mapping[str, int]) -> Dependency:
    written = name[:_MAX_TEXT_CHARACTERS]
    key = canonical(written)
    made = Dependency(key, written, lines.get(name), IDF if key == IDF else REGISTRY)
    if wanted is None or isinstance(wanted, str | int | float):
        # Without quotes, 1.0 is a number for YAML and refused by the component manager.
        odd = wanted is not None and not isinstance(wanted, str)
        version = _text(wanted)
        return replace(made, version=version, versions=(version,), is_unreadable=odd)
    if not isinstance(wanted, dict):
        return replace(made, is_unreadable=True)
    source, path = made.source, _text(wanted.get("override_path"))
    if path or ("path" in wanted and not wanted.get("git")):
        source, path = LOCAL, path or _text(wanted.get("path"))
    elif wanted.get("git"):
        source = GIT
    version = _text(wanted.get("version"))
    return replace(
        made,
        source=source,
        version=version,
        path=path,
        versions=_versions(wanted, version),
        is_conditional=bool(wanted.get("rules") or wanted.get("matches")),
    )


def _versions(wanted: Mapping[object, object], version: str) -> tuple[str, ...]:
    """What may be asked for (``OptionalRequirement.version_spec_if_meet_conditions``).

    The first of ``matches`` that holds says it, then each of ``rules``, all of which must hold.
    """
    rules = [each for each in _clauses(wanted.get("rules")) if each]
    matches = [each or version for each in _clauses(wanted.get("matches"))]
    return tuple(rules or matches or [version])


def _clauses(listed: object) -> list[str]:
    """The version of each clause, empty where it has none."""
    clauses = listed[:_MAX_CLAUSES] if isinstance(listed, list) else []
    return [_text(each.get("version")) for each in clauses if isinstance(each, dict)]


def _overridden(listed: object) -> Iterator[str]:
    """Names of dependencies that others stand in for: a list of mappings of one key each."""
    for entry in listed if isinstance(listed, list) else ():
        for name in entry if isinstance(entry, dict) else ():
            if isinstance(name, str):
                yield canonical(name)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, int) and abs(value) >= 10**_MAX_TEXT_CHARACTERS:
        return ""  # Python will not print it
    return str(value).strip()[:_MAX_TEXT_CHARACTERS]


def _is_empty(text: str) -> bool:
    """Whether a YAML text says nothing."""
    lines = (line.strip() for line in text.splitlines())
    return all(not line or line.startswith("#") or line in ("---", "...", "{}") for line in lines)


_KEY = re.compile(r"\s*[\"']?([\w./-]{1,200})[\"']?\s*:")


def _lines_of(text: str) -> dict[str, int]:
    """The line of each key; of one that comes twice, the first."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if match := _KEY.match(line):
            found.setdefault(match[1], number)
    return found
