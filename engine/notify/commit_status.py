"""The status of a commit at GitHub, GitLab or Gitea: idempotent, one of each context.

- GitHub: https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
- GitLab: https://docs.gitlab.com/api/commits/#set-commit-pipeline-status
- Gitea: https://docs.gitea.com/api/ (``repoCreateStatus``)
"""

from __future__ import annotations

import os
import re
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from engine.enums import RunStatus
from engine.notification_settings import ChannelSettings
from engine.notify.http import post
from engine.notify.outcome import Outcome, Result
from engine.projects.repository_address import repository_of
from engine.store.tables import Project, Run
from engine.text import clean

Service = Literal["github", "gitlab", "gitea"]
Build = Literal["queued", "running", "success", "failed", "cancelled"]
"""How a build stands."""

BUILDS: dict[RunStatus, Build] = {
    RunStatus.PENDING: "queued",
    RunStatus.RUNNING: "running",
    RunStatus.SUCCESS: "success",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "cancelled",
}

_STATES: dict[str, dict[str, str]] = {
    "github": {
        "queued": "pending",
        "running": "pending",
        "success": "success",
        "failed": "failure",
        "cancelled": "error",
    },
    "gitlab": {
        "queued": "pending",
        "running": "running",
        "success": "success",
        "failed": "failed",
        "cancelled": "canceled",
    },
    "gitea": {
        "queued": "pending",
        "running": "pending",
        "success": "success",
        "failed": "failure",
        "cancelled": "error",
    },
}
"""What each service calls it. A cancelled build must not stay pending for ever."""

_DESCRIPTION_CHARACTERS = 140  # GitHub's limit; GitLab has 255, Gitea more

_PUBLIC = {"github": "https://api.github.com", "gitlab": "https://gitlab.com/api/v4"}

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

# GitLab refuses what a status is already, which says that it arrived.
_IS_SO_ALREADY = "cannot transition status"


def payload(channel: ChannelSettings, project: Project, run: Run, build: Build) -> dict[str, Any]:
    """What a status says, as a delivery keeps it; empty where the channel has no such repository.

    A token goes to the server of the channel alone, and only about repositories that it has.
    """
    service = channel.commit_status
    repository = repository_of(project.source)
    base = channel.base_url or _PUBLIC.get(service, "")
    if not service or repository is None or not base or not _SHA.fullmatch(run.commit_sha):
        return {}
    if not _is_of(repository.host, urlsplit(base).hostname or ""):
        return {}
    variant = "/".join(filter(None, (project.name, run.target, run.configuration)))
    took = f" in {run.duration:.0f} s" if run.duration is not None else ""
    return {
        "repository": repository.path,
        "sha": run.commit_sha,
        "ref": "" if run.proposed_by else run.branch,  # GitLab refuses what is no branch of it
        "context": clean(f"espdeck/{variant}")[:200],
        "state": _STATES[service][build],
        "description": clean(f"build #{run.number} {build}{took}")[:_DESCRIPTION_CHARACTERS],
    }


def key_of(payload: dict[str, Any]) -> str:
    """What the server keeps one of."""
    return f"{payload['repository']}@{payload['sha']}:{payload['context']}"


def send(channel: ChannelSettings, payload: dict[str, Any]) -> Outcome:
    """Set the status. What was sent and got no answer is sent again: it changes nothing."""
    service = channel.commit_status
    token = _token(channel)
    if not token:
        return Outcome(
            Result.RETRY,
            f"no token: set token of the channel, or the variable {service.upper()}_TOKEN",
        )
    base = (channel.base_url or _PUBLIC.get(service, "")).rstrip("/")
    sha, description = payload["sha"], payload["description"]
    fields = {"state": payload["state"], "context": payload["context"], "description": description}
    headers = {"Accept": "application/json"}
    if service == "gitlab":
        url = f"{base}/projects/{quote(payload['repository'], safe='')}/statuses/{sha}"
        headers["PRIVATE-TOKEN"] = token
        fields["name"] = fields.pop("context")
        if payload["ref"]:
            fields["ref"] = payload["ref"]
    else:
        url = f"{base}/repos/{quote(payload['repository'])}/statuses/{sha}"
        headers["Authorization"] = f"Bearer {token}" if service == "github" else f"token {token}"
        if service == "github":
            headers["Accept"] = "application/vnd.github+json"
            headers["X-GitHub-Api-Version"] = "2022-11-28"
    outcome = post(url, json=fields, headers=headers, secrets=(token,))
    if outcome.result is Result.FAILED and _IS_SO_ALREADY in outcome.error.lower():
        return Outcome(Result.SENT)
    if outcome.result is Result.UNKNOWN:
        return Outcome(Result.RETRY, outcome.error)
    return outcome


def _token(channel: ChannelSettings) -> str:
    return channel.token.get_secret_value() or os.environ.get(
        f"{channel.commit_status.upper()}_TOKEN", ""
    )


def _is_of(host: str, server: str) -> bool:
    return host == server or f"api.{host}" == server or host == f"ssh.{server}"
