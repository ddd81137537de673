"""Turns at a server: as many at once as the settings say, first come first, over all runs."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.errors import CancelledError, Interrupted, ModelError
from engine.llm.chat import Message, Speaker
from engine.llm.service import Models
from engine.settings import LlmSettings, ModelSettings
from tests.engine.llm.servers import Reply, Server, ollama, openai, status, stream

SECONDS = 20  # a test that waits longer has failed


class Gate(Server):
    """Takes any number of questions at once; each is answered when its number is let through."""

    def __init__(self, kind: str) -> None:
        self.asked: queue.Queue[str] = queue.Queue()
        self.open: dict[str, threading.Event] = {}
        self._answer = stream(*(ollama("ok") if kind == "ollama" else openai("ok")))
        super().__init__()

    def _take(self, client: socket.socket) -> None:
        threading.Thread(target=super()._take, args=(client,), daemon=True).start()

    def _next(self, asked: Any) -> Reply:
        name = asked["messages"][-1]["content"]

        def reply(client: socket.socket) -> None:
            self.asked.put(name)
            assert self.open[name].wait(SECONDS)
            self._answer(client)

        return reply


class Asker:
    """Asks from threads, and keeps what each is told and ends with."""

    def __init__(self, server: Gate, models: Models) -> None:
        self._server, self._models = server, models
        self.waits: queue.Queue[tuple[str, str]] = queue.Queue()
        self.cancels: dict[str, CancelToken] = {}
        self._ends: dict[str, queue.Queue[str | BaseException]] = {}

    def ask(self, name: str, models: Models | None = None) -> None:
        self._server.open[name] = threading.Event()
        self.cancels[name], self._ends[name] = CancelToken(), queue.Queue()
        threading.Thread(target=self._ask, args=(name, models or self._models), daemon=True).start()

    def let(self, name: str) -> str | BaseException:
        self._server.open[name].set()
        return self.end_of(name)

    def end_of(self, name: str) -> str | BaseException:
        return self._ends[name].get(timeout=SECONDS)

    def _ask(self, name: str, models: Models) -> None:
        try:
            answer = models.chat(
                "mine",
                (Message(Speaker.USER, name),),
                on_text=lambda _text: None,
                on_retry=lambda _line: None,
                on_wait=lambda line: self.waits.put((name, line)),
                cancel=self.cancels[name],
            )
        except (CancelledError, Interrupted, ModelError) as error:
            self._ends[name].put(error)
        else:
            self._ends[name].put(answer.text)


def models_of(server: Server, kind: str, most: int) -> Models:
    model = ModelSettings.model_validate({"server": kind, "name": "m"})
    url = server.url if kind == "ollama" else f"{server.url}/v1"
    settings = {kind: url, f"{kind}_requests": most, "models": {"mine": model}}
    return Models(LlmSettings.model_validate(settings))


@pytest.fixture(params=["ollama", "openai"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(kind: str) -> Iterator[Gate]:
    made = Gate(kind)
    yield made
    for event in made.open.values():
        event.set()
    made.close()


def before(asker: Asker, name: str, kind: str) -> int:
    """Waits until a question is told to wait, and says how many are before it."""
    who, line = asker.waits.get(timeout=SECONDS)
    assert who == name
    told, count, rest = line.partition(f"waits for its turn at {kind}: ")
    assert (told, bool(count)) == ("", True)
    return int(rest.removesuffix(" before it"))


def test_questions_of_all_runs_are_asked_one_after_the_other(server: Gate, kind: str) -> None:
    asker = Asker(server, models_of(server, kind, 1))
    asker.ask("first")
    assert server.asked.get(timeout=SECONDS) == "first"
    asker.ask("second", models_of(server, kind, 1))  # another run, after the settings were read
    assert before(asker, "second", kind) == 1
    asker.ask("third")
    assert before(asker, "third", kind) == 2
    assert server.asked.empty()
    assert asker.let("first") == "ok"
    assert server.asked.get(timeout=SECONDS) == "second"
    assert before(asker, "third", kind) == 1
    assert asker.let("second") == "ok"
    assert asker.let("third") == "ok"


def test_as_many_are_asked_at_once_as_the_settings_say(server: Gate, kind: str) -> None:
    asker = Asker(server, models_of(server, kind, 2))
    for name in ("first", "second"):
        asker.ask(name)
        assert server.asked.get(timeout=SECONDS) == name
    asker.ask("third")
    assert before(asker, "third", kind) == 2
    assert asker.let("second") == "ok"
    assert server.asked.get(timeout=SECONDS) == "third"
    assert asker.let("third") == "ok"
    assert asker.let("first") == "ok"


@pytest.mark.parametrize("how", ["cancel", "interrupt"])
def test_who_waits_can_be_stopped_and_the_next_moves_up(server: Gate, kind: str, how: str) -> None:
    asker = Asker(server, models_of(server, kind, 1))
    asker.ask("first")
    assert server.asked.get(timeout=SECONDS) == "first"
    for number, name in enumerate(("second", "third"), 1):
        asker.ask(name)
        assert before(asker, name, kind) == number
    getattr(asker.cancels["second"], how)()
    assert isinstance(asker.end_of("second"), CancelledError if how == "cancel" else Interrupted)
    assert before(asker, "third", kind) == 1
    assert asker.let("first") == "ok"
    assert asker.let("third") == "ok"


def test_who_fails_or_is_stopped_in_an_answer_gives_its_turn_back(server: Gate, kind: str) -> None:
    asker = Asker(server, models_of(server, kind, 1))
    asker.ask("first")
    assert server.asked.get(timeout=SECONDS) == "first"
    asker.cancels["first"].cancel()
    assert isinstance(asker.end_of("first"), CancelledError)
    server._answer = status(400, "no")
    asker.ask("second")
    assert isinstance(asker.let("second"), ModelError)
    server._answer = stream(*(ollama("ok") if kind == "ollama" else openai("ok")))
    asker.ask("third")
    assert asker.let("third") == "ok"
    assert asker.waits.empty()
