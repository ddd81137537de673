"""Which files of a repository a repair or a model may change. Rules as data, on names alone."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

MAX_NAME = 400
"""Characters of a path."""

CI = (
    "jenkinsfile*",
    "azure-pipelines*.y*ml",
    "appveyor.y*ml",
    "bitbucket-pipelines.y*ml",
    "buildspec*.y*ml",
    "cloudbuild*.y*ml",
    "codemagic.y*ml",
    "wercker.y*ml",
)
"""What runs on other machines; most of it is hidden (``.github``, ``.gitlab-ci.yml``)."""

SECRETS = (
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.kdbx", "*.gpg"),
    *("*.asc", "*.crt", "*.cer", "*.der", "*.env", "id_rsa*", "id_dsa*", "id_ecdsa*"),
    *("id_ed25519*", "*secrets", "*secrets.*", "*credentials", "*credentials.*"),
)
"""Keys, certificates and passwords (``arduino_secrets.h``). They are not shown to a model, too."""

JUDGES = ("espdeck.toml",)
"""What says when a firmware is good enough: who is judged by it does not change it."""

THIRD_PARTY_FOLDERS = frozenset(
    {"managed_components", "build", "third_party", "vendor", "node_modules", "venv", "__pycache__"}
)
"""Folders of what others wrote or a build made."""

_KINDS = ((CI, "runs on other machines"), (SECRETS, "is a secret"), (JUDGES, "is what judges"))
_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f\"\\\ud800-\udfff]+")


def why_not(name: str) -> str | None:
    """Why a file must not be changed or made, None when its name says nothing against it.

    Args:
        name: path from the root, with ``/``. Untrusted.
    """
    parts = PurePosixPath(name).parts
    if not name or len(name) > MAX_NAME or not _PLAIN.fullmatch(name):
        return "is no plain path"
    if name.startswith("/") or ".." in parts:
        return "leaves the project"
    if str(PurePosixPath(*parts)) != name:
        return "is no plain path"
    if any(part.startswith(".") for part in parts):
        return "is hidden"
    # Windows knows .git by this name too (git's core.protectNTFS).
    if any(part.lower().startswith("git~") for part in parts):
        return "is Git's"
    last = parts[-1].lower()
    for patterns, reason in _KINDS:
        if any(fnmatchcase(last, pattern) for pattern in patterns):
            return reason
    return None
