"""Models as a front end and agents see them: kinds, the servers behind them, what is there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from engine.cancel import CancelToken
from engine.errors import ModelError, UsageError
from engine.llm.catalogue import CATALOGUE, ModelKind, kind_of
from engine.llm.chat import Answer, Message, ModelServer, Request
from engine.llm.ollama import DEFAULT_URL, Ollama
from engine.llm.openai import OpenAI
from engine.llm.placeholder import PLACEHOLDER, Placeholder
from engine.llm.turns import turns_at
from engine.settings import LlmSettings, ModelSettings

_MAX_TOKENS = 512
_TEMPERATURE = 0.7
_WITH_KEY = "openai"  # the server that takes a key


_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class StepParameters:
    """How a step wants its model to be asked.

    Args:
        max_tokens: how long an answer may get; None for what settings and kind say.
        temperature: as above.
        own: whether a person wrote these figures for this step: the settings' give way then.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class ServerState:
    """A server as it answers now: the names of its models, or the problem in a line."""

    name: str
    models: tuple[str, ...]
    problem: str


@dataclass(frozen=True, slots=True)
class ChatParameters:
    """Which model is asked, how, and how much fits.

    Args:
        name: the name of the settings.
        max_tokens: how long an answer may get: at most half of what the model's context holds.
        wanted_tokens: how long it might get, were there room for it.
        temperature: 0 for the likeliest answer, higher for more variety.
        question_tokens: tokens that a question may have, beside its answer.
    """

    name: str
    max_tokens: int
    wanted_tokens: int
    temperature: float
    question_tokens: int


@dataclass(frozen=True, slots=True)
class ModelState:
    """Which model the settings mean by a name, and whether that is really there.

    Args:
        name: of a kind, of a role, or of a person's own: ``[llm.models.NAME]``.
        kind: the kind of this name, None for none.
        server, model: as the settings name them; empty where they do not.
        ready: whether the server has it now.
        problem: why not, in a line that says what to do.
    """

    name: str
    kind: ModelKind | None
    server: str
    model: str
    ready: bool
    problem: str


