"""Which files of a repository may be written, and which may be shown to a model.

Rules as data, on names alone. :mod:`engine.source.editable_tree` adds what a worktree says.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

MAX_PATH_CHARACTERS = 400
"""Longest path that may be written."""

CI_FILES = (
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

CREDENTIAL_FILES = (
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.kdbx", "*.gpg"),
    *("*.asc", "*.crt", "*.cer", "*.der", "*.env", "id_rsa*", "id_dsa*", "id_ecdsa*"),
    *("id_ed25519*", "*secrets", "*secrets.*", "*credentials", "*credentials.*"),
)
"""Keys, certificates and passwords (``arduino_secrets.h``): neither written nor shown."""

CRITERIA_FILES = ("espdeck.toml",)
"""Criteria that say when a firmware is good enough: who is judged by them must not change them."""

THIRD_PARTY_FOLDERS = frozenset(
    {"managed_components", "build", "third_party", "vendor", "node_modules", "venv", "__pycache__"}
)
"""Folders of what others wrote or a build made."""

MAX_SHOWN_PATH_CHARACTERS = 200
"""Longest path that a model is told."""

GENERATED = "generated"
NOT_OWN = "not the project's own"
"""Two of the reasons of :func:`exposure_refusal`."""

SECRET_FILES = (
    *CREDENTIAL_FILES,
    *(".env*", ".netrc", ".npmrc", ".pypirc", ".git-credentials", ".htpasswd"),
)
"""Names, in lower case, of files that no model is ever shown, nor what changed in them."""

_WRITE_RULES = (
    (CI_FILES, "runs on other machines"),
    (CREDENTIAL_FILES, "is a secret"),
    (CRITERIA_FILES, "says what is expected of the firmware: it stays as it is"),
)
_GENERATED = (
    *("*.lock", "package-lock.json", "pnpm-lock.yaml", "*.min.js", "*.min.css", "*.map", "*.svg"),
    *("sdkconfig", "sdkconfig.old", "compile_commands.json"),
    *("*.pb.c", "*.pb.cc", "*.pb.h", "*.pb-c.c", "*.pb-c.h", "*_pb2.py", "*_pb2_grpc.py"),
    *("ui_img_*", "ui_font_*"),
)
_BINARY = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".ico", ".webp", ".ttf", ".otf", ".woff"),
        *(".woff2", ".wav", ".mp3", ".mp4", ".pdf", ".zip", ".gz", ".tgz", ".7z", ".bin", ".elf"),
        *(".a", ".o", ".so", ".stl", ".step", ".hex", ".bdf"),
    }
)
_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f\"\\\ud800-\udfff]+")


def write_refusal(name: str) -> str | None:
    """Why a file must not be changed or created, None when its name says nothing against it.

    Args:
        name: path from the root, with ``/``. Untrusted.
    """
    parts = PurePosixPath(name).parts
    if not name or len(name) > MAX_PATH_CHARACTERS or not _PLAIN.fullmatch(name):
        return "is not a relative path inside the folder"
    if name.startswith("/") or ".." in parts:
        return "leaves the project"
    if str(PurePosixPath(*parts)) != name:
        return "is not a relative path inside the folder"
    if any(part.startswith(".") for part in parts):
        return "is hidden"
    # Windows knows .git by this name too (git's core.protectNTFS).
    if any(part.lower().startswith("git~") for part in parts):
        return "is Git's"
    last = parts[-1].lower()
    for patterns, reason in _WRITE_RULES:
        if any(fnmatchcase(last, pattern) for pattern in patterns):
            return reason
    return None


def exposure_refusal(path: str) -> str | None:
    """Why a file is not shown to a model that nobody named it for, None when nothing is against it.

    Args:
        path: from the root. Untrusted.
    """
    pure = PurePosixPath(path)
    name = pure.name.lower()
    if is_secret(path):
        return "may hold a secret"
    if not path.isprintable() or len(path) > MAX_SHOWN_PATH_CHARACTERS:
        return "an odd name"
    if any(part.startswith(".") for part in pure.parts):
        return "hidden"
    if not THIRD_PARTY_FOLDERS.isdisjoint(pure.parts[:-1]):
        return NOT_OWN
    if any(fnmatchcase(name, pattern) for pattern in _GENERATED):
        return GENERATED
    if pure.suffix.lower() in _BINARY:
        return "binary"
    return None


def is_secret(path: str) -> bool:
    """Whether a file's name says that it holds keys or passwords: no model is ever shown it."""
    name = PurePosixPath(path).name.lower()
    return any(fnmatchcase(name, pattern) for pattern in SECRET_FILES)
