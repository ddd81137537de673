"""Tests of espdeck.toml, played: what is typed, what passes, what is said of a failure."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.console_input import ConsoleInput
from engine.errors import BoardError
from engine.testing.results import Outcome, TestCase
from engine.testing.script_runner import ScriptRunner
from engine.testing.scripts import Script, ScriptStep
from tests.engine.typed import Typed


def player(
    *scripts: Script,
    console_input: ConsoleInput | None = None,
    on_result: Callable[[TestCase], None] = lambda case: None,
    clock: Callable[[], float] = lambda: 0.0,
) -> ScriptRunner:
    return ScriptRunner(
        scripts,
        file="espdeck.toml",
        eol="\r\n",
        console_input=console_input or Typed(),
        interruption=lambda line: "it panicked" if "panic" in line else None,
        on_result=on_result,
        clock=clock,
    )


def hear(playing: ScriptRunner, *chunks: bytes) -> list[tuple[str, Outcome]]:
    for chunk in chunks:
        playing.arrived()
        playing.feed(chunk)
    return [(case.name, case.outcome) for case in playing.cases]


def message(playing: ScriptRunner) -> str:
    (case,) = playing.cases
    return case.message


def test_a_test_types_and_passes_with_the_answer() -> None:
    console_input = Typed()
    playing = player(
        Script("help", (ScriptStep("help", "^commands: "),)), console_input=console_input
    )

    playing.start()
    playing.tick(1.5)

    assert console_input.text == "help\r\n"
    assert hear(playing, b"help\r\ncomm", b"ands: ", b"led\r\n") == [("help", Outcome.PASS)]
    assert playing.cases[0].seconds == 1.5
    assert playing.over


def test_steps_are_taken_one_after_the_other() -> None:
    console_input = Typed()
    steps = (
        ScriptStep("on", "ok"),
        ScriptStep(None, "done$"),
        ScriptStep("off", None),
        ScriptStep("?", "is off$"),
    )
    playing = player(Script("led", steps), console_input=console_input)
    playing.start()

    hear(playing, b"ok ... done\r\n")
    assert console_input.text == "on\r\noff\r\n?\r\n"

    assert hear(playing, b"it is off", b"\r\n") == [("led", Outcome.PASS)]


def test_a_prompt_without_a_line_end_is_seen() -> None:
    assert_passes = player(Script("prompt", (ScriptStep(None, "^esp> "),)))
    assert_passes.start()

    assert hear(assert_passes, b"boot\nesp", b"> ") == [("prompt", Outcome.PASS)]


def test_what_was_printed_before_the_typing_is_no_answer() -> None:
    playing = player(Script("twice", (ScriptStep("a", "ok"), ScriptStep("b", "ok"))))
    playing.start()

    assert hear(playing, b"ok\nok\n") == []
    assert hear(playing, b"ok\n") == [("twice", Outcome.PASS)]


def test_a_line_that_goes_on_does_not_meet_a_pattern_for_its_end() -> None:
    playing = player(Script("one", (ScriptStep(None, "level 1$"),)))
    playing.start()

    assert hear(playing, b"level 1", b"2\nlevel 1\n") == [("one", Outcome.PASS)]


def test_a_late_answer_is_a_failure_that_says_what_came_instead_and_the_next_test_runs() -> None:
    console_input = Typed()
    playing = player(
        Script("one", (ScriptStep("a", "A"), ScriptStep("b", "B", within=2))),
        Script("two", (ScriptStep("c", "C"),)),
        console_input=console_input,
    )
    playing.start()
    hear(playing, b"A\n")

    hear(playing, b"b\r\n\x1b[31mno such command\x1b[0m\r\n> ")
    playing.tick(1.9)
    assert not playing.cases
    playing.tick(2.1)

    assert message(playing) == (
        "step 2: sent 'b', expected 'B' within 2 s, saw 'no such command', '>'"
    )
    assert console_input.text.endswith("c\r\n")
    assert hear(playing, b"C\n") == [("one", Outcome.FAIL), ("two", Outcome.PASS)]


def test_a_panic_ends_the_test_and_those_after_it() -> None:
    playing = player(Script("one", (ScriptStep("a", "A"),)), Script("two", (ScriptStep("b", "B"),)))
    playing.start()

    assert hear(playing, b"a\npanic!\nA\n") == [("one", Outcome.FAIL), ("two", Outcome.IGNORE)]
    assert playing.cases[0].message == "sent 'a', expected 'A' but it panicked, saw 'a'"
    assert playing.cases[1].message == "not run: it panicked"


def test_a_panic_that_a_step_expects_is_an_answer() -> None:
    playing = player(Script("one", (ScriptStep("crash", "panic"),)))
    playing.start()

    assert hear(playing, b"panic!\n") == [("one", Outcome.PASS)]


def test_a_board_that_takes_nothing_is_a_failure() -> None:
    class Full(ConsoleInput):
        def send(self, data: bytes) -> None:
            raise BoardError("not sent: full")

    playing = player(
        *(Script(str(n), (ScriptStep("a", "A"),)) for n in range(100)), console_input=Full()
    )
    playing.start()

    assert playing.over
    assert playing.cases[0].message == "sent 'a', expected 'A' but not sent: full, saw nothing"


def test_the_end_of_the_console_gives_every_test_a_result() -> None:
    told: list[TestCase] = []
    scripts = Script("one", (ScriptStep("a", "A"),)), Script("two", (ScriptStep("b", "B"),))
    playing = player(*scripts, on_result=told.append)
    playing.start()

    playing.stop("the board vanished")
    playing.stop("twice")

    assert [case.outcome for case in told] == [Outcome.FAIL, Outcome.IGNORE]


@pytest.mark.slow
@given(
    patterns=st.lists(st.sampled_from(["", "a", "b$", "^", "x*", "[ab]+"]), min_size=1, max_size=8),
    chunks=st.lists(st.binary(max_size=30) | st.sampled_from([b"a\n", b"ab\r\n", b"b"])),
)
def test_whatever_comes_every_test_gets_one_result(
    patterns: list[str], chunks: list[bytes]
) -> None:
    scripts = [
        Script(str(n), (ScriptStep(None, each), ScriptStep("x", each)))
        for n, each in enumerate(patterns)
    ]
    playing = player(*scripts)
    playing.start()

    for number, chunk in enumerate(chunks):
        hear(playing, chunk)
        playing.tick(number)
    playing.stop("the end")

    assert [case.name for case in playing.cases] == [script.name for script in scripts]


def test_a_slow_simulator_is_not_waited_for_when_nothing_more_comes() -> None:
    ours = [0.0]
    battery = Script("battery", (ScriptStep("b", "mV$"),))
    playing = player(battery, clock=lambda: ours[0])
    playing.start()

    assert hear(playing, b"battery: 3700\r\n> ") == []
    ours[0] = 14.0
    playing.tick(0.6)
    assert not playing.over
    ours[0] = 15.5
    playing.tick(0.7)

    assert playing.over
    assert message(playing) == (
        "sent 'b', expected 'mV$' within 5 s (given up 0.7 s after its beginning: the simulator is "
        "slow), saw 'battery: 3700', '>'"
    )


def test_a_board_has_all_of_its_time() -> None:
    ours = [0.0]
    playing = player(Script("slow", (ScriptStep("s", "done", within=60.0),)), clock=lambda: ours[0])
    playing.start()

    for second in range(60):
        ours[0] = float(second)
        playing.tick(float(second))
        assert not playing.over
    assert hear(playing, b"done\r\n") == [("slow", Outcome.PASS)]
