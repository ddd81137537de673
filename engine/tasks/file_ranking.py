"""The order in which files fit a task."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import PurePosixPath

from engine.source.c_source import includes_of
from engine.source.file_kinds import FileKind, base_score, is_beneath, kind_of
from engine.source.search_words import defined_in, rarity, words_in

_IN_PATH = 3.0  # what a word in a path counts more than one in a text
_INCLUDED = (3.0, 1.5)  # what a file is worth more that is included, and what that includes
_SHALLOW = 0.5


def ranked(
    texts: Mapping[str, str],
    words: Collection[str],
    *,
    mentioned: Collection[str],
    is_near: Callable[[str], bool],
    including: Iterable[str],
) -> list[str]:
    """Paths that fit a task, the best first: mentioned, then near ones, then by their worth.

    What the product runs on, its start-up code and copies of libraries, comes behind it where no
    word of the task is in its path. Sources and build configuration always fit; anything else needs
    a word of the task.

    Args:
        texts: by path.
        words: of the task.
        mentioned: paths that the task names.
        is_near: whether a path is the app's own.
        including: texts of the files that matter: what they include is worth more.
    """
    named = {path: words_in(path, words) for path in texts}
    inside = {path: words_in(text, words) for path, text in texts.items()}
    defined = {path: defined_in(text, inside[path]) for path, text in texts.items()}
    worth = rarity(words, [named[path] | inside[path] for path in texts])
    included = _included(texts, including)

    def score(path: str) -> float:
        if kind_of(path) is FileKind.CONFIGURATION:
            own = _SHALLOW / (1 + path.count("/"))
        else:
            own = base_score(path) + included.get(path, 0.0)
        return (
            _IN_PATH * sum(worth[word] for word in named[path])
            + sum(worth[word] for word in inside[path])
            + sum(worth[word] for word in defined[path])
            + own
        )

    scores = {path: score(path) for path in texts}
    fitting = [
        path
        for path in texts
        if kind_of(path) in (FileKind.SOURCE, FileKind.CONFIGURATION) or scores[path] > 0
    ]

    def place(path: str) -> tuple[bool, bool, bool, float, str]:
        beneath = is_beneath(path) and not named[path]
        return path not in mentioned, not is_near(path), beneath, -scores[path], path

    return sorted(fitting, key=place)


def _included(texts: Mapping[str, str], including: Iterable[str]) -> dict[str, float]:
    """What headers that are included are worth more, and the sources of their names."""
    by_stem: dict[str, list[str]] = {}
    for path in texts:
        if kind_of(path) is FileKind.SOURCE:
            by_stem.setdefault(PurePosixPath(path).stem, []).append(path)
    found: dict[str, float] = {}
    looked_at = list(including)
    for worth in _INCLUDED:
        stems = {
            PurePosixPath(each.header).stem for text in looked_at for each in includes_of(text)
        }
        new = [path for stem in stems for path in by_stem.get(stem, ()) if path not in found]
        found.update(dict.fromkeys(new, worth))
        looked_at = [texts[path] for path in new]
    return found