class Models:
    """The models of the settings."""

    def __init__(self, settings: LlmSettings, key: SecretStr | None = None) -> None:
        """Know the servers; nothing is asked yet.

        Args:
            settings: as they were read; keys are taken from the environment.
            key: of one task, instead of that.
        """
        self._settings = settings
        ollama = Ollama(settings.ollama or os.environ.get("OLLAMA_HOST") or DEFAULT_URL)
        self._servers: dict[str, ModelServer] = {ollama.name: ollama, PLACEHOLDER: Placeholder()}
        self._limits = {ollama.name: (ollama.url, settings.ollama_requests)}
        if settings.openai:
            openai = OpenAI(
                _WITH_KEY,
                settings.openai,
                key.get_secret_value() if key else _key(settings.openai),
                "the api_key of the task" if key else "",
            )
            self._servers[_WITH_KEY] = openai
            self._limits[_WITH_KEY] = (openai.url, settings.openai_requests)

    def with_key(self, key: SecretStr) -> Models:
        """The same models, asked with another key, which is kept nowhere else."""
        return Models(self._settings, key)

    def takes_key(self, names: Sequence[str]) -> bool:
        """Whether the model of the first of some names is on a server that takes a key.

        Raises:
            UsageError: the settings name no model for any of them.
        """
        return self._of(self.choose(*names)).server == _WITH_KEY

    def chat(
        self,
        kind: str,
        messages: tuple[Message, ...],
        *,
        on_text: Callable[[str], None],
        on_retry: Callable[[str], None],
        cancel: CancelToken,
        on_wait: Callable[[str], None] = lambda _line: None,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> Answer:
        """Ask the model of a kind, as :meth:`engine.llm.chat.ModelServer.chat` says.

        Args:
            kind: an id of the catalogue, or another name that the settings give a model.
            messages: the conversation, the question last.
            on_text, on_retry, cancel: as the server takes them.
            on_wait: told in a line that the question waits for its turn at the server.
            max_tokens, temperature: instead of what settings and catalogue say.

        Raises:
            UsageError: the settings name no model for it.
            ModelError: no answer could be had.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        settings = self._of(kind)
        known = self.parameters((kind,), StepParameters())
        request = Request(
            model=settings.name,
            messages=messages,
            max_tokens=max_tokens or known.max_tokens,
            temperature=known.temperature if temperature is None else temperature,
            context=settings.context,
            timeout=settings.timeout,
            reasoning_effort=settings.reasoning_effort,
            think=settings.think,
            sampling=settings.sampling,
            extra=settings.extra,
        )
        server = self._server(kind, settings)
        with self._turn(settings.server, cancel, on_wait):
            return server.chat(request, on_text=on_text, on_retry=on_retry, cancel=cancel)

    def choose(self, *names: str) -> str:
        """The first of some names that the settings give a model, the most particular first.

        Args:
            names: ids of roles and of kinds; ``placeholder`` is always there, where it is named.

        Raises:
            UsageError: the settings name no model for any of them.
        """
        for name in names:
            if name == PLACEHOLDER or name in self._settings.models:
                return name
        wanted = " or ".join(f"[llm.models.{name}]" for name in names)
        raise UsageError(f"no model for {names[0]}: set {wanted} (espdeck guide models)")

    def model_of(self, name: str) -> tuple[str, str]:
        """Server and model that the settings mean by a name; both may be empty.

        Raises:
            UsageError: the settings name no model for it.
        """
        settings = self._of(name)
        return settings.server, settings.name

    def parameters(self, names: Sequence[str], step: StepParameters) -> ChatParameters:
        """How the model of the first of some names is asked that the settings give one.

        A figure that a person wrote for the step counts most, then what the settings say of the
        model, then what espdeck's own step says, then the kind of the model.

        Args:
            names: as :meth:`choose` takes them; the last may be a kind of the catalogue.
            step: how the step that asks wants it.

        Raises:
            UsageError: the settings name no model for any of the names.
        """
        name = self.choose(*names)
        settings = self._of(name)
        kind = kind_of(names[-1]) or kind_of(name)
        tokens: tuple[int | None, ...] = (step.max_tokens, settings.max_tokens)
        temperatures: tuple[float | None, ...] = (step.temperature, settings.temperature)
        if not step.own:
            tokens, temperatures = tokens[::-1], temperatures[::-1]
        wanted = _first(*tokens, kind.max_tokens if kind else _MAX_TOKENS)
        most = max(1, min(wanted, settings.context // 2))
        return ChatParameters(
            name=name,
            max_tokens=most,
            wanted_tokens=wanted,
            temperature=_first(*temperatures, kind.temperature if kind else _TEMPERATURE),
            question_tokens=settings.context - most,
        )

    def room(self, name: str) -> int:
        """Tokens that a question to the model of a name may have, beside its answer.

        Raises:
            UsageError: the settings name no model for it.
        """
        return self.parameters((name,), StepParameters()).question_tokens

    def servers(self, cancel: CancelToken) -> tuple[ServerState, ...]:
        """Ask every server for its models, at once; takes as long as the slowest."""
        asked = [name for name in self._servers if name != PLACEHOLDER]

        def ask(name: str) -> ServerState:
            try:
                return ServerState(name, self._servers[name].models(cancel), "")
            except ModelError as error:
                return ServerState(name, (), str(error))

        with ThreadPoolExecutor(len(asked)) as threads:
            return tuple(threads.map(ask, asked))

    def states(self, servers: tuple[ServerState, ...]) -> tuple[ModelState, ...]:
        """Each kind of the catalogue, then each other name that the settings give a model."""
        found = {state.name: state for state in servers}
        kinds = [kind.id for kind in CATALOGUE]
        names = dict.fromkeys((*kinds, *self._settings.models))
        return tuple(self._state(name, found) for name in names)

    def _state(self, name: str, servers: dict[str, ServerState]) -> ModelState:
        kind, settings = kind_of(name), self._settings.models.get(name)
        if settings is None:
            return ModelState(name, kind, "", "", False, f"not set: [llm.models.{name}]")
        if settings.server == PLACEHOLDER:
            return ModelState(name, kind, PLACEHOLDER, "", True, "asks no model")
        if not settings.name:
            problem = f"give llm.models.{name}.name"
            return ModelState(name, kind, settings.server, "", False, problem)
        server = servers.get(settings.server)
        if server is None:
            problem = f"set llm.{settings.server} to its URL"
            return ModelState(name, kind, settings.server, settings.name, False, problem)
        ready = settings.name in server.models or f"{settings.name}:latest" in server.models
        problem = server.problem
        if not ready and not problem:
            problem = (
                f"ollama pull {settings.name}" if server.name == "ollama" else "not on the server"
            )
        return ModelState(name, kind, server.name, settings.name, ready, problem)

    def _of(self, kind: str) -> ModelSettings:
        name = self.choose(kind)
        return self._settings.models.get(name) or ModelSettings(server=PLACEHOLDER)

    def _turn(
        self, server: str, cancel: CancelToken, on_wait: Callable[[str], None]
    ) -> contextlib.AbstractContextManager[None]:
        if server not in self._limits:
            return contextlib.nullcontext()
        url, most = self._limits[server]
        return turns_at(url).turn(
            most,
            cancel,
            lambda before: on_wait(f"waits for its turn at {server}: {before} before it"),
        )

    def _server(self, kind: str, settings: ModelSettings) -> ModelServer:
        server = self._servers.get(settings.server)
        if server is None:
            raise UsageError(f"model of {kind}: set llm.{settings.server} to the server's URL")
        if not settings.name and settings.server != PLACEHOLDER:
            raise UsageError(f"model of {kind}: give llm.models.{kind}.name")
        return server


def _first(*values: _Number | None) -> _Number:
    return next(value for value in values if value is not None)


def _key(url: str) -> str:
    own = os.environ.get("ESPDECK_LLM_API_KEY", "").strip()
    host = urlsplit(url).hostname or ""
    is_openrouter = f".{host}".endswith(".openrouter.ai")
    return (os.environ.get("OPENROUTER_API_KEY", "").strip() or own) if is_openrouter else own
