"""Which kept files differ between two builds."""

from __future__ import annotations

from engine.artifacts.file_changes import compare_files
from engine.enums import ArtifactKind
from engine.store.tables import Artifact


def artifact(path: str, size: int, sha256: str) -> Artifact:
    return Artifact(run_id=1, kind=ArtifactKind.APP, path=path, size=size, sha256=sha256)


def test_files_that_came_went_grew_or_stayed() -> None:
    before = [artifact("app.bin", 100, "a"), artifact("boot.bin", 10, "b"), artifact("old", 1, "c")]
    after = [artifact("app.bin", 130, "d"), artifact("boot.bin", 10, "b"), artifact("new", 2, "e")]
    changes = compare_files(before, after)
    assert [(each.path, each.before, each.after, each.change, each.same) for each in changes] == [
        ("app.bin", 100, 130, 30, False),
        ("boot.bin", 10, 10, 0, True),
        ("new", None, 2, 2, False),
        ("old", 1, None, -1, False),
    ]
