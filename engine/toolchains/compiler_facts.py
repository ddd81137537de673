"""Which compiler a build folder is compiled with, its version, and what it is told.

CMake writes both, whatever it generates (``CMakeFiles/VERSION/CMakeCCompiler.cmake``, and
``compile_commands.json``: https://clang.llvm.org/docs/JSONCompilationDatabase.html); ESP-IDF says
its version in ``project_description.json``.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from engine.files import read_file
from engine.text import clean

_MAX_BYTES = 1 << 20
_MAX_COMMANDS_BYTES = 32 << 20
_MAX_FLAGS_CHARACTERS = 800
_ID = re.compile(r"set\(CMAKE_C_COMPILER_ID \"([^\"]{1,80})\"\)")
_VERSION = re.compile(r"set\(CMAKE_C_COMPILER_VERSION \"([^\"]{1,80})\"\)")
_SECRET = re.compile(r"(-D\w*(?:PASS|PSK|KEY|SECRET|TOKEN|SSID|CREDENTIAL)\w*)=.*", re.IGNORECASE)
_TELLING = re.compile(r"-(?:D|W(?!l,)|O|std=|f(?![\w-]*prefix-map)|m(?!llvm)|g\b)")


def compiler_facts(build_dir: Path, toolchain: str, file: str | None = None) -> tuple[str, ...]:
    """What compiles, a line each; as much of it as the build folder says. Untrusted.

    Args:
        build_dir: of the build; it may have come to nothing.
        toolchain: its name.
        file: whose flags are wanted, as the project names it; None for those of any.
    """
    lines = [f"toolchain: {' '.join([toolchain, *_idf_version(build_dir)])}"]
    for description in sorted(build_dir.glob("CMakeFiles/*/CMakeCCompiler.cmake"))[:1]:
        text = _read(description, _MAX_BYTES)
        name, version = _ID.search(text), _VERSION.search(text)
        if name:
            lines.append(f"compiler: {name[1]} {version[1] if version else ''}".rstrip())
    flags = _flags(build_dir, file)
    if flags:
        lines.append(f"flags: {flags}")
    return tuple(map(clean, lines))


def _idf_version(build_dir: Path) -> Iterator[str]:
    try:
        described = json.loads(_read(build_dir / "project_description.json", _MAX_BYTES))
    except ValueError:
        return
    revision = described.get("git_revision") if isinstance(described, dict) else None
    if isinstance(revision, str) and revision:
        yield revision[:80]


def _flags(build_dir: Path, file: str | None) -> str:
    """Flags that say something about the language and the warnings, each once."""
    try:
        commands = json.loads(_read(build_dir / "compile_commands.json", _MAX_COMMANDS_BYTES))
    except (ValueError, RecursionError):
        return ""
    rows = commands if isinstance(commands, list) else []
    entries = [each for each in rows if isinstance(each, dict)]
    named = [each for each in entries if file and str(each.get("file", "")).endswith(f"/{file}")]
    for entry in (*named, *entries):
        command = entry.get("command")
        if not isinstance(command, str):
            continue
        try:
            words = shlex.split(command)
        except ValueError:
            continue
        told = (_SECRET.sub(r"\1=...", word) for word in words[1:] if _TELLING.match(word))
        flags = " ".join(dict.fromkeys(told))
        if len(flags) > _MAX_FLAGS_CHARACTERS:
            flags = f"{flags[:_MAX_FLAGS_CHARACTERS].rpartition(' ')[0]} ..."
        return flags
    return ""


def _read(path: Path, most: int) -> str:
    """Text of a file, empty where there is none that can be read."""
    try:
        return read_file(path, most).decode("utf-8", "replace")
    except OSError:
        return ""
