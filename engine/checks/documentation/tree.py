"""The files of a source tree, by what Git says of them, and the sites that are made of some."""

from __future__ import annotations

import functools
import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from engine import files
from engine.cancel import CancelToken
from engine.checks.documentation.document import is_vendored
from engine.checks.git_reader import GitReader
from engine.source.copied_libraries import copied_libraries

_TIMEOUT_SECONDS = 120.0
_PLAIN = ("-c", "core.quotePath=off", "-c", "diff.renames=false")
_LINK, _SUBMODULE = "120000", "160000"
_MAX_CONFIGURATION_BYTES = 1 << 20

_SITES = {
    "conf.py": "sphinx",
    "docusaurus.config.js": "docusaurus",
    "docusaurus.config.ts": "docusaurus",
    "docusaurus.config.mjs": "docusaurus",
    "mkdocs.yml": "mkdocs",
    "mkdocs.yaml": "mkdocs",
    "book.toml": "mdbook",
    "_config.yml": "jekyll",
    "hugo.toml": "hugo",
    "hugo.yaml": "hugo",
    "astro.config.mjs": "astro",
    "_sidebar.md": "docsify",
    "SUMMARY.md": "gitbook",
    ".vitepress": "vitepress",
    ".vuepress": "vuepress",
    "next.config.js": "next",
}
"""Files and folders that say which generator makes a site of the folder that they lie in."""

_LIBRARY_FOLDERS = frozenset({"lib", "libs", "libraries", "library"})
_MANIFEST = re.compile(r"library\.json|idf_component\.yml", re.I)


@dataclass(frozen=True, slots=True)
class Site:
    """A site that is made of a folder's documents.

    Args:
        generator: which, such as ``sphinx``.
        root: the folder that its configuration lies in, empty for the repository's root.
        content: the folder of its documents.
    """

    generator: str
    root: str
    content: str


