"""Files that an answer names, and that models were not shown yet: its places and its symbols.

Who has found the cause of something names the lines that carry it, and functions that were not
among the files which the words of the task brought. The steps behind it are shown those.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from engine.source.excerpts import excerpt
from engine.source.file_kinds import FileKind, kind_of
from engine.source.file_policy import exposure_refusal
from engine.source.functions import functions_of
from engine.source.search_words import defined_in, is_identifier, lines_named
from engine.tasks.context_selection import SelectedFile, SelectionReason
from engine.tasks.worktree_texts import Texts

MAX_FILES = 6
"""Files that one answer brings."""

_MAX_SYMBOLS = 40
_MAX_READ_FILES = 2000
_MIN_CHARACTERS = 120  # characters: less of a file says nothing
_CODE = re.compile(r"`([^`\n]{2,200})`")
_SYMBOL = re.compile(r"[A-Za-z_]\w{3,80}")
_CALL = re.compile(r"\b([A-Za-z_]\w{3,80})\(")


def named_files(
    tree: Path,
    tracked: Sequence[str],
    answer: str,
    shown: Mapping[str, SelectedFile],
    room: int,
) -> tuple[SelectedFile, ...]:
    """What an answer names of a worktree and was not shown, the parts of it that it names.

    Args:
        tree: its folder.
        tracked: paths of its tracked files, links and submodules not among them.
        answer: of a model. Untrusted.
        shown: what was, by path.
        room: characters for all of it.
    """
    texts = Texts(tree)
    visible = [path for path in tracked if exposure_refusal(path) is None]
    symbols = symbols_of(answer)
    wanted = dict(lines_named(answer, visible))
    for path, lines in _with_symbols(texts, visible, symbols, shown).items():
        wanted[path] = wanted.get(path, frozenset()) | lines
    found: list[SelectedFile] = []
    for path, lines in wanted.items():
        text, _reason = texts.read_written(path)
        known = shown.get(path)
        missing = _with_functions(path, text or "", lines) - _lines_shown(known)
        if text is None or (known is not None and (not known.part or not missing)):
            continue
        most = room // (min(len(wanted), MAX_FILES) - len(found))
        is_new = known is None
        part = excerpt(path, text, most, symbols, missing, fill=is_new, outline=is_new)
        if part.taken < (min(part.whole, _MIN_CHARACTERS) if is_new else 1):
            continue
        room -= len(part.text)
        found.append(
            SelectedFile(
                path, SelectionReason.ANSWER, len(text), part.taken, part.lines, part.parts
            )
        )
        if len(found) == MAX_FILES:
            break
    return tuple(found)


def symbols_of(answer: str) -> tuple[str, ...]:
    """The identifiers that an answer names as code or calls, in its order."""
    in_code = (name for code in _CODE.findall(answer) for name in _SYMBOL.findall(code))
    found = dict.fromkeys((*in_code, *_CALL.findall(answer)))
    return tuple(filter(is_identifier, found))[:_MAX_SYMBOLS]


def _with_symbols(
    texts: Texts,
    visible: Sequence[str],
    symbols: Collection[str],
    shown: Mapping[str, SelectedFile],
) -> Mapping[str, frozenset[int]]:
    """Files that define a symbol and are not shown whole, with the lines of its definition."""
    found: dict[str, frozenset[int]] = {}
    sources = [path for path in visible if kind_of(path) is FileKind.SOURCE]
    for path in sources[:_MAX_READ_FILES] if symbols else ():
        text, _reason = texts.read_written(path)
        known = shown.get(path)
        if text is None or (known is not None and not known.part):
            continue
        lines = frozenset(_definitions(path, text, symbols))
        if lines:
            found[path] = lines
    return found


def _definitions(path: str, text: str, symbols: Collection[str]) -> Iterator[int]:
    defined = defined_in(text, symbols)
    if defined:
        for function in functions_of(path, text):
            if function.name in defined:
                yield function.first


def _with_functions(path: str, text: str, lines: Collection[int]) -> frozenset[int]:
    """Lines, with all of the functions that they stand in."""
    functions = [
        each
        for each in functions_of(path, text)
        if any(each.first <= line <= each.last for line in lines)
    ]
    return frozenset(lines).union(*(range(each.first, each.last + 1) for each in functions))


def _lines_shown(selected: SelectedFile | None) -> frozenset[int]:
    parts = selected.parts if selected is not None else ()
    return frozenset(line for first, last in parts for line in range(first, last + 1))
