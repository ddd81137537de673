"""Webhooks and approvals on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.enums import Forge, HookStatus, RunStatus
from engine.store import projects, runs
from engine.store.database import Store
from engine.store.tables import HookDelivery, Project, Run
from engine.store.webhooks import add_delivery
from tests.tui.commands import Here

_BODY = '{"kind":"branch","repository":["https://git.lab/me/fw.git"],"name":"main","by":"ada"}'


@pytest.fixture
def here(tmp_path: Path) -> Here:
    """A workspace with two deliveries, of which one failed."""
    store = Store(tmp_path / "espdeck.db")
    for number, status in enumerate((HookStatus.IGNORED, HookStatus.FAILED), 1):
        row = HookDelivery(
            forge=Forge.GITEA,
            delivery_id=f"delivery {number}",
            event="push",
            body=_BODY,
            status=status,
            message=f"fw: {status}\x1b[31m",
            attempts=number,
        )
        add_delivery(store, row)
    project = Project(name="fw", source="https://git.lab/me/fw.git", target="esp32c3")
    projects.add_project(store, project)
    runs.add_run(store, Run(project_id=project.id, status=RunStatus.SUCCESS, commit_sha="a" * 40))
    store.close()
    return Here(tmp_path)


def test_the_list_and_one_of_it(here: Here) -> None:
    lines = here.says("webhooks", "list").splitlines()

    assert [line.split()[0] for line in lines] == ["NO", "2", "1"]
    assert lines[1].endswith("fw: failed")
    assert "\x1b" not in "".join(lines)
    (failed,) = here.says("webhooks", "list", "--status", "failed", "--json").splitlines()
    assert json.loads(failed)["delivery_id"] == "delivery 2"
    shown = here.says("webhooks", "show", "1")
    assert "webhook 1 of gitea: push" in shown
    assert '"by":"ada"' in shown
    assert "no webhook 9" in here.refuses("webhooks", "show", "9")


def test_a_delivery_is_worked_off_again_once(here: Here) -> None:
    said = here.says("webhooks", "redeliver", "2")

    assert "webhook 2 is worked off again, as soon as a daemon or the app runs" in said
    assert "is already queued" in here.refuses("webhooks", "redeliver", "2")


def test_only_what_somebody_proposed_is_approved(here: Here) -> None:
    assert "needs no approval" in here.refuses("approve", "1")
    assert "no build 9" in here.refuses("approve", "9")
