"""Tickets: once, for a minute, for one path."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from engine.access.principal import Principal
from engine.access.service import Access
from engine.enums import Scope
from engine.errors import ConflictError, UsageError
from tests.engine.access.conftest import Clock

PATH = "/api/v1/ws"


@pytest.fixture
def principal(access: Access) -> Principal:
    token, _ = access.create_token("ci", Scope.READ)
    found = access.verify(token)
    assert found is not None
    return found


def test_a_ticket_is_used_once(access: Access, principal: Principal) -> None:
    ticket = access.issue_ticket(principal, PATH)

    assert access.redeem_ticket(ticket, PATH) == principal
    assert access.redeem_ticket(ticket, PATH) is None


def test_of_many_that_use_a_ticket_at_once_one_gets_in(
    access: Access, principal: Principal
) -> None:
    many = 8
    tickets = [access.issue_ticket(principal, PATH) for _ in range(20)]
    start = Barrier(many)

    def use_all(_worker: int) -> int:
        start.wait()
        return sum(access.redeem_ticket(ticket, PATH) is not None for ticket in tickets)

    with ThreadPoolExecutor(many) as threads:
        got_in = sum(threads.map(use_all, range(many)))

    assert got_in == len(tickets)


@pytest.mark.parametrize("path", ["/api/v1/ws/", "/api/v1/WS", "/api/v1/ws?x", "/", "", "/api/ws"])
def test_a_ticket_is_for_its_path_alone(access: Access, principal: Principal, path: str) -> None:
    ticket = access.issue_ticket(principal, PATH)

    assert access.redeem_ticket(ticket, path) is None
    assert access.redeem_ticket(ticket, PATH) is None  # it was shown to somebody


def test_a_ticket_expires_whatever_becomes_of_the_time_of_day(
    access: Access, principal: Principal, clock: Clock
) -> None:
    last, late = access.issue_ticket(principal, PATH), access.issue_ticket(principal, PATH)
    clock.seconds += 59
    clock.now -= timedelta(days=1)
    assert access.redeem_ticket(last, PATH) is not None

    clock.seconds += 1

    assert access.redeem_ticket(late, PATH) is None


@pytest.mark.parametrize("ticket", ["", "x", "x" * 43, "x" * 100_000, "\udc80", "é"])
def test_what_was_never_given_is_no_ticket(
    access: Access, principal: Principal, ticket: str
) -> None:
    access.issue_ticket(principal, PATH)

    assert access.redeem_ticket(ticket, PATH) is None


def test_a_ticket_of_a_browser_ends_when_it_logs_out(access: Access) -> None:
    token, _ = access.create_token("ci", Scope.READ)
    cookie = access.open_session(token)
    assert cookie is not None
    browser = access.session(cookie)
    assert browser is not None
    ticket = access.issue_ticket(browser, PATH)

    access.close_session(cookie)

    assert access.redeem_ticket(ticket, PATH) is None


def test_tickets_that_nobody_uses_do_not_pile_up(
    access: Access, principal: Principal, clock: Clock
) -> None:
    for _ in range(200):
        access.issue_ticket(principal, PATH)
    with pytest.raises(ConflictError, match="200 tickets wait"):
        access.issue_ticket(principal, PATH)
    other = Principal("other", Scope.READ, principal.token_id + 1)
    access.issue_ticket(other, PATH)

    clock.seconds += 60

    assert access.issue_ticket(principal, PATH)


@pytest.mark.parametrize("path", ["", "api", "http://x/", "/" + "x" * 2000])
def test_what_is_no_path_is_refused(access: Access, principal: Principal, path: str) -> None:
    with pytest.raises(UsageError, match="path"):
        access.issue_ticket(principal, path)
