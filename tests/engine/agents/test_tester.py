"""TESTER's ears: what it waits for, at whatever pace it comes."""

from __future__ import annotations

from engine.agents.tester import Listener
from engine.manifest import Manifest

SUMMARY = b"1 Tests 0 Failures 0 Ignored\nOK\n"


def test_it_is_done_with_every_expectation_and_the_summary() -> None:
    listener = Listener(Manifest(expect=("ready", "^x=1$"), unity=True))
    done = []

    for data in (b"ready\n", b"a.c:1:test_a:PA", b"SS\n", SUMMARY, b"x=1\n"):
        listener.feed(data)
        done.append(listener.done)

    assert done == [False, False, False, False, True]
    report = listener.report()
    assert report is not None
    assert (report.tests, report.complete) == (1, True)


def test_tests_that_nobody_asked_for_are_waited_for_once_they_began() -> None:
    listener = Listener(Manifest(expect=("ready",)))

    listener.feed(b"ready\na.c:1:test_a:PASS\n")
    assert not listener.done
    listener.feed(SUMMARY)
    assert listener.done


def test_firmware_without_tests_has_no_report() -> None:
    listener = Listener(Manifest(expect=("ready",)))

    listener.feed(b"main.c:1: ready\nOK\n")

    assert listener.done
    assert listener.report() is None


def test_nothing_more_is_waited_for_after_a_panic() -> None:
    listener = Listener(Manifest(expect=("ready",)))

    listener.feed(b"Guru Meditation Error: Core 0\nRebooting...\n")

    assert listener.done


def test_asking_after_each_line_costs_the_same_however_much_came() -> None:
    # A thousand million lines to read, if each answer went over the lines that were kept.
    listener = Listener(Manifest(unity=True))
    for number in range(100_000):
        listener.feed(b"a.c:1:test_%d:PASS\n" % number)
        assert not listener.done
    listener.feed(SUMMARY)

    assert listener.done


def test_a_boot_loop_ends_the_listening_and_is_counted() -> None:
    listener = Listener(Manifest(expect=("ready",)))
    boot = b"ESP-ROM:esp32c3-api1-20210207\r\nrst:0x7 (TG0WDT_SYS_RST),boot:0xc\r\n"
    listener.feed(b"rst:0x1 (POWERON),boot:0xc\r\n" + 2 * boot)
    assert not listener.done
    listener.feed(b"rst:0xf (BROWNOUT_RST),boot:0xc\r\n")
    assert not listener.done
    listener.feed(boot)
    assert listener.done
    assert listener.resets.loop == "TG0WDT_SYS_RST"
    assert (listener.resets.watchdogs, listener.resets.brownouts) == (3, 1)


def test_resets_that_were_asked_for_are_no_boot_loop() -> None:
    listener = Listener(Manifest(expect=("ready",)))
    listener.feed(9 * b"rst:0x3 (RTC_SW_SYS_RST),boot:0xc\r\nrst:0x5 (DSLEEP),boot:0xc\r\n")
    assert not listener.done
    assert listener.resets.watchdogs == 0
