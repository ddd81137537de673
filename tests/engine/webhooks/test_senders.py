"""Whose webhook a request is, and whether it is signed."""

from __future__ import annotations

import base64
import tracemalloc
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.enums import Forge
from engine.errors import AccessError, UsageError
from engine.webhooks.senders import find_signer, read_headers
from tests.engine.webhooks import requests
from tests.engine.webhooks.requests import SECRET, Request

FORM = "application/x-www-form-urlencoded"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PUSH = requests.push("https://git.lab/me/fw.git", "a" * 40)
KEY = bytes(range(32))
TOKEN = f"whsec_{base64.b64encode(KEY).decode()}"


def signer(request: Request, *secrets: str) -> frozenset[str]:
    return find_signer(read_headers(*request), secrets or (SECRET,), NOW)


@pytest.mark.parametrize(
    ("request_", "forge", "event"),
    [
        (requests.github("push", PUSH), Forge.GITHUB, "push"),
        (requests.github("push", PUSH, form=True), Forge.GITHUB, "push"),
        (requests.gitea("push", PUSH), Forge.GITEA, "push"),
        (requests.gitea("push", PUSH, form=True), Forge.GITEA, "push"),
        (requests.gitea("push", PUSH, names=("gogs", "gitea", "forgejo")), Forge.GITEA, "push"),
        (requests.gitea("push", PUSH, names=("gogs",)), Forge.GITEA, "push"),
        (requests.gitlab(PUSH), Forge.GITLAB, "Push Hook"),
        (requests.gitlab(PUSH, event="System Hook"), Forge.GITLAB, "System Hook"),
    ],
)
def test_the_forge_is_told_by_its_headers(request_: Request, forge: Forge, event: str) -> None:
    found = read_headers(*request_)

    assert (found.forge, found.event) == (forge, event)
    assert signer(request_) == {SECRET}


def test_the_payload_of_a_form_is_what_the_field_holds() -> None:
    plain = read_headers(*requests.github("push", PUSH | {"note": "ä + & = %"}))
    form = read_headers(*requests.github("push", PUSH | {"note": "ä + & = %"}, form=True))

    assert form.payload == plain.payload
    assert form.body != plain.body


@given(st.binary(max_size=200))
def test_a_field_of_a_form_may_hold_any_bytes(text: bytes) -> None:
    headers = {"x-github-event": "push", "x-github-delivery": "1", "content-type": FORM}
    body = urlencode([(b"other", b"payload=1"), (b"payload", text), (b"payload", b"2")]).encode()

    assert read_headers(headers, body).payload == text


@pytest.mark.parametrize("body", [b"", b"a=b", b"xpayload=1", b"&" * 1000, b"payload"])
def test_a_form_without_the_field_has_no_payload(body: bytes) -> None:
    headers = {"x-github-event": "push", "x-github-delivery": "1", "content-type": FORM}

    assert read_headers(headers, body).payload == b""


@pytest.mark.parametrize("filling", [b"%41", b"%", b"&", b"+", b"=", b"&payload="])
def test_a_form_that_nobody_signed_takes_little_room(filling: bytes) -> None:
    body = b"payload=" + filling * ((4 << 20) // len(filling))
    headers, _ = requests.gitea("push", PUSH, form=True)

    tracemalloc.start()
    try:
        with pytest.raises(AccessError, match="signed with another secret"):
            signer((headers, body))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 12 * len(body)


def test_a_signature_is_of_the_raw_body_and_not_of_the_same_json() -> None:
    headers, body = requests.github("push", PUSH)
    signer((headers, body))
    with pytest.raises(AccessError, match="signed with another secret"):
        signer((headers, body.replace(b'": ', b'" : ', 1)))


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (requests.github("push", PUSH, secret="another"), "signed with another secret"),
        (requests.gitea("push", PUSH, secret="another"), "signed with another secret"),
        (requests.gitea("push", PUSH, secret=""), "gitea: not signed"),
        (requests.gitlab(PUSH, token="another"), "signed with another secret"),
        (requests.gitlab(PUSH, token=""), "no X-Gitlab-Token"),
    ],
)
def test_what_is_not_signed_with_a_secret_is_refused(request_: Request, said: str) -> None:
    with pytest.raises(AccessError, match=said):
        signer(request_)


def test_sha1_alone_is_no_signature() -> None:
    headers, body = requests.github("push", PUSH)
    del headers["x-hub-signature-256"]
    headers["x-hub-signature"] = "sha1=0f0f"

    with pytest.raises(AccessError, match="signed with SHA-1 alone"):
        signer((headers, body))


def test_githubs_signature_does_not_make_up_for_a_wrong_one_of_gitea() -> None:
    headers, body = requests.gitea("push", PUSH)
    headers["x-gitea-signature"] = "0" * 64

    with pytest.raises(AccessError, match="signed with another secret"):
        signer((headers, body))


def test_every_secret_that_signed_is_told() -> None:
    request = requests.github("push", PUSH)

    assert signer(request, "one", SECRET, "two") == {SECRET}


def test_a_signing_token_of_gitlab() -> None:
    request = requests.gitlab_signed(PUSH, key=KEY, at=NOW.timestamp())

    assert signer(request, TOKEN, "other") == {TOKEN}
    with pytest.raises(AccessError, match="signed with another secret"):
        signer(request, "other")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_signature_is_none(minutes: int) -> None:
    at = (NOW + timedelta(minutes=minutes)).timestamp()

    with pytest.raises(AccessError, match="look at the clocks"):
        signer(requests.gitlab_signed(PUSH, key=KEY, at=at), TOKEN)


def test_a_token_does_not_make_up_for_a_wrong_signature() -> None:
    headers, body = requests.gitlab_signed(PUSH, key=b"wrong", at=NOW.timestamp())
    headers["x-gitlab-token"] = SECRET

    with pytest.raises(AccessError, match="signed with another secret"):
        signer((headers, body), SECRET)


def test_gitlab_tells_deliveries_apart_that_share_the_uuid_of_a_request() -> None:
    shared = {"x-gitlab-event": "Push Hook", "x-gitlab-event-uuid": "one", "x-gitlab-token": SECRET}
    main = read_headers(shared, b'{"ref": "refs/heads/main"}')
    other = read_headers(shared, b'{"ref": "refs/heads/other"}')
    again = read_headers(shared, b'{"ref": "refs/heads/main"}')

    assert main.delivery_id == again.delivery_id
    assert main.delivery_id != other.delivery_id


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-event-key": "repo:push"},
        {"x-github-event": "push"},
        {"x-github-event": "push", "x-github-delivery": "x" * 101},
        {"x-github-event": "pu\x1bsh", "x-github-delivery": "1"},
    ],
)
def test_a_request_that_says_not_what_it_is_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        read_headers(headers, b"{}")


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("x-github-event", "x-github-delivery", "x-hub-signature-256", "content-type"),
                *("x-gitea-event", "x-gitea-delivery", "x-gitea-signature", "x-forgejo-event"),
                *("x-gitlab-event", "x-gitlab-token", "webhook-signature", "webhook-timestamp"),
                *("webhook-id", "idempotency-key", "x-gitlab-event-uuid"),
            ]
        ),
        st.text(max_size=60)
        | st.sampled_from(["push", "v1,", "sha256=", "1", "application/x-www-form-urlencoded"]),
    ),
    st.binary(max_size=200),
)
def test_nothing_passes_without_the_secret(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises((AccessError, UsageError)):
        signer((headers, body), SECRET, TOKEN)
