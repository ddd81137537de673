"""Settings of the HTTP API: ``[server]`` of the settings file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class ServerSettings(BaseModel):
    """The HTTP API: ``[server]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = False
    """Whether the daemon serves it; ``espdeck serve`` does so in any case."""

    host: str = "127.0.0.1"
    """Address that it listens on. One beyond this machine needs a token, and TLS files or a reverse
    proxy."""

    port: int = Field(default=8080, ge=0, le=65535)
    """Port that it listens on; 0 for a free one."""

    tls_certificate: Path | None = Field(default=None, examples=["/etc/ssl/lab.pem"])
    """File of the certificate and those that it rests on, in PEM."""

    tls_key: Path | None = Field(default=None, examples=["/etc/ssl/lab.key"])
    """File of the certificate's private key, in PEM."""

    public_url: str = ""
    """URL under which a reverse proxy serves it, with its path, such as
    ``https://example.org/lab``; empty for none."""

    proxies: tuple[str, ...] = ("127.0.0.1",)
    """Addresses of reverse proxies whose ``X-Forwarded-*`` headers are believed, where
    ``public_url`` is set."""
