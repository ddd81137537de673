"""``requirements.txt`` as pip reads it, as text.

Source: pip documentation, "Requirements File Format"; its ``_internal/req/req_file.py``. What a
requirement says is read by ``packaging``. The files are untrusted.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

MAX_BYTES = 512 << 10
"""Bytes that such a file may have."""

_MAX_LINES = 10_000
_MAX_LINE_CHARACTERS = 4000
_COMMENT = re.compile(r"(^|\s+)#[^\n]*$")
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
_URL = re.compile(r"(?:[a-z0-9]{2,10}\+)?[a-z]{2,8}://|git@", re.I)
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar\.\w{1,4}|tgz)$", re.I)
_EXACT = frozenset({"==", "==="})


@dataclass(frozen=True, slots=True)
class PythonRequirement:
    """A line of such a file that asks for a package.

    Args:
        line: from 1.
        text: as it is written, without comment. Untrusted.
        name: of the package, as index servers compare it; empty where it is a path or a URL.
        version: the one version that is meant, empty where there may be several.
        is_bounded: whether any version is excluded at all.
        url: from where it comes, empty for the index.
        path: on this machine, empty for none.
        has_marker: whether it is for some systems alone.
        has_hash: whether it names the hash of its file.
        is_invalid: whether pip refuses it.
    """

    line: int
    text: str
    name: str = ""
    version: str = ""
    is_bounded: bool = False
    url: str = ""
    path: str = ""
    has_marker: bool = False
    has_hash: bool = False
    is_invalid: bool = False

    @property
    def reference(self) -> str:
        """Which commit, tag or branch of a repository is meant, empty for its default branch."""
        try:
            path = urlsplit(self.url).path
        except ValueError:
            return ""
        return path.rpartition("@")[2] if "@" in path else ""

    @property
    def is_repository(self) -> bool:
        """Whether it is fetched from a repository rather than as a file."""
        return self.url.startswith(("git+", "hg+", "svn+", "bzr+", "git@"))


@dataclass(frozen=True, slots=True)
class Include:
    """A line that reads another file: ``-r`` or, for constraints, ``-c``."""

    line: int
    path: str
    is_constraint: bool


@dataclass(frozen=True, slots=True)
class RequirementsFile:
    """A file.

    Args:
        requirements: in their order.
        includes: in their order.
        wants_hashes: whether ``--require-hashes`` is said.
    """

    requirements: tuple[PythonRequirement, ...] = ()
    includes: tuple[Include, ...] = ()
    wants_hashes: bool = False


def parse_requirements(text: str) -> RequirementsFile:
    """Read such a file."""
    found: list[PythonRequirement] = []
    includes: list[Include] = []
    hashes = False
    for number, line in _lines(text):
        if not line.startswith("-"):
            found.append(_requirement(number, line))
            continue
        option, value = _option(line)
        if option in ("-r", "--requirement", "-c", "--constraint"):
            includes.append(Include(number, value, option in ("-c", "--constraint")))
        elif option in ("-e", "--editable"):
            found.append(_requirement(number, value))
        elif option == "--require-hashes":
            hashes = True
    return RequirementsFile(tuple(found), tuple(includes), hashes)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments; one that ends in a backslash goes on in the next."""
    begun, first = "", 0
    for number, line in enumerate(text.splitlines()[:_MAX_LINES], 1):
        is_comment = _COMMENT.match(line) is not None
        first = first if begun else number
        if line.endswith("\\") and not is_comment:
            begun += line.rstrip("\\")
            continue
        whole, begun = begun + (f" {line}" if is_comment else line), ""
        whole = _COMMENT.sub("", whole[:_MAX_LINE_CHARACTERS]).strip()
        if whole:
            yield first, whole
    if begun.strip():
        yield first, _COMMENT.sub("", begun[:_MAX_LINE_CHARACTERS]).strip()


def _option(line: str) -> tuple[str, str]:
    """An option at the beginning of a line, and its value."""
    if not line.startswith("--") and len(line) > 2 and line[2] not in " =":
        line = f"{line[:2]} {line[2:]}"  # -rfile.txt
    name, _, value = re.sub(r"[ =]", "\0", line, count=1).partition("\0")
    try:
        words = shlex.split(value)
    except ValueError:
        words = [value]
    return name, words[0] if words else ""


def _requirement(number: int, line: str) -> PythonRequirement:
    # As pip, options begin at the first word that looks like one; markers have none.
    match = re.search(r"(?:^|\s)--?[a-z]", line)
    wanted, options = (line[: match.start()], line[match.start() :]) if match else (line, "")
    wanted = wanted.strip()
    has_hash = "--hash" in options
    if _VARIABLE.search(wanted):  # only who installs it knows
        return PythonRequirement(number, line, version="?", is_bounded=True, has_hash=has_hash)
    try:
        parsed = Requirement(wanted)
    except (InvalidRequirement, ValueError, RecursionError):
        return _path_or_url(number, wanted, has_hash=has_hash)
    exact = [each for each in parsed.specifier if each.operator in _EXACT]
    pinned = next((each.version for each in exact if "*" not in each.version), "")
    return PythonRequirement(
        number,
        wanted,
        canonicalize_name(parsed.name),
        pinned,
        is_bounded=len(parsed.specifier) > 0,
        url=parsed.url or "",
        has_marker=parsed.marker is not None,
        has_hash=has_hash,
    )


def _path_or_url(number: int, wanted: str, *, has_hash: bool) -> PythonRequirement:
    wanted, _, marker = wanted.partition(" ;")
    wanted = wanted.strip()
    made = PythonRequirement(number, wanted, has_marker=bool(marker), has_hash=has_hash)
    if _URL.match(wanted) and not wanted.startswith("file:"):
        return replace(made, url=wanted)
    path = re.sub(r"^file:(?://)?", "", wanted)
    bare = path.partition("[")[0].partition("#")[0]
    if " " not in bare and (bare.startswith(".") or "/" in bare or _ARCHIVE.search(bare)):
        return replace(made, path=bare)
    return replace(made, is_invalid=True)
