"""The driver of PostgreSQL is loaded when something of it is wanted, and not before."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from engine.runs import postgres_driver


def put_off(
    monkeypatch: pytest.MonkeyPatch, installed: tuple[str, ...], origin: str | None
) -> ModuleType | None:
    """What has the driver's name once it is put off, with these packages installed."""
    monkeypatch.delitem(sys.modules, "psycopg", raising=False)
    monkeypatch.setattr(
        postgres_driver,
        "find_spec",
        lambda name: ModuleSpec(name, None, origin=origin) if name in installed else None,
    )
    postgres_driver.put_off()
    return sys.modules.pop("psycopg", None)


@pytest.mark.parametrize(
    ("installed", "origin"),
    [
        ((), "psycopg/__init__.py"),
        (("psycopg",), "psycopg/__init__.py"),
        (("psycopg", "psycopg_binary"), None),  # a folder that was left over
    ],
)
def test_a_driver_that_cannot_work_is_not_put_off(
    monkeypatch: pytest.MonkeyPatch, installed: tuple[str, ...], origin: str | None
) -> None:
    assert put_off(monkeypatch, installed, origin) is None


def test_what_looks_through_all_modules_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = put_off(monkeypatch, ("psycopg", "psycopg_c"), "psycopg/__init__.py")

    assert driver is not None
    assert not hasattr(driver, "__file__")
    assert "psycopg" not in sys.modules
