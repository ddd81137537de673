"""The actions of every screen: joined with the key table, with reasons that a person can read."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.tui.check_workspaces import fill_checks, use_checks
from tests.tui.task_workspaces import fill_tasks
from tests.tui.workspaces import Story, fill, keep_fix, keep_maps, running
from tui.actions import Action
from tui.keymap import KEYS, SCREENS, keys_of
from tui.screens.base import MainScreen

pytestmark = pytest.mark.xdist_group("actions")


def read(screen: MainScreen) -> list[str]:
    """The reasons that actions of a screen have now; each is a sentence in one line."""
    assert list(screen.actions) == [key.id for key in keys_of(screen.WHERE)]
    reasons = []
    for id, action in screen.actions.items():
        assert action.key in KEYS
        assert action.key.id == id
        assert action.key.title
        assert action.key.help[0].isupper()
        assert callable(action.run)
        reason = action.disabled_reason()
        if reason is not None:
            assert len(reason.split()) >= 3, reason
            assert reason == reason.strip(" .\n"), reason
            reasons.append(reason)
    return reasons


async def walk(story: Story) -> dict[str, list[str]]:
    """Go to every main screen, and read its actions."""
    found = {}

    def look() -> None:
        assert isinstance(story.screen, MainScreen)
        found[story.screen.WHERE.value] = read(story.screen)

    await story.sees("sensor-hub")
    await story.press("j")
    await story.sees("cannot be built: enter says why")
    look()
    await story.press("k", "l")
    await story.sees("#3")
    await story.press("g", "enter")
    await story.sees("FINDINGS 2")
    look()
    await story.press("s")
    await story.sees("against #2")
    look()
    await story.press("q", "q", "equals_sign")
    await story.sees("COMPARE #2 to #3", "FINDINGS")
    look()
    await story.press("q", "m")
    await story.sees("sensor-hub: duration", "#3")
    look()
    await story.press("q", "w")
    await story.sees("#4")
    look()
    await story.press("l", "G", "enter")
    await story.sees("#4 ✓ success")
    look()
    await story.press("q", "q", "comma")
    await story.sees("quality gate", "max_concurrent_builds")
    await story.press("l")
    look()
    await story.press("q", "n")
    await story.sees("no notifications yet")
    look()
    await story.press("q", "L")
    await story.sees("no requests to the HTTP API yet")
    look()
    await story.press("q", "C")
    await story.sees("1 warning", "doc_check of sensor-hub")
    look()
    await story.press("enter")
    await story.sees("README.md")
    look()
    await story.press("q", "q", "B")
    await story.sees("health  ")
    look()
    await story.press("enter")
    await story.sees("nothing yet")
    look()
    await story.press("H")
    await story.sees("GUIDE")
    look()
    return found


async def test_every_action_has_its_key_and_says_why_it_is_disabled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_checks(monkeypatch)
    fill(tmp_path)
    fill_checks(tmp_path)
    keep_maps(tmp_path)
    fill_tasks(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        board = f"socket://127.0.0.1:{server.getsockname()[1]}"
        async with running(tmp_path, boards=(board,)) as story:
            found = await walk(story)
    assert set(found) == set(SCREENS)
    assert "broken-link cannot be built: e changes its source, s syncs it again" in found["home"]
    assert "build 3 has no fix: nothing was repaired" in found["build"]
    assert "task 4 has ended already" in found["task"]
    assert "max_concurrent_builds has its default already" in found["settings"]
    assert "you did not start this check here" in found["checks"]
    assert f"{board} is not reserved" in found["boards"]
    assert "only one board is shown" in found["monitor"]


async def test_an_empty_workspace_says_what_to_do_first(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        assert isinstance(story.screen, MainScreen)
        assert set(read(story.screen)) == {"no project: press a to add one"}
        await story.press("B")
        await story.sees("no boards")
        assert isinstance(story.screen, MainScreen)
        assert set(read(story.screen)) == {"no board is listed here"}


async def test_an_action_that_is_not_in_the_key_table_is_an_error(tmp_path: Path) -> None:
    async with running(tmp_path) as story:
        screen = story.screen
        assert isinstance(screen, MainScreen)
        with pytest.raises(KeyError, match="fly"):
            screen.action("fly", lambda: None)


def test_the_first_reason_counts() -> None:
    action = Action(KEYS[0], lambda: None, (lambda: None, lambda: "no board is left"))
    assert action.disabled_reason() == "no board is left"
    assert Action(KEYS[0], lambda: None).disabled_reason() is None


async def test_own_keys_are_shown_and_work_also_where_a_fix_is_decided_on(tmp_path: Path) -> None:
    fill(tmp_path)
    keep_fix(tmp_path, 3, lambda text: text)
    async with running(tmp_path, size=(100, 30), keys={"discard": "ctrl+k"}) as story:
        await story.sees("sensor-hub")
        await story.press("l")
        await story.sees("#3")
        await story.press("g", "enter")
        await story.sees("d shows how")
        await story.press("question_mark", "pagedown")
        await story.sees("ctrl+k   Discard the fix")
        await story.press("escape", "d")
        await story.sees("a commit   e export   ctrl+k discard")
        await story.press("ctrl+k")
        await story.sees("Discard the fix of build 3?")
