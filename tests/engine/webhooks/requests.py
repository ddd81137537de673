"""Requests as forges make them: minimal payloads in their shape, signed as they sign."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any
from urllib.parse import urlencode

SECRET = "correct horse battery"
ZEROS = "0" * 40

Request = tuple[dict[str, str], bytes]


def sign(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(
    event: str,
    payload: dict[str, Any],
    *,
    secret: str = SECRET,
    delivery: str = "",
    form: bool = False,
) -> Request:
    text = json.dumps(payload)
    body = urlencode({"payload": text}).encode() if form else text.encode()
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    headers = {
        "content-type": kind,
        "x-github-event": event,
        "x-github-delivery": delivery or str(uuid.uuid4()),
        "x-hub-signature-256": f"sha256={sign(body, secret)}",
    }
    return headers, body


def gitea(
    event: str,
    payload: dict[str, Any],
    *,
    secret: str = SECRET,
    delivery: str = "",
    form: bool = False,
    names: tuple[str, ...] = ("gitea",),
) -> Request:
    """Gitea's headers, and GitHub's that it sends beside them; of a form it signs what is in it."""
    text = json.dumps(payload, indent=2).encode()
    number = delivery or str(uuid.uuid4())
    signature = sign(text, secret) if secret else ""
    headers = {
        "content-type": "application/x-www-form-urlencoded" if form else "application/json",
        "x-github-event": event,
        "x-github-delivery": number,
        "x-hub-signature-256": f"sha256={signature}",
    }
    for name in names:
        headers |= {
            f"x-{name}-event": event,
            f"x-{name}-delivery": number,
            f"x-{name}-signature": signature,
        }
    return headers, urlencode({"payload": text}).encode() if form else text


def gitlab(payload: dict[str, Any], *, event: str = "Push Hook", token: str = SECRET) -> Request:
    headers = {
        "content-type": "application/json",
        "x-gitlab-event": event,
        "x-gitlab-event-uuid": str(uuid.uuid4()),
        "idempotency-key": str(uuid.uuid4()),
        "x-gitlab-token": token,
    }
    return headers, json.dumps(payload).encode()


def gitlab_signed(payload: dict[str, Any], *, key: bytes, at: float) -> Request:
    """As GitLab signs with a signing token (https://www.standardwebhooks.com)."""
    headers, body = gitlab(payload)
    del headers["x-gitlab-token"]
    number, moment = headers["idempotency-key"], f"{at:.0f}"
    text = f"{number}.{moment}.".encode() + body
    signature = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    headers |= {
        "webhook-id": number,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{signature}",
    }
    return headers, body


def push(
    url: str, after: str, *, before: str = ZEROS, ref: str = "refs/heads/main", **more: Any
) -> dict[str, Any]:
    """A push as GitHub and Gitea tell it."""
    repository = {"clone_url": url, "default_branch": "main", **more.pop("repository", {})}
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "repository": repository,
        "pusher": {"name": "ada", "login": "ada"},
        **more,
    }


def pull_request(
    url: str, number: int, head: str, *, action: str = "opened", base: str = "main"
) -> dict[str, Any]:
    """A pull request of a fork as GitHub and Gitea tell it."""
    return {
        "action": action,
        "number": number,
        "pull_request": {
            "number": number,
            "user": {"login": "mallory"},
            "head": {"ref": "patch-1", "sha": head, "repo": {"clone_url": f"{url}-fork"}},
            "base": {"ref": base, "repo": {"clone_url": url}},
        },
        "repository": {"clone_url": url},
        "sender": {"login": "mallory"},
    }


def merge_request(
    url: str, number: int, head: str, *, action: str = "open", **attributes: Any
) -> dict[str, Any]:
    """A merge request as GitLab tells it."""
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": {"username": "mallory"},
        "project": {"git_http_url": url, "default_branch": "main"},
        "object_attributes": {
            "iid": number,
            "action": action,
            "target_branch": "main",
            "source_branch": "patch",
            "last_commit": {"id": head},
            "source": {"path_with_namespace": "mallory/fw", "git_http_url": f"{url}-fork"},
            "target": {"git_http_url": url, "path_with_namespace": "lab/fw"},
            **attributes,
        },
    }


def gitlab_push(url: str, after: str, **more: Any) -> dict[str, Any]:
    """A push as GitLab tells it."""
    return {
        "object_kind": "push",
        "event_name": "push",
        "ref": "refs/heads/main",
        "before": ZEROS,
        "after": after,
        "user_username": "ada",
        "project": {"git_http_url": url, "default_branch": "main"},
        **more,
    }
