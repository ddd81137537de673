"""What is shown of settings: values with their origin, what a reload changed, no secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.settings import Settings
from engine.settings.report import changes, list_settings, list_variables


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    path.touch()
    monkeypatch.setenv("ESPDECK_CONFIG", str(path))
    return path


def test_every_setting_is_listed_with_its_origin(config: Path) -> None:
    config.write_text('[checks.doc_check]\ninterval = 5\n[board."/dev/a"]\nreset_command = ["x"]\n')
    rows = {row.key: row for row in list_settings(max_iterations=1, workspace=None)}

    assert {name.split(".")[0] for name in rows} == set(Settings.model_fields)
    assert str(rows["max_iterations"].origin) == "--max-iterations"
    assert str(rows["checks.doc_check.interval"].origin) == f"{config}:2"
    assert rows['board."/dev/a".reset_command'].shown == '["x"]'
    assert str(rows["workspace"].origin) == "default"
    assert rows["quality.coverage"].explanation == "Percent of lines that tests must run."
    assert "checks.doc_check.enabled" not in rows


def test_secrets_are_masked(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(
        'llm.openai = "http://me:hush@host/v1"\nboards = ["socket://me:hush@h:1"]\n'
        'checks.mine.api_key = "hush"\n'
    )
    monkeypatch.setenv("OLLAMA_HOST", "http://me:hush@host")
    monkeypatch.setenv("ESPDECK_LLM_API_KEY", "hush")
    monkeypatch.setenv("IDF_PATH", "/opt/idf")
    monkeypatch.delenv("ESP_IDF_VERSION", raising=False)
    listed = list_settings()
    rows = {row.key: row.value for row in listed}
    variables = {row.name: row.value for row in list_variables()}

    assert "hush" not in f"{rows}{variables}"
    masked = {row.key for row in listed if row.is_masked}
    assert masked == {"boards", "llm.openai", "checks.mine.api_key"}
    assert rows["llm.openai"] == "http://***@host/v1"
    assert rows["checks.mine.api_key"] == "********"
    assert variables["IDF_PATH"] == "/opt/idf"
    assert "ESP_IDF_VERSION" not in variables


def test_a_reload_tells_what_changed_and_what_waits(config: Path) -> None:
    config.write_text('theme = "light"\nchecks.doc_check.interval = 5\nchecks.mine.token = "a"\n')
    old = Settings.load()
    config.write_text(
        'checks.doc_check.interval = 7.5\nchecks.mine.token = "b"\nboards = ["/dev/a"]\n'
    )
    new = Settings.load()

    assert [str(each) for each in changes(old, new)] == [
        'boards: [] -> ["/dev/a"]',
        "checks.doc_check.interval: 5 -> 7.5",
        'checks.mine.token: "********" -> "********"',
        'theme: "light" -> "dark" (at the next start)',
    ]
    assert changes(new, Settings.load()) == ()


def test_what_comes_and_goes_is_a_change(config: Path) -> None:
    plain = Settings.load()
    config.write_text("[checks.doc_check]\nenabled = false\n")
    other = Settings.load()

    assert [str(each) for each in changes(plain, other)] == ["checks.doc_check.enabled: - -> false"]
    assert [str(each) for each in changes(other, plain)] == ["checks.doc_check.enabled: false -> -"]
