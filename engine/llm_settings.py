"""Settings of model servers and models: ``[llm]`` of the settings file."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_OURS = ("model", "messages", "stream")
"""What a request says itself, whatever the settings say."""

_SAMPLING = (
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "stop",
)
"""Fields that both protocols know by these names."""


class ModelSettings(BaseModel):
    """Which model is meant by a kind of the catalogue, and how it is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    server: Literal["ollama", "openai", "placeholder"] = "ollama"
    """Whose model it is; ``placeholder`` asks no model and says so."""

    name: str = ""
    """Its name as the server knows it, such as ``codellama:7b``."""

    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000, examples=[2048])
    """How long an answer may get, reasoning included; wins over what espdeck's own workflows say.
    The catalogue says it for its kinds."""

    temperature: float | None = Field(default=None, ge=0, le=2, examples=[0.2])
    """0 for the likeliest answer; wins as ``max_tokens`` does. The catalogue says it for its
    kinds."""

    timeout: float = Field(default=300.0, gt=0)
    """Seconds without any sign of life before an answer is given up; one that goes on may take
    twelve times as long."""

    context: int = Field(default=8192, ge=256)
    """Tokens that question and answer may have together."""

    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        Field(default=None, examples=["low"])
    )
    """How much a model reasons before it answers; an Ollama server is told it as ``think``."""

    think: bool | Literal["low", "medium", "high", "max"] | None = Field(
        default=None, examples=[False]
    )
    """Whether, or how much, a model of an Ollama server reasons before it answers."""

    top_p: float | None = Field(default=None, gt=0, le=1, examples=[0.95])
    """Share of the likeliest tokens that are chosen from; the server's own where it is not set, as
    with all that follow."""

    top_k: int | None = Field(default=None, ge=0, examples=[20])
    """How many of the likeliest tokens are chosen from; OpenAI itself does not know it."""

    min_p: float | None = Field(default=None, ge=0, le=1, examples=[0.05])
    """How likely a token must be, beside the likeliest; OpenAI itself does not know it."""

    seed: int | None = Field(default=None, examples=[42])
    """Begin of the random numbers, for answers that can be had again."""

    frequency_penalty: float | None = Field(default=None, ge=-2, le=2, examples=[0.1])
    """How much less likely a token gets each time it was used."""

    presence_penalty: float | None = Field(default=None, ge=-2, le=2, examples=[0.1])
    """How much less likely a token gets once it was used."""

    stop: tuple[str, ...] | None = Field(default=None, examples=[["<|im_end|>"]])
    """Texts that end an answer."""

    extra: dict[str, Any] = Field(default_factory=dict)
    """What else a request says, as the server's documentation has it: tables are merged."""

    @field_validator("extra")
    @classmethod
    def _can_be_sent(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in _OURS:
            if name in value:
                raise ValueError(f"{name} cannot be set here")
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise ValueError("dates, nan and inf cannot be sent as JSON") from None
        return value

    @model_validator(mode="after")
    def _is_known_to_the_server(self) -> ModelSettings:
        if self.think is not None and self.server == "openai":
            raise ValueError(
                "think is Ollama's: set reasoning_effort, or what the server has in extra"
            )
        return self

    @property
    def sampling(self) -> dict[str, Any]:
        """How tokens are chosen, as far as it is set, by the names of both protocols."""
        values = {name: getattr(self, name) for name in _SAMPLING}
        return {name: value for name, value in values.items() if value is not None}


class LlmSettings(BaseModel):
    """Model servers. Keys come from ``OPENROUTER_API_KEY`` or ``ESPDECK_LLM_API_KEY`` alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ollama: str = ""
    """URL of an Ollama server; ``OLLAMA_HOST``, else this machine's, where it is empty."""

    ollama_requests: int = Field(default=1, ge=1, le=64)
    """Questions that the Ollama server is asked at the same time; it answers one after the other
    unless its ``OLLAMA_NUM_PARALLEL`` says more."""

    openai: str = ""
    """Base URL, with its ``/v1``, of a server that speaks OpenAI's protocol; empty for none."""

    openai_requests: int = Field(default=4, ge=1, le=64)
    """Questions that this server is asked at the same time; llama.cpp's has four slots unless its
    ``--parallel`` says otherwise."""

    models: dict[str, ModelSettings] = Field(default_factory=dict)
    """The model of each kind: ``[llm.models.codellama]``."""
