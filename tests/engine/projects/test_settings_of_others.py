"""What variables, settings and folders of others name is not run, and changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.enums import ProjectStatus
from engine.errors import UsageError
from engine.projects import git as git_room
from tests.engine.git_repos import commit
from tests.engine.projects.repositories import Yard, git

pytestmark = pytest.mark.slow


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
