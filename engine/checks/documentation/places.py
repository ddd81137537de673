"""What of the tree a document's words mean: paths are meant from many folders."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from engine.checks.documentation.document import is_vendored
from engine.checks.documentation.history import History
from engine.checks.documentation.tree import Tree


def places_of(tree: Tree, document: str, text: str) -> list[str]:
    """Files and folders that a path in a document may mean; none where there is nothing like it.

    It is looked for from the document's folder and from each above it; where it is in none of them,
    by how paths end.
    """
    for place in _from_above(document, text):
        if place in tree.files or (place in tree.folders and place):
            return [place]
    return tree.ending(text.removeprefix("./").lstrip("./")) if text.strip("./") else []


def is_there(tree: Tree, document: str, text: str) -> bool:
    """Whether a path in a document leads to anything."""
    if places_of(tree, document, text):
        return True
    return any(tree.has(place) for place in _from_above(document, text))


def gone_place(history: History, document: str, text: str) -> str:
    """The file or folder that a path in a document meant and that was removed, empty for none."""
    for place in _from_above(document, text):
        if (place in history.gone or place in history.gone_folders) and not is_vendored(place):
            return place
    if "/" in text.strip("/"):
        return ""
    folder = posixpath.dirname(document)
    inside = [
        each
        for each in history.gone_names.get(text, ())
        if (not folder or each.startswith(f"{folder}/")) and not is_vendored(each)
    ]
    return inside[0] if len(inside) == 1 else ""


def _from_above(document: str, text: str) -> Iterator[str]:
    folder = posixpath.dirname(document)
    if text.startswith("/"):
        folder = ""
    while True:
        place = posixpath.normpath(posixpath.join(folder, text.lstrip("/")))
        if not place.startswith("../") and place not in ("..", "."):
            yield place
        if not folder or text.startswith("../"):
            return
        folder = posixpath.dirname(folder)
