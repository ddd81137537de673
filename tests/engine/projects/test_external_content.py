"""What a checkout alone does not have: submodules, and files of Git LFS, with real Git."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from git import Repo

from engine.cancel import CancelToken
from engine.enums import Severity
from engine.findings import Finding
from engine.projects import lfs
from engine.projects.external_content import fetch_content
from engine.projects.slots import Slots
from engine.projects.worktrees import Slot
from engine.store.tables import Project
from tests.engine.git_repos import commit

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 12345\n"
)


class Place:
    """A clone of a folder, and what is fetched into its worktrees."""

    def __init__(self, tmp_path: Path, source: Path) -> None:
        self.clone = tmp_path / "clone.git"
        subprocess.run(["git", "clone", "-q", "--bare", source, self.clone], check=True)
        self.project = Project(
            name="fw", source=str(source), target="esp32c3", clone_path=str(self.clone)
        )
        self.slots = Slots(tmp_path / "worktrees", is_unfinished=lambda _run: False)
        self.said: list[str] = []

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        with Repo(self.clone) as repository:
            sha = repository.commit("main").hexsha
        with self.slots.take(self.clone, sha, cancel=CancelToken()) as slot:
            yield slot

    def fetch_content(self, slot: Slot, *, local: bool = False) -> tuple[Finding, ...]:
        return fetch_content(
            slot,
            self.project,
            local_submodules=local,
            say=self.said.append,
            cancel=CancelToken(),
        )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    commit(tmp_path / "fw", {"main.c": "int x;\n"}, "First")
    return tmp_path / "fw"


def submodule(source: Path, name: str, url: str, sha: str, more: str = "") -> None:
    """Commit a submodule as another machine would have."""
    modules = source / ".gitmodules"
    had = modules.read_text() if modules.exists() else ""
    with Repo(source) as repository:
        repository.git.update_index("--add", "--cacheinfo", f"160000,{sha},{name}")
    (source / name).mkdir(parents=True, exist_ok=True)
    text = f'{had}[submodule "{name}"]\n\tpath = {name}\n\turl = {url}\n{more}'
    commit(source, {".gitmodules": text})


@pytest.mark.slow
def test_submodules_come_by_relative_urls_where_the_settings_allow_it(
    tmp_path: Path, source: Path
) -> None:
    inner = commit(tmp_path / "inner", {"inner.c": "int i;\n"})
    commit(tmp_path / "lib", {"lib.c": "int l;\n"})
    submodule(tmp_path / "lib", "deep/inner", "../inner", inner)
    lib = commit(tmp_path / "lib", {"more.c": "int m;\n"})
    submodule(source, "lib", "../lib", lib)
    place = Place(tmp_path, source)

    with place.slot() as slot:
        (refused,) = place.fetch_content(slot)
        assert not (slot.source / "lib" / "lib.c").exists()
        assert place.fetch_content(slot, local=True) == ()
        assert (slot.source / "lib" / "deep" / "inner" / "inner.c").read_text() == "int i;\n"
        (slot.source / "lib" / "left.o").write_text("of a build")
        place.said.clear()
        assert place.fetch_content(slot, local=True) == ()
        assert place.said == []
        assert not (slot.source / "lib" / "left.o").exists()

    assert refused.severity is Severity.ERROR
    assert refused.message == (
        "submodule lib (../lib) cannot be checked out: transport file is not allowed"
    )
    assert "local_submodules = true" in (refused.hint or "")


@pytest.mark.slow
def test_a_path_of_this_machine_is_never_followed(tmp_path: Path, source: Path) -> None:
    secret = commit(tmp_path / "secret", {"key.h": "int key;\n"})
    submodule(source, "lib", str(tmp_path / "secret"), secret)
    place = Place(tmp_path, source)

    with place.slot() as slot:
        (finding,) = place.fetch_content(slot, local=True)
        assert not (slot.source / "lib" / "key.h").exists()
    assert "transport file is not allowed" in finding.message


@pytest.mark.slow
def test_each_submodule_that_fails_is_named_and_the_others_come(
    tmp_path: Path, source: Path
) -> None:
    good = commit(tmp_path / "good", {"good.c": "int g;\n"})
    submodule(source, "components/good", "../good", good)
    submodule(source, "components/moved", "../good", "4" * 40)
    submodule(source, "components/far", "https://127.0.0.1:1/x.git", good)
    submodule(source, "docs/theme", "https://127.0.0.1:1/y.git", good, "\tupdate = none\n")
    place = Place(tmp_path, source)

    with place.slot() as slot:
        found = place.fetch_content(slot, local=True)
        assert (slot.source / "components" / "good" / "good.c").exists()

    assert [each.message for each in found] == [
        "submodule components/moved (../good) cannot be checked out: its repository has no commit "
        "4444444444",
        "submodule components/far (https://127.0.0.1:1/x.git) cannot be checked out: "
        "127.0.0.1 cannot be reached",
    ]
    assert {each.file for each in found} == {".gitmodules"}


@pytest.mark.slow
def test_builds_with_submodules_do_not_disturb_each_other(tmp_path: Path, source: Path) -> None:
    for number in range(4):
        submodule(source, f"lib{number}", "https://127.0.0.1:1/x.git", "4" * 40)
    place = Place(tmp_path, source)
    (place.clone / "config.lock").touch()  # which a killed git left
    together = threading.Barrier(3)

    def build(_number: int) -> list[str]:
        together.wait(timeout=30)
        with place.slot() as slot:
            return [each.message for each in place.fetch_content(slot)]

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(build, range(3)))

    assert [len(each) for each in found] == [4, 4, 4]
    assert all("127.0.0.1 cannot be reached" in line for each in found for line in each)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
def test_files_of_lfs_come_with_their_content_and_stay_pointers_to_git(
    tmp_path: Path, source: Path
) -> None:
    at = ["git", "-C", str(source), "-c", "user.name=Ada", "-c", "user.email=ada@localhost"]
    subprocess.run([*at, "lfs", "install", "--local"], check=True, capture_output=True)
    subprocess.run([*at, "lfs", "track", "*.bin"], check=True, capture_output=True)
    (source / "blob.bin").write_bytes(b"content\0of a library")
    subprocess.run([*at, "add", "-A"], check=True)
    subprocess.run([*at, "commit", "-qm", "With LFS"], check=True)
    place = Place(tmp_path, source)

    with place.slot() as slot:
        assert place.fetch_content(slot) == ()
        assert (slot.source / "blob.bin").read_bytes() == b"content\0of a library"
        assert slot.diff() == ""
    with place.slot() as slot:
        assert place.fetch_content(slot) == ()
        assert (slot.source / "blob.bin").read_bytes() == b"content\0of a library"

    with place.slot() as slot:
        (slot.source / "blob.bin").unlink()
    shutil.rmtree(source / ".git" / "lfs")
    shutil.rmtree(place.clone / "lfs")
    with place.slot() as slot:
        (finding,) = place.fetch_content(slot)
    assert finding.message.startswith("1 file of Git LFS without content (blob.bin): ")
    assert "\n" not in finding.message


def test_pointers_without_git_lfs_are_errors_but_for_documents(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(
        source,
        {"lib/libradio.a": POINTER, "docs/board.png": POINTER, "notes.txt": f"like\n{POINTER}"},
    )
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "git-lfs" else which(name))
    place = Place(tmp_path, source)

    with place.slot() as slot:
        error, warning = place.fetch_content(slot)

    assert (error.severity, warning.severity) == (Severity.ERROR, Severity.WARNING)
    assert error.message == (
        "1 file of Git LFS without content (lib/libradio.a): git-lfs is not installed"
    )
    assert "docs/board.png" in warning.message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (POINTER.encode(), True),
        (POINTER.encode().replace(b"oid", b"ext-0-foo sha256:00\noid"), True),
        (b"version https://git-lfs.github.com/spec/v1\n", False),
        (POINTER.encode() + b"int x;\n", False),
        (POINTER.encode() * 10, False),
        (b"", False),
    ],
)
def test_a_pointer_is_told_by_its_form(data: bytes, expected: bool) -> None:
    assert lfs.is_pointer(data) is expected
