"""Whose webhook a request is, and whether it was signed with a secret: told by its headers.

- GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
- GitLab: https://docs.gitlab.com/user/project/integrations/webhooks/ (``X-Gitlab-Token``), and its
  signing tokens, which are those of https://www.standardwebhooks.com
- Gitea and Forgejo: ``services/webhook`` of their sources. They send GitHub's headers, too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.enums import Forge
from engine.errors import AccessError, UsageError

SIGNED_WITHIN_SECONDS = 300.0
"""How far the time of a signature may be from this machine's (Standard Webhooks)."""

MAX_NAME_CHARACTERS = 100
"""Of the names of events and deliveries."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:-]*")
_FORM = "application/x-www-form-urlencoded"
_FIELD = re.compile(rb"(?:^|&)payload=([^&]*)")
_KEY_PREFIX = "whsec_"
_DIGITS = re.compile(r"[0-9]{1,15}")

_GITEA = ("x-forgejo-", "x-gitea-", "x-gogs-")
"""What the headers of Gitea and its relatives begin with, the one to believe first."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request that a forge made, as its headers tell; nothing is checked yet.

    Args:
        forge: whose it is.
        delivery_id: the same when it is sent again, and for no other of the forge.
        event: what happened, as the forge calls it.
        body: what was posted.
        headers: by their names in small letters.
    """

    forge: Forge
    delivery_id: str
    event: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def payload(self) -> bytes:
        """The JSON text that was posted, of a form, too."""
        if not self.headers.get("content-type", "").lower().startswith(_FORM):
            return self.body
        field = _FIELD.search(self.body)
        return _decoded(field[1]) if field is not None else b""


def _decoded(field: bytes) -> bytes:
    """What a field of a form holds.

    It is decoded before anybody is known to have signed it: urllib makes an object of each escape,
    which took 2 GB and seconds for 25 MB of them. This is quoted-printable but for the sign.
    """
    plain = field.replace(b"+", b" ").replace(b"=", b"=3D")
    return binascii.a2b_qp(plain.replace(b"%", b"="))


def read_headers(headers: Mapping[str, str], body: bytes) -> Delivery:
    """Whose webhook a request is.

    Args:
        headers: by their names in small letters. Untrusted.
        body: what was posted. Untrusted.

    Raises:
        UsageError: it is of no forge that is known, or does not say what it is.
    """
    for prefix in _GITEA:
        if f"{prefix}event" in headers:
            found = Forge.GITEA, headers.get(f"{prefix}delivery", ""), headers[f"{prefix}event"]
            break
    else:
        if "x-github-event" in headers:
            event = headers["x-github-event"]
            found = Forge.GITHUB, headers.get("x-github-delivery", ""), event
        elif "x-gitlab-event" in headers:
            found = Forge.GITLAB, _gitlab_id(headers, body), headers["x-gitlab-event"]
        else:
            raise UsageError(_why_not(headers))
    forge, delivery_id, event = found
    for what, name in (("event", event), ("delivery", delivery_id)):
        if len(name) > MAX_NAME_CHARACTERS or not _NAME.fullmatch(name):
            raise UsageError(f"webhook of {forge}: the header with the {what} is not valid")
    return Delivery(forge, delivery_id, event, body, headers)


def _why_not(headers: Mapping[str, str]) -> str:
    if "x-event-key" in headers:
        return "webhooks of Bitbucket are not supported: remote_check finds what is pushed there"
    return "not a webhook of GitHub, GitLab, Gitea or Forgejo: X-…-Event is missing"


def _gitlab_id(headers: Mapping[str, str], body: bytes) -> str:
    """What is the same when GitLab sends something again.

    Its ``X-Gitlab-Event-UUID`` may be that of several events of one request, such as a push of
    two branches; versions before 17.4 send no other.
    """
    for name in ("webhook-id", "idempotency-key"):
        if name in headers:
            return headers[name]
    uuid = headers.get("x-gitlab-event-uuid", "")
    return hashlib.sha256(uuid.encode("utf-8", "replace") + b"\0" + body).hexdigest()


def find_signer(delivery: Delivery, secrets: Collection[str], now: datetime) -> frozenset[str]:
    """The secrets with which a delivery is signed; each is compared in constant time.

    Args:
        secrets: none of them empty.
        now: the time, by which old signatures are none.

    Raises:
        AccessError: none of them; says what is missing.
    """
    match delivery.forge:
        case Forge.GITLAB:
            found = _of_gitlab(delivery, secrets, now)
        case Forge.GITEA:
            found = _of_gitea(delivery, secrets)
        case _:
            found = _of_github(delivery, secrets)
    if not found:
        raise AccessError(
            f"webhook of {delivery.forge}: signed with another secret than webhooks.secret or that "
            "of a project"
        )
    return found


def _of_github(delivery: Delivery, secrets: Collection[str]) -> frozenset[str]:
    given = delivery.headers.get("x-hub-signature-256", "").removeprefix("sha256=")
    if not given:
        if "x-hub-signature" in delivery.headers:
            raise AccessError(
                "webhook of github: signed with SHA-1 alone, which is not accepted: GitHub "
                "Enterprise Server signs with SHA-256 too since 2.22 (X-Hub-Signature-256)"
            )
        raise AccessError(
            "webhook of github: not signed: enter a secret there (Settings, Webhooks)"
        )
    return _signed(given, delivery.body, secrets)


def _of_gitea(delivery: Delivery, secrets: Collection[str]) -> frozenset[str]:
    names = (*(f"{prefix}signature" for prefix in _GITEA), "x-hub-signature-256")
    # Without a secret Gitea sends the headers, with nothing in them.
    values = (delivery.headers.get(name, "").removeprefix("sha256=") for name in names)
    given = next(filter(None, values), "")
    if not given:
        raise AccessError("webhook of gitea: not signed: enter a secret there")
    found = _signed(given, delivery.body, secrets)
    # Of a form it signs what is in it, unlike GitHub.
    return found or _signed(given, delivery.payload, secrets)


def _signed(given: str, text: bytes, secrets: Collection[str]) -> frozenset[str]:
    """Those of the secrets whose HMAC of a text is given, in hexadecimal digits."""
    return frozenset(
        secret
        for secret in secrets
        if _is_same(hmac.digest(secret.encode(), text, "sha256").hex(), given.lower())
    )


def _of_gitlab(delivery: Delivery, secrets: Collection[str], now: datetime) -> frozenset[str]:
    headers = delivery.headers
    if "webhook-signature" in headers:
        return _of_standard(delivery, secrets, now)
    given = headers.get("x-gitlab-token", "")
    if not given:
        raise AccessError("webhook of gitlab: no X-Gitlab-Token: enter a secret token there")
    return frozenset(secret for secret in secrets if _is_same(secret, given))


def _of_standard(delivery: Delivery, secrets: Collection[str], now: datetime) -> frozenset[str]:
    headers = delivery.headers
    at = headers.get("webhook-timestamp", "")
    if not _DIGITS.fullmatch(at) or abs(int(at) - now.timestamp()) > SIGNED_WITHIN_SECONDS:
        raise AccessError(
            f"webhook of {delivery.forge}: its signature is not of the last "
            f"{SIGNED_WITHIN_SECONDS / 60:.0f} min: look at the clocks of both machines"
        )
    signed = f"{headers.get('webhook-id', '')}.{at}.".encode() + delivery.body
    # Several stand beside each other while a token is changed.
    given = [each[3:] for each in headers["webhook-signature"].split(" ") if each[:3] == "v1,"]
    return frozenset(
        secret
        for secret in secrets
        for each in given[:5]
        if _is_same(base64.b64encode(hmac.digest(_key_of(secret), signed, "sha256")).decode(), each)
    )


def _key_of(secret: str) -> bytes:
    """The key that a signing token stands for: ``whsec_`` and the key in base64."""
    if secret.startswith(_KEY_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            pass
    return secret.encode()


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
