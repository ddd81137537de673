"""Reading files of others in a child process: what costs too much costs an answer, no more."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.monitor import binary_log, debug_info, panic
from engine.monitor.symbols import Symbols, load_symbols
from engine.processes import bounded
from engine.processes.bounded import Reader, UnreadableError, ask_once, fields, rows
from engine.sizes import from_elf
from tests import hostile
from tests.hostile import CODE

ROOT = Path("/w")
MODULE = """
import ctypes, os, sys, time

def echo(file, *words):
    return [file.read().decode(), *words, os.getpid()]

def spin(file):
    while True:
        pass

def stubborn(file):
    try:
        spin(file)
    except Exception:
        spin(file)

def deaf(file):
    import signal
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    while True:
        pass

def sleep(file):
    time.sleep(60)

def grow(file):
    return len([bytes(1 << 20) for _ in range(4000)])

def wrong(file):
    raise KeyError("a\\nb")

def die(file):
    os.kill(os.getpid(), 9)

def chatter(file):
    print("not an answer")
    return 1

def much(file):
    return "x" * (3 << 20)

def secret(file):
    return os.environ.get("ESPDECK_TOKEN")
"""


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """A reader of a file, with functions of the test's own."""
    (tmp_path / "espdeck_functions.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    path = tmp_path / "file"
    path.write_text("content")
    return Reader(path, "espdeck_functions", 100)


def test_one_child_answers_all_questions(reader: Reader) -> None:
    content, word, number, child = reader.ask("echo", "a", 1, seconds=5.0)
    assert (content, word, number) == ("content", "a", 1)
    assert reader.ask("echo", seconds=5.0)[-1] == child != os.getpid()


def test_the_file_stays_the_one_that_was_opened(reader: Reader) -> None:
    reader.path.unlink()
    reader.path.write_text("another")
    assert reader.ask("echo", seconds=5.0)[0] == "content"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("spin", "took longer than 0.1 s"),
        ("stubborn", "took longer than 0.1 s"),
        ("grow", "took more than 200 MiB of memory"),
        ("wrong", "KeyError"),
        ("die", "ended early"),
        ("much", "ended early"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_next_question_answered(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, function: str, said: str
) -> None:
    monkeypatch.setattr(bounded, "MAX_MEMORY_BYTES", 200 << 20)
    monkeypatch.setattr(bounded, "MAX_ANSWER_BYTES", 1 << 20)
    with pytest.raises(UnreadableError) as raised:
        reader.ask(function, seconds=0.1 if said.endswith("0.1 s") else 5.0)

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert reader.ask("echo", seconds=5.0)[0] == "content"


@pytest.mark.slow
@pytest.mark.parametrize("function", ["sleep", "deaf"])
def test_a_child_that_heeds_nothing_is_ended(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    monkeypatch.setattr(bounded, "_START_SECONDS", 0.5)
    reader.ask("echo", seconds=5.0)
    with pytest.raises(UnreadableError, match=r"took longer than 0\.01 s"):
        reader.ask(function, seconds=0.01)


def test_what_a_parser_prints_is_no_answer(reader: Reader) -> None:
    assert reader.ask("chatter", seconds=5.0) == 1


def test_a_child_sees_no_secrets(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPDECK_TOKEN", "secret")
    assert reader.ask("secret", seconds=5.0) is None


def test_a_child_that_nobody_asks_ends_and_another_answers(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "IDLE_SECONDS", 0.2)
    first = reader.ask("echo", seconds=5.0)[-1]
    assert reader._process is not None
    reader._process.wait(10)

    assert reader.ask("echo", seconds=5.0)[-1] != first


def test_a_child_ends_with_its_reader(reader: Reader) -> None:
    child = reader.ask("echo", seconds=5.0)[-1]
    ask_once(reader.path, "espdeck_functions", "echo", most=100, seconds=5.0)
    reader.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize("what", ["absent", "pipe", "folder", "large"])
def test_only_files_are_read(tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "large":
        path.write_bytes(bytes(9))
    with pytest.raises(OSError, match=what if what == "absent" else "not a file|larger than 8"):
        Reader(path, "engine.monitor.program", 8)


@pytest.mark.parametrize("value", [None, {}, "x", [1], [[1]], [["a", "b"]], [["a", True]]])
def test_an_answer_of_another_shape_is_none(value: object) -> None:
    with pytest.raises(UnreadableError, match="made no sense"):
        list(rows(value, str, int))
    assert fields(["a", 1], str, int) == ("a", 1)


HOSTILE: tuple[Callable[[], bytes], ...] = (
    hostile.own_sibling,
    hostile.sibling_before,
    hostile.own_origin,
    hostile.nested,
    hostile.shared_ranges,
    hostile.shared_name,
    hostile.shared_abbreviations,
    hostile.indirect_forms,
    hostile.folders_without_bytes,
    hostile.units_without_bytes,
    hostile.sections_of_everything,
)


@pytest.mark.slow
@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: str(make.__name__))
def test_a_program_that_would_take_for_ever_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], bytes]
) -> None:
    monkeypatch.setattr(bounded, "MAX_MEMORY_BYTES", 150 << 20)
    monkeypatch.setattr(debug_info, "MAX_SECONDS", 0.1)
    monkeypatch.setattr(from_elf, "TIMEOUT_SECONDS", 0.1)
    path = tmp_path / "app.elf"
    path.write_bytes(make())

    symbols = load_symbols(path)

    if symbols is not None:
        assert symbols.place(CODE + 16, ROOT).line is None
        assert symbols.frame(CODE + 16) is None
        assert symbols.call_before(CODE + 16) == (False, None)
    from_elf.read(path, "esp32c3")


@pytest.mark.slow
def test_what_could_not_be_read_is_told_with_the_panic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debug_info, "MAX_SECONDS", 0.1)
    path = tmp_path / "app.elf"
    path.write_bytes(hostile.own_sibling())

    (finding,) = panic.decode(
        "Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.\n"
        f"MEPC    : 0x{CODE + 16:08x}  RA      : 0x{CODE + 32:08x}  SP      : 0x3fcbffe0\n"
        "Rebooting...\n",
        path,
        ROOT,
    )

    said = "the debug information of app.elf cannot be read: took longer than 0.1 s"
    assert said in (finding.evidence or "")


