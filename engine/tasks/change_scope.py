"""What a step that changes files may change: product code or tests, and why an answer is refused.

Who is judged by tests must not change them: a step that changes code changes no test, and one that
writes tests changes nothing else. It may enter its tests where they are built, and append
``[[test]]`` tables to ``espdeck.toml``; nothing else of that file may change, whoever asks.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from engine import manifest
from engine.errors import EspdeckError
from engine.manifest import Manifest
from engine.projects import git_objects
from engine.projects.worktrees import Slot
from engine.repair.edits import AppliedEdits
from engine.source.test_files import is_test_file
from engine.tasks.plan import Scope
from engine.tasks.worktree_texts import read_whole

_REGISTRATIONS = (
    *("cmakelists.txt", "*.cmake", "component.mk", "makefile", "meson.build", "platformio.ini"),
    *("idf_component.yml", "project.yml", "pytest.ini", "sdkconfig.ci*"),
)
"""Names, in lower case, of files that say which sources are built, tests among them."""


def criteria_file(app: str) -> str:
    """The path of the file that says when the firmware of an app's folder is good enough."""
    return PurePosixPath(app, manifest.FILE_NAME).as_posix()


def within_scope(slot: Slot, scope: Scope) -> Slot:
    """A slot as an answer of a step may change it: only one that writes tests reaches criteria."""
    return slot if scope is Scope.TESTS else replace(slot, opened=frozenset())


def scope_refusals(slot: Slot, scope: Scope, applied: AppliedEdits, *, app: str) -> tuple[str, ...]:
    """Why the changes of an answer are refused, one line each; none where they may stay.

    Args:
        slot: the worktree with the changes.
        app: the folder of the app.
    """
    found = []
    for file in applied.files:
        if file == criteria_file(app):
            reason = _appended(slot, file)
        elif scope is Scope.CODE and _is_test(slot, file):
            reason = "is a test: this step changes none, what a test says holds"
        elif scope is Scope.TESTS and not (_is_test(slot, file) or _registers(file)):
            reason = "is no test, nor says how tests are built: this step changes nothing else"
        else:
            reason = ""
        if reason:
            found.append(f"{file} {reason}")
    return tuple(found)


def _is_test(slot: Slot, path: str) -> bool:
    """Whether a file is of the tests, or was before it was changed."""
    if is_test_file(path, read_whole(slot.source, path)):
        return True
    if not is_test_file(path):
        return False
    try:
        return is_test_file(path, git_objects.read_text(slot.source, "HEAD", path))
    except EspdeckError:
        return False  # it is new


def _registers(path: str) -> bool:
    name = PurePosixPath(path.lower()).name
    return any(fnmatchcase(name, pattern) for pattern in _REGISTRATIONS)


def _appended(slot: Slot, file: str) -> str:
    """Why a changed ``espdeck.toml`` is refused: only ``[[test]]`` tables may have come to it."""
    try:
        after = manifest.load((slot.source / file).parent)
    except EspdeckError as error:
        return f"makes no sense: {error}"
    try:
        before = manifest.parse(git_objects.read_text(slot.source, "HEAD", file))
    except EspdeckError:
        before = Manifest()
    kept = after.tests[: len(before.tests)] == before.tests
    if kept and replace(after, tests=before.tests) == before:
        return ""
    return (
        "says what is expected of the firmware: [[test]] tables may be added to it, and nothing "
        "else may change"
    )
