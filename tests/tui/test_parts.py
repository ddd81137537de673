"""The parts of screens that need no screen: layout, tails, keys, the state of a build."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from engine.builds.pipeline import FIRMWARE_PIPELINE
from engine.enums import Phase, Role, RunStatus, StageStatus, VerdictWord
from engine.events import (
    Log,
    Partial,
    RunChanged,
    RunCompleted,
    RunProgress,
    RunStarted,
    Serial,
    StageChanged,
)
from engine.quality.result import evaluate, measured, unknown
from engine.quality_requirements import Aspect
from engine.runs.pipeline import Pipeline, Stage
from tui.keymap import KEYS, SCREENS, Where, check, keymap, keys_of
from tui.presentation.gate_rows import gate_text, gate_title, measure_parts
from tui.presentation.pane_layout import tiles
from tui.presentation.strips import fit, pieces, row, wrap
from tui.presentation.units import tokens
from tui.state.event_queue import Inbox
from tui.state.log_tail import MAX_BYTES, MAX_LINES, LogTail
from tui.state.run_state import RunView, TailKey
from tui.theme import Glyphs

PLAIN = Style.null()


@given(st.integers(1, 400), st.integers(1, 200), st.integers(1, 12))
def test_consoles_side_by_side_are_all_there_or_none(width: int, height: int, count: int) -> None:
    names = tuple(map(str, range(count)))
    boxes = tiles(width, height, names)

    assert set(boxes) in ({*names}, set())
    for box in boxes.values():
        assert box.width >= 38
        assert box.height >= 5
        assert box.x + box.width <= width
        assert box.y + box.height <= height
    for one, other in itertools.combinations(boxes.values(), 2):
        apart = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y


def test_eight_consoles_are_seen_at_once_on_a_large_terminal_and_one_on_a_small() -> None:
    names = tuple("abcdefgh")
    assert len(tiles(200, 57, names)) == 8
    assert len(tiles(80, 22, names[:2])) == 2
    assert tiles(80, 22, names) == {}


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.lists(st.text(max_size=40), max_size=300)), max_size=12
    )
)
def test_a_tail_numbers_lines_rightly_whatever_it_misses(
    chunks: list[tuple[int, list[str]]],
) -> None:
    tail, log = LogTail(), list[str]()
    for missed, lines in chunks:
        log += ["missed"] * missed
        tail.extend(len(log), lines)
        log += lines
    for number in range(tail.first, tail.end):
        assert tail.get(number) == log[number]
    assert tail.get(tail.end) is None
    assert tail.end - tail.first <= MAX_LINES


def test_a_tail_takes_a_chunk_only_once() -> None:
    tail = LogTail()
    tail.extend(0, ["a", "b"])
    tail.extend(1, ["b", "c"])
    tail.extend(0, ["a"])
    assert [tail.get(number) for number in range(3)] == ["a", "b", "c"]


def test_the_last_line_of_a_tail_can_become_longer() -> None:
    tail = LogTail()
    tail.extend(0, ["before", "esp> "])
    tail.amend("esp> help")
    assert [tail.get(number) for number in range(3)] == ["before", "esp> help", None]


def test_a_line_that_has_no_end_yet_is_replaced_by_the_whole_one() -> None:
    tail = LogTail()
    tail.begin(0, "The cau")
    tail.begin(0, "The cause is")
    assert [tail.get(number) for number in range(2)] == ["The cause is", None]
    tail.extend(0, ["The cause is the clock."])
    tail.begin(0, "late")
    tail.begin(1, "It")
    tail.extend(0, ["The cause is the clock."])
    assert [tail.get(number) for number in range(3)] == ["The cause is the clock.", "It", None]
    tail.extend(1, ["It stops."])
    assert [tail.get(number) for number in range(3)] == [
        "The cause is the clock.", "It stops.", None,
    ]  # fmt: skip


def test_a_tail_is_bounded_in_bytes() -> None:
    tail = LogTail()
    for number in range(100):
        tail.extend(number, ["x" * 10_000])
    assert tail.end == 100
    assert (tail.end - tail.first) * 10_000 <= MAX_BYTES


@given(st.text(), st.integers(0, 60))
def test_a_row_is_exactly_as_wide_as_it_may_be(text: str, width: int) -> None:
    assert row(text, PLAIN, width).cell_length == width
    assert pieces([(text, PLAIN), (text, PLAIN)], width, PLAIN).cell_length == width


@given(st.text(alphabet="ab 漢\u0301\u200b", max_size=200), st.integers(2, 30))
def test_wrapping_loses_only_blanks_where_it_breaks(text: str, width: int) -> None:
    rows = wrap(text, width)
    assert all(cell_len(part) <= width for part in rows)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")


def test_lines_are_broken_at_blanks_where_there_are_any() -> None:
    assert wrap("the quick brown fox", 10) == ["the quick", "brown fox"]
    assert wrap("    indented text", 10) == ["    indent", "ed text"]
    assert wrap("0123456789abcdef", 10) == ["0123456789", "abcdef"]
    assert wrap("", 10) == [""]


def test_wide_characters_are_not_cut_in_half() -> None:
    assert fit("漢字漢字", 5) == "漢字 "
    assert fit("ab", 5) == "ab   "


def test_no_two_actions_of_a_screen_have_a_key_in_common() -> None:
    for where in SCREENS:
        keys = keys_of(where)
        assert len({key.id for key in keys}) == len(keys)
        spelled = [each for key in keys for each in key.keys.split(",")]
        assert len(set(spelled)) == len(spelled), where
    assert {key.where for key in KEYS} == set(Where)


def test_own_keys_replace_those_of_every_screen_that_has_the_action() -> None:
    assert keymap({"cancel": "ctrl+k"}) == {
        f"{where}.cancel": "ctrl+k"
        for where in ("home", "build", "boards", "workflows", "task", "checks", "check")
    }


def test_own_keys_that_make_no_sense_are_told_and_the_others_work() -> None:
    fine, problems = check({"fly": "f", "build": "c", "sync": "ctrl+y"})
    assert fine == {"build": "c", "sync": "ctrl+y"}
    assert problems == ["no action is called fly (? lists them)", "c is both build and cancel"]


def test_the_gate_is_bars_against_thresholds() -> None:
    measures = (
        measured(Aspect.COVERAGE, 40, 80, "coverage.xml"),
        measured(Aspect.BUILD_TIME, 4, 8, "this build"),
        unknown(Aspect.CODE, 85, "lizard is not installed"),
    )
    rows = [
        "".join(text for text, _ in measure_parts(each, Glyphs(ascii=True), 100))
        for each in measures
    ]
    assert rows[0].startswith(" x test coverage  ########--------|---         40 %  >= 80 %")
    assert rows[1].startswith(" + build time     ########--------|---          4 s  <= 8 s")
    assert rows[2].split() == [
        "?", "code", "quality", "-", ">=", "85", "points", "lizard", "is", "not", "installed",
    ]  # fmt: skip
    result = evaluate(measures)
    assert gate_title(result) == " QUALITY GATE failed, score 75, 1 blocking, 2 of 3 judged"
    assert "failed: test coverage 40 % (>= 80 %): coverage.xml" in gate_text(result)
    assert len("".join(text for text, _ in measure_parts(measures[0], Glyphs(), 40))) < 60


def build_view() -> RunView:
    return RunView(1, FIRMWARE_PIPELINE, pane_of=lambda _stage, role: role)


def agent(role: Role, stage: str, phase: Phase, status: StageStatus, attempt: int) -> StageChanged:
    return StageChanged(
        run_id=1,
        agent=role,
        stage=stage,
        phase=phase,
        attempt=attempt,
        status=status,
        summary=f"{stage} {status}",
    )


def test_tokens_that_nobody_counted_are_not_none() -> None:
    assert tokens(1207, 0) == "1,207 tokens in, 0 out"
    assert tokens(None, 42) == "- tokens in, 42 out"


def test_a_run_never_began_later_than_now() -> None:
    view = build_view()
    view.started = datetime.now(UTC) + timedelta(days=1)  # the clock was set back since
    assert view.elapsed() == 0


def test_two_stages_of_an_agent_are_one_state() -> None:
    view = build_view()
    tester = (Role.TESTER, "test.board", Phase.TEST)
    beside = (Role.TESTER, "test.simulator", Phase.TEST)
    view.apply([agent(*tester, StageStatus.RUNNING, 1), agent(*beside, StageStatus.RUNNING, 1)])
    view.apply([agent(*beside, StageStatus.SUCCESS, 1)])
    assert view.state(Role.TESTER) == (StageStatus.RUNNING, "test.board running")
    assert view.phase(Phase.TEST) is StageStatus.RUNNING

    view.apply([agent(*tester, StageStatus.FAILED, 1)])
    assert view.state(Role.TESTER) == (StageStatus.FAILED, "test.board failed")
    assert view.phase(Phase.VALIDATION) is StageStatus.PENDING


def test_a_second_round_begins_anew_but_keeps_the_repair() -> None:
    view = build_view()
    build = (Role.BUILDER, "build", Phase.BUILD)
    view.apply(
        [
            agent(Role.PROJECT_MANAGER, "plan", Phase.SETUP, StageStatus.SUCCESS, 1),
            agent(*build, StageStatus.FAILED, 1),
            agent(Role.DEVELOPER, "repair", Phase.FEEDBACK, StageStatus.SUCCESS, 1),
            agent(*build, StageStatus.RUNNING, 2),
        ]
    )
    assert view.attempt == 2
    assert [view.phase(phase) for phase in (Phase.SETUP, Phase.BUILD, Phase.FEEDBACK)] == [
        StageStatus.SUCCESS,
        StageStatus.RUNNING,
        StageStatus.SUCCESS,
    ]


@pytest.mark.parametrize("status", [StageStatus.CANCELLED, StageStatus.SKIPPED])
def test_a_stage_is_shown_as_it_stands_whatever_its_words(status: StageStatus) -> None:
    view = build_view()
    tester = agent(Role.TESTER, "test.board", Phase.TEST, status, 1)
    view.apply([replace(tester, summary="")])
    assert view.state(Role.TESTER)[0] is status

    failed = agent(Role.TESTER, "test.board", Phase.TEST, StageStatus.FAILED, 1)
    view.apply([replace(failed, summary="cancelled")])
    assert view.state(Role.TESTER) == (StageStatus.FAILED, "cancelled")


def test_a_build_is_followed_from_its_start_to_its_end() -> None:
    view = build_view()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    serial = Serial(
        run_id=1,
        stage="test.board",
        attempt=1,
        agent=Role.TESTER,
        first_line=0,
        text="I (0) main: hello\nOK\n",
    )
    view.apply(
        [
            RunStarted(run_id=1, at=at, project="hub", commit="c", target="esp32c3"),
            RunProgress(run_id=1, phase=Phase.TEST, percent=60.0, message="writing"),
            agent(Role.TESTER, "test.board", Phase.TEST, StageStatus.RUNNING, 1),
            serial,
            RunProgress(run_id=2, phase=Phase.TEST, percent=99.0, message="another's"),
        ]
    )
    assert (view.status, view.percent, view.message) == (RunStatus.RUNNING, 60.0, "writing")
    assert view.keys_of("board") == [TailKey("test.board", 1, "serial")]
    assert view.keys_of("simulator") == []
    assert view.keys_of(Role.TESTER) == []

    view.apply(
        [
            RunCompleted(
                run_id=1,
                success=True,
                status=RunStatus.SUCCESS,
                duration=2.5,
                result="fine",
                verdict=VerdictWord.SILENT,
            ),
            RunChanged(run_id=1, project_id="p", status=RunStatus.SUCCESS),
        ]
    )
    assert view.verdict == "silent"
    assert (view.status, view.percent, view.elapsed()) == (RunStatus.SUCCESS, 100.0, 2.5)
    assert view.phase(Phase.FEEDBACK) is StageStatus.SKIPPED


def test_a_task_has_a_pane_for_each_stage_with_its_rounds_and_the_line_that_is_written() -> None:
    pipeline = Pipeline(
        "task",
        (
            Stage("write", "architect", "step 1", "Write", 60),
            Stage("gate", "QA", "gate", "measure", 20, needs=("write",)),
            Stage("revise", "architect", "revise", "revise", 20, back_to="gate"),
        ),
    )
    view = RunView(1, pipeline, pane_of=lambda stage, _role: stage)
    stages = (("write", 1), ("gate", 1), ("revise", 1), ("gate", 2))
    for key, attempt in stages:
        stage = pipeline.stage(key)
        common: dict[str, Any] = {
            "run_id": 1, "stage": key, "attempt": attempt, "agent": stage.role,
        }  # fmt: skip
        changed = StageChanged(**common, phase=stage.phase, status=StageStatus.RUNNING, summary="")
        view.apply(
            [
                changed,
                Log(**common, first_line=0, text="# One\n"),
                Partial(**common, line=1, text="The que"),
                Partial(**common, line=1, text="The queue"),
                replace(changed, status=StageStatus.SUCCESS, summary="done"),
            ]
        )
    assert [key.attempt for key in view.keys_of("gate")] == [1, 2]
    assert view.state("revise") == (StageStatus.SUCCESS, "done")
    assert view.attempt == 2
    (written,) = view.keys_of("write")
    assert [view.tails[written].get(line) for line in (0, 1, 2)] == ["# One", "The queue", None]
    late = Log(
        run_id=1, stage="write", attempt=1, agent="architect", first_line=1, text="The queue.\n"
    )
    view.apply([late])
    assert view.tails[written].get(1) == "The queue."


def test_lines_that_are_being_written_never_fill_the_inbox() -> None:
    inbox = Inbox(1000)
    for _ in range(500):
        inbox.put(Partial(run_id=1, stage="s", attempt=1, agent="a", line=0, text="x" * 100))
    inbox.put(RunProgress(run_id=1, phase="p", percent=1.0, message="m"))
    events, _skipped = inbox.take()
    assert len(events) < 20
    assert isinstance(events[-1], RunProgress)
