"""Warnings of what an incremental build did not compile again.

A compiler warns when it compiles; the next build leaves that file alone, and a firmware would seem
to have lost its warnings. So what each step of ninja warned of is kept in the build folder until
that step runs again or is gone from ``build.ninja``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from engine.files import read_file

_FILE = "espdeck-warnings.json"
_STEP = re.compile(r"^\[\d{1,7}/\d{1,7}\] ([^\r\n]{1,500})\r?$", re.M)
_WARNING = re.compile(r"\b[Ww]arning: ")  # GNU as begins with a capital letter
_MAX_STEP_CHARACTERS = 64 << 10
_MAX_TOTAL_CHARACTERS = 2 << 20
_MAX_NINJA_FILE_BYTES = 64 << 20


def not_repeated(build_dir: Path, output: str) -> str:
    """What earlier builds warned of and this one did not compile again.

    Args:
        build_dir: where ``build.ninja`` is; the memory lies beside it.
        output: what ninja printed now. Its warnings are kept for the next time.
    """
    pieces = _STEP.split(output)
    ran = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    kept = {step: text for step, text in _load(build_dir).items() if step not in ran}
    if kept:
        built = _built(build_dir)
        kept = {step: text for step, text in kept.items() if step.rpartition(" ")[2] in built}
    fresh = {
        step: text[:_MAX_STEP_CHARACTERS]
        for step, text in ran.items()
        if _WARNING.search(text) and not text.startswith("\nFAILED: ")
    }
    if ran:
        _save(build_dir, kept | fresh)
    return "".join(kept.values())


def _built(build_dir: Path) -> set[str]:
    """First output of every step (ninja manual, "Build statements")."""
    try:
        text = read_file(build_dir / "build.ninja", _MAX_NINJA_FILE_BYTES).decode(
            "utf-8", "replace"
        )
    except OSError:
        return set()
    return set(re.findall(r"^build ([^ :\n]+)", text, re.M))


def _load(build_dir: Path) -> dict[str, str]:
    try:
        # JSON may take six characters for one.
        data = json.loads(read_file(build_dir / _FILE, 8 * _MAX_TOTAL_CHARACTERS))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {step: text for step, text in data.items() if isinstance(text, str)}


def _save(build_dir: Path, warnings: dict[str, str]) -> None:
    total, kept = 0, {}
    for step, text in warnings.items():
        total += len(text)
        if total <= _MAX_TOTAL_CHARACTERS:
            kept[step] = text
    (build_dir / _FILE).write_text(json.dumps(kept), "utf-8")
