"""What a project follows and which commit is built, in repositories as people leave them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.errors import ToolError, UsageError
from engine.events import Bus
from engine.projects import following, remote
from engine.projects import git as git_room
from engine.projects.jobs import fetching
from engine.projects.locating import Located
from engine.projects.service import Projects
from engine.projects.worktrees import Slots
from engine.store.database import Store
from engine.store.tables import Project
from engine.words import ProjectStatus
from tests.engine.git_repos import commit, rewrite


class Yard:
    """Projects on a store."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "espdeck.db")
        self.slots = Slots(folder / "worktrees")
        self.folder = folder / "projects"
        self.projects = Projects(self.store, Bus(), self.folder, self.slots)

    def add(self, source: Path | str, branch: str | None = None) -> Project:
        added = self.projects.add(str(source), branch=branch, targets=["esp32c3"])
        return self.projects.wait(added.id, timeout=30)

    def now(self, project: Project, revision: str | None = None, *, dirty: bool = False) -> Located:
        return self.projects.commit(project.id, revision, dirty=dirty)

    def sources(self, located: Located) -> dict[str, str]:
        """The files of a commit, as a build gets them."""
        clone = Path(located.project.clone_path)
        with self.slots.take(clone, located.commit.sha, cancel=CancelToken()) as slot:
            return {
                path.relative_to(slot.source).as_posix(): path.read_text()
                for path in sorted(slot.source.rglob("*"))
                if path.is_file() and path.name != ".git"
            }


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path / "workspace")
    yield yard
    yard.projects.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for number in range(1, 4):
        commit(tmp_path / "fw", {"main.c": f"int x{number};\n"}, f"Commit {number}")
    return tmp_path / "fw"


