"""``espdeck build`` of one variant and of several, ``builds``, ``show``, ``retry``, ``cancel``."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from engine.processes.programs import user_name
from engine.samples import demo
from tests.engine.builds.test_variant_choice import BOARDS
from tests.engine.git_repos import commit
from tests.tui.commands import Here, Shell

pytestmark = [pytest.mark.xdist_group("build-commands"), pytest.mark.slow]

ONLY_BUILT = ("--board", "none", "--simulator", "none")


def rows(here: Here) -> list[dict[str, Any]]:
    return [json.loads(line) for line in here.says("builds", "--json").splitlines()]


def test_several_variants_are_built_of_one_commit(tmp_path: Path) -> None:
    source = demo.make_repository("hello", tmp_path / "hello")
    here = Here(tmp_path / "ws")
    build = ("build", str(source), *ONLY_BUILT)

    said = here.says(*build, "--target", "esp32c3,esp32c6").splitlines()

    assert "builds: #1 esp32c3, #2 esp32c6" in said
    assert sum("build 2 starts: hello" in line for line in said) == 1  # told late, and once
    assert [line.split()[:3] for line in said[-3:]] == [
        ["BUILD", "FOR", "STATUS"], ["#1", "esp32c3", "success"], ["#2", "esp32c6", "success"],
    ]  # fmt: skip
    assert "for esp32c6" in here.says("show", "2")
    unchanged = here.says(*build, "--changed", "--target", "esp32c6,esp32c3")
    assert "nothing changed for esp32c3 since build 1" in unchanged
    (source / "main" / "new.c").write_text("int added;\n")
    assert "1 uncommitted change" in here.says(*build, "--changed")
    assert len({row["commit_sha"] for row in rows(here)}) == 1


def test_what_is_not_committed_is_told_last_or_built(tmp_path: Path) -> None:
    source = tmp_path / "notes"
    commit(source, {"README.md": "Later.\n"})
    (source / "new.txt").write_text("not committed\n")
    here = Here(tmp_path / "ws")
    here.says("add", str(source), "--target", "esp32c3")

    clean = here.says("build", "notes", code=1)
    dirty = here.says("build", str(source), "--dirty", code=1)
    again = here.says("retry", "1", "--stage", "plan", code=1)

    warning = f"warning: 1 uncommitted change in {source}: not part of this"
    assert clean.splitlines()[-1] == again.splitlines()[-1] == warning
    told = f"info: with 1 uncommitted change in {source}; 1 new file among them: new.txt"
    assert dirty.splitlines()[-1] == told
    assert "-dirty Uncommitted changes" in dirty
    shown = here.says("show", "2")
    assert "for esp32c3, with uncommitted changes" in shown
    assert f"asked for by {user_name(os.geteuid())} (manual)" in shown
    assert rows(here)[0]["asked_by"] == user_name(os.geteuid())
    assert "-dirty" in here.says("builds").splitlines()[1]
    newest = rows(here)[0]
    assert (newest["dirty"], newest["target"], newest["configuration"]) == (True, "esp32c3", "")
    assert newest["notes"][0]["code"] == "project.uncommitted"
    assert "build 1 has ended already" in here.says("cancel", "1", code=2)


def test_ctrl_c_cancels_every_build_that_was_asked_for(tmp_path: Path) -> None:
    source = demo.make_repository("hello", tmp_path / "hello")
    running = Shell(tmp_path / "ws").start(
        "build", str(source), "--target", "esp32c3,esp32c6", "--board", "none"
    )
    assert running.stdout is not None
    for line in running.stdout:
        if "build 1 starts" in line:
            running.send_signal(signal.SIGINT)
            break
    rest = running.stdout.read()

    assert running.wait(30) == 130
    assert "build #1 of hello: cancelled" in rest
    assert [row["status"] for row in rows(Here(tmp_path / "ws"))] == ["cancelled", "cancelled"]


def test_what_makes_no_sense_builds_nothing(tmp_path: Path) -> None:
    commit(tmp_path / "boards", BOARDS)
    commit(tmp_path / "notes", {"README.md": "Later.\n"})
    here = Here(tmp_path / "ws")
    for name in ("boards", "notes"):
        here.says("add", str(tmp_path / name))

    assert "no project 'nosuch'" in here.refuses("build", "nosuch")
    assert "target 'esp31'" in here.refuses("build", "boards", "--target", "esp32,esp31")
    assert "there are: lamp, bell, horn" in here.refuses("build", "boards", "--env", "bell,drum")
    assert "lamp is for esp32c3" in here.refuses(
        "build", "boards", "--env", "lamp", "--target", "esp32"
    )
    assert "no such variant" in here.refuses("build", "boards", "--all", "--target", "esp32s3")
    assert "leave --commit out" in here.refuses("build", "boards", "--dirty", "--commit", "HEAD")
    assert "leave --changed out" in here.refuses("build", "boards", "--dirty", "--changed")
    assert "no such ancestor" in here.refuses("build", "boards", "--commit", "HEAD~5")
    for words in (("build", "notes"), ("build", "notes", "--all")):
        line = here.refuses(*words)
        assert "no CMakeLists.txt with a project" in line
    assert "no build 7" in here.refuses("cancel", "7")
    assert "'x' is not the number of a build" in here.refuses("retry", "x")
    assert rows(here) == []


def test_a_list_of_nothing_says_so(tmp_path: Path) -> None:
    here = Here(tmp_path)
    for words, said in (
        (("builds",), "no builds yet: espdeck build PROJECT"),
        (("builds", "--status", "failed"), "no build matches"),
        (("task", "list"), "no tasks yet: espdeck workflow run"),
        (("notify", "list"), "no notifications yet"),
        (("webhooks", "list"), "no deliveries yet"),
        (("artifacts", "list"), "no build kept a file yet"),
        (("audit",), "no requests to the HTTP API yet"),
    ):
        assert here.says(*words).splitlines()[0] == said
