"""Files that belong to no repository are measured within bounds."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine import Demands, Engine, Settings
from engine.builds.quality_gate import MAX_AT_ONCE, Gates
from engine.cancel import CancelToken
from engine.errors import CancelledError, ConflictError, ToolError, UsageError
from engine.quality import loose_files
from engine.quality.loose_files import MAX_TOTAL_BYTES, measure_files

FILES = {"main/led.c": "int led = 1;\n"}


def test_too_much_is_refused_before_it_is_written(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path)
    half = "x" * (MAX_TOTAL_BYTES // 2 + 1)

    with pytest.raises(UsageError, match="at most 4194304"):
        measure_files({"a": half, "b": half}, Demands(), settings=settings, cancel=CancelToken())
    with pytest.raises(UsageError, match="no files"):
        measure_files({}, Demands(), settings=settings, cancel=CancelToken())


def test_it_takes_no_longer_than_it_may_and_no_more_than_some_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Semaphore(0)

    def for_ever(*_: object, cancel: CancelToken, **__: object) -> None:
        begun.release()
        cancel.wait(60.0)

    monkeypatch.setattr(loose_files, "measure_files", for_ever)
    with Engine(Settings(workspace=tmp_path / "lab")) as engine:
        ends: list[Exception] = []

        def measure(gates: Gates) -> None:
            try:
                gates.measure_files(FILES, Demands(), seconds=0.5)
            except (ToolError, CancelledError) as error:
                ends.append(error)

        threads = [
            threading.Thread(target=measure, args=(engine.gate,)) for _ in range(MAX_AT_ONCE)
        ]
        for each in threads:
            each.start()
        for _ in threads:
            assert begun.acquire(timeout=30)
        with pytest.raises(ConflictError, match="try again"):
            engine.gate.measure_files(FILES, Demands())
        for each in threads:
            each.join(30)

    assert [str(each) for each in ends] == ["not measured within 0.5 s: post fewer files"] * 2
