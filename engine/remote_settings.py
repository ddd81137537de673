"""Settings of labs on other machines: ``[remotes.NAME]`` of the settings file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class RemoteSettings(BaseModel):
    """A lab on another machine, for ``espdeck --remote NAME``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = ""
    """URL of its server, such as ``https://lab.example.org:8080``."""

    token: SecretStr = SecretStr("")
    """What ``espdeck token create`` printed there; else ``ESPDECK_TOKEN``."""

    certificates: Path | None = Field(default=None, examples=["/etc/ssl/lab-ca.pem"])
    """File of the certificates that it is recognised by, in PEM; else those of this machine and of
    ``SSL_CERT_FILE``."""
