"""Roles that models play, and the squads they belong to: ``roles.yaml``, for people to read."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.resources import files

from pydantic import Field

from engine.errors import UsageError
from engine.tasks.yaml_document import YamlDocument, YamlModel
from engine.text import near

FULL = "full-stack"
"""The squad of everybody."""

_FILE = "roles.yaml"


class ModelRole(YamlModel):
    """Who a model is asked to be.

    Args:
        title: as people call it.
        squad: the squad that it belongs to, beside :data:`FULL`.
        kind: the kind of the catalogue that it is best asked with.
        about: what it is for, in a line.
        prompt: what the model is told that it is.
    """

    id: str = ""
    title: str
    squad: str
    kind: str
    about: str
    prompt: str


class Squad(YamlModel):
    """Roles that work together; ``about`` says in a line what for."""

    id: str = ""
    title: str
    about: str
    roles: tuple[str, ...] = ()


class _Roles(YamlModel):
    squads: dict[str, Squad] = Field(min_length=1)
    roles: dict[str, ModelRole] = Field(min_length=1)


def roles() -> Mapping[str, ModelRole]:
    """Every role by its id, in the order of the file."""
    return _read().roles


def model_purposes() -> Mapping[str, str]:
    """What models are asked for by the names of their roles, in a few words."""
    return {"developer": "repairs of builds"} | {each.id: each.title for each in roles().values()}


def squads() -> Mapping[str, Squad]:
    """Every squad by its id; :data:`FULL` has every role."""
    return _read().squads


def squad(name: str) -> Squad:
    """A squad by its id.

    Raises:
        UsageError: there is none.
    """
    found = squads().get(name)
    if found is None:
        known = ", ".join(squads())
        raise UsageError(f"no squad {name[:60]!r}{near(name, squads())}: {known}")
    return found


def data(file: str) -> YamlDocument:
    """A data file of this package."""
    return YamlDocument((files(__package__) / file).read_text("utf-8"), file)


@functools.cache
def _read() -> _Roles:
    found = data(_FILE).as_model(_Roles)
    named = {
        name: role.model_copy(update={"id": name, "prompt": role.prompt.strip()})
        for name, role in found.roles.items()
    }
    grouped = {
        name: each.model_copy(
            update={
                "id": name,
                "roles": tuple(role.id for role in named.values() if name in (role.squad, FULL)),
            }
        )
        for name, each in found.squads.items()
    }
    return _Roles(squads=grouped, roles=named)
