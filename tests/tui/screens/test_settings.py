"""Settings on the screen: where each value comes from, and changes that leave the file as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.workspaces import Story, running

pytestmark = pytest.mark.slow

FILE = """\
# mine
max_iterations = 1  # few

[profile.night]
max_concurrent_builds = 4

[checks.doc_check]
interval = 20
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    monkeypatch.setenv("ESPDECK_CONFIG", str(path))
    return path


async def open_settings(story: Story) -> None:
    await story.press("comma")
    await story.sees("quality gate", "max_concurrent_builds")


async def test_a_value_is_changed_in_the_file_and_its_comment_stays(
    tmp_path: Path, config: Path
) -> None:
    async with running(tmp_path / "ws") as story:
        await open_settings(story)
        await story.press("l", "j")
        await story.sees("How often DEVELOPER may repair", "change  takes effect at once")
        await story.press("enter")
        await story.sees("esc leave")
        await story.press("9", "9")
        await story.sees("max_iterations must be a number from 0 to 10")
        await story.press("enter", "backspace", "backspace", "x")
        await story.sees("max_iterations must be a whole number from 0 to 10")
        await story.press("backspace", "7")
        await story.until(lambda: "max_iterations: Input" not in story.text())
        await story.press("enter")
        await story.sees("is written", "7  line 2")
        assert config.read_text() == FILE.replace("= 1  #", "= 7  #")

        await story.press("d")
        await story.until(lambda: "max_iterations" not in config.read_text())
        await story.sees("max_iterations")
        assert config.read_text() == FILE.replace("max_iterations = 1  # few\n", "")
        await story.until(lambda: "7  line 2" not in story.text())
        await story.press("d")
        await story.sees("has its default already")


async def test_what_the_environment_says_cannot_be_changed_here(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESPDECK_MAX_ITERATIONS", "2")
    monkeypatch.setenv("ESPDECK_BORADS", "x")
    async with running(tmp_path / "ws") as story:
        await open_settings(story)
        await story.sees("ESPDECK_BORADS is not a setting")
        await story.press("l", "j")
        await story.sees("2  ESPDECK_MAX_ITERATIONS")
        await story.press("enter")
        await story.sees("overrides the file")
        assert config.read_text() == FILE


async def test_a_profile_in_force_is_changed_in_its_table(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESPDECK_PROFILE", "night")
    async with running(tmp_path / "ws") as story:
        await open_settings(story)
        await story.press("l")
        await story.sees("4  profile night")
        await story.press("enter")
        await story.sees("profile.night.max_concurrent_builds")
        await story.press("6", "enter")
        await story.sees("6  profile night")
        assert config.read_text() == FILE.replace("_builds = 4", "_builds = 6")


async def test_settings_are_found_by_text_and_new_keys_are_set(
    tmp_path: Path, config: Path
) -> None:
    async with running(tmp_path / "ws") as story:
        await open_settings(story)
        await story.press("slash")
        await story.type("eFuse")
        await story.sees("1 of all settings", "flash_secure")
        await story.press("escape")
        await story.press("a")
        await story.sees("Set another setting")
        await story.type("/dev/x")
        await story.press("enter")
        await story.sees("is not a key")
        await story.press("a")
        await story.type('board."/dev/ttyUSB0".reset_command')
        await story.press("enter")
        await story.sees("with commas between make a list")
        await story.type("usbreset,x")
        await story.press("enter")
        await story.until(lambda: "usbreset" in config.read_text())
        assert config.read_text() == (
            f'{FILE}\n[board."/dev/ttyUSB0"]\nreset_command = ["usbreset", "x"]\n'
        )
        await story.press("q")
        await story.until(lambda: "quality gate" not in story.text())


async def test_a_file_that_makes_no_sense_is_said(tmp_path: Path, config: Path) -> None:
    async with running(tmp_path / "ws") as story:
        config.write_text("max_iterations = 99\n")
        await story.press("comma")
        await story.sees("the settings cannot be read", "must be a number from 0 to 10")
        await story.press("enter")
        await story.sees("the settings could not be read")
        await story.press("escape")


@pytest.mark.parametrize("size", [(60, 15), (40, 12)])
async def test_it_can_be_used_on_a_small_terminal_in_ascii(
    tmp_path: Path, config: Path, size: tuple[int, int]
) -> None:
    async with running(tmp_path / "ws", size=size, ascii=True) as story:
        await story.press("comma")
        await story.sees("builds")
        await story.press("l", "j", "enter")
        await story.sees("max_iterations", "enter write")
        await story.press("3", "enter")
        await story.until(lambda: "max_iterations = 3  # few" in config.read_text())
        assert story.text().isascii()
