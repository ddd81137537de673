"""What runs kept, as front ends get it: artifacts saved elsewhere, the gate's word."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from engine import Engine, Settings
from engine.enums import ArtifactKind
from engine.errors import ToolError, UsageError
from engine.quality.gate import GATE_REPORT
from engine.quality.result import GateResult, evaluate, measured, unknown
from engine.quality_requirements import Aspect
from engine.store import runs
from engine.store.database import Store
from engine.store.tables import Artifact
from tests.tui.workspaces import fill

GATE = evaluate(
    (measured(Aspect.COVERAGE, 61.2, 80, "coverage.xml"), unknown(Aspect.CODE, 85, "no lizard"))
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    fill(tmp_path)
    engine = Engine(Settings(workspace=tmp_path))
    engine.open(execute=False)
    yield engine
    engine.close()


def keep(engine: Engine, name: str, text: str) -> Artifact:
    """Make a text something that the newest build kept."""
    folder = engine.settings.workspace / "artifacts" / "3"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    store = Store(engine.settings.workspace / "espdeck.db")
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    row = Artifact(run_id=3, kind=ArtifactKind.REPORT, path=name, size=len(text), sha256=sha256)
    runs.put_artifacts(store, 3, [row])
    store.close()
    return next(each for each in engine.builds.artifacts(3) if each.path == name)


def test_an_artifact_is_saved_as_a_new_file_and_none_is_overwritten(
    engine: Engine, tmp_path: Path
) -> None:
    artifact = keep(engine, "report.md", "# Fine")
    folder = tmp_path / "mine"
    folder.mkdir()

    assert engine.builds.save(artifact, folder) == folder / "report.md"
    assert engine.builds.save(artifact, folder / "other.md").read_text() == "# Fine"
    with pytest.raises(UsageError, match=r"report\.md exists already"):
        engine.builds.save(artifact, folder)
    with pytest.raises(UsageError, match="No such file or directory"):
        engine.builds.save(artifact, folder / "none" / "x.md")
    (tmp_path / "artifacts" / "3" / "report.md").unlink()
    with pytest.raises(UsageError, match=r"report\.md of #3 is not here, and no store has it"):
        engine.builds.save(artifact, folder / "third.md")
    assert not (folder / "third.md").exists()


def test_the_word_of_the_gate_is_read_as_it_was_kept(engine: Engine) -> None:
    assert engine.builds.gate(3) is None
    keep(engine, GATE_REPORT, json.dumps(asdict(GATE)))
    found = engine.builds.gate(3)
    assert isinstance(found, GateResult)
    assert found == GATE


@pytest.mark.parametrize("text", ["", "[]", '{"passed": "perhaps"}', "\x00"])
def test_what_is_no_word_of_the_gate_is_told_in_a_line(engine: Engine, text: str) -> None:
    keep(engine, GATE_REPORT, text)
    with pytest.raises(
        ToolError, match=r"^quality\.json is not a result of the quality gate: [^\n]+$"
    ):
        engine.builds.gate(3)


def test_a_program_is_found_by_the_digits_that_a_panic_prints(engine: Engine) -> None:
    store = Store(engine.settings.workspace / "espdeck.db")
    for build, digest in ((1, "0123456789ab"), (2, "0123456789ab"), (3, "fedcba987654")):
        row = Artifact(
            run_id=build,
            kind=ArtifactKind.ELF,
            path="app.elf",
            size=1,
            sha256=digest.ljust(64, "0"),
        )
        runs.put_artifacts(store, build, [row])
    store.close()

    found = engine.builds.with_program("0123456789AB")

    assert found is not None
    assert (found.run_id, found.path) == (2, "app.elf")
    assert engine.builds.with_program("0123") is None
    assert engine.builds.with_program("%______%") is None
    assert engine.builds.with_program("abcdef012") is None
