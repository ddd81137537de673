"""Step pipelines: what each step sees and makes, what the Assembler ends with, what fails."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from engine import Engine
from engine.enums import ArtifactKind, RunStatus, StageStatus
from engine.tasks.request import TaskRequest
from tests.engine.llm.servers import Oracle, ollama, status, stream
from tests.engine.tasks.tasks import (
    HEADER,
    MENDED,
    PIPELINE,
    SOURCE,
    WITHIN,
    done,
    files,
    pipeline,
    project,
    stages,
)

pytestmark = pytest.mark.xdist_group("tasks")


@pytest.mark.slow
def test_each_step_sees_what_came_before_and_the_assembler_ends_it(
    engine: Engine, oracle: Oracle
) -> None:
    oracle.replies = {"header": [HEADER], "source": [SOURCE], "assemble": [MENDED]}
    build = done(engine, TaskRequest(pipeline=pipeline(), description="Switch a LED."))

    assert (build.status, build.error) == (RunStatus.SUCCESS, "")
    assert oracle.order == ["header", "source", "assemble"]
    (header,), (source,), (assemble,) = map(oracle.asked, oracle.order)
    for asked in (header, source):
        assert "# The task\n\nSwitch a LED.\n" in asked
        assert "# What holds for every step\n\nEverything in C11.\n" in asked
    assert "# What holds for this step\n\nIt guards itself.\n" in header
    assert "It guards itself" not in source
    assert "## step_1_output (header)\n\n```markdown\nThe header.\n\n[file led.h, " in source
    assert "## step_1_artifacts: led.h\n\n```c\n#pragma once\n" in source
    assert "You are a senior firmware engineer." in source
    assert "## led.h\n" in assemble
    assert "## led.c\n" in assemble


@pytest.mark.slow
def test_what_is_made_is_kept_and_the_assembled_files_are_whole(
    engine: Engine, oracle: Oracle
) -> None:
    said = f"{SOURCE}\nNo other task has this answer, so no other copy is found for it.\n"
    oracle.replies = {"header": [HEADER], "source": [said], "assemble": [MENDED]}
    build = done(engine, TaskRequest(pipeline=pipeline(), description="Switch a LED."))

    kept = files(engine, build.number)
    assert kept["header.md"] == HEADER
    assert kept["files/source/led.c"] == "void led_on(void) {}\n"
    assert kept["final/led.h"] == "#pragma once\nvoid led_on(void);\n"
    assert kept["final/led.c"] == '#include "led.h"\nvoid led_on(void) {}\n'
    assert kept["assembled_code.md"].startswith("## led.h\n\n```c\n#pragma once\n")
    assert '+#include "led.h"\n' in kept["changes.patch"]
    kinds = {each.path: each.kind for each in engine.tasks.artifacts(build.number)}
    assert kinds["final/led.c"] is ArtifactKind.SOURCE
    assert kinds["header.md"] is ArtifactKind.DOCUMENT
    assert kinds["changes.patch"] is ArtifactKind.PATCH
    assert engine.tasks.text(build.number, "source") == said
    (Path(build.artifacts_path) / "source.md").unlink()
    assert engine.tasks.text(build.number, "source") == ""
    lines = [
        line
        for key in engine.tasks.logs(build.number)
        if key.stage == "assemble"
        for line in engine.tasks.lines(key)
    ]
    assert "final led.h: as it was made last" in lines
    assert "final led.c: by the assembler" in lines


@pytest.mark.slow
def test_a_file_that_cannot_be_compared_keeps_no_other_from_the_patch(
    engine: Engine, oracle: Oracle, tmp_path: Path
) -> None:
    oracle.replies = {"header": [HEADER], "source": [SOURCE], "assemble": ["All fits."]}
    where = project(engine, tmp_path / "node", {"led.c": "int x;\n" * 150_000})
    build = done(engine, TaskRequest(pipeline=pipeline(), project_id=where))

    kept = files(engine, build.number)
    assert kept["final/led.c"] == "void led_on(void) {}\n"
    assert "+++ b/led.h" in kept["changes.patch"]
    assert "led.c" not in kept["changes.patch"]
    assert engine.tasks.search(build.number, "not in the patch: led.c exists, but is too large")


def test_parameters_of_a_step_reach_the_server(engine: Engine, oracle: Oracle) -> None:
    done(engine, TaskRequest(pipeline=pipeline()))

    first, second, *_ = [body for _, _, body in oracle.requests]
    assert first["model"] == "codellama"
    assert first["options"]["temperature"] == 0.1
    assert first["options"]["num_predict"] == 700
    assert second["model"] == "codegemma"
    assert second["options"]["temperature"] == 0.5


def test_a_failing_step_stops_the_run_and_what_was_made_is_kept(
    engine: Engine, oracle: Oracle
) -> None:
    oracle.replies = {"header": [HEADER], "source": [status(400, '{"error": "no such luck"}')]}
    build = done(engine, TaskRequest(pipeline=pipeline()))

    assert build.status is RunStatus.FAILED
    assert build.error == "Pipeline stopped at step 'source': ollama: 400 no such luck"
    rows = stages(engine, build.number)
    assert rows["source#1"].status is StageStatus.FAILED
    assert rows["assemble#1"].status is StageStatus.SKIPPED
    assert files(engine, build.number)["files/header/led.h"]
    assert not (engine.settings.workspace / "worktrees" / f"task-{build.number}").exists()
    state = engine.tasks.state(build.number)
    assert (state.result, state.progress) == ("", 45.0)
    summary = engine.tasks.summary(build.number)
    assert (summary.total, summary.successful, summary.failed) == (2, 1, 1)


def test_a_folder_that_cannot_be_written_is_said_in_a_line(
    engine: Engine, oracle: Oracle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    build = done(engine, TaskRequest(pipeline=pipeline()))

    assert build.error.startswith(f"Pipeline stopped at step 'header': {tmp_path}/gone/")
    assert build.error.endswith(": No such file or directory")


@pytest.mark.slow
def test_artifacts_that_cannot_be_kept_are_said_in_a_line(engine: Engine, oracle: Oracle) -> None:
    before = done(engine, TaskRequest(pipeline=pipeline()))
    folder = Path(before.artifacts_path)
    (folder.parent / str(before.number + 1)).write_text("in the way")
    build = done(engine, TaskRequest(pipeline=pipeline()))

    assert build.error == f"{folder.parent / str(build.number)}: File exists"


def test_an_empty_answer_is_no_answer(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"header": [" \n"]}
    build = done(engine, TaskRequest(pipeline=pipeline()))
    assert build.error == "Pipeline stopped at step 'header': codellama: the answer is empty"


@pytest.mark.slow
def test_what_a_model_thought_is_no_part_of_its_answer(engine: Engine, oracle: Oracle) -> None:
    draft = "<think>\n```c draft.c\nint draft;\n```\n</think>\n"
    oracle.replies = {"header": [draft + HEADER]}
    build = done(engine, TaskRequest(pipeline=pipeline()))

    assert "draft" not in engine.tasks.text(build.number, "header")
    assert "files/header/draft.c" not in files(engine, build.number)


@pytest.mark.slow
def test_an_answer_that_was_cut_is_a_warning_and_the_assembler_does_not_take_halves(
    engine: Engine, oracle: Oracle
) -> None:
    cut = stream(*ollama("Mended.\n\n```c led.c\nvoid le", done_reason="length"))
    oracle.replies = {"header": [HEADER], "source": [SOURCE], "assemble": [cut]}
    build = done(engine, TaskRequest(pipeline=pipeline()))

    assert build.status is RunStatus.SUCCESS
    assert files(engine, build.number)["final/led.c"] == "void led_on(void) {}\n"
    found = [row.finding.message for row in engine.tasks.findings(build.number)]
    assert found == ["led.c of the assembler is not whole: it stays as it was"]


@pytest.mark.slow
def test_a_task_is_done_again_from_a_step(engine: Engine, oracle: Oracle) -> None:
    oracle.replies = {"header": [HEADER], "source": [status(400, "no"), SOURCE]}
    build = done(engine, TaskRequest(pipeline=pipeline()))
    assert build.status is RunStatus.FAILED

    engine.tasks.retry(build.number, "source")
    build = engine.tasks.wait(build.number, timeout=WITHIN)

    assert (build.status, build.error) == (RunStatus.SUCCESS, "")
    assert oracle.order == ["header", "source", "source", "assemble"]
    assert "step_1_artifacts: led.h" in oracle.asked("source")[1]
    assert engine.tasks.state(build.number).result == "2 steps done, 2 final files"


@pytest.mark.slow
def test_a_file_without_a_name_is_asked_for_it(engine: Engine, oracle: Oracle) -> None:
    nameless = "The source.\n\n```c\nvoid led_on(void) {}\n```\nUse:\n\n```c\nled_on();\n```\n"
    oracle.replies = {
        "header": [HEADER],
        "source": [nameless, "1: `src/led.c`\n2: none"],
        "assemble": ["All fits."],
    }
    build = done(engine, TaskRequest(pipeline=pipeline(), description="Switch a LED."))

    kept = files(engine, build.number)
    assert kept["final/src/led.c"] == "void led_on(void) {}\n"
    assert sorted(path for path in kept if path.startswith("final/")) == [
        *("final/led.h", "final/src/led.c")
    ]
    asked = oracle.asked("source")[1]
    assert "## block 1 (c, 1 line)\n\n```c\nvoid led_on(void) {}\n```" in asked
    assert "## block 2 (c, 1 line)" in asked
    assert "{{" not in asked
    assert not engine.tasks.findings(build.number)
    (row,) = [each for each in engine.tasks.stages(build.number) if each.key == "source"]
    assert len(row.usage or ()) == 2


@pytest.mark.slow
def test_a_file_that_gets_no_name_is_kept_but_is_no_final_one(
    engine: Engine, oracle: Oracle
) -> None:
    nameless = "The source.\n\n```c\nvoid led_on(void) {}\n```\n"
    oracle.replies = {
        "header": [HEADER],
        "source": [nameless, "I do not know."],
        "assemble": ["All fits."],
    }
    build = done(engine, TaskRequest(pipeline=pipeline()))

    kept = files(engine, build.number)
    assert kept["files/source/source_c_1.c"] == "void led_on(void) {}\n"
    assert [path for path in kept if path.startswith("final/")] == ["final/led.h"]
    assert oracle.order == ["header", "source", "source", "assemble"]
    (row,) = engine.tasks.findings(build.number)
    assert row.finding.message == (
        "source_c_1.c: the model gave this block no file name, so it is no final file"
    )
    assert "## source_c_1.c (a block without a file name" in oracle.asked("assemble")[0]


@pytest.mark.slow
def test_a_fragment_does_not_replace_the_file_of_an_earlier_step(
    engine: Engine, oracle: Oracle
) -> None:
    whole = "".join(f"int f{number}(void);\n" for number in range(12))
    oracle.replies = {
        "header": [f"```c led.h\n{whole}```\n"],
        "source": ["```c led.h\nint f3(int);\n// ... rest unchanged ...\n```\n"],
        "assemble": ["DELETE led.c"],
    }
    build = done(engine, TaskRequest(pipeline=pipeline()))

    assert files(engine, build.number)["final/led.h"] == whole
    messages = [row.finding.message for row in engine.tasks.findings(build.number)]
    assert messages == [
        "led.h leaves lines out: // ... rest unchanged ...",
        "led.h comes again with lines left out (// ... rest unchanged ...): the fuller one is kept",
        "the assembler renames or deletes led.c, which is no file of the steps",
    ]


@pytest.mark.slow
def test_blocks_of_a_report_are_no_files(engine: Engine, oracle: Oracle) -> None:
    report = f"{PIPELINE}    form: report\n"
    oracle.replies = {"header": [HEADER], "source": [SOURCE], "assemble": ["All fits."]}
    build = done(engine, TaskRequest(pipeline=pipeline(report)))

    kept = files(engine, build.number)
    assert [path for path in kept if path.startswith(("final/", "files/"))] == [
        *("files/header/led.h", "final/led.h")
    ]
    assert "Answer with a Markdown report" in oracle.asked("source")[0]


@pytest.mark.slow
def test_the_assembler_renames_and_deletes(engine: Engine, oracle: Oracle, tmp_path: Path) -> None:
    source = f"{SOURCE}\n```c led_old.c\nint old;\n```\n"
    ordered = (
        "Two of them do the same.\n\n"
        "- DELETE `led_old.c`\n- RENAME `led.c` -> `main/led.c`\nRENAME led.h -> ../led.h\n"
    )
    oracle.replies = {"header": [HEADER], "source": [source], "assemble": [ordered]}
    where = project(engine, tmp_path / "node", {"README.md": "# Node\n"})
    build = done(engine, TaskRequest(pipeline=pipeline(), project_id=where))

    kept = files(engine, build.number)
    assert sorted(path for path in kept if path.startswith("final/")) == [
        *("final/led.h", "final/main/led.c")
    ]
    assert "+++ b/main/led.c" in kept["changes.patch"]
    assert "led_old.c" not in kept["changes.patch"]
    assert "b/led.c" not in kept["changes.patch"]
    messages = [row.finding.message for row in engine.tasks.findings(build.number)]
    assert messages == ["'../led.h' cannot be the name of a file here: led.h stays"]
