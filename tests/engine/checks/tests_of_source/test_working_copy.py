"""The copy in which tests run."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cancel import CancelToken
from engine.checks.tests_of_source import working_copy
from engine.errors import ToolError


def names(folder: Path) -> set[str]:
    return {each.relative_to(folder).as_posix() for each in folder.rglob("*") if not each.is_dir()}


def update(root: Path, files: list[str], copy: Path) -> None:
    working_copy.update(root, files, copy, CancelToken())


def test_it_is_the_project_whatever_tests_left_in_it(tmp_path: Path) -> None:
    root, copy = tmp_path / "p", tmp_path / "c"
    (root / "a").mkdir(parents=True)
    (root / "a" / "x.py").write_text("1")
    (root / "y.py").write_text("1")
    (root / "ignored.txt").write_text("1")
    update(root, ["a/x.py", "y.py"], copy)
    (copy / "a" / "__pycache__").mkdir()
    (copy / "a" / "__pycache__" / "x.pyc").write_text("left")
    (copy / "deep" / "er").mkdir(parents=True)
    (copy / "y.py").unlink()
    (copy / "y.py").mkdir()
    (root / "a" / "x.py").write_text("22")

    update(root, ["a/x.py", "y.py"], copy)

    assert names(copy) == {"a/x.py", "y.py"}
    assert (copy / "a" / "x.py").read_text() == "22"
    assert not (copy / "deep").exists()
    assert names(root) == {"a/x.py", "y.py", "ignored.txt"}


def test_what_did_not_change_is_not_copied_again(tmp_path: Path) -> None:
    root, copy = tmp_path / "p", tmp_path / "c"
    root.mkdir()
    (root / "x").write_text("1")
    update(root, ["x"], copy)
    before = (copy / "x").stat().st_ino

    update(root, ["x"], copy)

    assert (copy / "x").stat().st_ino == before


def test_links_stay_inside_and_submodules_come_along(tmp_path: Path) -> None:
    root, copy = tmp_path / "p", tmp_path / "c"
    (root / "sub" / "src").mkdir(parents=True)
    (root / "sub" / ".git").write_text("gitdir: elsewhere")
    (root / "sub" / "src" / "m.c").write_text("1")
    (root / "in").symlink_to("sub/src/m.c")
    (root / "out").symlink_to("/etc/passwd")
    (root / "whole").symlink_to(root / "sub" / "src" / "m.c")

    update(root, ["in", "out", "sub", "whole", "gone"], copy)

    assert names(copy) == {"in", "sub/src/m.c"}


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_text("123")
    monkeypatch.setattr(working_copy, "MAX_BYTES", 2)

    with pytest.raises(ToolError, match="tests are not run"):
        update(tmp_path, ["x"], tmp_path / "c")
