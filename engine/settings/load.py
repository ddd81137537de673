"""The settings of this process, read from every source; each mistake with the place of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from engine import private_files
from engine.errors import UsageError, WrongSettingsError
from engine.settings.keys import (
    NAME,
    KeyPath,
    find_key,
    is_list,
    is_model,
    join_key,
    known_keys,
    plain_type,
)
from engine.settings.models import SettingsFile
from engine.settings.own_boards import own_boards
from engine.settings.sources import Layers, config_file, read_variables
from engine.text import near
from engine.validation import explain_error, reach_of

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WORKSPACE = "workspace"
_NAMES_WORKSPACE = re.compile(rf"^[ \t]*[\"']?{_WORKSPACE}[\"']?[ \t]*=", re.MULTILINE)


class Settings(SettingsFile):
    """What holds for this process; reads the file and the environment when it is made.

    ``boards`` are those of the settings and the workspace's own.
    """

    def __init__(self, **flags: Any) -> None:
        """Read the settings; what is given here wins over everything.

        Raises:
            ValidationError: a value makes no sense; :meth:`load` says it in a line.
            UsageError: the file cannot be read, or has no such profile.
        """
        super().__init__(**Layers(SettingsFile, config_file(), os.environ, flags).merged())
        own = (each for each in own_boards(self.workspace) if each not in self.boards)
        object.__setattr__(self, "boards", (*self.boards, *own))  # nobody has it yet

    @classmethod
    def load(cls, **flags: Any) -> Settings:
        """Read the settings, as often as they may have changed.

        Args:
            flags: values that win over everything; None means not given.

        Raises:
            UsageError: the file cannot be read, or has no such profile.
            WrongSettingsError: values make no sense; says which, where, and what is allowed.
        """
        check_config_file()
        given = {name: value for name, value in flags.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            layers = Layers(SettingsFile, config_file(), os.environ, given)
            raise WrongSettingsError(explain_all(error, layers)) from error


SettingsSource = Callable[[], Settings]
"""Gives the settings as they are now: they may change while espdeck runs."""


def find_workspace(**flags: Any) -> Path:
    """The workspace, also where other settings make no sense: what runs there can be asked still.

    Args:
        flags: as for :meth:`Settings.load`.

    Raises:
        UsageError: the settings make no sense, and may name a workspace that cannot be told.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings.load(**given).workspace
    except UsageError as error:
        values = read_variables(SettingsFile, os.environ)[0] | given
        if _WORKSPACE not in values:
            try:
                check_config_file()
                values = Layers(SettingsFile, config_file(), os.environ, given).merged()
            except UsageError:
                if _may_name_workspace(config_file()):
                    raise error from None
        said = {name: value for name, value in values.items() if name == _WORKSPACE}
        try:
            return SettingsFile(**said).workspace
        except ValidationError:
            raise error from None


def _may_name_workspace(path: Path) -> bool:
    """Whether a settings file that cannot be understood names a workspace of its own."""
    try:
        return _NAMES_WORKSPACE.search(path.read_text("utf-8", "replace")) is not None
    except FileNotFoundError:
        return False
    except OSError:
        return True


def check_config_file() -> None:
    """See that the settings file is one that may be believed.

    Raises:
        UsageError: it is named and not there, another user's, or can be written by everybody.
    """
    named = "ESPDECK_CONFIG" in os.environ
    if named and not config_file().is_file():
        raise UsageError(f"ESPDECK_CONFIG: {config_file()} is not a file")
    if wrong := private_files.check_settings(config_file(), named=named):
        raise UsageError(wrong)


def explain_all(error: ValidationError, layers: Layers) -> list[str]:
    """A line for each wrong setting, in the order of the file: where, and what it should be."""
    found = []
    for each in error.errors():
        origin = layers.origin(tuple(map(str, each["loc"])))
        found.append((origin.line or 0, f"{origin.place or layers.path}: {explain(each)}"))
    return [line for _, line in sorted(found, key=lambda each: each[0])]


def explain(error: ErrorDetails) -> str:
    """One wrong setting, and what it should be."""
    path = tuple(map(str, error["loc"]))
    name = join_key(path)
    if error["type"] == "extra_forbidden":
        return f"no setting is called {name}{near_setting(path)}"
    key = find_key(SettingsFile, path)
    if error["type"].startswith("tuple") and key is not None and is_list(plain_type(key.type)):
        return f'{name} must be a list: {path[-1]} = ["...", "..."]'
    if error["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return f"{name} must be a table: [{name}]"
    return explain_error(name, error, reach_of(key.field) if key is not None else "")


def near_setting(path: KeyPath) -> str:
    """The setting that a key which is none may mean, as `` (did you mean X?)``; or nothing.

    One of the same table is meant if there is one like it; else one of another table that is
    called the same, or one whose whole key is like it.
    """
    above = find_key(SettingsFile, path[:-1])
    model = plain_type(above.type) if above is not None else None
    if above is not None and model is not None and is_model(model):
        beside = [join_key((*above.path, name)) for name in model.model_fields]
        if meant := near(join_key(path), beside):
            return meant
    known = {join_key(each.path): each.path for each in known_keys(SettingsFile)}
    elsewhere = [name for name, each in known.items() if each[-1] == path[-1] and NAME not in each]
    return f" (did you mean {elsewhere[0]}?)" if elsewhere else near(join_key(path), known)
