"""DEVELOPER with a model: real compiler and simulator, a server of recorded answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.enums import ArtifactKind, RunStatus, StageStatus
from engine.runs.changes import ChangeSetState
from engine.samples import demo
from engine.store.tables import Run, StageRow
from tests.engine.git_repos import commit
from tests.engine.repairs import BROKEN, MENDED, Answers, block, broken

pytestmark = [pytest.mark.xdist_group("repairing"), pytest.mark.slow]


RIGHT = "**The initial value** of `answer` is missing.\n\n" + block("main/main.c", BROKEN, MENDED)
ESCAPES = "I change its configuration.\n\n" + block("../../outside.c", "", "int x;\n")
WORSE = "Two are better.\n\n" + block("main/main.c", BROKEN, f"{BROKEN}    int more = ;\n")


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    answers = Answers()
    yield answers
    answers.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, answers: Answers) -> Iterator[Engine]:
    llm: Any = {"ollama": answers.url, "models": {"codegemma": {"name": "m"}}}
    settings = Settings(workspace=tmp_path_factory.mktemp("workspace"), llm=llm, max_iterations=2)
    with Engine(settings) as engine:
        yield engine


def build(engine: Engine, project: str, simulator: str = "none") -> Run:
    project_id = engine.projects.get(project).id
    started = engine.builds.start(project_id, board="none", simulator=simulator)
    return engine.builds.wait(started.number, timeout=120)


def stages(engine: Engine, number: int) -> dict[tuple[str, int], StageRow]:
    return {(row.key, row.attempt): row for row in engine.builds.stages(number)}


def artifact(engine: Engine, number: int, name: str) -> str:
    (found,) = [each for each in engine.builds.artifacts(number) if each.path == name]
    return engine.builds.artifact_file(found).read_text()


@pytest.fixture(autouse=True)
def forget(answers: Answers) -> None:
    answers.forget()


def test_what_no_rule_can_is_repaired_at_the_second_answer(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    wrong = "A guess.\n\n" + block("main/main.c", "    int reply = ;\n", MENDED)
    answers.texts += [wrong, RIGHT]

    done = build(engine, broken(engine, tmp_path), simulator="labwired")

    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    rows = stages(engine, done.number)
    assert rows["repair", 1].summary == "The initial value of answer is missing; attempt 2"
    assert rows["test.simulator", 2].status is StageStatus.SUCCESS
    first, second = answers.asked()
    assert "main/main.c:8:18: expected expression" in first[1]["content"]
    assert BROKEN in first[1]["content"]
    assert "has no line 'int reply = ;'" in second[-1]["content"]
    assert second[-2]["content"] == wrong
    usage = rows["repair", 1].usage
    assert usage is not None
    assert [(each["model"], each["tokens_out"]) for each in usage] == [("m", 5), ("m", 5)]
    diff = artifact(engine, done.number, "fix.patch")
    assert diff.startswith(
        "# model of codegemma, ollama m: The initial value of answer is missing.\ndiff "
    )
    assert f"-{BROKEN}+{MENDED}" in diff
    found = engine.fixes.of(done.number)
    assert found is not None
    assert (found.state, found.proved, found.files) == (ChangeSetState.OPEN, True, ("main/main.c",))
    record = artifact(engine, done.number, "repair-1.md")
    assert record.index("expected expression") < record.index("int reply") < record.index(MENDED)
    assert record.index("## Shown: ") < record.index("## Asked (user)")
    assert "main/main.c, whole: an error names it" in record
    outcome = record.partition("## Outcome\n\n")[2]
    assert outcome.startswith("Attempt 2 succeeded (5 stages passed, 0 errors, ")
    assert "Accepted" in outcome
    assert "".join(engine.builds.lines(engine.builds.logs(done.number)[2])).count("initial value")


def test_an_answer_that_leaves_the_worktree_is_refused_and_nothing_is_written(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    answers.texts += [ESCAPES, ESCAPES.replace("../../outside.c", ".github/ci.yml"), ESCAPES]

    done = build(engine, broken(engine, tmp_path))

    assert done.status is RunStatus.FAILED
    row = stages(engine, done.number)["repair", 1]
    assert row.status is StageStatus.FAILED
    assert "../../outside.c leaves the project" in row.summary
    _, second, third = answers.asked()
    assert "leaves the project" in second[-1]["content"]
    assert ".github/ci.yml is hidden" in third[-1]["content"]
    workspace = engine.settings.workspace
    assert not list(workspace.rglob("outside.c")) + list(workspace.rglob("ci.yml"))
    kinds = [each.kind for each in engine.builds.artifacts(done.number)]
    assert ArtifactKind.PATCH not in kinds
    assert "Refused" in artifact(engine, done.number, "repair-1.md")


def test_a_worse_repair_is_taken_back_and_the_next_knows_of_it(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    answers.texts += [WORSE, RIGHT]

    done = build(engine, broken(engine, tmp_path))

    assert done.status is RunStatus.SUCCESS
    assert stages(engine, done.number)["build", 3].status is StageStatus.SUCCESS
    second = answers.asked()[1][1]["content"]
    assert "attempt 2 was worse than attempt 1: 1 stage passed, 2 errors" in second
    assert "+    int more = ;" in second
    diff = artifact(engine, done.number, "fix.patch")
    assert "int more" not in diff
    assert f"-{BROKEN}+{MENDED}" in diff
    record = artifact(engine, done.number, "repair-1.md")
    assert "## Outcome\n\nAttempt 2 was worse than attempt 1" in record


def test_the_fix_is_of_the_repairs_that_are_left(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    answers.texts += [WORSE]
    done = build(engine, broken(engine, tmp_path))
    assert stages(engine, done.number)["repair", 2].status is StageStatus.FAILED
    # Nothing made it better: the build is told as its commit is, and there is no fix.
    assert engine.builds.artifact(done.number, "fix.patch") is None
    assert engine.builds.get(done.number).result_attempt == 1
    own, *others = engine.builds.told_findings(done.number)
    assert {each.attempt for each in others} <= {1}
    assert (own.attempt, own.finding.where) == (1, "main/main.c:8:18")
    assert "expected expression" in done.error

    answers.texts += [None]
    engine.builds.retry(done.number, "repair")
    assert answers.stalled.wait(60)
    engine.builds.cancel(done.number)
    assert engine.builds.wait(done.number, timeout=60).status is RunStatus.CANCELLED
    assert "int more" in artifact(engine, done.number, "fix.patch")  # the first repair's
    assert engine.fixes.of(done.number) is None

    answers.texts += [RIGHT]
    engine.builds.retry(done.number, "repair")
    assert engine.builds.wait(done.number, timeout=120).status is RunStatus.SUCCESS
    found = engine.fixes.of(done.number)
    assert found is not None
    assert found.proved
    assert "int more" not in found.diff
    assert f"-{BROKEN}+{MENDED}" in found.diff


def test_a_repair_cannot_make_the_gate_look_away(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    name = broken(engine, tmp_path)
    demands = "[quality]\ncode = 0\ndocumentation = 0\n"
    commit(tmp_path / "fw", {"espdeck.toml": demands})
    engine.projects.sync(engine.projects.get(name).id)
    engine.projects.wait(engine.projects.get(name).id)
    marked = MENDED.replace("\n", " // Flawfinder: ignore\n")
    answers.texts += [block("main/main.c", BROKEN, marked), block("main/main.c", marked, MENDED)]

    done = build(engine, name)

    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    found = [row.finding for row in engine.builds.findings(done.number) if row.attempt == 2]
    assert "quality.mark" in [finding.code for finding in found]
    assert "a model marked this line" in answers.asked()[1][1]["content"]


def test_when_nothing_helps_the_best_state_is_what_stays(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    half = block("main/main.c", BROKEN, MENDED)
    answers.texts += [half, block("main/main.c", "    int other = ;\n", "    int other = ); (\n")]

    line = f"{BROKEN}    int other = ;\n"
    done = build(engine, broken(engine, tmp_path, line))

    assert done.status is RunStatus.FAILED
    rows = stages(engine, done.number)
    assert rows["repair", 3].summary == "gave up after 2 repairs; the best is attempt 2"
    diff = artifact(engine, done.number, "fix.patch")
    assert f"-{BROKEN}+{MENDED}" in diff
    assert "); (" not in diff


def test_when_every_repair_makes_it_worse_there_is_no_fix(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    answers.texts += [WORSE, WORSE.replace("more", "other")]

    done = build(engine, broken(engine, tmp_path))

    summary = stages(engine, done.number)["repair", 3].summary
    assert summary == "gave up after 2 repairs; no repair made it better"
    assert engine.builds.artifact(done.number, "fix.patch") is None


def test_rules_come_first_and_the_model_mends_what_they_cannot(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    answers.texts.append(RIGHT)

    done = build(engine, broken(engine, tmp_path, f"    int first = 1\n{BROKEN}"))

    assert done.status is RunStatus.SUCCESS
    assert len(answers.asked()) == 1
    head = artifact(engine, done.number, "fix.patch").split("\n")[:2]
    assert head[0].startswith("# rule ")
    assert head[1].startswith("# model of codegemma")


def test_a_model_that_cannot_be_had_fails_as_without_one(engine: Engine, tmp_path: Path) -> None:
    done = build(engine, broken(engine, tmp_path))

    summary = stages(engine, done.number)["repair", 1].summary
    assert summary.startswith(
        "no rule fits, and no model answers: ollama: 404 no answer left: ollama pull m"
    )
    assert "expected expression" in done.error


def test_a_panic_is_told_with_the_source_that_it_names_and_is_mended(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    demo.make_repository("crash", tmp_path / "crash")
    closed = 'static struct sensor sensors[] = {{"humidity", DRIVER_CLOSED}};\n'
    opened = (
        'static struct driver opened;\nstatic struct sensor sensors[] = {{"humidity", &opened}};\n'
    )
    answers.texts.append("The driver is closed.\n\n" + block("main/main.c", closed, opened))
    name = engine.projects.find_or_add(str(tmp_path / "crash")).name

    done = build(engine, name, simulator="labwired")

    assert (done.status, done.error) == (RunStatus.SUCCESS, "")
    asked = answers.asked()[0][1]["content"]
    assert "stage diagnose:" in asked
    assert "Store access fault" in asked
    assert "write_reading" in asked
    assert f"\n{closed}" in asked


def test_what_an_answer_was_for_is_told_when_another_mends_its_form(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    misfit = block("main/main.c", BROKEN + "    unheard();\n", MENDED)
    answers.texts += [
        f"SUBJECT: Give answer a value\n\n{misfit}",
        block("main/main.c", BROKEN, MENDED),
    ]

    done = build(engine, broken(engine, tmp_path))

    assert done.status is RunStatus.SUCCESS
    assert "5 | " in answers.asked()[1][-1]["content"]
    found = engine.fixes.of(done.number)
    assert found is not None
    assert found.message.startswith("Give answer a value\n")


def test_what_was_refused_is_kept_when_the_server_then_fails(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    answers.texts.append(ESCAPES)

    done = build(engine, broken(engine, tmp_path))

    assert "no model answers" in stages(engine, done.number)["repair", 1].summary
    assert "outside.c leaves the project" in artifact(engine, done.number, "repair-1.md")


def test_a_rule_that_would_change_a_file_that_is_not_tracked_leaves_it_to_the_model(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    name = broken(engine, tmp_path, "")
    source = Path(engine.projects.get(name).source)
    commit(
        source,
        {
            "main/secrets.h": "static int password = 1\nstatic int more;\n",
            "main/main.c": '#include "secrets.h"\n' + (source / "main/main.c").read_text(),
        },
    )
    engine.projects.sync(engine.projects.get(name).id)
    engine.projects.wait(engine.projects.get(name).id, timeout=30)
    answers.texts += [block("main/secrets.h", "static int more;\n", "static int less;\n")] * 3

    done = build(engine, name)

    assert "main/secrets.h is a secret" in stages(engine, done.number)["repair", 1].summary
    asked = answers.asked()[0][1]["content"]
    assert "secrets.h, whole" not in asked


def test_a_build_that_is_cancelled_asks_no_more(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    answers.texts.append(None)
    project = engine.projects.get(broken(engine, tmp_path))
    started = engine.builds.start(project.id, board="none", simulator="none")
    assert answers.stalled.wait(60)

    engine.builds.cancel(started.number)

    done = engine.builds.wait(started.number, timeout=60)
    assert done.status is RunStatus.CANCELLED
    assert stages(engine, done.number)["repair", 1].status is StageStatus.CANCELLED
    assert engine.fixes.of(done.number) is None


def test_a_model_is_shown_what_it_asks_for_twice_and_then_answers(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    name = broken(engine, tmp_path)
    asks = ["NEED: runtime/chip.h\n", "NEED: `clock_ms`\nNEED: chipp.h\n", "NEED: main/main.c\n"]
    answers.texts += [*asks, RIGHT]

    done = build(engine, name)

    assert done.status is RunStatus.SUCCESS
    *_, last = answers.asked()
    assert "nothing more is shown" in last[-1]["content"]
    first, second, third, _ = (each[1]["content"] for each in answers.asked())
    assert "runtime/chip.h, whole (you asked for it):" not in first
    assert "runtime/chip.h, whole (you asked for it):" in second
    assert second.index("chip.h") < second.index("main/main.c, whole")
    assert "(you asked for it)" in third
    assert "chipp.h: is not in the project; near it are runtime/chip.h" in third
    record = artifact(engine, done.number, "repair-1.md")
    assert "NEED: runtime/chip.h" in record


def test_what_changed_since_the_last_success_is_shown_to_the_model(
    engine: Engine, answers: Answers, tmp_path: Path
) -> None:
    name = broken(engine, tmp_path, "")
    assert build(engine, name).status is RunStatus.SUCCESS
    source = tmp_path / "fw"
    main = (source / "main/main.c").read_text()
    commit(
        source,
        {
            "main/main.c": main.replace("    run_tests();\n", f"{BROKEN}    run_tests();\n", 1),
            "keys/device.pem": "hush\n",
        },
    )
    engine.projects.sync(engine.projects.get(name).id)
    engine.projects.wait(engine.projects.get(name).id, timeout=30)
    answers.texts.append(RIGHT)

    done = build(engine, name)

    assert done.status is RunStatus.SUCCESS
    asked = answers.asked()[0][1]["content"]
    changed = asked.partition("# Changed since it was last built with success")[2]
    assert f"\n+{BROKEN}" in changed
    assert "hush" not in asked
    assert "toolchain: cmake\ncompiler: Clang " in asked
