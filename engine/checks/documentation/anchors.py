"""Anchors that renderers give to headings; each has its own rule."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from engine.checks.documentation.document import Document

# GitHub: html-pipeline, TableOfContentsFilter: all that is no word character, hyphen or blank goes.
_NOT_GITHUB = re.compile(r"[^\w\- ]")
_EMOJI_PARTS = re.compile("[\ufe0f\u200d\u20e3]")
"""Variation selectors and joiners of emoji: which of them stay differs by renderer and time."""

_PICTURE = "\N{BLACK SUN WITH RAYS}"
_SHORTCODE = re.compile(r":[a-z0-9_+-]+:")


def github_slug(text: str) -> str:
    """As GitHub does: ``What's new? (v2)`` is ``whats-new-v2``."""
    return _NOT_GITHUB.sub("", text.strip().lower()).replace(" ", "-")


def gitlab_slug(text: str) -> str:
    """As GitLab does: GitHub's, with hyphens in a row made one (its ``TableOfContentsFilter``)."""
    return re.sub(r"-{2,}", "-", github_slug(text))


def mkdocs_slug(text: str) -> str:
    """As Python-Markdown's ``toc`` does: ASCII alone, blanks and hyphens in a row made one."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def docutils_slug(text: str) -> str:
    """As docutils makes ids: letters and digits, all else a hyphen (``nodes.make_id``)."""
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"^[-0-9]+|-+$", "", re.sub(r"[^a-z0-9]+", "-", plain))


_RULES: tuple[Callable[[str], str], ...] = (github_slug, gitlab_slug)
_SITE_RULES = (*_RULES, mkdocs_slug, docutils_slug)


def anchors_of(document: Document, *, site: bool) -> frozenset[str]:
    """Every anchor of a document, as :func:`same_anchor` compares them.

    Args:
        site: whether a generator of sites renders it too, whose rules then hold beside GitHub's.
    """
    headings = [each.text for each in document.headings if each.level]
    found = {each.anchor for each in document.headings} | document.anchors
    for rule in _SITE_RULES if site else _RULES:
        found.update(_numbered(map(rule, headings)))
        # GitHub shows :rocket: as a picture; whether its name stays in the anchor changed.
        found.update(_numbered(rule(_SHORTCODE.sub(_PICTURE, each)) for each in headings))
    return frozenset(map(same_anchor, filter(None, found)))


def same_anchor(anchor: str) -> str:
    """An anchor so that those are equal which lead to one place: GitHub looks at no case."""
    return _EMOJI_PARTS.sub("", anchor.removeprefix("user-content-").lower())


def nearest(anchor: str, anchors: Iterable[str]) -> str:
    """The one anchor that differs in hyphens and punctuation alone, empty for none."""
    plain = re.sub(r"[\W_]", "", anchor)
    alike = {each for each in anchors if re.sub(r"[\W_]", "", each) == plain}
    return alike.pop() if plain and len(alike) == 1 else ""


def _numbered(slugs: Iterable[str]) -> Iterable[str]:
    """Those that stand there again get ``-1``, ``-2``; docutils' ``id1`` cannot be guessed."""
    seen: dict[str, int] = {}
    for slug in slugs:
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        yield f"{slug}-{count}" if count else slug
        if count:
            yield f"{slug}_{count}"
