"""Links of a document that lead nowhere.

Each place that renders a document has its own rules, and a document may be read in several: on
GitHub or GitLab, and on a site that a generator makes of it. A link is dead where no rule that
holds for it leads to something, and what nobody can know from the sources alone (a URL of a site)
is not judged.

- GitHub, GitLab: from the document's folder, or from the root with ``/`` before it; the case counts
  in paths and not in anchors; ``../../issues`` leaves the repository for pages of the forge.
- Sphinx: ``:doc:`` without its ending, from the document's folder or with ``/`` from the folder of
  ``conf.py``; ``:ref:`` by the labels of all documents; ``include`` from the document's folder.
- Docusaurus: a link with ``.md`` is a file, from the document's folder, the content's or the
  site's; every other is a URL; ``/x.png`` lies in ``static``, for VitePress in ``public``.
- MkDocs, mdBook and the others: files from the document's folder; ``.html`` stands for the source.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from engine.checks.documentation.anchors import anchors_of, nearest, same_anchor
from engine.checks.documentation.document import Document, DocumentFormat, Link, LinkKind
from engine.checks.documentation.tree import Site, Tree, suffix_of

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|www\.|[\w.+-]+@[\w-]+\.\w")
_TEMPLATE = re.compile(r"\{|\}|\$|<|>|%\w+%|^@|^~|\|")
_PART = re.compile(r"(?:^|/)(?:_[^/]*|(?:includes?|partials?|snippets?|fragments?)/.*)$")
"""Documents that others take in, whose anchors are those of all of these."""

_LINE = re.compile(r"L(\d{1,9})(?:C\d+)?(?:-L?(\d{1,9})(?:C\d+)?)?")
_PAGES = frozenset({".html", ".htm", ".php"})
_SOURCES = (".md", ".mdx", ".rst", ".markdown", ".txt", ".ipynb", ".adoc", ".dox")
_DOC_SOURCES = (".rst", ".md", ".txt", ".ipynb", ".inc")
_FORGE = re.compile(
    r"(?:^|/)(?:wiki|issues|pulls?|releases|actions|discussions|blob|tree|raw|compare|commits?|milestones?"
    r"|projects|graphs|stargazers|network|archive|-)(?:/|$)"
)
_STATIC = ("static", "public", ".vuepress/public", ".vitepress/public", "_static", "assets")
_MAX_LINES_BYTES = 4 << 20  # of a file whose lines are counted
_OPEN_LABELS = re.compile(r"intersphinx|autosectionlabel|breathe|autoapi|conf_common|esp_docs")


@dataclass(frozen=True, slots=True)
class DeadLink:
    """A link that leads nowhere.

    Args:
        target: as it is written.
        line: where, from 1.
        reason: why it is dead; one line.
        hint: what may be meant; may be empty.
        place: the path that it was looked for at, empty where that is not the matter.
    """

    target: str
    line: int
    reason: str
    hint: str = ""
    place: str = ""


def leads_to(tree: Tree, path: str, target: str) -> str:
    """The file of the tree that a document's link leads to, empty for anything else."""
    if _SCHEME.match(target) or _TEMPLATE.search(target) or target.startswith("#"):
        return ""
    found = _joined(path, unquote(target.partition("#")[0].partition("?")[0]))
    return found if found is not None and found in tree.files else ""


