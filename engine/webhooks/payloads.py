"""What the payload of a webhook says, of all forges in one form.

Sources: https://docs.github.com/en/webhooks/webhook-events-and-payloads,
https://docs.gitlab.com/user/project/integrations/webhook_events/ and ``modules/structs/hook.go`` of
Gitea. Taken are names and addresses, nothing of commits: what is built is what the source has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from engine.enums import Forge
from engine.errors import UsageError
from engine.formats.untrusted import json_of
from engine.text import clean

MAX_CHARACTERS = 300
"""Of a text that is taken from a payload."""

_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"

# With which a pull request has new commits; Gitea says "synchronized", GitHub "synchronize".
_NEW_CODE = frozenset(("opened", "reopened", "synchronize", "synchronized", "open", "reopen"))

_URLS = (
    *("clone_url", "ssh_url", "html_url", "git_url", "url"),
    *("git_http_url", "git_ssh_url", "http_url", "web_url", "homepage"),
)
"""Fields with the URL of a repository."""


class Kind(StrEnum):
    """What happened."""

    BRANCH = "branch"
    TAG = "tag"
    PULL_REQUEST = "pull_request"
    PING = "ping"
    OTHER = "other"


class HookEvent(BaseModel):
    """What happened at a forge. All texts are untrusted.

    Args:
        kind: what.
        repository: every URL of the repository; of a pull request the one that it is made to.
        default_branch: of the repository.
        name: of the branch or tag; of a pull request the branch that it is made to.
        before, after: commits of the branch or tag, of an annotated tag its own hash; empty for
            none, as after a deletion.
        number: of a pull request.
        by: who pushed it; of a pull request who made it, or the fork that it comes from.
        skip: whether who pushed it asked for no build (``git push -o ci.skip``).
        why: why it is nothing to build, for :attr:`Kind.OTHER`.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    repository: tuple[str, ...] = ()
    default_branch: str = ""
    name: str = ""
    before: str = ""
    after: str = ""
    number: int = 0
    by: str = ""
    skip: bool = False
    why: str = ""


def read_payload(forge: Forge, event: str, payload: bytes) -> HookEvent:
    """What a payload says.

    Args:
        event: as the header names it.
        payload: JSON. Untrusted; its size is bounded.

    Raises:
        UsageError: it is no JSON object.
    """
    try:
        data = json_of(payload)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the payload is not JSON: {clean(str(error))[:200]}") from None
    if not isinstance(data, dict):
        raise UsageError("the payload is not a JSON object")
    if forge is Forge.GITLAB:
        return _of_gitlab(data)
    match event:
        case "ping":
            return HookEvent(kind=Kind.PING, repository=_urls(data.get("repository")))
        case "push":
            return _push(data)
        case "pull_request":
            return _pull_request(data)
        case "create" | "delete":
            return _other(f"{event}: its push event says the same")
        case "merge_group":
            return _other("a merge queue: what it merges is pushed to the branch")
        case _:
            return _other(f"{event} starts no build")


def _push(data: Mapping[str, Any]) -> HookEvent:
    repository = data.get("repository")
    by = _text(data, "pusher", "login") or _text(data, "pusher", "name")
    return _moved(
        data,
        repository=_urls(repository),
        default=_text(data, "repository", "default_branch"),
        by=by or _text(data, "sender", "login"),
        deleted=data.get("deleted") is True,
    )


def _of_gitlab(data: Mapping[str, Any]) -> HookEvent:
    """An event of a project, or of the whole server (a system hook), which names it in the body."""
    kind = _text(data, "object_kind") or _text(data, "event_name")
    urls = _urls(data.get("project")) + _urls(data.get("repository"))
    match kind:
        case "push" | "tag_push":
            return _moved(
                data,
                repository=urls,
                default=_text(data, "project", "default_branch"),
                by=_text(data, "user_username") or _text(data, "user_name"),
                skip=_at(data, "push_options", "ci", "skip") is not None,
            )
        case "merge_request":
            return _merge_request(data)
        case "repository_update":
            return _other("repository_update: its push events say the same")
        case _:
            return _other(f"{kind or 'an event without object_kind'} starts no build")


def _moved(
    data: Mapping[str, Any],
    *,
    repository: tuple[str, ...],
    default: str,
    by: str,
    deleted: bool = False,
    skip: bool = False,
) -> HookEvent:
    """A push of a branch or a tag."""
    ref, before, after = (_text(data, key) for key in ("ref", "before", "after"))
    kind = Kind.TAG if ref.startswith(_TAGS) else Kind.BRANCH
    if not ref.startswith((_BRANCHES, _TAGS)):
        return _other(f"{ref or 'a push without ref'} is neither a branch nor a tag")
    name = ref.removeprefix(_BRANCHES).removeprefix(_TAGS)
    if deleted or (after and not after.strip("0")):
        return _other(f"{kind} {name} was deleted")
    return HookEvent(
        kind=kind,
        repository=repository,
        default_branch=default,
        name=name,
        before=_hash(before),
        after=_hash(after),
        by=by,
        skip=skip,
    )


def _pull_request(data: Mapping[str, Any]) -> HookEvent:
    action = _text(data, "action")
    if action not in _NEW_CODE:
        return _other(f"pull request {action or 'without action'}: no new commits")
    number = _number(data.get("number")) or _number(_at(data, "pull_request", "number"))
    if not number:
        return _other("pull request without number")
    return HookEvent(
        kind=Kind.PULL_REQUEST,
        repository=_urls(data.get("repository")) + _urls(_at(data, "pull_request", "base", "repo")),
        name=_text(data, "pull_request", "base", "ref"),
        after=_hash(_text(data, "pull_request", "head", "sha")),
        number=number,
        by=_text(data, "pull_request", "user", "login"),
    )


def _merge_request(data: Mapping[str, Any]) -> HookEvent:
    action = _text(data, "object_attributes", "action")
    # An update has oldrev where commits came; a new title has none.
    is_new = action in _NEW_CODE or (
        action == "update" and bool(_text(data, "object_attributes", "oldrev"))
    )
    if not is_new:
        return _other(f"merge request {action or 'without action'}: no new commits")
    number = _number(_at(data, "object_attributes", "iid"))
    if not number:
        return _other("merge request without iid")
    target = _urls(_at(data, "object_attributes", "target"))
    return HookEvent(
        kind=Kind.PULL_REQUEST,
        repository=target or _urls(data.get("project")),
        name=_text(data, "object_attributes", "target_branch"),
        after=_hash(_text(data, "object_attributes", "last_commit", "id")),
        number=number,
        by=_text(data, "object_attributes", "source", "path_with_namespace"),
    )


def _other(why: str) -> HookEvent:
    return HookEvent(kind=Kind.OTHER, why=clean(why)[:MAX_CHARACTERS])


def _urls(repository: object) -> tuple[str, ...]:
    if not isinstance(repository, Mapping):
        return ()
    found = (_text(repository, name) for name in _URLS)
    return tuple(dict.fromkeys(filter(None, found)))


def _at(data: object, *path: str) -> object:
    for name in path:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def _text(data: object, *path: str) -> str:
    """A text; empty for what is none, or is longer than any that makes sense."""
    value = _at(data, *path)
    return clean(value) if isinstance(value, str) and len(value) <= MAX_CHARACTERS else ""


def _hash(text: str) -> str:
    return text if _HASH.fullmatch(text) and text.strip("0") else ""


def _number(value: object) -> int:
    is_one = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9
    return value if isinstance(value, int) and is_one else 0
