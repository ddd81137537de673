"""The menu of options of an ESP-IDF project: the app steps aside while a person uses it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from textual.app import App

from engine.text import clean
from tui.terminal import lend

if TYPE_CHECKING:
    from engine import ConfigurationEdit, Engine, Project


def edit(app: App[None], engine: Engine, project: Project) -> ConfigurationEdit:
    """Hand the terminal to ``idf.py menuconfig``. Blocks: there is no screen meanwhile.

    Raises:
        EspdeckError: it could not be configured, or there is no terminal.
    """

    def configure() -> ConfigurationEdit:
        sys.stdout.write(f"configuring {clean(project.name)} for {project.target}\n")
        sys.stdout.flush()
        return engine.projects.menuconfig(project.id)

    return lend(app, configure, what="menuconfig")
