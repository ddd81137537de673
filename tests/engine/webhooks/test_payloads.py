"""Whatever a payload says, it is read or refused; what forges send is in tests/field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.enums import Forge
from engine.errors import UsageError
from engine.projects.repository_address import address_of
from engine.webhooks.payloads import MAX_CHARACTERS, HookEvent, Kind, read_payload

_NAMES = st.sampled_from(
    [
        *("ref", "before", "after", "deleted", "repository", "project", "pusher", "number"),
        *("object_kind", "event_name", "object_attributes", "pull_request", "base", "repo"),
        *("action", "iid", "clone_url", "push_options", "ci", "skip", "target", "sha", "login"),
    ]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=400)
    | st.sampled_from(["refs/heads/main", "a" * 40, "opened", "push", "merge_request"]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(_NAMES, below, max_size=5),
    max_leaves=20,
)


@given(
    st.sampled_from(Forge),
    st.sampled_from(["push", "pull_request", "Push Hook", "ping", "nothing"]),
    st.dictionaries(_NAMES, _VALUES, max_size=6),
)
def test_any_object_is_an_event_that_can_be_kept(
    forge: Forge, event: str, payload: dict[str, Any]
) -> None:
    found = read_payload(forge, event, json.dumps(payload).encode())

    assert HookEvent.model_validate_json(found.model_dump_json(exclude_defaults=True)) == found
    assert len(found.name) <= MAX_CHARACTERS
    assert "\x1b" not in found.model_dump_json()
    if found.kind is Kind.OTHER:
        assert found.why
    if found.kind is Kind.PULL_REQUEST:
        assert found.number > 0


@given(st.binary(max_size=300))
def test_what_is_no_object_is_refused(payload: bytes) -> None:
    try:
        is_object = isinstance(json.loads(payload), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        with pytest.raises(UsageError):
            read_payload(Forge.GITHUB, "push", payload)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/Lab/Fw",
        "https://github.com/lab/fw.git",
        "https://user:token@github.com/lab/fw.git",
        "http://github.com:8080/lab/fw/",
        "git@github.com:lab/fw.git",
        "other@github.com:lab/fw",  # argoproj/argo-cd#2988
        "ssh://git@github.com:2222/lab/fw.git",  # argoproj/argo-cd#2866
        "ssh://git@ssh.github.com:443/lab/fw.git",  # argoproj/argo-cd#19314
        "git://GitHub.com/lab/fw",
    ],
)
def test_one_repository_by_any_url(url: str) -> None:
    assert address_of(url) == "github.com/lab/fw"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("/srv/git/fw.git", "/srv/git/fw.git"),
        ("file:///srv/git/fw.git/", "/srv/git/fw.git"),
        ("/home/ada/fw", "/home/ada/fw"),
        ("https://github.com/", ""),
        ("https://[::1/x/y", ""),
        ("", ""),
        ("fw", ""),
        ("https://git.lab/a/../b", ""),
    ],
)
def test_folders_and_what_is_no_repository(url: str, address: str) -> None:
    assert address_of(url) == address


@given(st.text(max_size=80))
def test_any_text_has_an_address_or_none(url: str) -> None:
    assert isinstance(address_of(url), str)
