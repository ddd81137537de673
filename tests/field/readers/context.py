"""What a task's models are shown of a small repository: which files, why, which lines."""

from __future__ import annotations

from pathlib import Path

from engine.source.diff_excerpts import sections_of
from engine.source.diffs import lines_of
from engine.tasks.context_files import ContextQuery, select
from engine.tasks.context_selection import SelectedContext, SelectedFile, table, text_of
from tests.field.case import Case

ROOM = 24_000


def read(case: Case) -> dict[str, object]:
    """The ``files`` in order, and what is ``left_out`` and in the ``listing``; the ``diff``.

    ``lines`` in the options names lines of files (path, first, last): whether ``all``, ``some`` or
    ``none`` of them are shown. ``exact``: every line that is shown is one of the file, what is
    between them is said, and all of it fits.
    """
    options = case.options
    tracked = sorted(
        path.relative_to(case.path).as_posix() for path in case.path.rglob("*") if path.is_file()
    )
    diff = str(options.get("diff", ""))
    wish = ContextQuery(
        words=str(options.get("words", "")),
        log=str(options.get("log", "")),
        paths=tuple(options.get("paths", ())),
        diff=diff,
        changed=tuple(each.path for each in sections_of(diff)),
        app=str(options.get("app", "")),
        apps=tuple(options.get("apps", ())),
        room=int(options.get("room", ROOM)),
    )
    choice = select(case.path, tracked, wish)
    return {
        "files": [
            {"path": each.path, "why": each.why, "part": each.part or "all"}
            for each in choice.files
        ],
        "names": [each.path for each in choice.files],
        "left_out": choice.left_out,
        "listing": choice.listing,
        "diff": choice.diff,
        "lines": {name: _shown(choice, *place) for name, place in options.get("lines", {}).items()},
        "table": table(choice),
        "exact": _is_exact(case.path, choice, wish.room),
    }


def _shown(choice: SelectedContext, path: str, first: int, last: int) -> str:
    parts = [part for each in choice.files if each.path == path for part in each.parts]
    seen = sum(any(a <= line <= b for a, b in parts) for line in range(first, last + 1))
    return "none" if not seen else "all" if seen == last - first + 1 else "some"


def _is_exact(tree: Path, choice: SelectedContext, room: int) -> bool:
    texts = {each.path: (tree / each.path).read_bytes().decode() for each in choice.files}
    used = len(choice.diff) + sum(len(text_of(texts[each.path], each)) for each in choice.files)
    return used <= room and all(_is_of(texts[each.path], each) for each in choice.files)


def _is_of(text: str, chosen: SelectedFile) -> bool:
    """Whether what is shown are lines of the text, each where the marks say that it is."""
    rows, at = lines_of(text), 0
    for row in lines_of(text_of(text, chosen)):
        if row.startswith("[... line"):
            at = int(row.split()[2].partition("-")[2] or row.split()[2])
            continue
        if at >= len(rows) or row != rows[at]:
            return False
        at += 1
    return at == len(rows)
