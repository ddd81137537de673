"""Processes of several users: real user ids without accounts, as only root can give them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ADA, BOB = 61001, 61002
"""Ids that no account has."""

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can be another user, with setpriv of util-linux",
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
