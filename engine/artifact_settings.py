"""Settings of the store of artifacts: ``[artifact_store]`` of the settings file."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

SCHEMES = ("s3", "gs", "az", "file")
"""Kinds of stores: S3 and what speaks it, Google Cloud Storage, Azure, a folder."""

_PATH = re.compile(r"(?:/[A-Za-z0-9!_.*'()@=+-]+)*/?")


class ArtifactStoreSettings(BaseModel):
    """How the store of ``artifacts`` is reached: ``[artifact_store]``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    endpoint: str = ""
    """URL of a server that speaks S3, such as ``http://minio.lab:9000``; empty for the variable
    ``AWS_ENDPOINT_URL``, else for Amazon's."""

    region: str = ""
    """Region of the bucket; empty for the variable ``AWS_REGION``."""

    access_key: SecretStr = SecretStr("")
    """Access key of S3; empty for the variable ``AWS_ACCESS_KEY_ID``."""

    secret_key: SecretStr = SecretStr("")
    """Secret key of S3; empty for the variable ``AWS_SECRET_ACCESS_KEY``."""

    timeout: float = Field(default=30.0, gt=0, le=3600)
    """Seconds that the store may take for a request, beside what it needs at 64 KiB a second for a
    file."""

    local_days: float = Field(default=0.0, ge=0)
    """Days after which firmware files that the store has are deleted from this machine, counted
    from the end of their build; 0: never."""

    cache_megabytes: int = Field(default=1024, ge=1)
    """Megabytes (2^20 bytes) of files that may lie here after they were fetched back."""

    @field_validator("endpoint")
    @classmethod
    def _is_http(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("no URL such as http://minio.lab:9000")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("only scheme, host, port and path: keys are access_key and secret_key")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _has_both_keys(self) -> ArtifactStoreSettings:
        if bool(self.access_key.get_secret_value()) != bool(self.secret_key.get_secret_value()):
            raise ValueError("access_key and secret_key are set together")
        return self


class KeepSettings(BaseModel):
    """Which builds and tasks of a project are kept: ``[projects.NAME.keep]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: float | None = Field(default=None, ge=0, examples=[30])
    """As ``run_days``, for this project."""

    count: int | None = Field(default=None, ge=0, examples=[50])
    """How many of this project, beside ``run_count`` for all; 0: any."""

    megabytes: int | None = Field(default=None, ge=0, examples=[500])
    """As ``run_megabytes``, for this project alone."""


def check_place(value: str) -> str:
    """See that a setting ``artifacts`` names a store.

    Returns:
        It without a slash at its end.

    Raises:
        ValueError: it does not.
    """
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in SCHEMES:
        raise ValueError("no URL such as s3://bucket/prefix, gs://bucket, az://container")
    if "@" in parts.netloc:
        raise ValueError("keys are artifact_store.access_key and secret_key")
    has_place = parts.path.startswith("/") if parts.scheme == "file" else bool(parts.netloc)
    if not has_place or parts.query or parts.fragment or (parts.scheme == "file" and parts.netloc):
        raise ValueError("a scheme, a bucket and a prefix: s3://bucket/prefix, file:///srv/store")
    if not _PATH.fullmatch(parts.path) or {".", ".."} & set(parts.path.split("/")):
        raise ValueError("a prefix has letters, digits and -_.!*'()@=+ between its slashes")
    return value.rstrip("/")