@dataclass(frozen=True)
class Tree:
    """The files of a source tree.

    Args:
        root: its folder.
        commit: what is checked out, empty where nothing was committed yet.
        files: what Git tracks or does not ignore, and is there; no links and no submodules.
        links: symbolic links.
        submodules: folders of other repositories.
        changed: files that differ from the commit, or are new.
        new: those of them that the commit does not have.
        removed: files of the commit that are not there any more.
        ends_at: commits beyond which a shallow clone knows nothing.
    """

    root: Path
    commit: str
    files: frozenset[str]
    links: frozenset[str] = frozenset()
    submodules: tuple[str, ...] = ()
    changed: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    ends_at: frozenset[str] = frozenset()

    @functools.cached_property
    def folders(self) -> frozenset[str]:
        """Every folder with a file in it; the root is empty."""
        return frozenset(folders_of((*self.files, *self.links, *self.submodules)))

    @functools.cached_property
    def by_name(self) -> Mapping[str, Sequence[str]]:
        """Files and folders by the last part of their path."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in (*self.files, *self.links, *self.submodules, *self.folders):
            found[posixpath.basename(path)].append(path)
        return found

    @functools.cached_property
    def folded(self) -> Mapping[str, str]:
        """Paths by what they are in lower case."""
        return {path.lower(): path for path in (*self.files, *self.folders)}

    def has(self, path: str) -> bool:
        """Whether there is something at a path, or may be: in submodules and behind links."""
        if path in self.files or path in self.folders or path in self.links:
            return True
        above = path
        while above:
            if above in self.links or above in self.submodules:
                return True
            above = posixpath.dirname(above)
        if "\0" in path or len(path) > 1000:
            return False
        try:
            return os.path.lexists(self.root / path)  # ignored: a build or a generator made it
        except (OSError, ValueError):
            return False

    def ending(self, path: str) -> list[str]:
        """Files and folders whose paths end with another, whole parts of it."""
        tail = path.strip("/")
        names = self.by_name.get(posixpath.basename(tail), ())
        return [each for each in names if each == tail or each.endswith(f"/{tail}")]

    def read(self, path: str, most: int) -> bytes:
        """What a file has; never what a link leads to.

        Raises:
            OSError: it cannot be read, or is larger.
        """
        full = self.root / path
        if not S_ISREG(full.lstat().st_mode):
            raise OSError(None, "not a file", str(full))
        return files.read_file(full, most)

    @functools.cached_property
    def foreign(self) -> tuple[str, ...]:
        """Folders of libraries that somebody copied; of those in ``lib``, any with a manifest."""
        found = set(copied_libraries(self.files))
        for path in self.files:
            folder, name = posixpath.split(path)
            above = posixpath.basename(posixpath.dirname(folder)).lower()
            if above in _LIBRARY_FOLDERS and _MANIFEST.match(name):
                found.add(f"{folder}/")
        return tuple(sorted(found))

    def is_foreign(self, path: str) -> bool:
        """Whether others wrote a file, or a build made it."""
        return is_vendored(path) or path.startswith(self.foreign)

    @functools.cached_property
    def sites(self) -> Sequence[Site]:
        """Sites that are made of the tree, the innermost first."""
        found = {}
        for path in (*self.files, *self.folders):
            generator = _SITES.get(posixpath.basename(path))
            if generator:
                site = self._site(generator, posixpath.dirname(path), path)
                if site:
                    found[site.root, site.content] = site
        return sorted(found.values(), key=lambda site: -len(site.content))

    def site_of(self, path: str) -> Site | None:
        """The site that a document is part of, None for none."""
        for site in self.sites:
            if not site.content or path.startswith(f"{site.content}/"):
                return site
        return None

    def _site(self, generator: str, root: str, path: str) -> Site | None:
        text = ""
        if path in self.files and generator in ("sphinx", "mkdocs", "mdbook", "jekyll"):
            try:
                text = self.read(path, _MAX_CONFIGURATION_BYTES).decode("utf-8", "replace")
            except OSError:
                text = ""
        if generator == "sphinx" and not re.search(
            r"\bextensions\b|sphinx|html_theme|conf_common", text
        ):
            return None  # any program's conf.py
        content = root
        if generator == "mkdocs":
            named = re.search(r"^docs_dir:\s*['\"]?([^'\"\n#]+)", text, re.MULTILINE)
            content = posixpath.normpath(
                posixpath.join(root, named[1].strip() if named else "docs")
            )
        elif generator == "mdbook":
            named = re.search(r"^src\s*=\s*['\"]([^'\"\n]+)", text, re.MULTILINE)
            content = posixpath.normpath(posixpath.join(root, named[1] if named else "src"))
        return Site(generator, root, "" if content == "." else content)


def folders_of(paths: Iterable[str]) -> set[str]:
    """Every folder above some paths, the root among them."""
    found = {""}
    for path in paths:
        folder = posixpath.dirname(path)
        while folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found


def read_tree(root: Path, *, is_working_tree: bool, cancel: CancelToken) -> Tree:
    """Ask Git for the files of a source tree.

    Args:
        root: its folder. Untrusted.
        is_working_tree: whether people work in it, so that it may differ from its commit.
        cancel: ends it early.

    Raises:
        ToolError: it is no Git repository, or Git cannot say; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    commit = head_of(root, cancel)
    tracked: set[str] = set()
    links: set[str] = set()
    submodules: list[str] = []
    for entry in _entries(read_git(root, "ls-files", "-z", "--stage", cancel=cancel)):
        facts, _tab, path = entry.partition("\t")
        mode = facts.partition(" ")[0]
        if mode == _SUBMODULE:
            submodules.append(path)
        else:
            (links if mode == _LINK else tracked).add(path)
    changed, new, removed = set[str](), set[str](), set[str]()
    if is_working_tree:
        words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
        for entry in _entries(read_git(root, *words, cancel=cancel)):
            state, path = entry[:2], entry[3:]
            if path.endswith("/"):
                submodules.append(path.rstrip("/"))  # a repository in it that Git does not track
            elif not (root / path).is_symlink() and (root / path).is_file():
                changed.add(path)
                tracked.add(path)
                if state == "??" or "A" in state:
                    new.add(path)
            elif "D" in state:
                removed.add(path)
                tracked.discard(path)
    ends = read_git(root, "rev-parse", "--git-path", "shallow", cancel=cancel).decode().strip()
    return Tree(
        root=root,
        commit=commit,
        files=frozenset(tracked),
        links=frozenset(links),
        submodules=tuple(submodules),
        changed=frozenset(changed),
        new=frozenset(new),
        removed=frozenset(removed),
        ends_at=_shallow(root / ends),
    )


def head_of(root: Path, cancel: CancelToken) -> str:
    """The commit that is checked out, empty for none.

    Raises:
        ToolError: it is no Git repository.
    """
    read_git(root, "rev-parse", "--git-dir", cancel=cancel)
    reader = GitReader(root, cancel=cancel, timeout=_TIMEOUT_SECONDS)
    return reader.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")


def read_git(
    root: Path,
    *words: str,
    cancel: CancelToken,
    on_output: Callable[[bytes], None] | None = None,
    timeout: float = _TIMEOUT_SECONDS,
) -> bytes:
    """What Git prints on a tree; nothing where it is handed on.

    Args:
        on_output: called with each chunk instead of keeping it.

    Raises:
        ToolError: it failed, or took too long; one line.
        CancelledError, Interrupted: as ``cancel`` says.
    """
    reader = GitReader(root, cancel=cancel, timeout=timeout)
    if on_output is not None:
        reader.stream(on_output, *_PLAIN, *words)
        return b""
    return reader.read(*_PLAIN, *words)


def _shallow(path: Path) -> frozenset[str]:
    try:
        return frozenset(files.read_file(path, _MAX_CONFIGURATION_BYTES).decode().split())
    except (OSError, UnicodeDecodeError):
        return frozenset()


def _entries(printed: bytes) -> Iterator[str]:
    return (os.fsdecode(each) for each in printed.split(b"\0") if each)


def suffix_of(path: str) -> str:
    """A path's ending in lower case."""
    return posixpath.splitext(path)[1].lower()
