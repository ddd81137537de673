"""The audit log: what is written, what is bounded, and what is lost when."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from engine.access import audit_log
from engine.access.audit_log import AuditLog
from engine.access.service import Access
from engine.store import access as rows
from engine.store.database import Store, StoreError
from engine.store.tables import AuditRow
from tests.engine.access.conftest import Clock


def entry(action: str, status: int = 200, address: str = "192.0.2.7") -> AuditRow:
    return AuditRow(actor="ci", address=address, action=action, status=status)


def test_entries_are_read_in_the_order_in_which_they_came(access: Access) -> None:
    for number in range(300):
        access.record(entry(f"POST /{number}"))

    assert [row.action for row in access.audit(limit=3)] == ["POST /299", "POST /298", "POST /297"]
    oldest = access.audit(limit=1000)[-1]
    assert oldest.action == "POST /0"
    assert access.audit(before=oldest.id) == []


def test_what_waits_is_written_when_it_closes(store: Store) -> None:
    log = AuditLog(store)
    for number in range(100):
        log.record(entry(f"POST /{number}"))
    log.close()
    log.record(entry("POST /late"))

    assert len(rows.list_audit(store)) == 100


def test_texts_of_strangers_are_cleaned_and_cut(access: Access) -> None:
    access.record(
        AuditRow(
            actor="x" * 1000,
            address="y" * 1000,
            action="GET /\x1b[2J\r\nPOST /forged" + "z" * 1000,
            subject="\udc80\x00" + "s" * 1000,
            detail="no espdeck_" + "t" * 43 + " here",
        )
    )

    row = access.audit()[0]
    assert "\n" not in row.action
    assert "\x1b" not in row.action
    assert [len(text) for text in (row.actor, row.address, row.action)] == [64, 64, 200]
    assert row.detail == "no espdeck_*** here"


def test_strangers_are_listed_a_few_times_a_minute(access: Access, clock: Clock) -> None:
    for _ in range(1000):
        access.record(entry("GET /", 401))
    assert len(access.audit(limit=1000)) == 20

    clock.seconds += 6
    access.record(entry("GET /again", 401))

    newest = access.audit()[0]
    assert (newest.action, newest.detail) == (
        "GET /again",
        "(980 more before are not listed)",
    )


@pytest.mark.parametrize("status", [204, 413, 422])
def test_what_nobody_who_is_known_asks_is_strange_whatever_came_of_it(
    access: Access, store: Store, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(rows, "KEPT_OF_STRANGERS", 3)
    access.record(entry("POST /done"))
    for _ in range(100):
        access.record(AuditRow(address="192.0.2.7", action="POST /login", status=status))

    assert [row.action for row in access.audit()] == ["POST /login"] * 3 + ["POST /done"]


def test_a_token_cannot_hide_what_it_did_in_a_flood(access: Access, clock: Clock) -> None:
    for _ in range(2000):
        access.record(entry("POST /x", 404))
    assert len(access.audit(limit=3000)) == 500

    clock.seconds += 1
    access.record(AuditRow(actor="other", action="POST /y", status=200))
    access.record(entry("POST /z"))

    newest = [(row.actor, row.action, row.detail) for row in access.audit(limit=2)]
    assert newest == [
        ("ci", "POST /z", "(1500 more before are not listed)"),
        ("other", "POST /y", ""),
    ]


def test_many_addresses_are_listed_a_few_times_together(access: Access) -> None:
    for number in range(1000):
        access.record(entry("GET /", 401, f"198.51.{number // 250}.{number % 250}"))

    assert len(access.audit(limit=1000)) == 120


def test_what_was_done_is_not_pushed_out_by_who_was_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "KEPT_AUDIT_ROWS", 5)
    monkeypatch.setattr(rows, "KEPT_OF_STRANGERS", 3)

    rows.add_audit(store, [entry(f"POST /{number}") for number in range(7)])
    for number in range(20):
        rows.add_audit(store, [entry(f"GET /{number}", 403)])

    kept = [row.action for row in rows.list_audit(store)]
    assert kept == [
        *("GET /19", "GET /18", "GET /17"),
        *("POST /6", "POST /5", "POST /4", "POST /3", "POST /2"),
    ]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """A function that says whether the database is held by somebody."""
    is_held = True
    write = rows.add_audit

    def add(store: Store, entries: list[AuditRow]) -> None:
        if is_held:
            raise StoreError("busy")
        write(store, entries)

    def set_held(value: bool) -> None:
        nonlocal is_held
        is_held = value

    monkeypatch.setattr(rows, "add_audit", add)
    monkeypatch.setattr(audit_log, "_RETRY_SECONDS", 0.01)
    return set_held


def test_what_cannot_be_written_now_is_written_later(
    access: Access, held: Callable[[bool], None]
) -> None:
    access.record(entry("POST /1"))
    access.record(entry("POST /2"))

    held(False)

    assert [row.action for row in access.audit()] == ["POST /2", "POST /1"]


def test_what_there_is_no_room_for_is_counted(
    access: Access,
    held: Callable[[bool], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(audit_log, "_MAX_QUEUE", 5)
    for number in range(50):
        access.record(entry(f"POST /{number}"))

    with caplog.at_level(logging.ERROR):
        held(False)
        kept = len(access.audit())

    assert 5 <= kept < 50
    told = [record.args for record in caplog.records if "dropped" in record.msg]
    assert told == [(50 - kept,)]


def test_an_entry_that_cannot_be_written_at_all_keeps_no_other_from_it(
    access: Access, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_given: object) -> None:
        raise ValueError("no text")

    with monkeypatch.context() as patch:
        patch.setattr(rows, "add_audit", fail)
        access.record(entry("POST /1"))
        assert access.audit() == []
    assert "1 entries were not written" in caplog.text

    access.record(entry("POST /2"))

    assert [row.action for row in access.audit()] == ["POST /2"]
