"""TESTER's ears: what it waits for, at whatever pace it comes."""

from __future__ import annotations

import pytest

from engine.builds.agents import output_checker
from engine.builds.agents.output_checker import OutputChecker
from engine.builds.agents.tester import is_over
from engine.manifest import Manifest
from engine.testing.results import Outcome
from engine.testing.scripts import Script, ScriptStep
from tests.engine.typed import Typed

SUMMARY = b"1 Tests 0 Failures 0 Ignored\nOK\n"


@pytest.fixture(autouse=True)
def settling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests let suites settle in no time."""
    monkeypatch.setattr(output_checker, "SETTLE_SECONDS", 1.0)


def test_it_is_done_with_every_expectation_and_the_summary() -> None:
    listener = OutputChecker(Manifest(expect=("ready", "^x=1$"), unity=True))
    done = []

    for second, data in enumerate(
        (b"ready\n", b"a.c:1:test_a:PA", b"SS\n", SUMMARY, b"x=1\n", b"")
    ):
        listener.feed(data)
        listener.tick(second)
        done.append(listener.done)

    assert done == [False, False, False, False, True, True]
    report = listener.report()
    assert report is not None
    assert (report.tests, report.complete) == (1, True)


def test_tests_that_nobody_asked_for_are_waited_for_once_they_began() -> None:
    listener = OutputChecker(Manifest(expect=("ready",)))

    listener.feed(b"ready\na.c:1:test_a:PASS\n")
    assert not listener.done
    listener.feed(SUMMARY)
    listener.tick(1)
    listener.tick(2)
    assert listener.done


def test_after_a_summary_another_suite_may_begin() -> None:
    listener = OutputChecker(Manifest(unity=True))
    done = []

    for second, data in (
        (0.1, b"a.c:1:test_a:PASS\n" + SUMMARY),
        (0.9, b"b.c:1:test_b:FAIL\n"),
        (4.0, b"1 Tests 1 Failures 0 Ignored\nFAIL\n"),
        (4.9, b""),
        (5.1, b""),
    ):
        listener.feed(data)
        listener.tick(second)
        done.append(listener.done)

    assert done == [False, False, False, False, True]
    report = listener.report()
    assert report is not None
    assert (report.tests, report.failures, report.complete) == (2, 1, True)


def test_a_simulator_is_not_waited_for_longer_than_a_board() -> None:
    now = [0.0]
    listener = OutputChecker(Manifest(unity=True), clock=lambda: now[0])

    listener.feed(b"a.c:1:test_a:PASS\n" + SUMMARY)
    listener.tick(0.010)
    now[0] = 0.9
    listener.tick(0.011)
    assert not listener.done
    now[0] = 1.1
    listener.tick(0.012)

    assert listener.done


def test_tests_that_are_wanted_and_do_not_run_are_not_complete() -> None:
    listener = OutputChecker(Manifest(unity=True))

    listener.feed(b"ready\n")
    listener.end("time is up")

    report = listener.report()
    assert report is not None
    assert (report.tests, report.complete) == (0, False)


def test_a_test_that_a_reset_cut_off_has_failed() -> None:
    listener = OutputChecker(Manifest(unity=True))

    listener.feed(b"TEST(store, writes)rst:0xc (RTC_SW_CPU_RST),boot:0xc\n")
    listener.feed(b"TEST(store, reads)\nrst:0xc (RTC_SW_CPU_RST),boot:0xc\n")

    report = listener.report()
    assert report is not None
    assert [(case.name, case.message) for case in report.cases] == [
        ("TEST(store, writes)", "did not finish: the chip was reset (RTC_SW_CPU_RST)"),
        ("TEST(store, reads)", "did not finish: the chip was reset (RTC_SW_CPU_RST)"),
    ]


def test_firmware_without_tests_has_no_report() -> None:
    listener = OutputChecker(Manifest(expect=("ready",)))

    listener.feed(b"main.c:1: ready\nOK\n")

    assert listener.done
    assert listener.report() is None


def test_nothing_more_is_waited_for_after_a_panic() -> None:
    listener = OutputChecker(Manifest(expect=("ready",)))

    listener.feed(b"Guru Meditation Error: Core 0\nRebooting...\n")

    assert listener.done


@pytest.mark.slow
def test_asking_after_each_line_costs_the_same_however_much_came() -> None:
    # A thousand million lines to read, if each answer went over the lines that were kept.
    listener = OutputChecker(Manifest(unity=True))
    for number in range(100_000):
        listener.feed(b"a.c:1:test_%d:PASS\n" % number)
        assert not listener.done
    listener.feed(SUMMARY)
    listener.tick(1)
    listener.tick(2)

    assert listener.done


ASKS = Manifest(
    expect=("ready",),
    timeout=2,
    tests=(
        Script("one", (ScriptStep("a", "A"),)),
        Script("two", (ScriptStep("b", "B"),)),
    ),
)


def test_tests_begin_when_the_firmware_is_ready_and_are_waited_for() -> None:
    console_input = Typed()
    listener = OutputChecker(ASKS, console_input=console_input)

    listener.feed(b"boot\n")
    listener.tick(1)
    assert console_input.text == ""
    listener.feed(b"ready\nA said too early\n")
    assert console_input.text == "a\n"
    assert not listener.done
    listener.feed(b"A\n")
    listener.feed(b"B\n")

    assert listener.done
    report = listener.report()
    assert report is not None
    assert (report.tests, report.failures, report.complete) == (2, 0, True)


def test_results_of_tests_join_those_of_unity() -> None:
    listener = OutputChecker(ASKS, console_input=Typed())

    listener.feed(b"ready\nm.c:1:test_a:PASS\n" + SUMMARY)
    listener.feed(b"A\n")
    listener.feed(b"B\n")
    listener.end("time is up")

    report = listener.report()
    assert report is not None
    assert [case.name for case in report.cases] == ["test_a", "one", "two"]


def test_a_panic_ends_the_test_that_is_on_and_leaves_out_the_others() -> None:
    listener = OutputChecker(ASKS, console_input=Typed())

    listener.feed(b"ready\n")
    listener.feed(b"Guru Meditation Error: Core  0 panic'ed (Store access fault). \nCPU halted.\n")
    listener.end("time is up")

    assert listener.done
    report = listener.report()
    assert report is not None
    one, two = report.cases
    assert (one.outcome, two.outcome) == (Outcome.FAIL, Outcome.IGNORE)
    assert "expected 'A' but the firmware panicked (Store access fault), saw nothing" in one.message
    assert two.message.startswith("not run: the firmware panicked")


def test_firmware_that_never_is_ready_runs_no_test() -> None:
    console_input = Typed()
    listener = OutputChecker(ASKS, console_input=console_input)

    listener.feed(b"boot\n")
    listener.tick(2.5)

    assert listener.done
    assert console_input.text == ""
    report = listener.report()
    assert report is not None
    assert {case.message for case in report.cases} == {"not run: never printed: ready"}


def test_a_boot_loop_ends_the_listening_and_is_counted() -> None:
    listener = OutputChecker(Manifest(expect=("ready",)))
    boot = b"ESP-ROM:esp32c3-api1-20210207\r\nrst:0x7 (TG0WDT_SYS_RST),boot:0xc\r\n"
    listener.feed(b"rst:0x1 (POWERON),boot:0xc\r\n" + 2 * boot)
    assert not listener.done
    listener.feed(b"rst:0xf (BROWNOUT_RST),boot:0xc\r\n")
    assert not listener.done
    listener.feed(boot)
    assert listener.done
    assert listener.boots.loop == "TG0WDT_SYS_RST"
    assert (listener.boots.watchdogs, listener.boots.brownouts) == (3, 1)


def test_resets_that_were_asked_for_are_no_boot_loop() -> None:
    listener = OutputChecker(Manifest(expect=("ready",)))
    listener.feed(9 * b"rst:0x3 (RTC_SW_SYS_RST),boot:0xc\r\nrst:0x5 (DSLEEP),boot:0xc\r\n")
    assert not listener.done
    assert listener.boots.watchdogs == 0


def test_expectations_meet_lines_as_a_person_reads_them_and_each_state_of_one() -> None:
    listener = OutputChecker(Manifest(expect=("^I \\(20\\) app: ready$", "^ota  50 %$", "^esp> $")))
    for data in (b"\x1b[0;32mI (20) app: re", b"ady\x1b[", b"0m\r\nota  50 %\rota 100 %\r"):
        listener.feed(data)
    listener.feed(b"\nesp> \x1b[0K\r\x1b[5C")

    assert listener.done
    assert [each.line for each in listener.expectations()] == [
        "I (20) app: ready",
        "ota  50 %",
        "esp> ",
    ]
    assert listener.transcript() == "I (20) app: ready\nota 100 %\nesp> \n"


def test_answers_are_read_where_lines_end_with_a_return_alone() -> None:
    listener = OutputChecker(ASKS, console_input=Typed())
    for data in (b"boot\rready\r", b"\x1b[1mA\x1b[0m\r", b"B\r"):
        listener.feed(data)

    report = listener.report()
    assert report is not None
    assert (report.tests, report.failures, report.complete) == (2, 0, True)


def test_restarts_that_the_tests_ask_for_are_no_boot_loop() -> None:
    names = [str(number) for number in range(8)]
    tests = tuple(Script(name, (ScriptStep("restart", "^rst:0x3"),)) for name in names)
    listener = OutputChecker(Manifest(expect=("ready",), tests=tests), console_input=Typed())
    listener.feed(b"ready\r\n")
    for _ in names:
        listener.feed(b"rst:0x3 (RTC_SW_SYS_RST),boot:0xc (SPI_FAST_FLASH_BOOT)\r\n")

    assert listener.done
    assert not listener.boots.loop


def test_a_panic_that_is_being_printed_is_heard_to_its_end_when_the_time_is_up() -> None:
    listener = OutputChecker(Manifest(expect=("ready",)))
    assert not is_over(listener, 9.9, 10.0)
    assert is_over(listener, 10.0, 10.0)

    listener.feed(b"Guru Meditation Error: Core  0 panic'ed (Store access fault).\n")
    listener.feed(b"Core  0 register dump:\nMEPC    : 0x403802a8  RA      : 0x40\n")
    assert not is_over(listener, 10.1, 10.0)

    listener.feed(b"Rebooting...\n")
    assert is_over(listener, 10.2, 10.0)


SCRIPTS = (Script("resets", (ScriptStep("r", "statistics reset"),)),)
PANIC = b"Guru Meditation Error: Core  0 panic'ed (Store access fault).\n"


def test_the_panic_of_a_test_is_heard_to_its_end() -> None:
    now = [0.0]
    listener = OutputChecker(
        Manifest(expect=("ready",), tests=SCRIPTS),
        console_input=Typed(),
        clock=lambda: now[0],
    )
    done = []

    for second, data in (
        (0.1, b"ready\n"),
        (0.2, PANIC),
        (0.3, b"Core  0 register dump:\nMEPC    : 0x42000010\n"),
        (0.4, b"Stack memory:\n3fc80000: 0x00000000\n"),
        (0.5, b"Rebooting...\n"),
    ):
        listener.feed(data)
        listener.tick(second)
        done.append(listener.done)

    assert done == [False, False, False, False, True]
    assert "Stack memory" in listener.panics[0]


@pytest.mark.parametrize(("seconds", "ours"), [(5.3, 5.3), (0.9, 20.3)])
def test_a_panic_without_an_end_is_waited_for_a_while(seconds: float, ours: float) -> None:
    now = [0.0]
    listener = OutputChecker(
        Manifest(expect=("ready",), tests=SCRIPTS), console_input=Typed(), clock=lambda: now[0]
    )
    listener.feed(b"ready\n")
    listener.tick(0.1)
    listener.feed(PANIC)
    listener.tick(0.2)
    assert not listener.done

    now[0] = ours
    listener.tick(seconds)

    assert listener.done


def test_what_is_never_printed_costs_no_minute_in_a_slow_simulator() -> None:
    now = [0.0]
    listener = OutputChecker(Manifest(expect=("radio ready",), tests=SCRIPTS), clock=lambda: now[0])
    listener.feed(b"starting\n")
    now[0] = 29.0
    listener.tick(1.3)
    assert not listener.done
    now[0] = 30.5

    listener.tick(1.4)

    assert listener.done
    report = listener.report()
    assert report is not None
    assert report.cases[0].message == "not run: never printed: radio ready"
