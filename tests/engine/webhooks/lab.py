"""A lab that takes webhooks, and pushes to a repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from engine.enums import RunStatus
from engine.events import Bus
from engine.settings import ProjectSettings, WatchSettings
from engine.store.tables import HookDelivery, Project
from engine.webhook_settings import WebhookSettings
from engine.webhooks.service import Receipt, Webhooks
from engine.webhooks.work import HookServices
from tests.engine.checks.lab_yard import LabYard
from tests.engine.git_repos import commit
from tests.engine.projects.repositories import git
from tests.engine.webhooks import requests
from tests.engine.webhooks.requests import SECRET, Request


class HookYard(LabYard):
    """A lab that takes webhooks."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, webhooks=WebhookSettings(secret=SecretStr(SECRET)), **settings)
        self.bus = Bus()
        self.restart()

    def restart(self) -> None:
        """Another process has the workspace."""
        services = HookServices(self.store, self.projects, self.builds, lambda: self.settings)
        self.webhooks = Webhooks(services, self.bus, lambda: self.now)

    def post(self, request: Request) -> Receipt:
        return self.webhooks.receive(*request)

    def take(self, request: Request) -> HookDelivery:
        """A webhook comes and is worked off."""
        taken = self.post(request)
        self.webhooks.step()
        return self.webhooks.get(taken.row.id or 0)

    def watch(self, name: str = "fw", **rules: Any) -> None:
        self.set(projects={name: ProjectSettings(watch=WatchSettings(**rules))})


def head(source: Path) -> str:
    return git(source, "rev-parse", "HEAD")


def change(source: Path, text: str, message: str = "") -> str:
    return commit(source, {"main.c": f"int {text};\n"}, message or text)


def pushed(source: Path, after: str = "", **more: Any) -> Request:
    return requests.github("push", requests.push(str(source), after or head(source), **more))


def commits(yard: HookYard, project: Project) -> list[str]:
    """The commits that were built, oldest first; what did not begin is in brackets."""
    return [
        f"({run.commit_sha})" if run.status is RunStatus.CANCELLED else run.commit_sha
        for run in yard.built(project)
    ]
