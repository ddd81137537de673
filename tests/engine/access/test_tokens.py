"""Tokens of the HTTP API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.access.service import Access
from engine.enums import Scope
from engine.errors import ConflictError, NotFoundError, UsageError
from engine.store.database import Store

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def test_a_token_is_known_again_and_kept_nowhere(store: Store, tmp_path: Path) -> None:
    access = Access(store, lambda: NOW)

    token, row = access.create_token("ci", Scope.BUILD)

    found = access.verify(token)
    assert found is not None
    assert (found.name, found.scope) == ("ci", Scope.BUILD)
    assert row.expires_at is None
    assert token.encode() not in b"".join(each.read_bytes() for each in tmp_path.iterdir())


@pytest.mark.parametrize("token", ["", "espdeck_", "espdeck_wrong", "x" * 5000, "espdeck_\udc80"])
def test_what_was_never_given_is_no_token(store: Store, token: str) -> None:
    access = Access(store)
    access.create_token("ci", Scope.BUILD)

    assert access.verify(token) is None


def test_a_token_is_no_name_of_another(store: Store) -> None:
    """Pasted into the wrong field it would be in every list and entry of the audit log."""
    access = Access(store, lambda: NOW)
    token, _ = access.create_token("ci", Scope.ADMIN)

    with pytest.raises(UsageError, match="names are shown") as refused:
        access.create_token(token, Scope.READ)

    assert token not in str(refused.value)


def test_a_token_expires(store: Store) -> None:
    now = NOW
    access = Access(store, lambda: now)
    token, _ = access.create_token("ci", Scope.READ, timedelta(hours=1))
    assert access.verify(token) is not None

    now += timedelta(hours=1)

    assert access.verify(token) is None


def test_a_revoked_token_is_none_and_its_name_may_be_used_again(store: Store) -> None:
    access = Access(store, lambda: NOW)
    token, _ = access.create_token("ci", Scope.READ)
    with pytest.raises(ConflictError, match="another name, or revoke it"):
        access.create_token("ci", Scope.READ)

    access.revoke_token("ci")

    assert access.verify(token) is None
    assert [(row.name, row.revoked_at) for row in access.tokens()] == [("ci", NOW)]
    other, _ = access.create_token("ci", Scope.BUILD)
    assert access.verify(token) is None
    found = access.verify(other)
    assert found is not None
    assert found.scope is Scope.BUILD
    assert [row.revoked_at for row in access.tokens()] == [None]


def test_the_name_of_an_expired_token_may_be_used_again(store: Store) -> None:
    now = NOW
    access = Access(store, lambda: now)
    access.create_token("ci", Scope.READ, timedelta(hours=1))
    now += timedelta(hours=1)

    access.create_token("ci", Scope.READ)

    assert [row.expires_at for row in access.tokens()] == [None]


def test_tokens_that_ended_are_listed_for_90_days(store: Store) -> None:
    now = NOW
    access = Access(store, lambda: now)
    access.create_token("expires", Scope.READ, timedelta(hours=1))
    access.create_token("revoked", Scope.READ)
    access.create_token("stays", Scope.READ)
    access.revoke_token("revoked")

    now += timedelta(days=90)
    access.create_token("later", Scope.READ)
    assert [row.name for row in access.tokens()] == ["expires", "later", "stays"]

    now += timedelta(hours=2)
    access.create_token("last", Scope.READ)
    assert [row.name for row in access.tokens()] == ["last", "later", "stays"]


def test_what_makes_no_sense_is_refused(store: Store) -> None:
    access = Access(store)
    with pytest.raises(UsageError, match="1 to 64 printable"):
        access.create_token("\x1b[2J", Scope.READ)
    with pytest.raises(UsageError, match="more than 0 s"):
        access.create_token("ci", Scope.READ, timedelta())
    with pytest.raises(NotFoundError, match="no token 'ci'"):
        access.revoke_token("ci")


@pytest.mark.parametrize("held", Scope)
@pytest.mark.parametrize("wanted", Scope)
def test_each_scope_includes_those_before_it(held: Scope, wanted: Scope) -> None:
    order = [Scope.READ, Scope.BUILD, Scope.FLASH, Scope.ADMIN]

    assert held.allows(wanted) is (order.index(held) >= order.index(wanted))
