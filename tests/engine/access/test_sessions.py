"""Browsers that logged in, and how soon what is revoked is none."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from engine.access.service import LOGIN_LIFETIME, Access
from engine.enums import Scope
from engine.store.database import Store
from tests.engine.access.conftest import Clock

SECOND = timedelta(seconds=1)


def logged_in(access: Access, lifetime: timedelta | None = None) -> str:
    """The cookie of a browser that logged in with a new token ``ci``."""
    token, _ = access.create_token("ci", Scope.BUILD, lifetime)
    cookie = access.open_session(token)
    assert cookie is not None
    return cookie


def test_a_session_is_known_again_and_kept_nowhere(
    access: Access, store: Store, tmp_path: Path
) -> None:
    cookie = logged_in(access)

    found = access.session(cookie)

    assert found is not None
    assert (found.name, found.scope) == ("ci", Scope.BUILD)
    assert found.session_id is not None
    access.close()
    assert cookie.encode() not in b"".join(each.read_bytes() for each in tmp_path.iterdir())


@pytest.mark.parametrize("cookie", ["", "x" * 43, "x" * 5000, "\udc80" * 43, "é" * 43, "x" * 42])
def test_what_was_never_given_is_no_session(access: Access, cookie: str) -> None:
    logged_in(access)

    assert access.session(cookie) is None
    assert access.remembered_session(cookie) is None
    access.close_session(cookie)


def test_a_wrong_token_opens_no_session(access: Access) -> None:
    access.create_token("ci", Scope.READ)

    assert access.open_session("espdeck_wrong") is None


def test_a_session_ends_after_a_week(access: Access, clock: Clock) -> None:
    cookie = logged_in(access)
    clock.pass_(LOGIN_LIFETIME - SECOND)
    assert access.session(cookie) is not None

    clock.pass_(SECOND)

    assert access.session(cookie) is None


def test_a_session_ends_with_its_token(access: Access, clock: Clock) -> None:
    cookie = logged_in(access, timedelta(hours=1))
    assert access.session(cookie) is not None

    clock.pass_(timedelta(hours=1))

    assert access.session(cookie) is None


def test_revoking_a_token_ends_its_sessions_at_once_and_for_good(access: Access) -> None:
    cookie = logged_in(access)
    before = access.session(cookie)
    assert before is not None

    access.revoke_token("ci")

    assert access.session(cookie) is None
    assert not access.holds(before)
    access.create_token("ci", Scope.ADMIN)
    assert access.session(cookie) is None
    assert not access.holds(before)


def test_closing_a_session_ends_it_alone(access: Access) -> None:
    token, _ = access.create_token("ci", Scope.READ)
    mine, other = access.open_session(token), access.open_session(token)
    assert mine is not None
    assert other is not None
    before = access.session(mine)
    assert before is not None

    access.close_session(mine)

    assert access.session(mine) is None
    assert not access.holds(before)
    assert access.session(other) is not None
    assert access.verify(token) is not None


def test_a_token_has_so_many_sessions_and_the_oldest_goes(access: Access) -> None:
    token, _ = access.create_token("ci", Scope.READ)
    cookies = [access.open_session(token) or "" for _ in range(52)]

    assert [access.session(cookie) is None for cookie in cookies[:4]] == [True, True, False, False]
    assert access.session(cookies[-1]) is not None


def test_what_another_process_revokes_is_none_after_a_second(
    access: Access, store: Store, clock: Clock
) -> None:
    token, _ = access.create_token("ci", Scope.READ)
    cookie = access.open_session(token)
    assert cookie is not None
    found = access.verify(token)
    assert found is not None
    assert access.session(cookie) is not None
    assert access.holds(found)

    other = Access(store, lambda: clock.now)
    other.revoke_token("ci")
    clock.pass_(SECOND)

    assert access.verify(token) is None
    assert access.session(cookie) is None
    assert not access.holds(found)
    assert access.remembered_token(token) is None


def test_what_expires_is_none_at_once_although_it_was_just_asked(
    access: Access, clock: Clock
) -> None:
    token, _ = access.create_token("ci", Scope.READ, SECOND)
    assert access.verify(token) is not None
    assert access.remembered_token(token) is not None

    clock.now += SECOND

    assert access.verify(token) is None
    assert access.remembered_token(token) is None


def test_a_token_that_is_used_much_asks_the_store_once_a_second(
    access: Access, store: Store, clock: Clock
) -> None:
    token, _ = access.create_token("ci", Scope.READ)
    access.verify(token)
    access.audit()
    asked = 0

    def count(*_: object) -> None:
        nonlocal asked
        asked += 1

    event.listen(store._engine, "begin", count)

    for _ in range(100):
        assert access.verify(token) is not None
    assert asked == 0
    clock.pass_(SECOND)
    for _ in range(100):
        assert access.verify(token) is not None
    assert asked == 1


def test_its_last_use_is_noted_to_a_minute(access: Access, clock: Clock) -> None:
    def used() -> object:
        access.audit()  # waits for what is to be written
        return access.tokens()[0].used_at

    token, _ = access.create_token("ci", Scope.READ)
    assert used() is None
    first = clock.now
    access.verify(token)
    assert used() == first
    clock.pass_(59 * SECOND)
    access.verify(token)
    assert used() == first
    clock.pass_(SECOND)
    access.verify(token)
    assert used() == clock.now
