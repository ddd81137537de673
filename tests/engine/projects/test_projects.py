"""Projects: cloned, synced, removed, with real Git; nothing of a repository is run."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from git import Repo

from engine.cancel import CancelToken
from engine.enums import ProjectStatus
from engine.errors import CancelledError, ToolError, UsageError
from engine.events import Bus, Event, ProjectChanged
from engine.file_lock import FileLock
from engine.projects import git, remote
from engine.projects.dependencies import scan_dependencies
from engine.projects.revisions import resolve
from engine.projects.service import Projects
from engine.projects.slots import Slots
from engine.projects.sources import Source, SourceKind
from engine.projects.validation import RULES, validate
from engine.projects.worktrees import Slot, check_links
from engine.source import tree
from engine.store import projects as rows
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Project, Run
from engine.toolchains.base import NO_PROJECT
from engine.toolchains.idf_menuconfig import ConfigurationEdit
from tests.engine.git_repos import commit


class Yard:
    """Projects on a store, with everything they said."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "espdeck.db")
        self.bus = Bus()
        self.said: list[Event] = []
        self.bus.subscribe(self.said.append)
        self.slots = Slots(folder / "worktrees", is_unfinished=lambda _run: False)
        self.projects = Projects(self.store, self.bus, folder / "projects", self.slots)

    def add(self, source: Path | str, **choices: Any) -> Project:
        project = self.projects.add(str(source), **choices)
        assert project.status is ProjectStatus.PENDING
        return self.projects.wait(project.id, timeout=30)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path / "workspace")
    yield yard
    yard.projects.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    commit(tmp_path / "fw", {"CMakeLists.txt": "project(fw C)\n", "main.c": "int x;\n"}, "First")
    return tmp_path / "fw"


@pytest.mark.slow
def test_a_project_is_pending_then_active(yard: Yard, source: Path) -> None:
    project = yard.add(source, targets=["esp32c3"])

    assert (project.status, project.status_detail) == (ProjectStatus.ACTIVE, "")
    assert (project.name, project.branch, project.target) == ("fw", "main", "esp32c3")
    statuses = [event.status for event in yard.said if isinstance(event, ProjectChanged)]
    assert statuses[0] is ProjectStatus.PENDING
    assert statuses[-1] is ProjectStatus.ACTIVE


@pytest.mark.slow
def test_a_name_is_made_unique_but_one_that_was_given_is_kept(yard: Yard, source: Path) -> None:
    yard.add(source)

    assert yard.add(source).name == "fw-2"
    with pytest.raises(UsageError, match="already exists"):
        yard.projects.add(str(source), name="fw")


