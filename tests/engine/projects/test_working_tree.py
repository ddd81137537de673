"""Folders with uncommitted changes: said, or built as they are, and never touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ToolError, UsageError
from tests.engine.git_repos import commit
from tests.engine.projects.repositories import Yard, codes, git

pytestmark = pytest.mark.slow


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
    monkeypatch.setattr("engine.projects.working_tree.MAX_SNAPSHOT_BYTES", 1000)
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


def _state(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, Git's own among them."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_new_in_a_snapshot_is_named(yard: Yard, source: Path) -> None:
    project = yard.add(source)
    (source / ".env").write_text("TOKEN=1\n")

    located = yard.now(project, dirty=True)

    assert located.notes[0].message == (
        f"with 1 uncommitted change in {source}; 1 new file among them: .env"
    )
