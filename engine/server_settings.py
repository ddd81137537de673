"""Settings of the HTTP API: ``[server]`` of the settings file."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


class ServerSettings(BaseModel):
    """The HTTP API: ``[server]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = False
    """Whether the daemon serves it; ``espdeck serve`` does so in any case."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """Address that it listens on. One beyond this machine needs a token, and TLS files or a reverse
    proxy."""

    port: int = Field(default=8080, ge=0, le=65535)
    """Port that it listens on; 0 for a free one."""

    tls_certificate: Path | None = Field(default=None, examples=["/etc/ssl/lab.pem"])
    """File of the certificate and those that it rests on, in PEM."""

    tls_key: Path | None = Field(default=None, examples=["/etc/ssl/lab.key"])
    """File of the certificate's private key, in PEM; none where the certificate's file holds it."""

    public_url: str = ""
    """URL under which a reverse proxy serves it, with its path, such as
    ``https://example.org/lab``; empty for none."""

    proxies: tuple[str, ...] = ("127.0.0.1",)
    """Addresses of reverse proxies whose ``X-Forwarded-*`` headers are believed, where
    ``public_url`` is set; a network as ``10.0.0.0/8``."""

    @field_validator("public_url")
    @classmethod
    def _is_url(cls, text: str) -> str:
        try:
            parts = urlsplit(text)
            is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_url = False
        if text and (not is_url or parts.query or parts.fragment or "@" in parts.netloc):
            raise ValueError("a URL such as https://example.org/lab, without user and query")
        return text.rstrip("/")

    @field_validator("proxies")
    @classmethod
    def _are_addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for each in proxies:
            try:
                ipaddress.ip_network(each, strict=False)
            except ValueError:
                raise ValueError(
                    f"{each!r} is not an address: give one such as 10.0.0.5, "
                    "or a network such as 10.0.0.0/8"
                ) from None
        return proxies
