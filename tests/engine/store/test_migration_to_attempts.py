"""A store from before attempts were kept through retries."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from engine.store import runs
from engine.store.database import Store
from tests.engine.store.old_stores import old_store


def test_what_an_older_version_kept_counts_and_of_a_path_the_last(tmp_path: Path) -> None:
    path = old_store(tmp_path / "espdeck.db", "0012")
    with sqlite3.connect(path) as old:
        for stage, attempt, name in (
            ("repair", 1, "fix.patch"),
            ("build", 1, "fw.elf"),
            ("repair", 2, "fix.patch"),
        ):
            old.execute(
                "INSERT INTO artifact (run_id, stage, attempt, kind, path, size, sha256)"
                " VALUES (1, ?, ?, 'patch', ?, 1, 'ab')",
                (stage, attempt, name),
            )
    old.close()

    store = Store(path)

    kept = [(each.path, each.attempt) for each in runs.artifacts_of(store, 1)]
    assert kept == [("fix.patch", 2), ("fw.elf", 1)]
    assert len(runs.artifacts_of(store, 1, superseded=True)) == 3
    assert runs.get_run(store, 1).result_attempt is None
    assert list(runs.retries_of(store, 1)) == []
    store.close()
