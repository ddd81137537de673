"""What must hold before a build: rules as data, each failure one clear line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.enums import TARGETS, Severity
from engine.errors import EspdeckError
from engine.findings import Finding
from engine.projects import git, git_objects
from engine.projects.project_options import inactive_reason
from engine.projects.survey import survey
from engine.source.files import FolderFiles
from engine.store.tables import Project
from engine.toolchains.base import choose_toolchain, find_toolchains
from engine.toolchains.idf_apps import CONFIGURATION

_MAX_SHOWN = 8
_NO_CONFIGURATION = {
    "platformio": "platformio.ini has no environment {}",
    "arduino": "sketch.yaml has no profile {}",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is validated: a project, and the worktree of the commit that is to be built."""

    project: Project
    source: Path
    target: str
    configuration: str

    @property
    def app(self) -> Path:
        """The folder that is built."""
        return self.source / self.project.app


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold.

    Args:
        code: of the finding when it does not.
        broken: the line that says so, None when it holds.
        hint: what a person might do.
        needs: rules that must hold for this one to make sense.
    """

    code: str
    broken: Callable[[Subject], str | None]
    hint: str
    needs: tuple[str, ...] = ()


def _active(subject: Subject) -> str | None:
    return inactive_reason(subject.project) or None


def _clone_path(subject: Subject) -> str | None:
    path = subject.project.clone_path
    return None if path and Path(path).is_dir() else f"clone path {path or '(none)'} is not there"


def _repository(subject: Subject) -> str | None:
    path = Path(subject.project.clone_path)
    return None if git.is_repository(path) else f"{path} is not a Git repository"


def _branch(subject: Subject) -> str | None:
    project = subject.project
    if project.branch is None or not project.branch_chosen:
        return None
    names = (
        f"{start}{project.branch}" for start in (git.REMOTE_REFS, git.TAG_REFS, git.BRANCH_REFS)
    )
    if any(git_objects.has_ref(Path(project.clone_path), name) for name in names):
        return None
    return f"branch {project.branch} is not there"


def _kind(subject: Subject) -> str | None:
    if any(each.recognises(subject.app) for each in find_toolchains()):
        return None
    return survey(FolderFiles(subject.source)).explain_absence(subject.project.app)


def _configuration(subject: Subject) -> str | None:
    name = subject.configuration
    if not name or (subject.app / f"{CONFIGURATION}{name}").is_file():
        return None
    toolchain = choose_toolchain(subject.app)
    found = toolchain.apps(FolderFiles(subject.app))
    known = [each.name for app in found if not app.path for each in app.configurations]
    if name in known:
        return None
    lack = _NO_CONFIGURATION.get(toolchain.name, f"{CONFIGURATION}{{}} is not there").format(name)
    there = f" (there are: {', '.join(known[:_MAX_SHOWN])})" if known else ""
    return f"no configuration {name}: {lack}{there}"


def _target(subject: Subject) -> str | None:
    if subject.target in TARGETS:
        return None
    return f"target {subject.target!r} is not one of {', '.join(TARGETS)}"


def _buildable(subject: Subject) -> str | None:
    toolchain = choose_toolchain(subject.app)
    if subject.target in toolchain.targets():
        return None
    chips = ", ".join(sorted(toolchain.targets()))
    return f"{toolchain.name} builds for {chips}, not for {subject.target}"


def _toolchain(subject: Subject) -> str | None:
    return choose_toolchain(subject.app).missing(subject.target)


RULES = (
    Rule("project.status", _active, "sync the project, and look at its status"),
    Rule("project.clone", _clone_path, "sync the project: it is cloned again"),
    Rule(
        "project.repository",
        _repository,
        "sync the project: it is cloned again",
        needs=("project.clone",),
    ),
    Rule(
        "project.branch",
        _branch,
        "sync the project, or change its branch (espdeck edit --branch)",
        needs=("project.repository",),
    ),
    Rule(
        "project.cmake",
        _kind,
        "espdeck builds projects of ESP-IDF, CMake, PlatformIO and Arduino",
    ),
    Rule(
        "project.configuration",
        _configuration,
        "espdeck apps lists the configurations of each app",
        needs=("project.cmake",),
    ),
    Rule("project.target", _target, "change the chip of the project (espdeck edit --target)"),
    Rule(
        "toolchain.target",
        _buildable,
        "change the chip of the project (espdeck edit --target)",
        needs=("project.cmake", "project.target"),
    ),
    Rule(
        "toolchain.missing",
        _toolchain,
        "espdeck doctor says what is installed",
        needs=("toolchain.target",),
    ),
)
"""In the order in which they are looked at."""

_OF_PROJECT = frozenset({"project.status", "project.clone", "project.repository", "project.branch"})


def lack_of_project(project: Project) -> str:
    """Why nothing of a project can be built, whatever its sources are; empty where it can."""
    subject = Subject(project, Path(), "", "")
    lines = (rule.broken(subject) for rule in RULES if rule.code in _OF_PROJECT)
    return next((line for line in lines if line), "")


def validate(
    project: Project, source: Path, target: str, configuration: str = ""
) -> tuple[Finding, ...]:
    """Look at every rule.

    Args:
        project: as it stands in the store.
        source: worktree of the commit.
        target: the chip.
        configuration: empty for none.

    Returns:
        One finding for each rule that is broken; none for what only follows from another.
    """
    subject = Subject(project, source, target, configuration)
    failed: set[str] = set()
    found: list[Finding] = []
    for rule in RULES:
        if failed.intersection(rule.needs):
            failed.add(rule.code)
            continue
        try:
            line = rule.broken(subject)
        except EspdeckError as error:
            line = str(error)
        if line is not None:
            failed.add(rule.code)
            found.append(Finding(Severity.ERROR, rule.code, line, hint=rule.hint))
    return tuple(found)
