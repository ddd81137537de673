"""The documentation index: for each document what it is, and what code it covers; one JSON file."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine import private_files
from engine.checks.base import CheckContext
from engine.checks.documentation.code import Declaration
from engine.checks.documentation.document import Document
from engine.checks.documentation.history import History
from engine.checks.documentation.staleness import Cover
from engine.errors import UsageError
from engine.files import explain
from engine.text import clean

VERSION = 1
"""Of the index's form."""

FILE_NAME = "doc_index.json"

_MAX_COVERED = 500  # files, functions or options of one document
_MAX_TEXT_CHARACTERS = 300


def index_of(
    context: CheckContext,
    commit: str,
    documents: Mapping[str, Document],
    covers: Mapping[str, Cover],
    hashes: Mapping[str, str],
    history: History,
) -> dict[str, Any]:
    """The index as JSON has it.

    Args:
        commit: what the tree has checked out.
        hashes: SHA-256 of each document.
    """
    entries = [
        {
            "path": clean(path),
            "title": _short(document.title) or clean(path),
            "format": document.format.value,
            "headings": [
                {"level": each.level, "text": _short(each.text), "line": each.line}
                for each in document.headings
                if each.level
            ],
            "covers": _covered(covers[path]),
            "sha256": hashes[path],
            **_last_change(path, history),
        }
        for path, document in sorted(documents.items())
    ]
    return {
        "version": VERSION,
        "project": clean(context.project),
        "commit": commit,
        "made": context.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "counts": {
            "documents": len(entries),
            "headings": sum(len(each["headings"]) for each in entries),
            "files": len({path for each in covers.values() for path in each.files}),
            "functions": len({name for each in covers.values() for name in each.functions}),
            "options": len({name for each in covers.values() for name in each.options}),
        },
        "documents": entries,
    }


def index_path(context: CheckContext, named: str) -> Path:
    """Where the index is written to.

    Args:
        named: as the settings have it; relative to the check's folder of the project.

    Raises:
        UsageError: that is outside of the folder, or among what Git keeps.
    """
    given = Path(named or FILE_NAME).expanduser()
    if not given.is_absolute():
        path = Path(os.path.normpath(context.output / given))
        if not path.is_relative_to(context.output):
            raise UsageError(f"doc_index.output_path {named}: is outside the check's folder")
        return path
    path = given / FILE_NAME if given.is_dir() else given
    real = Path(os.path.realpath(path))
    bare = context.repository if (context.repository / "HEAD").is_file() else None
    if ".git" in real.parts or (bare is not None and real.is_relative_to(os.path.realpath(bare))):
        raise UsageError(
            f"doc_index.output_path {named}: is inside the folder .git: choose another"
        )
    return path


def write_index(path: Path, index: Mapping[str, Any], *, make_folder: bool) -> None:
    """Write the index, whole or not at all, over the one that is there.

    Args:
        make_folder: whether to make its folder too.

    Raises:
        UsageError: it cannot be written; one line.
    """
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        with _replacing(path) as descriptor, os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(index, file, ensure_ascii=False, indent=1)
            file.write("\n")
    except OSError as error:
        raise UsageError(explain(error, path)) from error


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[int]:
    """A new file beside another one, which it replaces at the end of the block."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        private_files.apply_user_umask(descriptor)
        yield descriptor
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _covered(cover: Cover) -> dict[str, Any]:
    functions = [(name, at) for name, (_mention, at) in cover.functions.items()]
    options = [(f"CONFIG_{name}", at) for name, (_mention, at) in cover.options.items()]
    files = {*cover.files, *(at.path for _name, at in (*functions, *options))}
    return {
        "files": [clean(each) for each in sorted(files)[:_MAX_COVERED]],
        "folders": [clean(each) for each in sorted(cover.folders)[:_MAX_COVERED]],
        "functions": _declared(functions),
        "options": _declared(options),
    }


def _declared(names: list[tuple[str, Declaration]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "file": clean(at.path), "line": at.line} for name, at in names[:_MAX_COVERED]
    ]


def _last_change(path: str, history: History) -> dict[str, str]:
    """The commit that changed a document last; empty where it is not committed, or not known."""
    index = history.last_change(path)
    commit = history.commit(index) if index is not None and index not in history.ends else None
    return {"commit": commit.sha if commit else "", "date": commit.date if commit else ""}


def _short(text: str) -> str:
    return clean(text)[:_MAX_TEXT_CHARACTERS]