@pytest.mark.parametrize(
    ("choices", "named"),
    [
        ({"targets": ["esp8266"]}, "esp8266"),
        ({"branch": "--output=x"}, "--output"),
        ({"name": "\x1b[2J"}, "name"),
    ],
)
def test_choices_that_make_no_sense_are_refused_at_once(
    yard: Yard, source: Path, choices: dict[str, str], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        yard.projects.add(str(source), **choices)
    assert yard.projects.list() == []


def test_a_branch_that_is_not_there_is_an_error_with_the_reason(yard: Yard, source: Path) -> None:
    project = yard.add(source, branch="nope")

    assert project.status is ProjectStatus.ERROR
    assert "no branch or tag 'nope' (there are: main)" in project.status_detail


def test_an_empty_repository_is_an_error_with_the_reason(yard: Yard, tmp_path: Path) -> None:
    import git as gitpython

    gitpython.Repo.init(tmp_path / "empty").close()

    project = yard.add(tmp_path / "empty")

    assert project.status is ProjectStatus.ERROR
    assert "no commits" in project.status_detail


def test_an_unreachable_host_is_an_error_with_the_reason(yard: Yard) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    project = yard.add(f"https://127.0.0.1:{port}/x.git")

    assert project.status is ProjectStatus.ERROR
    assert "cannot be reached" in project.status_detail
    assert "\n" not in project.status_detail


def test_a_server_that_says_nothing_can_be_cancelled() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        token = CancelToken()

        def cancel_when_connected() -> None:
            silent.accept()
            token.cancel()

        connected = threading.Thread(target=cancel_when_connected)
        connected.start()
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/x.git"
        with pytest.raises(CancelledError):
            remote.list_refs(Source(url, SourceKind.HTTPS, "x"), cancel=token)
        connected.join()


@pytest.mark.slow
def test_sync_fetches_and_fast_forwards(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    newest = commit(source, {"main.c": "int y;\n"}, "Second")

    yard.projects.sync(project.id)
    yard.projects.wait(project.id, timeout=30)

    found = resolve(Path(project.clone_path), "main")
    assert (found.sha, found.message, found.author) == (newest, "Second", "Ada")


@pytest.mark.slow
def test_a_project_that_another_process_syncs_is_waited_for(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    other = FileLock(yard.store.path.parent / "projects" / f"{project.id}.lock")
    assert other.acquire()
    with pytest.raises(UsageError, match="fw is being cloned or synced already"):
        yard.projects.sync(project.id)
    newer = commit(source, {"main.c": "int y;\n"}, "Second")
    with ThreadPoolExecutor(1) as threads:
        found = threads.submit(yard.projects.commit, project.id, None)
        other.release()
        assert found.result(20).commit.sha == newer


@pytest.mark.slow
def test_find_or_add_takes_name_id_path_and_source(yard: Yard, source: Path) -> None:
    first = yard.projects.find_or_add(str(source))

    for wanted in ("fw", str(first.id), str(source), f"file://{source}"):
        assert yard.projects.find_or_add(wanted).id == first.id


@pytest.mark.slow
def test_removing_deletes_clone_and_worktrees(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    sha = resolve(Path(project.clone_path), "main").sha
    with yard.slots.take(Path(project.clone_path), sha, cancel=CancelToken()) as slot:
        folder = slot.folder

    yard.projects.remove(project.id)

    assert list(Path(project.clone_path).parent.iterdir()) == []
    assert not folder.exists()
    assert yard.projects.list() == []


def test_a_project_that_was_never_cloned_is_removed(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    rows.change_project(yard.store, project.id, lambda row: setattr(row, "clone_path", ""))

    yard.projects.remove(project.id)

    assert yard.projects.list() == []


@pytest.mark.slow
def test_a_project_with_an_unfinished_build_is_not_removed(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    runs.add_run(yard.store, Run(project_id=project.id, commit_sha="0", target="esp32c3"))

    with pytest.raises(UsageError, match="has not ended"):
        yard.projects.remove(project.id)


@pytest.mark.slow
def test_an_import_that_died_can_be_synced(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    rows.update_project(yard.store, project.id, status=ProjectStatus.PENDING)

    yard.projects.recover()

    assert "interrupted" in yard.projects.get("fw").status_detail
    yard.projects.sync(project.id)
    assert yard.projects.wait(project.id, timeout=30).status is ProjectStatus.ACTIVE


@pytest.mark.slow
def test_an_import_that_died_is_begun_again_by_who_asks_for_the_project(
    yard: Yard, source: Path
) -> None:
    project = yard.add(source)
    rows.update_project(yard.store, project.id, status=ProjectStatus.PENDING)
    yard.projects.recover()

    assert yard.projects.find_or_add(str(source)).status is ProjectStatus.ACTIVE


def test_recovering_again_changes_nothing(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    rows.update_project(yard.store, project.id, status=ProjectStatus.PENDING)

    yard.projects.recover()
    first, said = yard.projects.get("fw"), len(yard.said)
    yard.projects.recover()

    assert first.status is ProjectStatus.ERROR
    assert yard.projects.get("fw") == first
    assert len(yard.said) == said


def test_what_another_process_imports_is_not_recovered(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    rows.update_project(yard.store, project.id, status=ProjectStatus.PENDING)
    other = FileLock(yard.store.path.parent / "projects" / f"{project.id}.lock")
    assert other.acquire()

    yard.projects.recover()

    assert yard.projects.get("fw").status is ProjectStatus.PENDING
    other.release()


@pytest.mark.parametrize("removed", [False, True])
def test_what_ended_since_it_was_listed_is_not_recovered(
    yard: Yard, source: Path, monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    project = yard.add(source)
    rows.update_project(yard.store, project.id, status=ProjectStatus.PENDING)
    listed = yard.projects.list()
    monkeypatch.setattr(yard.projects, "list", lambda: listed)
    if removed:
        yard.projects.remove(project.id)
    else:
        rows.update_project(yard.store, project.id, status=ProjectStatus.ACTIVE)

    yard.projects.recover()

    assert [each.status for each in rows.all_projects(yard.store)] == (
        [] if removed else [ProjectStatus.ACTIVE]
    )
    lock = yard.store.path.parent / "projects" / f"{project.id}.lock"
    assert lock.exists() is not removed


def test_a_project_is_held_before_it_can_be_seen(
    yard: Yard, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = rows.add_project

    def add_and_recover(store: Store, project: Project) -> Project:
        write(store, project)
        yard.projects.recover()
        return rows.get_project(store, project.id)

    monkeypatch.setattr(rows, "add_project", add_and_recover)

    assert yard.add(source).status is ProjectStatus.ACTIVE
    details = [event.detail for event in yard.said if isinstance(event, ProjectChanged)]
    assert not any("interrupted" in detail for detail in details)


def test_a_project_that_cannot_be_added_leaves_nothing(yard: Yard, source: Path) -> None:
    folder = Path(yard.add(source).clone_path).parent
    before = sorted(folder.iterdir())

    with pytest.raises(UsageError, match="already exists"):
        yard.projects.add(str(source), name="fw")

    assert sorted(folder.iterdir()) == before


@pytest.mark.slow
def test_only_their_owner_may_read_clones_and_worktrees(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    clone = Path(project.clone_path)
    sha = resolve(clone, "main").sha

    with yard.slots.take(clone, sha, cancel=CancelToken()) as slot:
        folders = (clone.parent, slot.folder.parents[1])

    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700, 0o700]


@pytest.mark.slow
def test_commits_are_found_by_hash_tag_and_branch(yard: Yard, source: Path) -> None:
    import git as gitpython

    with gitpython.Repo(source) as repository:
        repository.create_tag("v1")
    clone = Path(yard.add(source).clone_path)
    sha = resolve(clone, "main").sha

    names = (sha, sha[:8], "v1", "HEAD", "@", "main", "origin/main", "refs/tags/v1", "main^0")
    assert {resolve(clone, name, head=sha).sha for name in names} == {sha}
    for name in ("nope", "dead" * 10, "cafe", "HEAD~1", "main^2", "HEAD:main.c", "main@{1}"):
        with pytest.raises(UsageError, match=re.escape(name)):
            resolve(clone, name, head=sha)


@pytest.mark.slow
def test_a_worktree_is_the_exact_commit_and_keeps_untouched_files(yard: Yard, source: Path) -> None:
    first = resolve(Path(yard.add(source).clone_path), "main").sha
    commit(source, {"main.c": "int y;\n"}, "Second")
    project = yard.projects.find_or_add(str(source))
    second = yard.projects.commit(project.id, None).commit.sha
    clone = Path(project.clone_path)

    with yard.slots.take(clone, first, cancel=CancelToken()) as slot:
        assert (slot.source / "main.c").read_text() == "int x;\n"
        before = (slot.source / "CMakeLists.txt").stat().st_mtime_ns
        (slot.source / "stray").write_text("left behind")
        (slot.source / "main.c").write_text("changed by a build")
        folder = slot.folder
    with yard.slots.take(clone, second, cancel=CancelToken()) as slot:
        assert slot.folder == folder
        assert (slot.source / "main.c").read_text() == "int y;\n"
        assert (slot.source / "CMakeLists.txt").stat().st_mtime_ns == before
        assert not (slot.source / "stray").exists()
        with yard.slots.take(clone, first, cancel=CancelToken()) as other:
            assert other.folder != slot.folder
            assert (other.source / "main.c").read_text() == "int x;\n"


@pytest.mark.slow
def test_a_patch_is_applied_and_gone_with_the_next_build(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    clone = Path(project.clone_path)
    sha = resolve(clone, "main").sha
    patch = "--- a/main.c\n+++ b/main.c\n@@ -1 +1 @@\n-int x;\n+int patched;\n"

    with yard.slots.take(clone, sha, cancel=CancelToken()) as slot:
        slot.apply(patch)
        assert (slot.source / "main.c").read_text() == "int patched;\n"
        with pytest.raises(ToolError):
            slot.apply(patch)
        with pytest.raises(ToolError):
            slot.apply(patch.replace("main.c", "../../main.c"))
        with pytest.raises(ToolError):
            slot.apply(patch.replace("main.c", ".git/config"))
    with yard.slots.take(clone, sha, cancel=CancelToken()) as slot:
        assert (slot.source / "main.c").read_text() == "int x;\n"


NEW = "--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+int made;\n"


def new_file(name: str, mode: str = "100644") -> str:
    return f"diff --git a/{name} b/{name}\nnew file mode {mode}\n{NEW.format(name=name)}"


@pytest.fixture
def slot(yard: Yard, source: Path) -> Iterator[Slot]:
    (source / "link").symlink_to("main.c")
    commit(source, {"keys/device.pem": "secret\n", ".gitignore": "*.log\n"})
    with Repo(source) as repository:
        module = f"160000,{repository.head.commit.hexsha},vendor/lib"
        repository.git.update_index("--add", "--cacheinfo", module)
        repository.index.commit("Add a submodule", skip_hooks=True)
    project = yard.add(source)
    clone = Path(project.clone_path)
    sha = resolve(clone, "main").sha
    with yard.slots.take(clone, sha, cancel=CancelToken()) as slot:
        yield slot


CHANGE = "--- a/main.c\n+++ b/main.c\n@@ -1 +1 @@\n-int x;\n+int {};\n"


@pytest.mark.slow
def test_a_worktree_becomes_what_a_patch_says_and_the_commit_again(slot: Slot) -> None:
    slot.apply(CHANGE.format("first") + new_file("src/a b.log"))
    first = slot.diff()
    slot.become("")
    assert slot.diff() == ""
    assert not (slot.source / "src" / "a b.log").exists()
    slot.apply(CHANGE.format("second"))
    second = slot.diff()
    untouched = (slot.source / "CMakeLists.txt").stat().st_mtime_ns

    slot.become(first)
    assert (slot.source / "main.c").read_text() == "int first;\n"
    assert (slot.source / "src" / "a b.log").read_text() == "int made;\n"
    assert slot.diff() == first
    slot.become(second)
    assert (slot.source / "main.c").read_text() == "int second;\n"
    assert not (slot.source / "src" / "a b.log").exists()
    assert slot.diff() == second
    assert (slot.source / "CMakeLists.txt").stat().st_mtime_ns == untouched


@pytest.mark.slow
def test_becoming_what_it_is_changes_nothing(slot: Slot) -> None:
    slot.apply(CHANGE.format("first"))
    before = (slot.source / "main.c").stat().st_mtime_ns

    slot.become(slot.diff())

    assert (slot.source / "main.c").stat().st_mtime_ns == before


@pytest.mark.slow
def test_what_a_build_made_of_tracked_files_is_undone_and_the_rest_stays(slot: Slot) -> None:
    slot.apply(CHANGE.format("first") + new_file("src/new.c"))
    wanted = slot.diff()
    (slot.source / "CMakeLists.txt").write_text("changed by a build\n")
    (slot.source / "left.log").write_text("left by a build\n")

    slot.become(wanted)

    assert slot.diff() == wanted
    assert (slot.source / "left.log").exists()


@pytest.mark.slow
def test_a_new_file_of_a_patch_can_be_changed_by_the_next(slot: Slot) -> None:
    slot.apply(new_file("src/new.c"))
    assert {"src/new.c", "main.c"} <= slot.tree.files
    assert slot.tree.closed == {"link", "vendor/lib"}
    slot.apply("--- a/src/new.c\n+++ b/src/new.c\n@@ -1 +1 @@\n-int made;\n+int again;\n")
    whole = slot.diff()

    slot.become("")
    slot.become(whole)

    assert (slot.source / "src" / "new.c").read_text() == "int again;\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "patch",
    [
        new_file("src/run.sh", mode="100755"),
        new_file("src/link", mode="120000"),
        new_file(".github/workflows/ci.yml"),
        new_file("Jenkinsfile"),
        new_file("id_rsa"),
        new_file("../outside.c"),
        new_file("left.log"),
        new_file("vendor/lib/new.c"),
        new_file("main.c"),
        CHANGE.format("x").replace("main.c", "link"),
        CHANGE.format("x").replace("main.c", "left.log"),
        "--- a/keys/device.pem\n+++ b/keys/device.pem\n@@ -1 +1 @@\n-secret\n+known\n",
        "diff --git a/main.c b/main.c\nold mode 100644\nnew mode 100755\n",
        "diff --git a/main.c b/main.c\ndeleted file mode 100644\n--- a/main.c\n+++ /dev/null\n"
        "@@ -1 +0,0 @@\n-int x;\n",
        "diff --git a/main.c b/.env\nsimilarity index 100%\nrename from main.c\nrename to .env\n",
    ],
)
def test_a_patch_that_does_more_is_refused_and_changes_nothing(slot: Slot, patch: str) -> None:
    (slot.source / "left.log").write_text("int x;\n")

    with pytest.raises(ToolError):
        slot.apply(patch)
    with pytest.raises(ToolError):
        slot.become(patch)

    assert slot.diff() == ""
    assert (slot.source / "left.log").read_text() == "int x;\n"
    assert not list(slot.folder.glob("*.patch")) + list(slot.folder.glob("*.index"))


@pytest.mark.slow
def test_a_lock_that_a_killed_git_left_is_no_obstacle(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    clone = Path(project.clone_path)
    sha = resolve(clone, "main").sha
    with yard.slots.take(clone, sha, cancel=CancelToken()):
        pass
    (entry,) = (clone / "worktrees").iterdir()
    (entry / "index.lock").touch()

    with yard.slots.take(clone, sha, cancel=CancelToken()) as slot:
        assert (slot.source / "main.c").is_file()


class Impatient(CancelToken):
    """Is cancelled by the first wait."""

    def wait(self, seconds: float) -> None:
        self.cancel()
        super().wait(seconds)


@pytest.mark.slow
def test_waiting_for_another_checkout_can_be_cancelled(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    clone = Path(project.clone_path)
    sha = resolve(clone, "main").sha

    with (
        git.lock_config(clone, cancel=CancelToken()),
        pytest.raises(CancelledError),
        yard.slots.take(clone, sha, cancel=Impatient()),
    ):
        pass

    assert not (clone / "worktrees").exists()
    with yard.slots.take(clone, sha, cancel=CancelToken()) as slot:
        assert slot.folder.name == "0"


@pytest.mark.slow
def test_any_number_of_folders_in_each_other_is_looked_through(tmp_path: Path) -> None:
    deepest = tmp_path / ("d/" * 1100)
    # Python's own functions that make and delete folders call themselves for each level.
    subprocess.run(["mkdir", "-p", deepest], check=True)
    (deepest / "idf_component.yml").write_text("dependencies: {a/b: '1'}\n")
    (deepest / "out").symlink_to("/etc/passwd")
    try:
        assert [each.name for each in scan_dependencies(tmp_path)] == ["a/b"]
        with pytest.raises(ToolError, match="a link that leaves"):
            check_links(tmp_path)
        tree.delete(tmp_path / "d")
        assert list(tmp_path.iterdir()) == []
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)


def test_a_link_is_not_followed_to_delete_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "mine")

    tree.delete(tmp_path / "link")

    assert (tmp_path / "mine" / "file").exists()


@pytest.mark.slow
def test_hooks_of_a_clone_never_run(yard: Yard, source: Path, tmp_path: Path) -> None:
    project = yard.add(source)
    clone = Path(project.clone_path)
    (clone / "hooks").mkdir(exist_ok=True)
    hook = clone / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\n")
    hook.chmod(0o755)
    sha = resolve(clone, "main").sha

    with yard.slots.take(clone, sha, cancel=CancelToken()):
        pass

    assert not (tmp_path / "pwned").exists()


@pytest.mark.slow
def test_a_link_that_leaves_the_repository_is_refused(yard: Yard, source: Path) -> None:
    (source / "notes.txt").symlink_to("/etc/passwd")
    commit(source, {}, "Link")
    project = yard.add(source)
    clone = Path(project.clone_path)
    sha = resolve(clone, "main").sha

    with (
        pytest.raises(ToolError, match=r"notes\.txt: a link"),
        yard.slots.take(clone, sha, cancel=CancelToken()),
    ):
        pass


@pytest.mark.slow
def test_a_sound_project_breaks_no_rule(yard: Yard, source: Path) -> None:
    assert validate(yard.add(source), source, "esp32c3") == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": ProjectStatus.ERROR}, "project.status"),
        ({"clone_path": "/no/such/clone"}, "project.clone"),
        ({"clone_path": "/"}, "project.repository"),
        ({"branch": "gone", "branch_chosen": True}, "project.branch"),
    ],
)
def test_each_rule_says_one_clear_line(
    yard: Yard, source: Path, change: dict[str, object], code: str
) -> None:
    project = yard.add(source)
    for name, value in change.items():
        setattr(project, name, value)

    (finding,) = validate(project, source, "esp32c3")

    assert finding.code == code
    assert "\n" not in finding.message
    assert finding.hint


@pytest.mark.slow
def test_rules_about_the_tree_and_the_chip(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    codes = {
        target: [finding.code for finding in validate(project, source, target)]
        for target in ("esp8266", "esp32s3")
    }
    (source / "CMakeLists.txt").unlink()

    assert codes == {"esp8266": ["project.target"], "esp32s3": ["toolchain.target"]}
    assert [each.code for each in validate(project, source, "esp32c3")] == ["project.cmake"]
    assert len({rule.code for rule in RULES}) == len(RULES)


def test_dependencies_of_components_are_listed(tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / "idf_component.yml").write_text(
        "dependencies:\n  idf: '>=5.1'\n  espressif/led_strip:\n    version: ^2.5.0\n  x/y: 3\n"
    )
    (tmp_path / "idf_component.yml").write_text("dependencies: [nonsense")

    found = [(each.name, each.version) for each in scan_dependencies(tmp_path)]

    assert found == [("idf", ">=5.1"), ("espressif/led_strip", "^2.5.0"), ("x/y", "3")]


def test_unknown_projects_are_one_clear_line(yard: Yard) -> None:
    with pytest.raises(UsageError, match="no project 'x'"):
        yard.projects.get("x")
    with pytest.raises(UsageError, match="no project"):
        yard.projects.sync(uuid.uuid4())
    with pytest.raises(UsageError, match=r"no project 'https://\*\*\*@example.com/x'"):
        yard.projects.get("https://me:secret@example.com/x")


@pytest.mark.slow
def test_apps_of_one_repository_are_projects_of_their_own(yard: Yard, source: Path) -> None:
    commit(source, {"apps/blink/CMakeLists.txt": "project(blink C)\n"})

    root = yard.projects.find_or_add(str(source))
    blink = yard.projects.find_or_add(str(source), app="apps/blink/")

    assert (root.name, root.app) == ("fw", "")
    assert (blink.name, blink.app) == ("fw-blink", "apps/blink")
    for wanted, app in (
        (str(source), "apps/blink"),
        (f"{source}/apps/blink", ""),
        ("fw-blink", ""),
        ("fw", "apps/blink"),
    ):
        assert yard.projects.find_or_add(wanted, app=app).id == blink.id
    assert root.clone_path == blink.clone_path


@pytest.mark.slow
def test_an_app_that_is_not_there_names_those_that_are(yard: Yard, source: Path) -> None:
    text = "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\n"
    commit(source, {f"apps/a{number}/CMakeLists.txt": text for number in range(10)})
    project = yard.projects.find_or_add(str(source), app="apps")

    (finding,) = validate(project, source, "esp32c3")

    assert finding.message.startswith(f"{NO_PROJECT} in apps; add the project with one of its")
    assert finding.message.endswith("apps/a6, apps/a7 and 2 more")


@pytest.mark.slow
def test_a_configuration_that_is_not_there_is_said(yard: Yard, source: Path) -> None:
    text = "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(fw)\n"
    commit(source, {"CMakeLists.txt": text})
    project = yard.projects.find_or_add(str(source))

    assert "no configuration slow: sdkconfig.ci.slow is not there" in [
        each.message for each in validate(project, source, "esp32c3", "slow")
    ]


@pytest.mark.slow
def test_what_was_configured_is_written_into_the_folder_it_came_from(
    yard: Yard, source: Path
) -> None:
    project = yard.add(source)
    edited = ConfigurationEdit("sdkconfig.defaults", "", "CONFIG_A=y\n")

    path = yard.projects.write(project.id, edited)

    assert (path, path.read_text()) == (source / "sdkconfig.defaults", "CONFIG_A=y\n")
    with pytest.raises(UsageError, match="has local changes"):
        yard.projects.write(project.id, edited)


@pytest.mark.slow
def test_a_file_that_leads_out_of_the_folder_is_not_written(
    yard: Yard, source: Path, tmp_path: Path
) -> None:
    project = yard.add(source)
    mine = tmp_path / "mine"
    mine.write_text("")
    (source / "sdkconfig.defaults").symlink_to(mine)

    with pytest.raises(UsageError, match="leads out of"):
        yard.projects.write(project.id, ConfigurationEdit("sdkconfig.defaults", "", "CONFIG_A=y\n"))

    assert mine.read_text() == ""


def test_a_repository_that_is_not_a_folder_here_is_not_written(yard: Yard, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    with Repo.init(bare, bare=True):
        pass
    project = yard.add(bare)

    with pytest.raises(UsageError, match="is not a folder of this machine"):
        yard.projects.write(project.id, ConfigurationEdit("sdkconfig.defaults", "", "CONFIG_A=y\n"))
