"""Settings of webhooks: ``[webhooks]`` of the settings file, and ``webhook`` of a project."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, SecretStr


class WebhookSettings(BaseModel):
    """What webhooks of forges are signed with."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    secret: SecretStr = SecretStr("")
    """The secret that was entered at the forge; empty for none."""

    former_secret: SecretStr = SecretStr("")
    """The secret before, which is taken too until every forge has the new one; empty for none."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Those that there are; space around them came with copying."""
        both = (self.secret, self.former_secret)
        return tuple(filter(None, (each.get_secret_value().strip() for each in both)))
