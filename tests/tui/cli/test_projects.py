"""``espdeck add``, ``sync``, ``edit``, ``remove``, ``apps``, ``projects`` and ``gc``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.engine.git_repos import commit, rewrite
from tests.tui.commands import Here

pytestmark = pytest.mark.slow

IDF = "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(fw)\n"
TWO_APPS = {
    "apps/lamp/CMakeLists.txt": IDF,
    "apps/lamp/main/main.c": "void app_main(void) {}\n",
    "apps/lamp/sdkconfig.defaults": 'CONFIG_IDF_TARGET="esp32c6"\n',
    "apps/lamp/sdkconfig.ci.debug": "",
    "apps/siren/CMakeLists.txt": IDF,
    "apps/siren/sdkconfig.defaults": 'CONFIG_IDF_TARGET="esp32s3"\n',
}
SKETCH = {"blink/blink.ino": "void setup() {}\nvoid loop() {}\n"}


@pytest.fixture
def here(tmp_path: Path) -> Here:
    """A workspace beside the repositories ``fw``, of two apps, and ``notes``, of none."""
    commit(tmp_path / "fw", TWO_APPS)
    commit(tmp_path / "notes", {"README.md": "Later.\n"})
    return Here(tmp_path / "ws")


def names(here: Here) -> list[str]:
    return [json.loads(line)["name"] for line in here.says("projects", "--json").splitlines()]


@pytest.mark.slow
def test_a_project_is_added_with_what_its_sources_say(here: Here, tmp_path: Path) -> None:
    fw = str(tmp_path / "fw")

    said = here.says("add", f"{fw}/apps/lamp/main", "--name", "lamp")

    assert "added lamp: " in said
    assert "app apps/lamp (idf)" in said
    assert "chips esp32c6" in said
    assert "configurations debug: --config" in said
    assert "1 other app: espdeck apps lamp" in said
    assert "is the project lamp already" in here.refuses("add", f"{fw}/apps/lamp")
    assert "is the project lamp already" in here.refuses("add", f"{fw}/apps/lamp/main")
    whole = here.says("add", fw)
    assert "one of its apps: apps/lamp, apps/siren" in whole
    assert "espdeck edit fw --app FOLDER" in whole
    assert "no CMakeLists.txt" in here.says("add", str(tmp_path / "notes"))
    assert names(here) == ["fw", "lamp", "notes"]


def test_what_cannot_be_added_leaves_no_project(here: Here, tmp_path: Path) -> None:
    fw = str(tmp_path / "fw")

    assert "no such folder" in here.refuses("add", "nosuch")
    assert "no branch or tag 'gone'" in here.refuses("add", fw, "--branch", "gone")
    assert "target 'esp31'" in here.refuses("add", fw, "--target", "esp32,esp31")
    assert "one of its apps: apps/lamp" in here.refuses("add", fw, "--app", "apps/bell")
    lamp = ("add", fw, "--app", "apps/lamp")
    assert "there are: debug" in here.refuses(*lamp, "--config", "release")
    assert names(here) == []


@pytest.mark.slow
def test_a_sync_says_what_moved_and_what_could_not(here: Here, tmp_path: Path) -> None:
    for name in ("fw", "notes"):
        here.says("add", str(tmp_path / name), "--target", "esp32c3")
    before = here.says("sync", "fw").split()[-1]
    after = commit(tmp_path / "fw", {"README.md": "Now.\n"})[:7]

    assert here.says("sync", str(tmp_path / "fw")) == f"fw: main at {after}, was {before}\n"
    rewrite(tmp_path / "fw")
    shutil.rmtree(tmp_path / "notes")
    said = here.says("sync", code=1)
    assert f"was {after}" in said
    assert "main was rewritten at its source" in said
    assert "notes: " in said
    assert "no project 'nosuch'" in here.refuses("sync", "fw", "nosuch")


@pytest.mark.slow
def test_a_project_is_changed_or_stays_as_it_is(here: Here, tmp_path: Path) -> None:
    here.says("add", str(tmp_path / "fw"), "--app", "apps/lamp", "--name", "lamp")

    assert "say what to change" in here.refuses("edit", "lamp")
    assert "target 'c6'" in here.refuses("edit", "lamp", "--target", "c6")
    assert "no commit, branch or tag 'gone'" in here.refuses("edit", "lamp", "--branch", "gone")
    revision = commit(tmp_path / "fw", {"README.md": "Now.\n"})
    assert "no branch or tag" in here.refuses("edit", "lamp", "--branch", revision)
    assert "one of its apps" in here.refuses("edit", "lamp", "--app", "apps/bell")
    assert "there are: debug" in here.refuses("edit", "lamp", "--env", "release")
    assert "name a chip" in here.refuses("edit", "lamp", "--target", ",")
    (row,) = map(json.loads, here.says("projects", "--json").splitlines())
    assert (row["branch"], row["branch_chosen"], row["tip"]) == ("main", False, revision)
    assert (row["app"], row["configuration"], row["targets"]) == ("apps/lamp", "", ["esp32c6"])

    assert "chips esp32c3, esp32c6" in here.says("edit", "lamp", "--target", "esp32c3,esp32c6")
    assert "chips esp32c6" in here.says("edit", "lamp", "--target", "auto")
    assert "configuration debug" in here.says("edit", "lamp", "--config", "debug")
    assert "no configuration 'debug'" in here.refuses("edit", "lamp", "--app", "apps/siren")
    moved = here.says("edit", "lamp", "--app", "apps/siren", "--config", "", "--name", "siren")
    assert "changed siren: " in moved
    assert "chips esp32s3" in moved
    (tmp_path / "fw").rename(tmp_path / "elsewhere")
    assert "its branch stays as it is" in here.refuses("edit", "siren", "--branch", "main")
    assert f"main at {revision[:7]}" in here.says("projects")


@pytest.mark.slow
def test_a_project_is_meant_by_name_id_or_path(here: Here, tmp_path: Path) -> None:
    fw = tmp_path / "fw"
    for app in ("lamp", "siren"):
        here.says("add", str(fw), "--app", f"apps/{app}", "--name", app)
    lamp = json.loads(here.says("projects", "--json").splitlines()[0])

    for digits in (lamp["id"], lamp["id"][:8]):
        assert here.says("sync", digits).startswith("lamp: ")
    assert here.says("sync", f"{fw}/apps/siren").startswith("siren: ")
    assert "name one: lamp, siren" in here.refuses("sync", str(fw))
    assert "no project has this source: espdeck add" in here.refuses(
        "sync", str(tmp_path / "notes")
    )
    assert "no project 'bell'" in here.refuses("gate", "bell")
    assert "no project 'bell'" in here.refuses("builds", "--project", "bell")
    assert "no build matches" in here.says("builds", "--project", f"{fw}/apps/lamp/main")
    assert "no project 'bell'" in here.refuses("pipeline", "list", "--project", "bell")


@pytest.mark.slow
def test_apps_are_listed_of_any_path(here: Here, tmp_path: Path) -> None:
    commit(tmp_path / "sketches", SKETCH)
    (tmp_path / "sketches" / "new.txt").write_text("not committed\n")

    table = here.says("apps", str(tmp_path / "fw"))
    sketches = here.says("apps", str(tmp_path / "sketches"))
    rows = [json.loads(line) for line in here.says("apps", "fw", "--json").splitlines()]

    assert "apps/siren  idf        esp32s3" in table
    assert "blink  arduino" in sketches
    assert "1 uncommitted change" in sketches
    assert [row["app"] for row in rows] == ["apps/lamp", "apps/siren"]
    assert rows[0]["configurations"] == [{"name": "debug", "targets": []}]
    assert "no CMakeLists.txt" in here.says("apps", str(tmp_path / "notes"))


def test_a_project_is_removed_only_when_someone_agrees(here: Here, tmp_path: Path) -> None:
    here.says("add", str(tmp_path / "fw"))

    assert "--yes removes without asking" in here.refuses("remove", "fw")
    assert names(here) == ["fw"]
    assert here.says("remove", "fw", "--yes") == "removed fw\n"
    assert names(here) == []
    assert "no project 'fw'" in here.refuses("remove", "fw", "--yes")


def test_disk_is_shown_by_source_and_freed(here: Here, tmp_path: Path) -> None:
    for app in ("lamp", "siren"):
        here.says("add", str(tmp_path / "fw"), "--app", f"apps/{app}", "--name", app)

    table = here.says("projects", "--disk").splitlines()
    row = json.loads(here.says("projects", "--disk", "--json"))
    freed = here.says("gc", "--days", "0")

    assert table[0].split()[-1] == "TOTAL"
    assert "lamp, siren" in table[1]
    assert table[-1].startswith("all ")
    assert row["projects"] == ["lamp", "siren"]
    assert row["total"] == row["clone"] > 0
    assert "freed: " in freed
