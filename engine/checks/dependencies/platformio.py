"""Platforms, packages and libraries of a PlatformIO project, in its ``platformio.ini``.

PlatformIO has no lock: what is not pinned there may be another version tomorrow. Source of the
forms: PlatformIO Core, ``platformio/package/meta.py`` (``PackageSpec``). Libraries without an owner
or an address are built into frameworks and never installed (``package/commands/install.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.checks.dependencies import references, versions
from engine.checks.dependencies.references import Moves
from engine.checks.dependencies.tree import (
    INVALID,
    MISSING,
    UNPINNED,
    SourceTree,
    finding,
    line_of,
    name_of,
    names_of,
)
from engine.enums import Severity
from engine.findings import Finding
from engine.text import listed, mask
from engine.toolchains.platformio_project import PROJECT, environment_options

_OPTIONS = ("platform", "platform_packages", "lib_deps")
_TITLES = {"platform": "platform", "platform_packages": "package", "lib_deps": "library"}
_LOCAL = ("file://", "symlink://", "./", "../", "/", "~", ".\\", "..\\")
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}://|git@)", re.I)
_HOSTS = re.compile(r"https?://(?:github\.com|gitlab\.com|bitbucket\.com)/", re.I)
_ARCHIVE = re.compile(r"\.(?:zip|tar\.gz|tar\.xz|tar\.bz2|tgz)(?:[?#]|$)", re.I)
_NO_PACKAGE = frozenset({"native"})
"""Platforms that are a part of PlatformIO's own."""

_MAX_VALUES = 5000


@dataclass(frozen=True, slots=True)
class Specification:
    """What a project writes for a package.

    Args:
        name: with its owner, where it has one; of an address the address.
        requirements: which versions will do, empty for any.
        address: of a repository or a file, with its reference; empty for PlatformIO's registry.
        path: on this machine, empty for none.
    """

    name: str
    requirements: str = ""
    address: str = ""
    path: str = ""

    @property
    def moves(self) -> Moves:
        """Whether it may be another version tomorrow, without any bound."""
        if self.path:
            return Moves.NO
        if self.requirements or not self.address:
            # Also what comes from an address is refused where it is another version
            # (platformio/package/manager/_install.py).
            return Moves.YES if versions.is_unbounded(self.requirements) else Moves.NO
        address, _, reference = self.address.partition("#")
        if _ARCHIVE.search(address):
            return references.of_archive(address)
        is_repository = (
            address.startswith(("git+", "git@", "git:", "ssh:", "hg+", "svn+"))
            or address.endswith(".git")
            or _HOSTS.match(address)
        )
        return references.of_reference(reference) if is_repository else Moves.UNKNOWN

    @property
    def is_range(self) -> bool:
        """Whether it is bounded, and there may be several versions."""
        return (
            not self.path
            and bool(self.requirements)
            and versions.is_valid(self.requirements)
            and not versions.is_exact(self.requirements)
            and not versions.is_unbounded(self.requirements)
        )


def parse_specification(text: str) -> Specification:
    """Take apart what a project writes for a package."""
    text = text.strip()
    name, requirements = text, ""
    # NAME @ ADDRESS, and NAME=ADDRESS; an address may have an @ itself.
    custom = re.match(r"([^\s:/=@]+(?:/[^\s:/=@]+)?)\s*[@=]\s*(?=\S*://|git@|file:|symlink:)", text)
    if custom:
        name, text = custom[1], text[custom.end() :].strip()
    if text.startswith(_LOCAL):
        return Specification(name, path=re.sub(r"^(?:file|symlink)://", "", text))
    if "@" in text:
        before, _, after = text.rpartition("@")
        if ":" not in after and "/" not in after:
            text, requirements = before.strip(), after.strip()
    if _ADDRESS.match(text):
        return Specification(name, requirements, address=text)
    return Specification(name if custom else text, requirements)


def check_platformio(tree: SourceTree) -> Iterator[Finding]:
    """What is wrong with what the project's environments ask for."""
    file = tree.in_app(PROJECT)
    if file not in tree.own:
        return
    found = _values(tree)
    text = tree.files.text(file)
    for option in _OPTIONS:
        free, ranges = [], []
        for value, environments in found[option].items():
            given = parse_specification(value)
            if _is_passed_over(option, given):
                continue
            line = line_of(text, value)
            if given.path:
                yield from _check_path(tree, file, given, line)
            elif given.requirements and not given.address and _is_invalid(given.requirements):
                words = f"{name_of(given.name)}: {name_of(given.requirements)!r} is not a version"
                yield finding(Severity.WARNING, INVALID, words, file, line)
            elif given.moves is Moves.YES:
                where = "" if len(environments) > 3 else f" ({listed(environments)})"
                free.append((f"{_short(value)}{where}", line))
            elif given.is_range:
                ranges.append((_short(value), line))
        title = _TITLES[option]
        for listed_, severity, words in (
            (free, Severity.WARNING, f"a {title} without a version, so that any later will do"),
            (ranges, Severity.INFO, f"a {title} in a range of versions, and there is no lock"),
        ):
            if listed_:
                severity = Severity.INFO if tree.is_example else severity
                names = names_of([each for each, _ in listed_])
                yield finding(severity, UNPINNED, f"{words}: {names}", file, listed_[0][1])


def _values(tree: SourceTree) -> dict[str, dict[str, list[str]]]:
    """Each value of each option, and the environments that have it."""
    found: dict[str, dict[str, list[str]]] = {option: {} for option in _OPTIONS}
    left = _MAX_VALUES
    for name, options in environment_options(tree.files, tree.app, _OPTIONS).items():
        for option, values in options.items():
            for value in values:
                left -= 1
                if left > 0:
                    found[option].setdefault(value, []).append(name)
    return found


def _is_passed_over(option: str, given: Specification) -> bool:
    if given.name.startswith(("!", "$")) or given.name.isdigit() or not given.name:
        return True  # a command's output, or a library's old number
    if option == "platform":
        return given.name.rpartition("/")[2] in _NO_PACKAGE
    is_bare = not (given.address or given.path or "/" in given.name)
    if option == "lib_deps":
        return is_bare
    # A package without a version is one that a platform brings, in the version it wants.
    return not given.requirements and not given.address


def _short(value: str) -> str:
    """A package as it is named in a list: an address without its host."""
    return re.sub(r"(?:git\+)?https?://[^/\s]+/", "", mask(value))


def _is_invalid(requirements: str) -> bool:
    return not versions.is_valid(requirements) and re.search(r"[${]", requirements) is None


def _check_path(
    tree: SourceTree, file: str, given: Specification, line: int | None
) -> Iterator[Finding]:
    if given.path.startswith(("/", "~")) or "$" in given.path:
        return  # a person's own
    inside = tree.relative(file, given.path)
    if inside is None or inside in tree.files.names or tree.is_folder(inside):
        return
    words = f"{name_of(given.name)}: there is no {name_of(given.path)}"
    yield finding(Severity.WARNING, MISSING, words, file, line)
