"""Which model is meant by a kind, how it is asked, and what is really there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import UsageError
from engine.llm.catalogue import CATALOGUE
from engine.llm.chat import Message, Speaker
from engine.llm.service import Models
from engine.settings import LlmSettings, ModelSettings, Settings
from tests.engine.llm import servers
from tests.engine.llm.servers import Server, status, stream
from tests.forked import run_espdeck

QUESTION = (Message(Speaker.USER, "why?"),)
TAGS = json.dumps({"models": [{"name": "codellama:7b"}, {"name": "gemma:latest"}]})


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OLLAMA_HOST", "OPENROUTER_API_KEY", "ESPDECK_LLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ollama() -> Iterator[Server]:
    server = Server(status(200, TAGS))
    yield server
    server.close()


def chat(models: Models, kind: str) -> str:
    return models.chat(
        kind, QUESTION, on_text=lambda _: None, on_retry=pytest.fail, cancel=CancelToken()
    ).text


def test_a_kind_is_asked_as_the_catalogue_says_unless_the_settings_say_otherwise() -> None:
    server = Server(stream(*servers.ollama("because")))
    named = {
        "assembler": ModelSettings(name="a"),
        "codegemma": ModelSettings(name="g", max_tokens=9, temperature=0, context=512),
        "mine": ModelSettings(name="m"),
    }
    models = Models(LlmSettings(ollama=server.url, models=named))
    for kind in named:
        assert chat(models, kind) == "because"
    asked = [body for _line, _headers, body in server.requests]
    assert [(body["model"], body["options"]["num_predict"]) for body in asked] == [
        ("a", 2048),
        ("g", 9),
        ("m", 512),
    ]
    assert [body["options"]["temperature"] for body in asked] == [0.3, 0, 0.7]
    assert asked[1]["options"]["num_ctx"] == 512
    server.close()


def test_a_question_has_the_room_that_its_answer_leaves() -> None:
    named = {
        "codegemma": ModelSettings(name="g", context=4096),
        "mine": ModelSettings(name="m", context=4096, max_tokens=8192),
    }
    models = Models(LlmSettings(models=named))
    assert (models.room("codegemma"), models.room("mine")) == (3072, 2048)


def test_the_placeholder_is_asked_only_where_the_settings_say_so() -> None:
    with pytest.raises(UsageError, match=r"no model for codellama: set .*llm\.models"):
        chat(Models(LlmSettings()), "codellama")
    placed = {"codellama": ModelSettings(server="placeholder")}
    assert "no model was asked" in chat(Models(LlmSettings(models=placed)), "codellama")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (ModelSettings(server="openai", name="x"), r"set llm\.openai"),
        (ModelSettings(), r"give llm\.models\.codellama\.name"),
    ],
)
def test_a_setting_that_is_missing_is_named(settings: ModelSettings, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        chat(Models(LlmSettings(models={"codellama": settings})), "codellama")


def test_keys_go_only_where_they_belong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "for-openrouter")
    monkeypatch.setenv("ESPDECK_LLM_API_KEY", "for-mine")
    server = Server(stream(*servers.openai("because")))
    named = {"codellama": ModelSettings(server="openai", name="x")}
    url = f"{server.url}/openrouter.ai/v1"  # a path is no host
    chat(Models(LlmSettings(openai=url, models=named)), "codellama")
    assert server.requests[0][1]["authorization"] == "Bearer for-mine"
    server.close()


def test_what_is_really_there_is_told(ollama: Server) -> None:
    named = {
        "codellama": ModelSettings(name="codellama:7b"),
        "codegemma": ModelSettings(name="gemma"),
        "t5gemma": ModelSettings(name="t5gemma"),
        "developer": ModelSettings(name="gone"),
        "mine": ModelSettings(),
    }
    models = Models(LlmSettings(ollama=ollama.url, openai="http://127.0.0.1:1/v1", models=named))
    states = models.servers(CancelToken())
    assert [(state.name, state.models) for state in states] == [
        ("ollama", ("codellama:7b", "gemma:latest")),
        ("openai", ()),
    ]
    assert "is the server running?" in states[1].problem
    found = {state.name: (state.ready, state.problem) for state in models.states(states)}
    assert found == {
        "codellama": (True, ""),
        "codegemma": (True, ""),
        "t5gemma": (False, "ollama pull t5gemma"),
        "assembler": (False, "not set: [llm.models.assembler]"),
        "developer": (False, "ollama pull gone"),
        "mine": (False, "give llm.models.mine.name"),
    }


def test_the_command_lists_them(
    ollama: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    names = ("codellama", "developer", "architect", "mine")
    config.write_text("".join(f'[llm.models.{name}]\nname = "{name}:7b"\n' for name in names))
    monkeypatch.setenv("ESPDECK_CONFIG", str(config))
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)

    def say(*words: str) -> str:
        done = run_espdeck("models", *words)
        assert done.returncode == 0
        return done.stdout.decode()

    said = say()
    lines = [line.split("  ") for line in said.splitlines()]
    found = {line[0]: [*filter(None, map(str.strip, line[1:]))] for line in lines}
    assert found["codellama"] == [
        "analysis, first generation, planning", "ollama codellama:7b", "ready"
    ]  # fmt: skip
    assert found["developer"] == [
        "repairs of builds", "ollama developer:7b", "ollama pull developer:7b"
    ]  # fmt: skip
    assert found["architect"][0] == "Architect"
    assert found["mine"][0] == "--model mine"
    rows = [json.loads(line) for line in say("--json").splitlines()]
    kinds = [row["kind"]["id"] for row in rows if row.get("kind")]
    assert kinds == [each.id for each in CATALOGUE]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('server = "openrouter"', r"llm\.models\.codellama\.server"),
        ('reasoning_effort = "much"', r"llm\.models\.codellama\.reasoning_effort"),
        ("top_p = 0", r"llm\.models\.codellama\.top_p must be a number above 0"),
        ('server = "openai"\nthink = true', r"llm\.models\.codellama: think is Ollama's: set rea"),
        ("extra = {stream = false}", r"codellama\.extra: stream cannot be set here"),
        ("extra = {a = {b = [1, nan]}}", r"codellama\.extra: dates, nan and inf cannot be sent"),
        ("extra = {a = 2027-01-31}", r"codellama\.extra: dates, nan and inf cannot be sent"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, reason: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[llm.models.codellama]\n{said}\n")
    monkeypatch.setenv("ESPDECK_CONFIG", str(config))
    with pytest.raises(UsageError, match=reason):
        Settings.load()


def test_what_the_settings_say_of_a_model_reaches_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(stream(*servers.ollama("because")))
    config = tmp_path / "config.toml"
    config.write_text(f"""\
[llm]
ollama = "{server.url}"

[llm.models.mine]
name = "m"
think = "low"
stop = ["END"]
seed = 7

[llm.models.mine.extra.options]
repeat_penalty = 1.05
""")
    monkeypatch.setenv("ESPDECK_CONFIG", str(config))
    assert chat(Models(Settings.load().llm), "mine") == "because"
    body = server.requests[0][2]
    assert (body["think"], body["options"]["num_predict"]) == ("low", 512)
    assert body["options"] | {"stop": ["END"], "seed": 7, "repeat_penalty": 1.05} == body["options"]
    server.close()
