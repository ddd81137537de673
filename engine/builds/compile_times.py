"""How long each source file took to compile in a build, from the logs of ninja.

BUILDER looks at them before it compiles and after, and keeps the difference with the build:
``compile-times.json``, in a later attempt ``compile-times-2.json``. Only files that were compiled
are in it: an incremental build compiles few. Toolchains without ninja (SCons of PlatformIO, the
Arduino CLI) leave none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from engine.files import read_file
from engine.formats.untrusted import MAX_JSON_BYTES, json_of
from engine.toolchains import ninja_log
from engine.toolchains.ninja_log import NinjaLog, Step

MAX_FILES = 10_000
"""Files of a build that are kept, the slowest."""

_MAX_BYTES = 16 << 20
_COMPILE_COMMANDS = "compile_commands.json"
_OBJECT = re.compile(r"\.(?:o|obj|gch|pch)$")
_OBJECT_OF_SOURCE = re.compile(r"(\.\w{1,4})\.(?:o|obj)$")
_CMAKE_TARGET_FOLDER = re.compile(r"^(?:.*/)?CMakeFiles/[^/]+\.dir/")
_OUTPUT_OPTION = re.compile(r"\s-o\s+(\"[^\"]+\"|\S+)")


@dataclass(frozen=True, slots=True)
class CompileTimes:
    """What a build compiled.

    Args:
        files: seconds by source file, the slowest first: its path in the project where it lies
            inside it, else the whole path. A file that was compiled several times, for several
            targets, has the time of all of them. Untrusted.
        seconds: of all of them, beside others that ran at once: what one core would take, about.
        others: seconds of what else ninja ran: archives, links, scripts.
    """

    files: Mapping[str, float]
    seconds: float
    others: float


_TIMES = TypeAdapter(CompileTimes)


class CompileWatch:
    """Looks at the logs of a build folder from now on."""

    def __init__(self, build_dir: Path) -> None:
        self._build_dir = build_dir
        self._before = ninja_log.read_logs(build_dir)

    def times(self, source: Path) -> CompileTimes | None:
        """What ninja did since.

        Args:
            source: root of the source tree.

        Returns:
            None where there is no log of ninja's.
        """
        logs = ninja_log.read_logs(self._build_dir)
        if not logs:
            return None
        seconds: dict[str, float] = {}
        others = 0.0
        for folder, log in logs.items():
            compiled, rest = _split(log.steps_since(self._before.get(folder, NinjaLog(0, ()))))
            others += sum(step.seconds for step in rest)
            sources = _sources(folder) if compiled else {}
            for output, step in compiled:
                name = _name(sources.get(output) or output, source, self._build_dir)
                seconds[name] = round(seconds.get(name, 0.0) + step.seconds, 3)
        slowest = sorted(seconds.items(), key=lambda each: (-each[1], each[0]))
        total = round(sum(seconds.values()), 3)
        return CompileTimes(dict(slowest[:MAX_FILES]), total, round(others, 3))


def file_name(attempt: int) -> str:
    """The artifact that has the times of an attempt."""
    return f"compile-times{f'-{attempt}' if attempt > 1 else ''}.json"


def is_file_name(path: str) -> bool:
    """Whether an artifact has the times of an attempt, by its path."""
    return re.fullmatch(r"compile-times(?:-[0-9]{1,4})?\.json", path) is not None


def write(times: CompileTimes, path: Path) -> None:
    """Write times as JSON.

    Raises:
        OSError: they cannot be written.
    """
    path.write_bytes(_TIMES.dump_json(times, indent=1))


def read(path: Path) -> CompileTimes | None:
    """Read times; None where they are gone or damaged."""
    try:
        return _TIMES.validate_python(json.loads(read_file(path, _MAX_BYTES)))
    except (OSError, ValueError, RecursionError, ValidationError):
        return None


def joined(times: Iterable[CompileTimes]) -> CompileTimes:
    """The times of several attempts: what all of them took."""
    files: dict[str, float] = {}
    seconds = others = 0.0
    for each in times:
        for name, took in each.files.items():
            files[name] = files.get(name, 0.0) + took
        seconds, others = seconds + each.seconds, others + each.others
    return CompileTimes(
        dict(sorted(files.items(), key=lambda each: (-each[1], each[0]))), seconds, others
    )


def _split(steps: Iterable[Step]) -> tuple[list[tuple[str, Step]], list[Step]]:
    """Steps that compile, each with its object, and the others."""
    compiled, others = [], []
    for step in steps:
        made = next((each for each in step.outputs if _OBJECT.search(each)), None)
        if made is None:
            others.append(step)
        else:
            compiled.append((made, step))
    return compiled, others


def _sources(folder: Path) -> dict[str, str]:
    """Source files by the object that is made of them, as ninja names it.

    CMake writes ``compile_commands.json``; before version 3.30 without ``output``, which then is
    in the command. Untrusted: what is not as expected is left out.
    """
    try:
        rows = json_of(read_file(folder / _COMPILE_COMMANDS, MAX_JSON_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return dict(_pairs(rows, folder)) if isinstance(rows, list) else {}


def _pairs(rows: list[object], folder: Path) -> Iterator[tuple[str, str]]:
    prefix = f"{folder}/"
    for row in rows:
        if not isinstance(row, dict):
            continue
        made, file, command = (row.get(name) for name in ("output", "file", "command"))
        if not isinstance(made, str):
            told = _OUTPUT_OPTION.search(command) if isinstance(command, str) else None
            made = told[1].strip('"') if told else None
        if isinstance(made, str) and isinstance(file, str):
            yield made.removeprefix(prefix), file


def _name(file: str, source: Path, build_dir: Path) -> str:
    """A file as people know it, the same in the next build, which may be in another slot."""
    for folder in (source, build_dir):
        if file.startswith(f"{folder}/"):
            return file.removeprefix(f"{folder}/")
    # Of no known source: CMake makes ``main.c.obj`` of ``main.c``.
    name = _CMAKE_TARGET_FOLDER.sub("", file)
    return _OBJECT_OF_SOURCE.sub(r"\1", name)