def test_symbols_that_nobody_uses_leave_no_process(tmp_path: Path) -> None:
    path = tmp_path / "app.elf"
    path.write_bytes(hostile.own_origin())
    symbols = Symbols(path)
    process = symbols._reader._process
    assert process is not None
    del symbols
    gc.collect()
    deadline = time.monotonic() + 10
    while process.returncode is None and time.monotonic() < deadline:
        gc.collect()
    assert process.returncode is not None


def test_a_program_that_cannot_be_read_any_more_is_asked_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "app.elf"
    path.write_bytes(hostile.elf(hostile.Section(".noload", b"text\0")))
    symbols, texts = Symbols(path), binary_log._Texts(path)
    asked: list[str] = []

    def ask(_reader: Reader, function: str, *_arguments: object, seconds: float) -> object:
        asked.append(function)
        raise UnreadableError(f"took longer than {seconds:g} s")

    monkeypatch.setattr(Reader, "ask", ask)
    assert [symbols.function(CODE), symbols.extent(CODE), symbols.start(CODE)] == [None] * 3
    assert [texts.at(0x10), texts.at(0x14)] == [b"<0x00000010>", b"<0x00000014>"]
    assert asked == ["function", "text"]


def test_a_child_that_was_ended_is_followed_by_another(reader: Reader) -> None:
    first = reader.ask("echo", seconds=5.0)[-1]
    reader.restart()
    assert reader.ask("echo", seconds=5.0)[-1] != first
