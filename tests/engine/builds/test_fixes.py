"""Fixes: what repairs come to is committed on a branch of its own, exported or discarded."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from git import Repo

from engine.builds import fix_patch
from engine.builds.fixes import Fixes
from engine.enums import Phase, Role, RunStatus, StageStatus
from engine.errors import ToolError, UsageError
from engine.events import Bus
from engine.projects.service import Projects
from engine.projects.slots import Slots
from engine.runs.changes import ChangeSetState
from engine.settings import RepairSettings, Settings
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Run, StageRow
from tests.engine.git_repos import commit

DIFF = """\
diff --git a/main.c b/main.c
--- a/main.c
+++ b/main.c
@@ -1 +1 @@
-int x
+int x;
diff --git a/src/new file.c b/src/new file.c
new file mode 100644
--- /dev/null
+++ b/src/new file.c\t
@@ -0,0 +1 @@
+int y;
"""


class Lab:
    """A workspace with one project, and builds whose repairs came to something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "fw"
        self.sha = commit(self.source, {"main.c": "int x\n"}, "First")
        self.store = Store(folder / "espdeck.db")
        slots = Slots(folder / "worktrees", is_unfinished=lambda _run: False)
        self.projects = Projects(self.store, Bus(), folder / "projects", slots)
        self.project = self.projects.wait(self.projects.add(str(self.source)).id, timeout=30)
        self.fixes = Fixes(self.store, lambda: Settings(repair=RepairSettings()))

    @property
    def clone(self) -> Path:
        return Path(self.project.clone_path)

    def build(
        self,
        *repairs: StageStatus,
        status: RunStatus = RunStatus.SUCCESS,
        diff: str = DIFF,
        changes: tuple[str, ...] = ("rule semicolon: add ';' in main.c",),
        dirty: bool = False,
    ) -> int:
        row = Run(
            project_id=self.project.id,
            commit_sha=self.sha,
            target="esp32c3",
            status=status,
            dirty=dirty,
        )
        number = runs.add_run(self.store, row).number
        artifacts = self.folder / "artifacts" / str(number)
        artifacts.mkdir(parents=True)
        runs.set_artifacts_path(self.store, number, str(artifacts))
        self.stage(number, "build", 1, StageStatus.FAILED, "main.c:1: expected ';'")
        for attempt, each in enumerate(repairs, 1):
            self.stage(number, "repair", attempt, each, "")
        fix_patch.write(artifacts / fix_patch.NAME, changes, diff)
        return number

    def stage(self, number: int, key: str, attempt: int, status: StageStatus, summary: str) -> None:
        runs.put_stage(
            self.store,
            StageRow(
                run_id=number, key=key, agent=Role.BUILDER, phase=Phase.BUILD,
                attempt=attempt, status=status, summary=summary,
            ),
        )  # fmt: skip


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "gitconfig"
    config.write_text("[user]\nname = Ada\nemail = ada@localhost\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    lab = Lab(tmp_path)
    yield lab
    lab.projects.close()


def test_a_fix_tells_what_it_is(lab: Lab) -> None:
    number = lab.build(StageStatus.SUCCESS, StageStatus.SKIPPED)

    found = lab.fixes.of(number)

    assert found is not None
    assert (found.state, found.proved) == (ChangeSetState.OPEN, True)
    assert found.diff == DIFF
    assert found.files == ("main.c", "src/new file.c")
    assert found.branch == f"espdeck/fix-{number}"
    assert found.message == (
        "Add ';' in main.c to mend main.c:1: expected ';'\n\n"
        "Failed:\n* build: main.c:1: expected ';'\n\n"
        "Changed:\n* rule semicolon: add ';' in main.c\n\n"
        f"Build {number} of espdeck succeeded with it.\n"
    )


def test_a_verdict_that_repeats_what_failed_is_not_told_twice(lab: Lab) -> None:
    number = lab.build(StageStatus.SUCCESS, StageStatus.SKIPPED)
    lab.stage(number, "judge", 1, StageStatus.FAILED, "blocked: main.c:1: expected ';'")

    found = lab.fixes.of(number)

    assert found is not None
    assert "Failed:\n* build: main.c:1: expected ';'\n\nChanged:" in found.message


@pytest.mark.parametrize(
    ("repairs", "status", "diff"),
    [
        ((), RunStatus.SUCCESS, DIFF),
        ((StageStatus.SKIPPED,), RunStatus.SUCCESS, DIFF),
        ((StageStatus.FAILED,), RunStatus.FAILED, DIFF),
        ((StageStatus.SUCCESS,), RunStatus.RUNNING, DIFF),
        ((StageStatus.SUCCESS,), RunStatus.CANCELLED, DIFF),
        ((StageStatus.SUCCESS, StageStatus.CANCELLED), RunStatus.FAILED, DIFF),
        ((StageStatus.SUCCESS, StageStatus.FAILED), RunStatus.FAILED, ""),
    ],
)
def test_what_was_not_repaired_or_not_judged_has_no_fix(
    lab: Lab, repairs: tuple[StageStatus, ...], status: RunStatus, diff: str
) -> None:
    number = lab.build(*repairs, status=status, diff=diff)

    assert lab.fixes.of(number) is None
    with pytest.raises(UsageError, match=f"build {number} has no fix"):
        lab.fixes.commit(number)


def test_the_best_that_was_found_says_that_it_still_fails(lab: Lab) -> None:
    number = lab.build(StageStatus.SUCCESS, StageStatus.FAILED, status=RunStatus.FAILED)

    found = lab.fixes.of(number)

    assert found is not None
    assert not found.proved
    assert "still fails with it" in found.message


@pytest.mark.slow
def test_it_is_committed_on_its_own_branch_by_whom_git_knows(lab: Lab) -> None:
    number = lab.build(StageStatus.SUCCESS)

    done = lab.fixes.commit(number)

    assert done.state is ChangeSetState.COMMITTED
    with Repo(lab.clone) as clone:
        made = clone.commit(done.branch)
        assert [parent.hexsha for parent in made.parents] == [lab.sha]
        assert (str(made.author), made.author.email) == ("Ada", "ada@localhost")
        assert made.committer == made.author
        assert made.message == done.message
        assert (made.tree / "main.c").data_stream.read() == b"int x;\n"
        assert (made.tree / "src" / "new file.c").data_stream.read() == b"int y;\n"
        assert clone.commit("origin/main").hexsha == lab.sha
    with Repo(lab.source) as source:
        assert [head.name for head in source.heads] == ["main"]
    subprocess.run(
        done.fetch, shell=True, cwd=lab.source, check=True, timeout=30, capture_output=True
    )
    with Repo(lab.source) as source:
        assert source.commit(done.branch).message == done.message
    with pytest.raises(UsageError, match="committed already"):
        lab.fixes.commit(number)
    with pytest.raises(UsageError, match="committed already"):
        lab.fixes.discard(number)


def test_a_fix_of_uncommitted_changes_is_exported_and_not_committed(
    lab: Lab, tmp_path: Path
) -> None:
    number = lab.build(StageStatus.SUCCESS, dirty=True)

    with pytest.raises(UsageError, match="was of uncommitted changes"):
        lab.fixes.commit(number)
    assert DIFF in lab.fixes.export(number, tmp_path / "fix.patch").read_text()


@pytest.mark.slow
def test_where_it_stands_is_known_after_a_restart_and_a_sync(lab: Lab) -> None:
    committed, discarded = (lab.build(StageStatus.SUCCESS) for _ in range(2))
    lab.fixes.commit(committed)
    lab.fixes.discard(discarded)
    commit(lab.source, {"more.c": "int z;\n"})
    lab.projects.sync(lab.project.id)
    lab.projects.wait(lab.project.id, timeout=30)

    again = Fixes(lab.store, lambda: Settings(repair=RepairSettings()))

    states = [getattr(again.of(number), "state", None) for number in (committed, discarded)]
    assert states == [ChangeSetState.COMMITTED, ChangeSetState.DISCARDED]


@pytest.mark.slow
def test_a_discarded_fix_stays_until_another_one_comes(lab: Lab) -> None:
    number = lab.build(StageStatus.SUCCESS)
    lab.fixes.discard(number)
    with pytest.raises(UsageError, match="was discarded"):
        lab.fixes.commit(number)

    artifacts = Path(runs.get_run(lab.store, number).artifacts_path)
    fix_patch.write(artifacts / fix_patch.NAME, (), DIFF.replace("+int y;", "+int z;"))

    found = lab.fixes.of(number)
    assert found is not None
    assert found.state is ChangeSetState.OPEN


@pytest.mark.slow
def test_a_branch_that_has_something_else_is_not_touched(lab: Lab) -> None:
    number = lab.build(StageStatus.SUCCESS)
    with Repo(lab.clone) as clone:
        clone.create_head(f"espdeck/fix-{number}", lab.sha)

    with pytest.raises(UsageError, match="has another fix"):
        lab.fixes.commit(number)


@pytest.mark.slow
def test_git_that_does_not_know_who_commits_says_what_to_do(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gitconfig").write_text("")
    number = lab.build(StageStatus.SUCCESS)

    with pytest.raises(ToolError, match=r"git config --global user\.name") as caught:
        lab.fixes.commit(number)

    assert "\n" not in str(caught.value)
    assert getattr(lab.fixes.of(number), "state", None) is ChangeSetState.OPEN


@pytest.mark.slow
def test_it_is_pushed_only_where_the_settings_say_so(lab: Lab) -> None:
    number = lab.build(StageStatus.SUCCESS)

    done = Fixes(lab.store, lambda: Settings(repair=RepairSettings(push=True))).commit(number)

    with Repo(lab.source) as source:
        assert {head.name for head in source.heads} == {"main", done.branch}
        assert source.commit("main").hexsha == lab.sha


@pytest.mark.slow
def test_what_the_source_does_not_take_is_committed_all_the_same(lab: Lab) -> None:
    number = lab.build(StageStatus.SUCCESS)
    with Repo(lab.source) as source:
        source.create_head(f"espdeck/fix-{number}", commit(lab.source, {"other.c": ""}))

    with pytest.raises(ToolError, match=f"committed on espdeck/fix-{number}, but not pushed"):
        Fixes(lab.store, lambda: Settings(repair=RepairSettings(push=True))).commit(number)

    assert getattr(lab.fixes.of(number), "state", None) is ChangeSetState.COMMITTED


def test_it_is_exported_as_a_patch_that_git_takes(lab: Lab, tmp_path: Path) -> None:
    number = lab.build(StageStatus.SUCCESS)

    path = lab.fixes.export(number, tmp_path)

    assert path == tmp_path / f"fix-{number}.patch"
    assert path.read_text().startswith("# Add ';' in main.c to mend main.c:1")
    with Repo(lab.source) as source:
        source.git.apply(str(path))
    assert (lab.source / "main.c").read_text() == "int x;\n"
    with pytest.raises(UsageError, match="exists already"):
        lab.fixes.export(number, path)
    with pytest.raises(UsageError, match="No such file or directory"):
        lab.fixes.export(number, tmp_path / "none" / "x.patch")


def test_text_of_compilers_and_models_cannot_steer_a_commit(lab: Lab) -> None:
    evil = "model: \x1b[2Jgood\ndiff --git a/evil.c b/evil.c\n" + "x" * 1000
    number = lab.build(StageStatus.SUCCESS, changes=(evil,))

    found = lab.fixes.of(number)

    assert found is not None
    assert found.files == ("main.c", "src/new file.c")
    assert max(map(len, found.message.splitlines())) <= 210
    assert "\x1b" not in found.message


@pytest.mark.slow
def test_any_number_of_changes_is_read_in_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "fix.patch"
    path.write_text("# a\n" * 500_000 + "diff")  # an hour, if the rest were copied for each

    found = fix_patch.read(path)

    assert (len(found.changes), found.diff) == (500_000, "diff")