def git(folder: Path, *words: str, **env: str) -> str:
    """Run Git as its user does."""
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@localhost", "-c", "commit.gpgsign=false")
    allow = ("-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *who, *allow, "-C", str(folder), *words],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def codes(located: Located) -> list[str]:
    return [note.code for note in located.notes]


def test_what_was_committed_since_the_import_is_built(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    newest = commit(source, {"main.c": "int y;\n"}, "Newest")

    located = yard.now(project)

    assert (located.commit.sha, located.commit.message) == (newest, "Newest")
    assert (located.project.tip, located.notes) == (newest, ())


def test_an_older_commit_that_is_checked_out_is_built_and_not_the_tip_of_its_branch(
    yard: Yard, source: Path
) -> None:
    project = yard.add(source)
    git(source, "checkout", "-q", "HEAD~2")

    located = yard.now(project)

    assert located.commit.message == "Commit 1"
    assert located.project.branch is None
    assert "was on main" in located.notes[0].message
    git(source, "checkout", "-q", "main")
    assert yard.now(project).commit.message == "Commit 3"


def test_what_a_ci_runner_checks_out_is_built(yard: Yard, source: Path, tmp_path: Path) -> None:
    git(source, "checkout", "-q", "-b", "topic")
    wanted = commit(source, {"main.c": "int merge_request;\n"}, "Of a merge request")
    git(source, "checkout", "-q", "main")
    git(source, "branch", "-q", "-D", "topic")
    runner = tmp_path / "runner"
    git(tmp_path, "init", "-q", "runner")
    git(runner, "fetch", "-q", "--depth=1", str(source), wanted)
    git(runner, "checkout", "-q", "--detach", "FETCH_HEAD")

    project = yard.add(runner)

    assert (project.status, project.branch) == (ProjectStatus.ACTIVE, None)
    assert yard.now(project).commit.sha == wanted
    assert yard.sources(yard.now(project)) == {"main.c": "int merge_request;\n"}


def test_a_repository_whose_only_branch_was_deleted_is_built(yard: Yard, source: Path) -> None:
    sha = git(source, "rev-parse", "HEAD")
    git(source, "checkout", "-q", "--detach")
    git(source, "branch", "-q", "-D", "main")

    assert yard.now(yard.add(source)).commit.sha == sha


def test_a_shallow_clone_is_built_and_goes_on_when_it_is_deepened(
    yard: Yard, source: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{source}", "shallow")
    project = yard.add(tmp_path / "shallow")
    with pytest.raises(UsageError, match="HEAD has no such ancestor"):
        yard.now(project, "HEAD~1")
    git(tmp_path / "shallow", "fetch", "-q", "--unshallow")
    commit(tmp_path / "shallow", {"main.c": "int deep;\n"}, "Deep")

    assert yard.now(project).commit.message == "Deep"
    assert yard.now(project, "HEAD~3").commit.message == "Commit 1"


def test_a_linked_worktree_is_built_as_it_stands(yard: Yard, source: Path, tmp_path: Path) -> None:
    git(source, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"), "HEAD~1")

    located = yard.now(yard.add(tmp_path / "side"))

    assert (located.project.branch, located.commit.message) == ("side", "Commit 2")


def test_a_tag_is_followed(yard: Yard, source: Path) -> None:
    git(source, "tag", "-a", "-m", "Release", "v1.0", "HEAD~1")

    project = yard.add(source, branch="v1.0")

    assert (project.branch, yard.now(project).commit.message) == ("v1.0", "Commit 2")


def test_a_renamed_branch_is_followed_unless_a_person_chose_it(yard: Yard, source: Path) -> None:
    follows, chosen = yard.add(source), yard.add(source, branch="main")
    git(source, "branch", "-q", "-m", "main", "trunk")
    newest = commit(source, {"main.c": "int y;\n"}, "On trunk")

    followed, stayed = yard.now(follows), yard.now(chosen)

    assert (followed.commit.sha, followed.project.branch) == (newest, "trunk")
    assert "on trunk, and was on main" in followed.notes[0].message
    assert stayed.commit.message == "Commit 3"
    assert stayed.project.status is ProjectStatus.ACTIVE
    assert codes(stayed) == ["project.not_synced"]
    assert "branch 'main' is gone (there are: trunk)" in stayed.notes[0].message
    yard.projects.edit(chosen.id, branch="trunk")
    assert yard.now(chosen).commit.sha == newest
    yard.projects.edit(chosen.id, branch="")
    assert yard.now(chosen).project.branch_chosen is False


def test_an_amended_commit_is_built_with_a_note_and_the_old_one_stays(
    yard: Yard, source: Path
) -> None:
    project = yard.add(source)
    old = yard.now(project).commit.sha
    rewrite(source)
    new = git(source, "rev-parse", "HEAD")

    located = yard.now(project)

    assert located.commit.sha == new
    assert located.notes[0].message == (
        f"main was rewritten at its source: {old[:7]} -> {new[:7]}; builds of the old history stay"
    )
    assert yard.now(project, old).commit.sha == old
    assert yard.now(project).notes == ()


def test_a_branch_that_was_set_back_is_followed_with_a_note(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    git(source, "reset", "-q", "--hard", "HEAD~1")

    located = yard.now(project)

    assert located.commit.message == "Commit 2"
    assert "main went back" in located.notes[0].message


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("HEAD~1", "Commit 2"),
        ("HEAD^^", "Commit 1"),
        ("@", "Commit 3"),
        ("main~2", "Commit 1"),
        ("origin/main", "Commit 3"),
        ("origin/side", "Aside"),
        ("side^", "Commit 3"),
        ("v1", "Commit 1"),
        ("refs/tags/v1", "Commit 1"),
        ("refs/heads/side", "Aside"),
        ("v1^{commit}", "Commit 1"),
        ("feature/a-b.c", "Aside"),
    ],
)
def test_revisions_are_git_s_own(yard: Yard, source: Path, revision: str, message: str) -> None:
    git(source, "tag", "-a", "-m", "One", "v1", "HEAD~2")
    git(source, "checkout", "-q", "-b", "side")
    commit(source, {"main.c": "int aside;\n"}, "Aside")
    git(source, "branch", "feature/a-b.c")
    git(source, "checkout", "-q", "main")

    assert yard.now(yard.add(source), revision).commit.message == message


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("nope", "no commit, branch or tag 'nope'"),
        ("main..side", "names several commits"),
        ("HEAD~9", "HEAD has no such ancestor"),
        ("--output=x", "is no branch, tag or commit"),
        ("HEAD:main.c", "is no branch, tag or commit"),
        ("main@{1}", "is no branch, tag or commit"),
        (":/Commit", "is no branch, tag or commit"),
        ("HEAD~99999999", "is no branch, tag or commit"),
        ("f" * 40, "no commit, branch or tag"),
        ("refs/pull/7/head", "no commit, branch or tag"),
        ("", "is no branch, tag or commit"),
    ],
)
def test_what_names_no_commit_is_one_clear_line(
    yard: Yard, source: Path, revision: str, said: str
) -> None:
    project = yard.add(source)

    with pytest.raises(UsageError) as raised:
        yard.now(project, revision)

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_commit_that_no_branch_has_is_fetched_by_its_hash_or_its_ref(
    yard: Yard, source: Path
) -> None:
    project = yard.add(source)
    git(source, "checkout", "-q", "--detach")
    wanted = commit(source, {"main.c": "int lost;\n"}, "Of no branch")
    git(source, "update-ref", "refs/pull/7/head", wanted)
    git(source, "checkout", "-q", "main")

    assert yard.now(project, wanted).commit.message == "Of no branch"
    assert yard.now(project, "refs/pull/7/head").commit.sha == wanted


def test_a_source_that_cannot_be_reached_is_built_as_it_was_with_a_warning(
    yard: Yard, source: Path
) -> None:
    project = yard.add(source)
    source.rename(source.with_name("moved"))

    located = yard.now(project)

    assert located.commit.message == "Commit 3"
    assert codes(located) == ["project.not_synced"]
    assert "fw could not be synced, so it is as of 20" in located.notes[0].message
    assert located.project.status is ProjectStatus.ACTIVE


def test_variables_of_a_hook_do_not_matter(
    yard: Yard, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    commit(other, {"other.c": "int other;\n"}, "Of another repository")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    (source / "main.c").write_text("int changed;\n")

    project = yard.add(source)
    located, dirty = yard.now(project), yard.now(project, dirty=True)

    assert yard.sources(located) == {"main.c": "int x3;\n"}
    assert yard.sources(dirty) == {"main.c": "int changed;\n"}


def test_uncommitted_changes_are_never_passed_over_in_silence(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    (source / "main.c").write_text("int changed;\n")
    (source / "new.c").write_text("int new;\n")

    located = yard.now(project)

    assert located.commit.message == "Commit 3"
    assert not located.dirty
    assert codes(located) == ["project.uncommitted"]
    assert located.notes[0].message == f"2 uncommitted changes in {source}: not part of this"


def test_a_folder_is_built_as_it_is_and_not_touched(yard: Yard, source: Path) -> None:
    commit(
        source,
        {".gitignore": "build/\n", "gone.c": "int g;\n", "moved.c": "int m;\n" * 20},
        "More",
    )
    project = yard.add(source)
    (source / "main.c").write_text("int changed;\n")
    (source / "staged.c").write_text("int staged;\n")
    git(source, "add", "staged.c")
    (source / "new ü\n.c").write_text("int new;\n")
    (source / "gone.c").unlink()
    git(source, "mv", "moved.c", "renamed.c")
    (source / "build").mkdir()
    (source / "build" / "out.o").write_text("ignored")
    before = _state(source)

    located = yard.now(project, dirty=True)

    assert located.dirty
    assert yard.sources(located) == {
        ".gitignore": "build/\n",
        "main.c": "int changed;\n",
        "new ü\n.c": "int new;\n",
        "renamed.c": "int m;\n" * 20,
        "staged.c": "int staged;\n",
    }
    assert _state(source) == before
    assert located.project.tip == git(source, "rev-parse", "HEAD")
    clone = Path(project.clone_path)
    assert git(clone, "branch", "--all", "--contains", located.commit.sha) == ""
    assert git(clone, "rev-parse", f"{located.commit.sha}^") == located.project.tip


def test_a_folder_without_changes_is_built_as_its_commit(yard: Yard, source: Path) -> None:
    located = yard.now(yard.add(source), dirty=True)

    assert (located.dirty, located.commit.message) == (False, "Commit 3")


def test_changes_on_a_detached_shallow_worktree_are_built(
    yard: Yard, source: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{source}", "shallow")
    git(tmp_path / "shallow", "worktree", "add", "-q", "--detach", str(tmp_path / "side"))
    (tmp_path / "side" / "main.c").write_text("int side;\n")

    located = yard.now(yard.add(tmp_path / "side"), dirty=True)

    assert yard.sources(located) == {"main.c": "int side;\n"}


def test_a_snapshot_is_of_a_folder_here_and_of_no_commit(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    bare = source.with_name("bare.git")
    git(source, "clone", "-q", "--bare", str(source), str(bare))

    with pytest.raises(UsageError, match="leave one of both out"):
        yard.projects.commit(project.id, "main", dirty=True)
    with pytest.raises(UsageError, match="is not a folder of this machine"):
        yard.now(yard.add(bare), dirty=True)


def test_a_snapshot_of_too_much_is_refused(
    yard: Yard, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.projects.working_tree.MAX_SNAPSHOT", 1000)
    (source / "dump.bin").write_bytes(b"x" * 2000)

    with pytest.raises(ToolError, match="uncommitted files come to more than"):
        yard.now(yard.add(source), dirty=True)


def test_repositories_within_a_folder_are_named_as_not_taken_along(
    yard: Yard, source: Path, tmp_path: Path
) -> None:
    commit(tmp_path / "lib", {"lib.c": "int l;\n"})
    git(source, "submodule", "--quiet", "add", str(tmp_path / "lib"), "lib")
    git(source, "commit", "-q", "-m", "With a submodule")
    commit(source / "nested", {"n.c": "int n;\n"})
    (source / "lib" / "lib.c").write_text("int changed;\n")
    project = yard.add(source)

    plain, dirty = yard.now(project), yard.now(project, dirty=True)

    assert "changes in 2 submodules" in plain.notes[0].message
    named = [note.file for note in dirty.notes if note.code == "project.submodule"]
    assert sorted(filter(None, named)) == ["lib", "nested"]


def test_a_range_names_two_commits(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    yard.now(project)
    three, two = (git(source, "rev-parse", name) for name in ("HEAD", "HEAD~1"))

    assert yard.projects.commits(project.id, "HEAD~1..main").hashes == f"{two}..{three}"
    assert yard.projects.commits(project.id, "main~1...").hashes == f"{two}...{three}"
    assert yard.projects.commits(project.id, "main~1").hashes == f"{two}...{three}"


def test_projects_of_one_source_share_clone_and_worktrees(yard: Yard, source: Path) -> None:
    for number in range(12):
        commit(source, {f"apps/a{number}/CMakeLists.txt": f"project(a{number} C)\n"})
    apps = [yard.projects.find_or_add(str(source), app=f"apps/a{number}") for number in range(12)]
    for app in apps:
        yard.sources(yard.now(app))

    assert len({app.clone_path for app in apps}) == 1
    assert len(list(yard.folder.glob("*.git"))) == 1
    assert len(yard.slots.folders(Path(apps[0].clone_path))) == 1
    yard.projects.remove(apps[0].id)
    assert yard.now(apps[1]).project.name == "fw-a1"
    for app in apps[1:]:
        yard.projects.remove(app.id)
    assert list(yard.folder.iterdir()) == []


def test_a_name_that_is_another_folder_here_is_not_guessed(
    yard: Yard, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = yard.add(source)
    commit(tmp_path / "desk" / "fw", {"main.c": "int other;\n"})
    monkeypatch.chdir(tmp_path / "desk")

    with pytest.raises(UsageError, match=r"fw is a project .* and a folder here: write \./fw"):
        yard.projects.find_or_add("fw")
    assert yard.projects.find_or_add("./fw").id != project.id
    monkeypatch.chdir(tmp_path)
    assert yard.projects.find_or_add("fw").id == project.id


def test_room_is_made_without_losing_a_commit_that_was_built(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    located = yard.now(project)
    yard.sources(located)
    (usage,) = yard.projects.usage()
    assert (usage.projects, usage.worktrees > 0, usage.clone > 0) == (("fw",), True, True)
    (yard.folder / "0123456789abcdef.git").mkdir()

    freed = yard.projects.make_room(unused_for=0)

    assert freed.bytes > 0
    assert len(freed.removed) == 2
    assert yard.projects.usage()[0].worktrees == 0
    assert yard.sources(yard.now(project)) == {"main.c": "int x3;\n"}
    assert yard.projects.make_room(unused_for=3600).removed == ()


def _state(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, Git's own among them."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_in_a_repository_is_the_app_that_it_lies_in(yard: Yard, source: Path) -> None:
    commit(
        source,
        {
            "CMakeLists.txt": "project(fw C)\n",
            "idf/CMakeLists.txt": "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(x)\n",
            "idf/main/x.c": "int x;\n",
            "docs/index.md": "# Docs\n",
        },
    )
    found = {
        folder: yard.projects.find_or_add(f"{source}/{folder}").app
        for folder in ("idf", "idf/main", "docs", ".")
    }

    assert found == {"idf": "idf", "idf/main": "idf", "docs": "", ".": ""}
    assert len(yard.projects.list()) == 2


def test_what_is_new_in_a_snapshot_is_named(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    (source / ".env").write_text("TOKEN=1\n")

    located = yard.now(project, dirty=True)

    assert located.notes[0].message == (
        f"with 1 uncommitted change in {source}; 1 new file among them: .env"
    )


def test_a_branch_goes_before_the_first_digits_of_a_commit(yard: Yard, source: Path) -> None:
    first = git(source, "rev-parse", "HEAD~2")
    git(source, "branch", first[:6], "HEAD~1")
    project = yard.add(source)

    assert yard.now(project, first[:6]).commit.message == "Commit 2"
    assert yard.now(project, first[:7]).commit.message == "Commit 1"


USERS = """
[safe]
bareRepository = explicit
[init]
defaultObjectFormat = sha256
defaultRefFormat = reftable
[log]
showSignature = true
[fetch]
prune = true
pruneTags = true
writeCommitGraph = true
fsckObjects = true
output = compact
[color]
ui = always
[column]
ui = always
[core]
abbrev = 4
[status]
short = true
branch = true
showUntrackedFiles = no
[diff]
noprefix = true
mnemonicPrefix = true
[submodule]
recurse = true
[protocol]
version = 0
[filter "lfs"]
smudge = no-such-program
clean = no-such-program
process = no-such-program
required = true
"""


def test_settings_and_variables_of_a_person_change_nothing(
    yard: Yard, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(source, "tag", "v1", "HEAD~1")
    (tmp_path / "gitconfig").write_text(USERS)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    for name in ("GIT_TRACE", "GIT_LITERAL_PATHSPECS", "GIT_TRACE_SETUP"):
        monkeypatch.setenv(name, "1")
    for name in ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_NAMESPACE", "other")
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "https")
    project = yard.add(source)

    assert project.status is ProjectStatus.ACTIVE, project.status_detail
    assert yard.sources(yard.now(project, "v1")) == {"main.c": "int x2;\n"}
    (source / "new.c").write_text("int new;\n")
    found = yard.now(project, dirty=True)
    assert yard.sources(found) == {"main.c": "int x3;\n", "new.c": "int new;\n"}


def test_pointers_are_checked_out_where_git_lfs_is_wanted_and_not_there(
    yard: Yard, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(source, {".gitattributes": "*.bin filter=lfs -text\n", "a.bin": "pointer\n"})
    project = yard.add(source)
    (tmp_path / "gitconfig").write_text(USERS)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))

    assert set(yard.sources(yard.now(project))) == {".gitattributes", "a.bin", "main.c"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to others")
def test_nothing_that_another_users_folder_names_is_run(
    yard: Yard, source: Path, tmp_path: Path
) -> None:
    commit(source, {"app/CMakeLists.txt": "project(x)\n"})
    _lacking(source, "HEAD:app", tmp_path / "ran")
    for path in (source, *source.rglob("*")):
        os.chown(path, 65534, 65534)

    with pytest.raises(UsageError, match="belongs to another user"):
        yard.projects.find_or_add(str(source / "app"))

    assert not (tmp_path / "ran").exists()


def test_what_a_folder_lacks_is_not_fetched_by_what_it_names(
    yard: Yard, source: Path, tmp_path: Path
) -> None:
    commit(source, {"app/CMakeLists.txt": "project(x)\n"})
    _lacking(source, "HEAD:app", tmp_path / "ran")

    with pytest.raises(UsageError, match="partial clone"):
        yard.projects.find_or_add(str(source / "app"))

    assert not (tmp_path / "ran").exists()


def _lacking(source: Path, thing: str, ran: Path) -> None:
    """Take an object from a repository, that a program which makes a file would fetch."""
    sha = git(source, "rev-parse", thing)
    (source / ".git" / "objects" / sha[:2] / sha[2:]).unlink()
    for key, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", str(source)),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", f"touch {ran}; false"),
    ):
        git(source, "config", key, value)


def test_a_source_with_what_a_clone_has_is_not_fetched_again(
    yard: Yard, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(source, "clone", "-q", str(source), str(tmp_path / "mine"))
    git(tmp_path / "mine", "update-ref", "refs/heads/HEAD", "HEAD~1")
    project = yard.add(tmp_path / "mine")
    monkeypatch.setattr(remote, "fetch", pytest.fail)

    assert not yard.now(project).notes


def test_a_clone_that_another_project_fetches_into_is_not_waited_for_forever(
    yard: Yard, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = yard.add(source)
    monkeypatch.setattr(following, "FRESH_WITHIN", 0.0)
    lock = fetching(Path(project.clone_path))
    assert lock.acquire()

    located = yard.now(project)

    lock.release()
    assert codes(located) == ["project.not_synced"]


def test_what_is_cloned_now_is_no_clone_that_no_project_has(yard: Yard, tmp_path: Path) -> None:
    clones = (yard.folder / "one.git", yard.folder / ".two.git.part", yard.folder / "three.git")
    for folder in clones:
        folder.mkdir(parents=True)
    held = [fetching(yard.folder / name) for name in ("one.git", "two.git")]
    assert all(lock.acquire() for lock in held)

    yard.projects.make_room(unused_for=0.0)

    for lock in held:
        lock.release()
    assert [folder.exists() for folder in clones] == [True, True, False]


def test_a_project_without_an_app_is_told_to_be_what_it_is(yard: Yard, tmp_path: Path) -> None:
    lists = {"CMakeLists.txt": "find_package(Zephyr REQUIRED)\nproject(keyboard)\n"}
    commit(tmp_path / "keys", lists)
    added = yard.projects.add(str(tmp_path / "keys"))
    project = yard.projects.wait(added.id, timeout=30)
    assert project.targets == []
    assert project.status_detail == (
        "Zephyr (CMakeLists.txt), which espdeck does not build: use west build -b BOARD"
    )


def test_ssh_is_called_as_the_person_has_git_call_it(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "with-a-deploy-key"
    key.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\nexit 1\n')
    key.chmod(0o755)
    (tmp_path / ".gitconfig").write_text(f"[core]\n\tsshCommand = {key} -i deploy\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GIT_SSH_COMMAND", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    git_room._ssh.cache_clear()
    try:
        project = yard.add("git@host.invalid:team/fw.git")
    finally:
        git_room._ssh.cache_clear()

    assert project.status is ProjectStatus.ERROR
    called = (tmp_path / "called").read_text()
    assert called.startswith("-i deploy -oBatchMode=yes")
    assert "git@host.invalid" in called
