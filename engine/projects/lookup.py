"""Finds the project that a person means: by name, by id or its first digits, by URL or path."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path, PurePosixPath

from engine.errors import NotFoundError, ToolError, UsageError
from engine.projects import git
from engine.projects.apps import find_apps
from engine.projects.revisions import HEAD
from engine.projects.sources import Source, check_source, looks_like_a_path
from engine.store import projects as store_projects
from engine.store.database import Store
from engine.store.tables import Project
from engine.text import mask, near

_ID = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}")
"""The first digits of an id, eight at least, or all of it."""


class ProjectLookup:
    """Looks projects of a workspace up. All calls may block."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name_or_id: str) -> Project:
        """A project by its name or id.

        Raises:
            UsageError: there is none.
        """
        found = store_projects.find_project(self._store, name_or_id)
        if found is None:
            names = [each.name for each in store_projects.all_projects(self._store)]
            meant = near(name_or_id, names) or " (espdeck projects lists them)"
            raise NotFoundError(f"no project {mask(name_or_id)[:100]!r}{meant}")
        return found

    def find(self, wanted: str) -> Project:
        """The project that a person means, of those that are there.

        Args:
            wanted: a name, an id or its first digits, a Git URL or a path, also of a folder within
                its app.

        Raises:
            UsageError: there is none, or there are several.
        """
        wanted, projects = self.whole_id(wanted), store_projects.all_projects(self._store)
        named = [each for each in projects if wanted in (each.name, str(each.id))]
        if named and not looks_like_a_path(wanted):
            return named[0]
        if not names_a_source(wanted):
            return self.get(wanted)
        source = check_source(wanted)
        mine = [each for each in projects if each.source == source.url]
        folder = PurePosixPath(source.folder)
        around = [each for each in mine if PurePosixPath(each.app) in (folder, *folder.parents)]
        nearest = max((len(each.app) for each in around), default=0)
        found = [each for each in around if len(each.app) == nearest] or mine
        if not found:
            raise UsageError(f"no project has this source: espdeck add {mask(wanted)}")
        if len(found) > 1:
            names = ", ".join(each.name for each in found)
            raise UsageError(f"{mask(wanted)} is the source of several projects, name one: {names}")
        return found[0]

    def whole_id(self, text: str) -> str:
        """The id of the only project whose id begins so; else the text as it is."""
        if not _ID.fullmatch(text):
            return text
        projects = store_projects.all_projects(self._store)
        found = [str(each.id) for each in projects if str(each.id).startswith(text)]
        is_name = text in [each.name for each in projects]
        return found[0] if len(found) == 1 and not is_name else text

    def of_app(self, source: str, app: str, configuration: str) -> Project | None:
        """The project of an app of a source; of several, the one of that configuration."""
        found = [
            each for each in store_projects.projects_of(self._store, source) if each.app == app
        ]
        found.sort(key=lambda each: (each.configuration != configuration, bool(each.configuration)))
        return found[0] if found else None

    def app_around(self, source: Source) -> str:
        """The app that a folder of a repository is or lies in; the folder itself where none is."""
        if not source.folder:
            return ""
        known = {each.app for each in store_projects.projects_of(self._store, source.url)}
        with contextlib.suppress(ToolError):
            git.check_trusted(Path(source.url))
            known |= {each.path for each in find_apps(Path(source.url), HEAD)}
        folder = PurePosixPath(source.folder)
        around = ("" if str(each) == "." else str(each) for each in (folder, *folder.parents))
        return next((each for each in around if each in known), source.folder)


def names_a_source(text: str) -> bool:
    """Whether this may be a repository: a URL, a path, or the name of a folder here."""
    if looks_like_a_path(text):
        return True
    try:
        return Path(text).is_dir()
    except (OSError, ValueError):  # it is too long for a path
        return False


def check_no_other_folder(project: Project, wanted: str) -> None:
    """Refuse a project's name that is a folder here as well: it could mean both.

    Raises:
        UsageError: a repository of another source is in that folder.
    """
    try:
        source = check_source(f"./{wanted}")
    except UsageError:
        return
    if source.url != project.source:
        raise UsageError(
            f"{wanted} is a project (of {mask(project.source)}) and a folder here: write "
            f"./{wanted} for the folder, {str(project.id)[:8]}... or another name for the "
            "project (espdeck edit NAME --name NEW)"
        )
