"""Where step pipelines come from: shipped with espdeck, a person's own, a project's.

- shipped: ``engine/tasks/templates/*.yaml``
- a person's: ``pipelines/*.yaml`` beside the settings file (``~/.config/espdeck/pipelines/``)
- a project's: ``.espdeck/pipelines/*.yaml`` as its commit has them: untrusted

A file that makes no sense is listed with what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from engine.errors import UsageError
from engine.files import read_file
from engine.projects import git_objects
from engine.settings import config_file
from engine.tasks.pipeline_file import StepPipeline, load
from engine.tasks.yaml_document import MAX_CHARACTERS
from engine.text import clean

FOLDER = ".espdeck/pipelines"
"""Folder of a project's own pipelines."""

MAX_FILES = 100
"""Pipelines of one place."""

_ENDINGS = (".yaml", ".yml")


class Origin(StrEnum):
    """Whose pipeline it is."""

    SHIPPED = "shipped"
    USER = "user"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class PipelineEntry:
    """A pipeline's file.

    Args:
        file: its path, or its name among the shipped ones.
        origin: whose it is.
        pipeline: what it says, None when it makes no sense.
        problem: why it makes none, in a line.
    """

    file: str
    origin: Origin
    pipeline: StepPipeline | None
    problem: str = ""


def shipped(models: Collection[str] = ()) -> tuple[PipelineEntry, ...]:
    """The pipelines that come with espdeck.

    Args:
        models: as :func:`engine.tasks.pipeline_file.load` has them; so everywhere here.
    """
    folder = files(__package__) / "templates"
    found = sorted(folder.iterdir(), key=lambda each: each.name)
    return tuple(
        _entry(each.name, Origin.SHIPPED, each.read_text("utf-8"), models)
        for each in found
        if each.name.endswith(_ENDINGS)
    )


def own(models: Collection[str] = ()) -> tuple[PipelineEntry, ...]:
    """The pipelines of this person."""
    folder = config_file().parent / "pipelines"
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(_ENDINGS))
    except OSError:
        return ()
    return tuple(_read(path, models) for path in paths[:MAX_FILES])


def of_project(clone: Path, sha: str, models: Collection[str] = ()) -> tuple[PipelineEntry, ...]:
    """The pipelines that a commit of a project has. Untrusted.

    Raises:
        ToolError: the clone is gone.
    """
    return tuple(_of_project(clone, sha, models))


def read_pipeline_file(path: Path, models: Collection[str] = ()) -> StepPipeline:
    """A pipeline from a file anywhere.

    Raises:
        UsageError: it cannot be read, or makes no sense.
    """
    entry = _read(path, models)
    if entry.pipeline is None:
        raise UsageError(entry.problem)
    return entry.pipeline


def _of_project(clone: Path, sha: str, models: Collection[str]) -> Iterator[PipelineEntry]:
    names = git_objects.files_in(clone, sha, FOLDER)
    for name in [name for name in names if name.endswith(_ENDINGS)][:MAX_FILES]:
        path = f"{FOLDER}/{name}"
        try:
            yield _entry(path, Origin.PROJECT, git_objects.read_text(clone, sha, path), models)
        except UsageError as error:
            yield PipelineEntry(clean(path), Origin.PROJECT, None, clean(str(error)))


def _read(path: Path, models: Collection[str]) -> PipelineEntry:
    try:
        text = read_file(path, 4 * MAX_CHARACTERS).decode("utf-8")
    except OSError as error:
        return PipelineEntry(str(path), Origin.USER, None, f"{path}: {error.strerror}")
    except UnicodeDecodeError:
        return PipelineEntry(str(path), Origin.USER, None, f"{path}: not UTF-8")
    return _entry(str(path), Origin.USER, text, models)


def _entry(file: str, origin: Origin, text: str, models: Collection[str]) -> PipelineEntry:
    try:
        return PipelineEntry(clean(file), origin, load(text, file, models))
    except UsageError as error:
        return PipelineEntry(clean(file), origin, None, str(error))
