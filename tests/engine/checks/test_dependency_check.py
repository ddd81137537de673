"""``dependency_check`` on real repositories: submodules, what is installed, hostile trees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.checks.base import CheckResult
from engine.checks.dependency_check import DependencyCheck
from engine.enums import CheckStatus
from tests.engine.checks.contexts import context_of
from tests.engine.git_repos import commit
from tests.engine.projects.repositories import git
from tests.users import ADA, needs_root

pytestmark = pytest.mark.slow

_APP = {"CMakeLists.txt": "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\n"}
_HASHES = ("a" * 64, "b" * 64)


def check(tree: Path, **values: object) -> CheckResult:
    return DependencyCheck().run(context_of(tree, **values))


def said(result: CheckResult) -> list[str]:
    return [f"{each['code']} {each['message']}" for each in result.details["findings"]]


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """A repository with three submodules, all checked out."""
    commit(tmp_path / "lib", {"lib.c": "int one;\n"}, "One")
    commit(tmp_path / "lib", {"lib.c": "int two;\n"}, "Two")
    commit(tmp_path / "fw", {"main.c": "int main;\n"})
    for name in ("a", "b", "c"):
        git(tmp_path / "fw", "submodule", "add", "-q", str(tmp_path / "lib"), f"libs/{name}")
    git(
        tmp_path / "fw",
        "config",
        "-f",
        ".gitmodules",
        "--replace-all",
        "submodule.libs/a.url",
        "../lib",
    )
    for name in ("b", "c"):
        key = f"submodule.libs/{name}.url"
        git(tmp_path / "fw", "config", "-f", ".gitmodules", key, "https://git.example/lib.git")
    git(tmp_path / "fw", "add", ".")
    git(tmp_path / "fw", "commit", "-q", "-m", "Libraries")
    return tmp_path / "fw"


def test_a_project_of_another_package_manager_is_told_that_nothing_was_read(tmp_path: Path) -> None:
    commit(tmp_path / "fw", {"blinky/Cargo.toml": "[package]\n", "dma/Cargo.toml": "[package]\n"})
    commit(tmp_path / "bare", {"main.c": "int main;\n"})

    rust, bare = check(tmp_path / "fw"), check(tmp_path / "bare")

    assert (rust.status, bare.status) == (CheckStatus.SUCCESS, CheckStatus.SUCCESS)
    said = "nothing to check: blinky/Cargo.toml and 1 more not read, of another package manager"
    assert rust.message == said
    assert bare.message == "nothing to check: no manifest, lock, requirements or submodules"


def test_submodules_as_recorded_are_fine(parent: Path) -> None:
    result = check(parent)

    assert (result.status, result.message) == (CheckStatus.SUCCESS, "nothing wrong")


def test_submodules_at_another_commit_or_absent_are_told(parent: Path) -> None:
    git(parent / "libs" / "a", "checkout", "-q", "HEAD~1")
    git(parent, "submodule", "deinit", "-q", "-f", "libs/b")
    recorded = git(parent / "libs" / "c", "rev-parse", "HEAD")
    there = git(parent / "libs" / "a", "rev-parse", "HEAD")

    result = check(parent)

    assert result.status is CheckStatus.WARNING
    assert sorted(said(result)) == [
        f"dependency.drift libs/a is at {there[:10]}, the commit records {recorded[:10]}",
        "dependency.missing not checked out: libs/b",
    ]
    assert result.message.startswith("1 missing, 1 other than locked: libs/a is at ")
    assert DependencyCheck().state(context_of(parent)) == ""


def test_a_commit_that_is_nowhere_is_told(parent: Path) -> None:
    git(parent, "update-index", "--cacheinfo", f"160000,{'1' * 40},libs/a")
    there = git(parent / "libs" / "a", "rev-parse", "HEAD")

    assert said(check(parent)) == [
        f"dependency.drift libs/a is at {there[:10]}, the commit records 1111111111, "
        "which is not fetched"
    ]


def test_what_gitmodules_lacks_is_told(parent: Path) -> None:
    git(parent, "config", "-f", ".gitmodules", "--remove-section", "submodule.libs/a")
    git(parent, "config", "-f", ".gitmodules", "--unset", "submodule.libs/b.url")
    git(parent, "config", "-f", ".gitmodules", "submodule.libs/c.url", "/home/ada/lib")
    git(parent, "config", "-f", ".gitmodules", "submodule.old.path", "libs/old")
    git(parent, "config", "-f", ".gitmodules", "submodule.old.url", "https://git.example/old.git")

    assert said(check(parent)) == [
        "dependency.missing a submodule that .gitmodules does not name: libs/a",
        "dependency.missing libs/b has no URL",
        "dependency.missing libs/c: /home/ada/lib is a folder of one machine",
        "dependency.invalid no longer submodules of the commit: libs/old",
    ]


def test_submodules_of_a_bare_clone_need_not_be_checked_out(parent: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(parent), "clone.git")
    git(tmp_path / "clone.git", "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))

    result = check(tmp_path / "tree", is_working_tree=False, repository=tmp_path / "clone.git")

    assert result.status is CheckStatus.SUCCESS


def test_manifests_within_submodules_are_not_the_projects_own(parent: Path) -> None:
    (parent / "libs" / "a" / "requirements.txt").write_text("anything\n")
    (parent / "requirements.txt").write_text("mine\n")

    assert said(check(parent)) == ["dependency.unpinned 1 package without a version: mine"]


def test_a_broken_gitmodules_is_an_error(parent: Path) -> None:
    (parent / ".gitmodules").write_text("[submodule\n")

    result = check(parent)

    assert result.status is CheckStatus.ERROR
    assert said(result) == ["dependency.invalid Git cannot read it"]


def test_gitmodules_includes_nothing(parent: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text('[submodule "x"]\n\tpath = libs/x\n\turl = /private\n')
    with (parent / ".gitmodules").open("a") as file:
        file.write(f"[include]\n\tpath = {tmp_path / 'other'}\n")

    assert said(check(parent)) == []


def _lock(component_hash: str) -> str:
    return (
        f"dependencies:\n  espressif/mdns:\n    component_hash: {component_hash}\n"
        "    source: {type: service}\n    version: 1.2.0\ntarget: esp32\nversion: 2.0.0\n"
    )


@pytest.mark.parametrize("is_committed", [False, True])
def test_installed_components_are_compared_by_their_hash(
    tmp_path: Path, is_committed: bool
) -> None:
    installed = "managed_components/espressif__mdns/.component_hash"
    files = {
        **_APP,
        "main/idf_component.yml": 'dependencies: {espressif/mdns: "^1.2"}\n',
        "dependencies.lock": _lock(_HASHES[0]),
        installed: _HASHES[1],
    }
    commit(tmp_path / "fw", files if is_committed else {**files, ".gitignore": "managed*\n"})

    result = check(tmp_path / "fw")

    assert result.status is (CheckStatus.WARNING if is_committed else CheckStatus.SUCCESS)
    assert len(said(result)) == 1
    (tmp_path / "fw" / installed).write_text(f"{_HASHES[0].upper()}\n")
    assert said(check(tmp_path / "fw")) == []


def test_a_lock_for_another_chip_is_noted(tmp_path: Path) -> None:
    commit(
        tmp_path / "fw",
        {
            **_APP,
            "main/idf_component.yml": 'dependencies: {espressif/mdns: "^1.2"}\n',
            "dependencies.lock": _lock(_HASHES[0]),
        },
    )

    assert said(check(tmp_path / "fw", target="esp32")) == []
    assert said(check(tmp_path / "fw", target="esp32c3")) == [
        "dependency.lock made for esp32: a build for esp32c3 changes it"
    ]


def test_odd_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("hunter2==1\nhunter3\n")
    commit(tmp_path / "fw", _APP)
    tree = tmp_path / "fw"
    (tree / "main").mkdir()
    (tree / "main" / "idf_component.yml").symlink_to(tmp_path / "private")
    (tree / "requirements.txt").symlink_to(tmp_path / "private")
    (tree / "requirements-a\nb.txt").write_text("esptool\n")
    (tree / "requirements-long.txt").write_text(f"./{'a' * 300}\n-r {'b' * 300}.txt\n")
    os.mkfifo(tree / "platformio.ini")
    (tree / "dependencies.lock").write_bytes(b"\xff\xfe\0" * 100)
    (tree / "requirements-big.txt").write_bytes(b"a\n" * (1 << 20))
    Path(os.fsdecode(os.fsencode(tree) + b"/requirements-\xff.txt")).write_bytes(b"t\xffol\n")

    result = check(tree)

    assert "hunter" not in str(result)
    assert "\n" not in "".join(said(result))
    assert [each["file"] for each in result.details["findings"]] == [
        *("requirements-long.txt", "requirements-long.txt", "requirements-ab.txt")
    ]


def test_nothing_is_written(parent: Path) -> None:
    os.utime(parent / "main.c")
    before = {path: path.stat().st_mtime_ns for path in parent.rglob("*")}

    check(parent)
    DependencyCheck().state(context_of(parent))

    assert {path: path.stat().st_mtime_ns for path in parent.rglob("*")} == before


def test_no_commit_yet(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "fw")
    (tmp_path / "fw" / "requirements.txt").write_text("esptool\n")

    assert said(check(tmp_path / "fw")) == [
        "dependency.unpinned 1 package without a version: esptool"
    ]


@needs_root
def test_a_repository_of_another_user_is_an_error(parent: Path) -> None:
    for path in (parent, parent / ".git"):
        os.chown(path, ADA, ADA)

    result = check(parent)

    assert result.status is CheckStatus.ERROR
    assert "belongs to another user" in result.message


def test_its_state_changes_with_what_it_reads(tmp_path: Path) -> None:
    tree = tmp_path / "fw"
    commit(tree, {"requirements.txt": "esptool\n", ".gitignore": "managed_components\n"})
    seen = [DependencyCheck().state(context_of(tree))]
    (tree / "requirements.txt").write_text("esptool==5\n")
    seen.append(DependencyCheck().state(context_of(tree)))
    (tree / "managed_components").mkdir()
    seen.append(DependencyCheck().state(context_of(tree)))
    seen.append(DependencyCheck().state(context_of(tree, target="esp32c3")))

    assert len(set(seen)) == len(seen)
    assert all(seen)
    assert DependencyCheck().state(context_of(tree, target="esp32c3")) == seen[-1]
