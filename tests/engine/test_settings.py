"""Settings: defaults < file < environment < flags; mistakes are one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.settings import Settings


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("ESPDECK_CONFIG", str(path))
    return path


def test_defaults_need_no_file() -> None:
    settings = Settings.load()

    assert settings.max_concurrent_builds == 2
    assert settings.max_iterations == 3
    assert settings.boards == ()


def test_each_source_wins_over_the_one_before(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('max_iterations = 1\nflash_baud = 115200\nboards = ["/dev/ttyUSB0"]\n')
    monkeypatch.setenv("ESPDECK_FLASH_BAUD", "921600")
    monkeypatch.setenv("ESPDECK_COMPILE_TIMEOUT", "60")

    settings = Settings.load(compile_timeout=5.0, workspace=None)

    assert settings.max_iterations == 1
    assert settings.flash_baud == 921600
    assert settings.compile_timeout == 5.0
    assert settings.boards == ("/dev/ttyUSB0",)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("max_concurrent_builds = 0", "max_concurrent_builds"),
        ("colour = 'red'", "colour"),
        ("boards = 3", "boards"),
        ("this is not toml", "config.toml"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(config: Path, text: str, named: str) -> None:
    config.write_text(text)

    with pytest.raises(UsageError) as raised:
        Settings.load()

    assert named in str(raised.value)
    assert "\n" not in str(raised.value)
