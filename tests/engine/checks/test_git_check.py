"""``git_check`` on real repositories: what it says, and that it touches nothing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.checks.base import CheckResult
from engine.checks.git_check import GitCheck
from engine.checks.git_report import CHANGES_FILE
from engine.enums import CheckStatus
from engine.errors import CancelledError
from tests.engine.checks.contexts import NOW, context_of
from tests.engine.git_repos import commit
from tests.engine.projects.repositories import git
from tests.users import ADA, needs_root

pytestmark = pytest.mark.slow

_LINES = "".join(f"int line{number};\n" for number in range(40))


@pytest.fixture(autouse=True)
def _person(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person with a name, whose own configuration is not read."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@localhost")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with two files, that was cloned from another one and has nothing to say."""
    commit(tmp_path / "origin", {"main.c": _LINES, "readme.md": "Read me\n"}, "One")
    git(tmp_path / "origin", "config", "receive.denyCurrentBranch", "ignore")
    git(tmp_path, "clone", "-q", str(tmp_path / "origin"), "fw")
    return tmp_path / "fw"


def check(tree: Path, **values: Any) -> CheckResult:
    return GitCheck().run(context_of(tree, **values))


def changes(tree: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(
        (tree.with_name(f"{tree.name}.checked") / CHANGES_FILE).read_text()
    )
    return made


def by_path(tree: Path) -> dict[str, dict[str, Any]]:
    return {each["path"]: each for each in changes(tree)["files"]}


def stop_in(folder: Path, *words: str) -> None:
    """Begin what Git cannot end by itself."""
    assert subprocess.run(["git", "-C", str(folder), *words], capture_output=True).returncode != 0


def test_a_clean_clone_is_fine(folder: Path) -> None:
    result = check(folder)

    assert (result.status, result.message) == (
        CheckStatus.SUCCESS,
        "main: nothing to commit or push",
    )
    assert (result.details["ahead"], result.details["behind"]) == (0, 0)
    assert (changes(folder)["files"], changes(folder)["tokens"]["count"]) == ([], 0)


def test_every_kind_of_change_is_told_by_file(folder: Path) -> None:
    commit(folder, {"gone.c": "int gone;\n", "moved.c": _LINES + "int moved;\n"}, "Two")
    (folder / "data.bin").write_bytes(b"\0\1\2")
    (folder / "link").symlink_to("main.c")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Three")
    git(folder, "push", "-q")
    (folder / "main.c").write_text(_LINES.replace("line7;", "changed;"))
    (folder / "gone.c").unlink()
    git(folder, "mv", "moved.c", "renamed.c")
    (folder / "data.bin").write_bytes(b"\0\1\3")
    (folder / "link").unlink()
    (folder / "link").write_text("no link\n")
    (folder / "staged.c").write_text("int a;\nint b;\n")
    git(folder, "add", "staged.c")
    (folder / "new.c").write_text("int new;")

    result = check(folder)

    assert result.status is CheckStatus.WARNING
    assert result.message == "main: uncommitted files: 2 staged, 4 unstaged, 1 untracked"
    files = by_path(folder)
    assert {
        path: (each["status"], each["additions"], each["deletions"], each.get("old_path"))
        for path, each in files.items()
    } == {
        "data.bin": ("modified", None, None, None),
        "gone.c": ("deleted", 0, 1, None),
        "link": ("type changed", 1, 1, None),
        "main.c": ("modified", 1, 1, None),
        "new.c": ("untracked", 1, 0, None),
        "renamed.c": ("renamed", 0, 0, "moved.c"),
        "staged.c": ("added", 2, 0, None),
    }
    assert [path for path, each in files.items() if each.get("binary")] == ["data.bin"]
    assert (files["staged.c"]["staged"], files["staged.c"]["unstaged"]) == ("added", None)
    assert "-int line7;\n+int changed;\n" in files["main.c"]["diff"]
    assert files["link"]["diff"].count("diff --git") == 2
    assert files["new.c"]["diff"] == (
        "diff --git a/new.c b/new.c\nnew file mode 100644\n--- /dev/null\n+++ b/new.c\n"
        "@@ -0,0 +1 @@\n+int new;\n\\ No newline at end of file\n"
    )


def test_a_made_diff_is_as_git_would_have_it(folder: Path) -> None:
    for name, text in {"a b.c": "int a;\nint b;\n", 'ü\n".c': "x", "empty": "", "l": "1\n"}.items():
        (folder / name).write_text(text)
    check(folder)
    ours = {path: each["diff"] for path, each in by_path(folder).items()}
    git(folder, "add", "--intent-to-add", ".")

    check(folder)

    for path, each in by_path(folder).items():
        theirs = "".join(
            line for line in each["diff"].splitlines(True) if not line.startswith("index ")
        )
        assert ours[path] == theirs


def test_commits_on_one_side_alone_are_counted(folder: Path) -> None:
    commit(folder.with_name("origin"), {"theirs.c": "int t;\n"}, "Theirs")
    commit(folder, {"mine.c": "int m;\n"}, "Mine \x1b[31m")
    commit(folder, {"more.c": "int m;\n"}, "More")
    git(folder, "fetch", "-q")

    result = check(folder)

    assert result.status is CheckStatus.WARNING
    assert result.message == "main: 2 commits not pushed; 1 behind origin/main"
    assert (result.details["ahead"], result.details["behind"]) == (2, 1)
    assert [each.partition(" ")[2] for each in result.details["unpushed_commits"]] == [
        "More",
        "Mine ",
    ]
    assert result.details["fetched"] is not None


def test_commits_that_some_remote_has_are_pushed(folder: Path) -> None:
    git(folder, "switch", "-q", "-c", "topic")
    commit(folder, {"topic.c": "int t;\n"}, "Topic")
    git(folder, "push", "-q", "origin", "topic")
    git(folder, "branch", "-q", "--set-upstream-to=origin/main")

    result = check(folder)

    assert (result.status, result.message) == (CheckStatus.SUCCESS, "topic: 1 ahead of origin/main")


def test_a_repository_without_remotes_has_nothing_to_push(tmp_path: Path) -> None:
    commit(tmp_path / "fw", {"main.c": _LINES})

    assert check(tmp_path / "fw").message == "main: nothing to commit or push"


def test_a_conflict_is_an_error(folder: Path) -> None:
    git(folder, "switch", "-q", "-c", "other")
    commit(folder, {"main.c": "int other;\n"}, "Other")
    git(folder, "switch", "-q", "main")
    commit(folder, {"main.c": "int main;\n"}, "Main")
    git(folder, "push", "-q", "--all")
    stop_in(folder, "merge", "other")

    result = check(folder)

    assert result.status is CheckStatus.ERROR
    assert result.message == "main: 1 conflict in main.c; merge in progress"
    assert by_path(folder)["main.c"]["conflict"] == "both modified"
    assert "+<<<<<<< HEAD" in by_path(folder)["main.c"]["diff"]


@pytest.mark.parametrize(
    ("words", "operation"),
    [
        (["rebase", "other"], "rebase"),
        (["rebase", "--apply", "other"], "rebase"),
        (["cherry-pick", "other"], "cherry-pick"),
        (["revert", "HEAD~1"], "revert"),
        (["am", "../patch"], "am"),
    ],
)
def test_what_git_is_in_the_middle_of_is_told(
    folder: Path, words: list[str], operation: str
) -> None:
    git(folder, "switch", "-q", "-c", "other")
    commit(folder, {"main.c": "int other;\n"}, "Other")
    (folder.parent / "patch").write_text(git(folder, "format-patch", "-1", "--stdout") + "\n")
    git(folder, "switch", "-q", "main")
    commit(folder, {"main.c": "int one;\n"}, "Main")
    commit(folder, {"main.c": "int two;\n"}, "Main")
    stop_in(folder, *words)

    result = check(folder)

    assert result.details["operation"] == operation
    assert result.message.startswith("main: ")
    assert f"{operation} in progress" in result.message
    assert result.status is (CheckStatus.WARNING if operation == "am" else CheckStatus.ERROR)


def test_a_bisect_is_told_with_the_branch_it_began_on(folder: Path) -> None:
    git(folder, "checkout", "-q", "--detach")
    git(folder, "switch", "-q", "main")
    git(folder, "bisect", "start")
    git(folder, "checkout", "-q", "--detach")

    result = check(folder)

    assert (result.status, result.message) == (CheckStatus.WARNING, "main: bisect in progress")


def test_a_detached_head_is_told(folder: Path) -> None:
    sha = git(folder, "rev-parse", "HEAD")
    git(folder, "checkout", "-q", "--detach")

    result = check(folder)

    assert result.details["is_detached"]
    assert result.message == f"detached at {sha[:10]}: nothing to commit or push"
    assert result.status is CheckStatus.SUCCESS


def test_files_changed_since_the_last_success_are_counted(folder: Path) -> None:
    built = git(folder, "rev-parse", "HEAD")
    commit(folder, {"main.c": "int m;\n", "more.c": "int more;\n"}, "More")
    git(folder, "push", "-q")

    result = check(folder, since=built)

    assert result.message == "main: 2 files changed since the last successful build"
    assert result.status is CheckStatus.SUCCESS
    assert [each["path"] for each in changes(folder)["changed_since"]] == ["main.c", "more.c"]


def test_a_build_of_a_commit_that_is_gone_is_told(folder: Path) -> None:
    result = check(folder, since="1" * 40)

    assert result.message == (
        "main: the last successful build's commit 1111111111 is not in the repository"
    )


def test_a_bare_clone_tells_what_changed_with_diffs(folder: Path, tmp_path: Path) -> None:
    built = git(folder, "rev-parse", "HEAD")
    tip = commit(folder, {"main.c": _LINES + "int more;\n"}, "More")
    git(folder, "push", "-q", "origin", "HEAD:main", "HEAD~1:refs/heads/done")
    bare = tmp_path / "clone.git"
    git(tmp_path, "clone", "-q", "--bare", str(folder.with_name("origin")), str(bare))
    git(bare, "update-ref", "refs/remotes/origin/main", tip)
    git(bare, "update-ref", "refs/remotes/origin/done", built)

    result = check(folder, repository=bare, is_working_tree=False, commit=tip, since=built)

    assert result.status is CheckStatus.SUCCESS
    assert result.message == (
        "main: 1 file changed since the last successful build; 1 stale branch"
    )
    assert [(each["name"], each["reasons"]) for each in result.details["stale_branches"]] == [
        ("done", ["merged"])
    ]
    assert "+int more;\n" in by_path(folder)["main.c"]["diff"]


def test_stale_branches_are_told_with_their_reasons(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(folder, "branch", "fresh")
    git(folder, "switch", "-q", "-c", "pushed")
    commit(folder, {"pushed.c": "int p;\n"}, "Pushed")
    git(folder, "push", "-q", "-u", "origin", "pushed")
    git(folder, "push", "-q", "origin", ":pushed")
    for name in ("old", "release/1.0"):
        git(folder, "switch", "-q", "-c", name, "main")
        when = (NOW - timedelta(days=100)).isoformat()
        monkeypatch.setenv("GIT_COMMITTER_DATE", when)
        git(folder, "commit", "-q", "--allow-empty", "-m", f"Old {name}")
        monkeypatch.delenv("GIT_COMMITTER_DATE")
    git(folder, "switch", "-q", "main")
    git(folder, "branch", "merged")
    commit(folder, {"main.c": "int m;\n"}, "More")
    git(folder, "push", "-q")

    result = check(folder, options={"stale_days": 90}, now=NOW)

    assert {each["name"]: each["reasons"] for each in result.details["stale_branches"]} == {
        "fresh": ["merged"],
        "merged": ["merged"],
        "old": ["no commit for 100 days"],
        "pushed": ["upstream gone"],
    }
    assert result.status is CheckStatus.SUCCESS


def test_stashes_are_counted(folder: Path) -> None:
    for number in range(2):
        (folder / "main.c").write_text(f"int s{number};\n")
        git(folder, "stash", "-q")

    result = check(folder)

    assert (result.status, result.message) == (CheckStatus.SUCCESS, "main: 2 stashes")


def test_submodules_are_told_by_what_differs(folder: Path, tmp_path: Path) -> None:
    allow = ("-c", "protocol.file.allow=always")
    for name in ("dirty", "moved", "built"):
        commit(tmp_path / "lib", {"lib.c": f"int {name};\n"}, name)
        git(folder, *allow, "submodule", "add", "-q", str(tmp_path / "lib"), name)
    git(folder, "commit", "-q", "-m", "Libraries")
    git(folder, "push", "-q")
    (folder / "dirty" / "lib.c").write_text("int changed;\n")
    git(folder / "moved", "checkout", "-q", "HEAD~1")
    (folder / "built" / "out.o").write_text("made")

    result = check(folder)

    assert result.message == "main: uncommitted files: 2 unstaged"
    assert result.details["submodules"] == [
        {"path": "built", "commit": False, "modified": False, "untracked": True},
        {"path": "dirty", "commit": False, "modified": True, "untracked": False},
        {"path": "moved", "commit": True, "modified": False, "untracked": False},
    ]
    assert GitCheck().state(context_of(folder)) == ""


def test_past_the_threshold_there_is_a_token_alert(folder: Path) -> None:
    (folder / "main.c").write_text(_LINES * 3)

    result = check(folder, options={"token_threshold": 100})

    tokens = result.details["tokens"]
    assert tokens["count"] > 100
    assert result.status is CheckStatus.WARNING
    assert f"TOKEN ALERT: {tokens['count']} tokens of changes, more than 100 (gpt-4)" in (
        result.message
    )


def test_diffs_are_bounded_and_what_was_cut_is_said(folder: Path) -> None:
    (folder / "main.c").write_text("int x;\n" * 100_000)
    (folder / "long.c").write_text("x" * 300_000)
    (folder / "huge.txt").write_bytes(b"a\n" * (3 << 20))
    commit_huge = folder / "readme.md"
    commit_huge.write_bytes(b"b\n" * (3 << 20))

    check(folder)

    files = by_path(folder)
    assert 90_000 < len(files["main.c"]["diff"]) <= 100_000
    assert files["main.c"]["additions"] == 100_000
    assert files["main.c"]["diff_cut_bytes"] > 700_000
    assert len(files["long.c"]["diff"]) < 200
    assert files["huge.txt"]["note"] == files["readme.md"]["note"] == "larger than 4 MiB"
    assert not changes(folder)["is_whole"]


def test_thousands_of_changes_are_bounded_as_a_whole(folder: Path) -> None:
    for number in range(60):
        (folder / f"{number}.c").write_text("int x;\n" * 10_000)
    git(folder, "add", ".")

    result = check(folder)

    made = changes(folder)
    assert len(made["files"]) == 60
    assert sum(len(each["diff"]) for each in made["files"]) <= 2_000_000
    assert result.details["counts"]["staged"] == 60
    assert all(each["additions"] == 10_000 for each in made["files"])


def test_what_may_be_a_secret_is_not_written(folder: Path) -> None:
    (folder / "secrets.h").write_text('#define PASSWORD "hunter2"\n')
    (folder / "key.pem").write_text("hunter2\n")

    check(folder)

    text = (folder.with_name("fw.checked") / CHANGES_FILE).read_text()
    assert "hunter2" not in text
    assert by_path(folder)["key.pem"]["note"] == "may hold a secret"


def test_what_nobody_wrote_has_no_diff(folder: Path) -> None:
    for name in ("dependencies.lock", "sdkconfig", "managed_components/a__b/b.c", "main/a.c"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("int x;\n")

    check(folder)

    assert {path: each.get("note") for path, each in by_path(folder).items()} == {
        "dependencies.lock": "generated",
        "main/a.c": None,
        "managed_components/a__b/b.c": "not the project's own",
        "sdkconfig": "generated",
    }
    assert [path for path, each in by_path(folder).items() if each["diff"]] == ["main/a.c"]


def test_odd_names_are_kept_apart(folder: Path) -> None:
    names = ["new\nline", "ü", "esc\x1b[31m", "-rf", '"quoted"', " blank "]
    for name in names:
        (folder / name).write_text("x\n")
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe"))).write_text("x\n")

    result = check(folder)

    assert set(by_path(folder)) == {*names, "??"}
    assert "\x1b" not in str(result.details["files"])
    assert result.details["counts"]["untracked"] == 7


def test_links_out_of_the_tree_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "private").write_text("hunter2\n")
    (folder / "out").symlink_to(tmp_path / "private")
    (folder / "pipe").touch()
    (folder / "pipe").unlink()
    os.mkfifo(folder / "pipe")

    check(folder)

    assert "hunter2" not in by_path(folder)["out"]["diff"]
    assert by_path(folder)["out"]["link"]


@pytest.fixture
def trap(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """A repository whose configuration names programs, and the file that they would write."""
    ran = tmp_path / "ran"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{ran}'\ncat\n")
    script.chmod(0o755)
    for key in (
        *("core.fsmonitor", "core.sshCommand", "core.pager", "diff.external"),
        *("diff.c.textconv", "diff.c.command", "gpg.program", "credential.helper"),
    ):
        git(folder, "config", key, str(script))
    git(folder, "config", "log.showSignature", "true")
    git(folder, "config", "diff.noprefix", "true")
    git(folder, "config", "color.ui", "always")
    (folder / ".gitattributes").write_text("*.c diff=c\n")
    for hook in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction"):
        path = folder / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(script.read_text())
        path.chmod(0o755)
    yield ran


def test_nothing_runs_and_nothing_is_written(folder: Path, trap: Path) -> None:
    (folder / "main.c").write_text(_LINES + "int more;\n")
    os.utime(folder / "readme.md")  # its entry in the index is not as the file any more
    commit_before = _bytes_of(folder)

    result = check(folder)
    GitCheck().state(context_of(folder))

    assert result.details["counts"]["unstaged"] == 1
    assert "+int more;\n" in by_path(folder)["main.c"]["diff"]
    assert by_path(folder)["main.c"]["diff"].startswith("diff --git a/main.c b/main.c\n")
    assert not trap.exists()
    assert _bytes_of(folder) == commit_before


def test_nothing_is_written_into_submodules(folder: Path, tmp_path: Path) -> None:
    allow = ("-c", "protocol.file.allow=always")
    git(folder, *allow, "submodule", "add", "-q", str(tmp_path / "origin"), "lib")
    os.utime(folder / "lib" / "main.c")
    before = _bytes_of(folder)

    check(folder)

    assert _bytes_of(folder) == before


def test_a_lock_of_somebody_else_does_not_matter(folder: Path) -> None:
    (folder / ".git" / "index.lock").touch()
    (folder / "main.c").write_text("int m;\n")

    assert check(folder).details["counts"]["unstaged"] == 1
    assert (folder / ".git" / "index.lock").exists()


def _bytes_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_no_commit_yet(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "fw")
    (tmp_path / "fw" / "main.c").write_text("int m;\n")
    git(tmp_path / "fw", "add", ".")
    (tmp_path / "fw" / "new.c").write_text("int n;\n")

    result = check(tmp_path / "fw")

    assert result.message == "main: uncommitted files: 1 staged, 1 untracked; no commit yet"
    assert by_path(tmp_path / "fw")["main.c"]["status"] == "added"
    assert "+int m;\n" in by_path(tmp_path / "fw")["main.c"]["diff"]


def test_shallow_clones_and_worktrees_are_read(folder: Path, tmp_path: Path) -> None:
    commit(folder, {"more.c": "int m;\n"}, "More")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{folder}", "shallow")
    git(folder, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side" / "main.c").write_text("int side;\n")

    shallow, side = check(tmp_path / "shallow"), check(tmp_path / "side")

    assert (shallow.details["is_shallow"], shallow.status) == (True, CheckStatus.SUCCESS)
    assert side.message == "side: uncommitted files: 1 unstaged; 1 commit not pushed"


def test_a_submodule_may_be_a_project(folder: Path, tmp_path: Path) -> None:
    allow = ("-c", "protocol.file.allow=always")
    git(folder, *allow, "submodule", "add", "-q", str(tmp_path / "origin"), "lib")
    (folder / "lib" / "main.c").write_text("int lib;\n")

    assert check(folder / "lib").message == "main: uncommitted files: 1 unstaged"


def test_a_broken_repository_is_not_taken_for_the_one_above(folder: Path) -> None:
    (folder / "inner" / ".git").mkdir(parents=True)
    (folder / "inner" / ".git" / "config").write_text("[core]\n")

    result = check(folder / "inner")

    assert result.status is CheckStatus.ERROR
    assert "not a git repository" in result.message


def test_files_that_git_lacks_are_listed_without_diffs(folder: Path) -> None:
    blob = git(folder, "rev-parse", "HEAD:main.c")
    (folder / "main.c").write_text("int m;\n")
    (folder / "readme.md").write_text("Other\n")
    (folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    result = check(folder)

    assert result.status is CheckStatus.WARNING
    assert "2 files cannot be compared: git: " in result.message
    assert {path: each["additions"] for path, each in by_path(folder).items()} == {
        "main.c": None,
        "readme.md": None,
    }


def test_a_damaged_index_is_an_error(folder: Path) -> None:
    (folder / ".git" / "index").write_bytes(b"DIRC" + b"\xff" * 100)

    result = check(folder)

    assert result.status is CheckStatus.ERROR
    assert result.message.startswith("git: ")


@needs_root
def test_a_repository_of_another_user_is_an_error(folder: Path) -> None:
    for path in (folder, folder / ".git"):
        os.chown(path, ADA, ADA)

    result = check(folder)

    assert result.status is CheckStatus.ERROR
    assert "belongs to another user" in result.message


def test_a_cancelled_check_ends(folder: Path) -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(CancelledError):
        check(folder, cancel=token)


def test_its_state_changes_with_what_it_would_say(folder: Path) -> None:
    seen = [GitCheck().state(context_of(folder))]
    result = check(folder)
    assert GitCheck().state(context_of(folder, previous=result)) == seen[0]
    for change in (
        lambda: (folder / "main.c").write_text("int m;\n"),
        lambda: (folder / "main.c").write_text("int more;\n"),
        lambda: (folder / "new.c").write_text("int new;\n"),
        lambda: git(folder, "add", "."),
        lambda: git(folder, "commit", "-q", "-m", "More"),
        lambda: git(folder, "branch", "other"),
        lambda: git(folder, "push", "-q"),
    ):
        change()
        seen.append(GitCheck().state(context_of(folder)))

    assert len(set(seen)) == len(seen)
    assert all(seen)
    assert GitCheck().state(context_of(folder)) == seen[-1]


def test_its_result_does_not_stand_when_its_file_was_deleted(folder: Path) -> None:
    result = check(folder)
    Path(result.details["changes_file"]).unlink()
    assert GitCheck().state(context_of(folder, previous=result)) == ""
