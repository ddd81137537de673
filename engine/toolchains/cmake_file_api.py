"""CMake's file API (cmake-file-api(7)): which executable a project builds, asked of CMake itself.

A query file is put into the build folder before CMake configures it; CMake answers with JSON files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import ToolError
from engine.formats.untrusted import Fields, file_inside

_API = Path(".cmake/api/v1")
_QUERY = "codemodel-v2"
_CLIENT = "client-espdeck"


@dataclass(frozen=True, slots=True)
class Codemodel:
    """What a project builds.

    Args:
        project: its name in ``project()``.
        executables: names of its executable targets and the file each makes, relative to the
            build folder.
    """

    project: str
    executables: tuple[tuple[str, str], ...]

    def program(self) -> str | None:
        """The firmware: the only executable, or the one that is named like the project."""
        if len(self.executables) == 1:
            return self.executables[0][1]
        named = [
            path
            for name, path in self.executables
            if self.project in (name, Path(name).stem, Path(path).stem)
        ]
        return named[0] if len(named) == 1 else None


def write_query(build_dir: Path) -> None:
    """Put the question; CMake answers when it configures next."""
    query = build_dir / _API / "query" / _CLIENT / _QUERY
    query.parent.mkdir(parents=True, exist_ok=True)
    query.touch()


def read(build_dir: Path) -> Codemodel:
    """Read the answer.

    Raises:
        ToolError: there is none, or one that makes no sense.
    """
    replies = build_dir / _API / "reply"
    # The newest index is the last by name (cmake-file-api(7), "v1 Reply Index File").
    index = max(replies.glob("index-*.json"), default=None)
    if index is None:
        raise ToolError("CMake did not say what it builds: no file API reply")
    reply = Fields.read(index).object("reply").object(_CLIENT).object(_QUERY)
    model = Fields.read(file_inside(replies, reply.text("jsonFile"), index.name))
    executables: list[tuple[str, str]] = []
    project = ""
    for configuration in model.objects("configurations")[:1]:
        project = next((each.text("name") for each in configuration.objects("projects")), "")
        for each in configuration.objects("targets"):
            target = Fields.read(file_inside(replies, each.text("jsonFile"), model.name))
            artifact = next(iter(target.objects("artifacts")), None)
            if target.text("type") == "EXECUTABLE" and artifact is not None:
                executables.append((target.text("name"), artifact.text("path")))
    return Codemodel(project, tuple(executables))
