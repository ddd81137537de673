"""Tokens and the audit log on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.access.service import Access
from engine.enums import Scope
from engine.store.database import Store
from engine.store.tables import AuditRow
from tests.tui.commands import Here
from tui.cli.main import cli


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def scope_of(workspace: Path, token: str) -> Scope | None:
    """What a token allows; None for one that is none."""
    store = Store(workspace / "espdeck.db")
    access = Access(store)
    principal = access.verify(token)
    access.close()
    store.close()
    return principal.scope if principal is not None else None


def test_a_token_alone_goes_to_a_pipe(tmp_path: Path) -> None:
    words = ["--workspace", str(tmp_path), "token", "create", "ci", "--scope", "build"]
    done = CliRunner().invoke(cli, words)

    assert done.exit_code == 0
    assert done.stdout.count("\n") == 1
    assert scope_of(tmp_path, done.stdout.strip()) is Scope.BUILD
    assert done.stderr == "token 'ci' (build), good until it is revoked; it is not shown again\n"


def test_a_token_is_listed_and_revoked(here: Here, tmp_path: Path) -> None:
    made = json.loads(
        here.says("token", "create", "ci", "--scope", "read", "--expires", "30d", "--json")
    )
    assert made["name"] == "ci"
    assert "sha256" not in made
    expires = datetime.fromisoformat(made["expires_at"])
    assert timedelta(days=29) < expires - datetime.now(UTC) < timedelta(days=31)

    head, row = here.says("token", "list").splitlines()
    assert head.split() == ["NAME", "SCOPE", "STATUS", "EXPIRES", "LAST", "USED"]
    assert row.split()[:3] == ["ci", "read", "active"]
    assert made["token"] not in here.says("token", "list", "--json")

    assert here.says("token", "revoke", "ci") == "token 'ci' is revoked\n"
    assert scope_of(tmp_path, made["token"]) is None
    assert json.loads(here.says("token", "list", "--json"))["status"] == "revoked"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("create", "\x1b[2J", "--scope", "read"), "1 to 64 printable"),
        (("create", "ci", "--scope", "read", "--expires", "soon"), "is not a duration"),
        (("create", "ci", "--scope", "read", "--expires", "0s"), "more than 0 s"),
        (("create", "ci", "--scope", "read", "--expires", "999999w"), "too long"),
        (("create", "ci", "--scope", "read", "--expires", "9999w"), "at most 100 years"),
        (("revoke", "ci"), "no token 'ci'"),
    ],
)
def test_what_makes_no_sense_is_refused(here: Here, words: tuple[str, ...], line: str) -> None:
    assert line in here.refuses("token", *words)


def test_a_name_that_is_taken_is_refused(here: Here) -> None:
    here.says("token", "create", "ci", "--scope", "read")

    assert "already" in here.refuses("token", "create", "ci", "--scope", "admin")


def test_a_scope_has_to_be_one(here: Here) -> None:
    said = here.refuses("token", "create", "ci", "--scope", "root")
    assert said.startswith("--scope must be read, build, flash or admin, not 'root'")
    assert here.refuses("token", "create", "ci").startswith("--scope is missing")


def test_the_audit_log_says_who_did_what(here: Here, tmp_path: Path) -> None:
    here.says("token", "create", "ci", "--scope", "read")
    store = Store(tmp_path / "espdeck.db")
    access = Access(store)
    access.record(
        AuditRow(
            actor="ci",
            address="192.0.2.7",
            action="POST /api/v1/builds/{number}/cancel",
            subject="7\x1b[2J",
            status=403,
            detail="token 'ci' has the scope read: build is needed",
        )
    )
    access.close()
    store.close()

    head, refused, made = here.says("audit").splitlines()

    assert head.split() == ["TIME", "WHO", "FROM", "STATUS", "WHAT"]
    assert refused.split()[2:5] == ["ci", "192.0.2.7", "403"]
    assert refused.endswith(
        "POST /api/v1/builds/{number}/cancel: 7 (token 'ci' has the scope read: build is needed)"
    )
    assert made.endswith("espdeck token create: ci (read)")
    assert len(here.says("audit", "--json", "--limit", "1").splitlines()) == 1
    entry = json.loads(here.says("audit", "--json").splitlines()[0])
    assert (entry["actor"], entry["status"]) == ("ci", 403)
