"""Processes of several users: real user ids without accounts, as only root can give them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import engine

ADA, BOB = 61001, 61002
"""Ids that no account has."""


def _is_within_reach(folder: Path) -> bool:
    """Whether every user may look into a folder: access(2), which alembic asks, knows no rights
    but those of the user."""
    return all(each.stat().st_mode & 0o005 == 0o005 for each in (folder, *folder.parents))


needs_root = pytest.mark.skipif(
    os.geteuid() != 0
    or shutil.which("setpriv") is None
    or not _is_within_reach(Path(engine.__file__).parent),
    reason="only root can be another user, with setpriv, where others may look into this folder",
)


def as_user(uid: int, *argv: str) -> list[str]:
    """The command line that runs a program as a user.

    The user may look into every folder, whatever its mode: this interpreter's is often root's own.
    Nothing can be changed by that, and no other process be looked into.
    """
    see = "--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search"
    who = f"--reuid={uid} --regid={uid} --clear-groups"
    return ["setpriv", *who.split(), *see.split(), *argv]


def home(folder: Path, uid: int) -> Path:
    """A new folder of a user's own."""
    made = folder / f"home-{uid}"
    made.mkdir(mode=0o700)
    os.chown(made, uid, uid)
    return made