class LinkResolver:
    """Tells which links of documents are dead."""

    def __init__(
        self,
        tree: Tree,
        documents: Mapping[str, Document],
        *,
        generated: Collection[str],
        went: Callable[[str], str],
        knew: Callable[[str], bool] = lambda _name: True,
    ) -> None:
        """Be ready.

        Args:
            tree: the repository's files.
            documents: those that were read, by path.
            generated: those that a program makes, so that they may be others when they are read.
            went: what the history knows of a path that is not there, in a few words; may be empty.
            knew: whether the history had something of a name anywhere.
        """
        self._tree = tree
        self._documents = documents
        self._went, self._generated, self._knew = went, generated, knew
        self._anchors: dict[str, frozenset[str]] = {}
        self._labels = {label for each in documents.values() for label in each.labels}

    def dead(self, path: str) -> Iterator[DeadLink]:
        """The dead links of a document, in order, each target once a line."""
        document, site = self._documents[path], self._tree.site_of(path)
        seen = set()
        for link in document.links:
            target = link.target.strip()
            if not target or (target, link.line) in seen:
                continue
            seen.add((target, link.line))
            found = self._look(path, link, target, site)
            if found:
                yield found

    def _look(self, path: str, link: Link, target: str, site: Site | None) -> DeadLink | None:
        if _SCHEME.match(target) or _TEMPLATE.search(target) or "\n" in target:
            return None
        if link.kind is LinkKind.DOC:
            return self._doc(path, link, target, site)
        if link.kind is LinkKind.REF:
            return self._ref(link, target, site)
        if link.kind is LinkKind.INPUT:
            return self._input(link, target)
        return self._file(path, link, target, site)

    def _file(self, path: str, link: Link, target: str, site: Site | None) -> DeadLink | None:
        before, _hash, fragment = target.partition("#")
        name = unquote(before.partition("?")[0])
        if not name:
            return self._anchor(path, path, link, fragment, site) if fragment else None
        found = self._resolve(path, name, site)
        if found is not None:
            return self._anchor(path, found, link, fragment, site) if fragment else None
        if site is not None and not self._is_judged(name, link, site):
            return None
        inside = _joined(path, name)
        if link.kind is LinkKind.INCLUDE and site is not None and self._is_made(name, site):
            return None
        if inside is None or (_FORGE.search(name) and name.startswith(("..", "/"))):
            return None  # pages of the forge
        if "wiki" in path.lower() and not suffix_of(name):
            return None
        if self._is_shown_elsewhere(path, name):
            return None
        last = posixpath.basename(inside)
        if not suffix_of(name) and name.startswith("../") and not self._knew(last):
            return None  # a page of a site that is made elsewhere
        if (
            self._documents[path].format is DocumentFormat.RST
            and site is None
            and suffix_of(name) in _PAGES
        ):
            return None
        reason, hint = self._reason(inside, name), self._hint(inside)
        return DeadLink(link.target, link.line, reason, hint, inside)

    def _is_shown_elsewhere(self, path: str, name: str) -> bool:
        """Whether the component manager puts an example where a component's page has it.

        ``examples`` of ``idf_component.yml`` names those that lie outside of the component.
        """
        parts = name.removeprefix("./").split("/")
        if parts[0] != "examples" or len(parts) < 2:
            return False
        manifest = posixpath.join(posixpath.dirname(path), "idf_component.yml")
        try:
            text = self._tree.read(manifest, _MAX_LINES_BYTES).decode("utf-8", "replace")
        except OSError:
            return False
        return bool(re.search(rf"path:[^\n]*\b{re.escape(parts[1])}\b", text))

    @staticmethod
    def _is_judged(name: str, link: Link, site: Site) -> bool:
        """Whether a link of a site's document can only be a file."""
        suffix = suffix_of(name)
        if link.kind is LinkKind.INCLUDE:
            return not name.startswith("/_build") and site.generator == "sphinx"
        if not suffix or suffix in _PAGES or not re.fullmatch(r"\.[a-z][a-z0-9]{0,8}", suffix):
            return False
        return not name.startswith("/")

    def _resolve(self, path: str, name: str, site: Site | None) -> str | None:
        """What a link leads to by any of the rules, None for nothing."""
        for base in self._bases(path, name, site):
            inside = posixpath.normpath(posixpath.join(base, name.lstrip("/")))
            if inside.startswith("../") or inside == "..":
                continue
            inside = "" if inside == "." else inside
            if self._tree.has(inside):
                return inside
            if site is not None or self._documents[path].format is DocumentFormat.RST:
                for each in _as_sources(inside):
                    if each in self._tree.files:
                        return each
        if "*" in name:  # image.* of Sphinx
            pattern = re.compile(re.escape(posixpath.basename(name)).replace(r"\*", "[^/]*"))
            folder = posixpath.normpath(
                posixpath.join(posixpath.dirname(path), posixpath.dirname(name))
            )
            for each in self._tree.files:
                if posixpath.dirname(each) == folder.lstrip("./") and pattern.fullmatch(
                    posixpath.basename(each)
                ):
                    return each
        return None

    @staticmethod
    def _bases(path: str, name: str, site: Site | None) -> Iterator[str]:
        folder = posixpath.dirname(path)
        if name.startswith("/"):
            yield ""
        else:
            yield folder
        if site is None:
            return
        # A page that is a folder of its own is one level further down.
        yield posixpath.splitext(path)[0]
        yield posixpath.dirname(folder)
        yield site.content
        yield site.root
        for each in _STATIC:
            yield posixpath.join(site.root, each)
            yield posixpath.join(site.content, each)
        yield posixpath.dirname(site.content)
        yield ""

    def _anchor(
        self, path: str, target: str, link: Link, fragment: str, site: Site | None
    ) -> DeadLink | None:
        plain = unquote(fragment)
        if plain.startswith((":~:", "/", "!")) or "=" in plain or plain.lower() in ("", "top"):
            return None
        lines = _LINE.fullmatch(plain)
        if lines and target in self._tree.files:
            return self._line(target, link, max(int(each) for each in lines.groups() if each))
        document = self._documents.get(target)
        if document is None or document.format is not DocumentFormat.MARKDOWN or lines:
            return None
        if document.has_parts or target in self._generated or _PART.search(target):
            return None
        if target not in self._anchors:
            both = self._tree.site_of(target) is not None
            self._anchors[target] = anchors_of(document, site=both)
        wanted, anchors = same_anchor(plain), self._anchors[target]
        if wanted in anchors or (site is not None and nearest(wanted, anchors)):
            return None
        if wanted in ("readme", "readme-ov-file") or not anchors:
            return None
        close = nearest(wanted, anchors)
        where = "this document" if target == path else target
        hint = f"#{close} is there" if close else ""
        return DeadLink(link.target, link.line, f"no heading or anchor #{plain} in {where}", hint)

    def _line(self, target: str, link: Link, line: int) -> DeadLink | None:
        try:
            data = self._tree.read(target, _MAX_LINES_BYTES)
        except OSError:
            return None
        last = data.count(b"\n") + (not data.endswith(b"\n"))
        if line <= last:
            return None
        return DeadLink(link.target, link.line, f"{target} has only {last} lines")

    def _doc(self, path: str, link: Link, target: str, site: Site | None) -> DeadLink | None:
        if site is None or site.generator != "sphinx":
            return None  # the folder that it begins at is not known
        below = posixpath.dirname(path)[len(site.content) :].lstrip("/")
        base = "/" if target.startswith("/") else f"/{below}"
        # Above its own root Sphinx goes no further up (sphinx.util.docname_join).
        name = posixpath.normpath(posixpath.join(base, target.lstrip("/"))).lstrip("/")
        inside = posixpath.join(site.content, name)
        if self._tree.has(inside) or self._is_made(name, site):
            return None
        if any(self._tree.has(inside + suffix) for suffix in _DOC_SOURCES):
            return None
        inside = f"{inside}.rst"
        reason, hint = self._reason(inside, target), self._hint(inside)
        return DeadLink(link.target, link.line, reason, hint, inside)

    def _is_made(self, name: str, site: Site) -> bool:
        """Whether the configuration of a site speaks of a document: it may make it."""
        text = self._configuration(site)
        parts = {name.partition("/")[0], posixpath.splitext(posixpath.basename(name))[0]}
        return any(
            part and re.search(rf"\b{re.escape(part)}\b", text) for part in parts - {"index", ".."}
        )

    def _configuration(self, site: Site) -> str:
        try:
            data = self._tree.read(posixpath.join(site.root, "conf.py"), _MAX_LINES_BYTES)
        except OSError:
            return ""
        return data.decode("utf-8", "replace")

    def _ref(self, link: Link, target: str, site: Site | None) -> DeadLink | None:
        label = " ".join(target.lower().split())
        known = {"genindex", "modindex", "search"} | self._labels
        if site is None or site.generator != "sphinx" or label in known or ":" in label:
            return None
        text = self._configuration(site)
        if not text or _OPEN_LABELS.search(text):
            return None  # labels of other documentations, and of generated ones, hold too
        return DeadLink(link.target, link.line, f"no label {target}")

    def _input(self, link: Link, target: str) -> DeadLink | None:
        if not suffix_of(target) or self._tree.ending(target) or "$" in target:
            return None
        # Doxygen looks in folders of its Doxyfile, which may lie anywhere.
        went = self._went(target)
        return DeadLink(link.target, link.line, went) if went else None

    def _reason(self, inside: str, name: str) -> str:
        went = self._went(inside)
        if went:
            return went
        folded = self._tree.folded.get(inside.lower())
        if folded is not None:
            return f"it is spelled {folded}"
        if re.match(r"[\w-]+(?:\.[\w-]+)*\.(?:com|org|io|net|de|dev)(?:/|$)", name):
            return "a URL without https:// is looked for as a file"
        return f"no {inside}"

    def _hint(self, inside: str) -> str:
        name = posixpath.basename(inside)
        alike = [each for each in self._tree.by_name.get(name, ()) if each in self._tree.files]
        common = name.lower() in ("readme.md", "index.md", "index.rst", "license", "main.c")
        return f"there is {alike[0]}" if len(alike) == 1 and not common else ""


def _joined(path: str, name: str) -> str | None:
    """A link's path from the root of the repository, None where it leaves it."""
    base = "" if name.startswith("/") else posixpath.dirname(path)
    inside = posixpath.normpath(posixpath.join(base, name.lstrip("/")))
    if inside == ".." or inside.startswith("../"):
        return None
    return "" if inside == "." else inside


def _as_sources(inside: str) -> Iterator[str]:
    """Sources that a page of a site may be made of."""
    stem, suffix = posixpath.splitext(inside)
    if suffix.lower() in _PAGES:
        inside = stem
    for each in _SOURCES:
        yield inside + each
        yield posixpath.join(inside, f"index{each}")
    yield posixpath.join(inside, "README.md")
    if suffix.lower() == ".md":
        yield f"{stem}.mdx"
