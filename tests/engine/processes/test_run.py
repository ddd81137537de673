"""Running programs: output as it comes, timeouts, cancelling, orphans."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from engine.cancel import CancelToken
from engine.console_input import ConsoleInput
from engine.errors import CancelledError, Interrupted, MissingToolError, ToolError
from engine.process import run

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


def test_hands_on_both_streams_and_the_exit_code() -> None:
    seen: list[bytes] = []

    done = run(
        ["sh", "-c", "echo out; echo err >&2; exit 3"],
        timeout=10,
        cancel=CancelToken(),
        on_output=seen.append,
    )

    assert done.returncode == 3
    assert sorted(b"".join(seen).split()) == [b"err", b"out"]
    assert sorted(done.tail.split()) == ["err", "out"]


def test_a_missing_program_is_one_clear_line() -> None:
    with pytest.raises(MissingToolError, match=r"^no-such-tool: not found$"):
        run(["no-such-tool"], timeout=1, cancel=CancelToken())


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(ToolError, match=r"no end after 0\.3 s"):
        run(SLEEPER, timeout=0.3, cancel=CancelToken())


@pytest.mark.parametrize(
    ("stop", "error"), [("cancel", CancelledError), ("interrupt", Interrupted)]
)
def test_stopping_ends_the_whole_process_group(stop: str, error: type[BaseException]) -> None:
    token = CancelToken()
    children: list[int] = []

    def note(data: bytes) -> None:
        children.extend(int(word) for word in data.split())
        getattr(token, stop)()

    with pytest.raises(error):
        run(["sh", "-c", "sleep 60 & echo $!; wait"], timeout=30, cancel=token, on_output=note)

    _gone, alive = psutil.wait_procs(
        [psutil.Process(pid) for pid in children if psutil.pid_exists(pid)], timeout=5
    )
    assert children
    assert not alive


def test_one_that_ignores_term_is_killed() -> None:
    token = CancelToken()
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('up', flush=True); time.sleep(60)"
    )
    started = time.monotonic()

    with pytest.raises(CancelledError):
        run(
            [sys.executable, "-c", code],
            timeout=30,
            cancel=token,
            on_output=lambda _data: token.cancel(),
        )

    assert time.monotonic() - started < 10


def test_a_token_that_was_stopped_before_starts_nothing(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(CancelledError):
        run(["touch", str(tmp_path / "made")], timeout=5, cancel=token)

    assert not (tmp_path / "made").exists()


def test_a_grandchild_that_keeps_the_pipe_does_not_keep_us() -> None:
    done = run(["sh", "-c", "sleep 60 & echo started"], timeout=30, cancel=CancelToken())

    assert done.returncode == 0
    assert done.seconds < 20


def test_one_that_left_the_group_and_keeps_printing_does_not_keep_us() -> None:
    done = run(["sh", "-c", "setsid yes & exit 3"], timeout=30, cancel=CancelToken())

    assert done.returncode == 3
    assert done.seconds < 20


@pytest.mark.slow
def test_one_that_left_the_group_and_keeps_printing_does_not_outlast_the_timeout() -> None:
    started = time.monotonic()

    with pytest.raises(ToolError, match=r"no end after 0\.3 s"):
        run(["sh", "-c", "setsid yes & exec sleep 60"], timeout=0.3, cancel=CancelToken())

    assert time.monotonic() - started < 20


def test_what_was_printed_before_the_end_is_whole_however_slow_its_reader_is() -> None:
    size = 60_000
    seen: list[int] = []

    def slow(data: bytes) -> None:
        seen.append(len(data))
        threading.Event().wait(0.7)

    code = f"import os; os.write(1, b'a'); os.write(1, b'b' * {size})"
    run([sys.executable, "-c", code], timeout=30, cancel=CancelToken(), on_output=slow)

    assert sum(seen) == size + 1


def test_a_listener_that_fails_ends_the_program_at_once() -> None:
    started = time.monotonic()

    def fail(_data: bytes) -> None:
        raise RuntimeError("the listener")

    with pytest.raises(RuntimeError, match="the listener"):
        run(SLEEPER, timeout=30, cancel=CancelToken(), on_output=fail)

    assert time.monotonic() - started < 10


def test_the_environment_is_added_to(tmp_path: Path) -> None:
    done = run(
        ["sh", "-c", 'echo "$HOME $EXTRA"; pwd'],
        timeout=5,
        cancel=CancelToken(),
        env={"EXTRA": "more"},
        cwd=tmp_path,
    )

    assert done.tail.split() == [os.environ["HOME"], "more", str(tmp_path)]


def test_a_clean_environment_has_what_a_build_needs_and_no_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = {
        "IDF_PATH": "/idf", "IDF_TOOLS_PATH": "/tools", "IDF_PYTHON_ENV_PATH": "/env",
        "ESP_IDF_VERSION": "5.5", "ESP_ROM_ELF_DIR": "/rom", "OPENOCD_SCRIPTS": "/scripts",
        "LC_CTYPE": "C", "https_proxy": "http://p", "HTTPS_PROXY": "http://p", "CCACHE_DIR": "/c",
        "XDG_CACHE_HOME": "/cache", "SOURCE_DATE_EPOCH": "0",
    }  # fmt: skip
    secret = ("GITHUB_TOKEN", "ESPDECK_WORKSPACE", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "MY_PATH")
    for name, value in {**kept, **dict.fromkeys(secret, "secret")}.items():
        monkeypatch.setenv(name, value)

    done = run(["env"], timeout=5, cancel=CancelToken(), env={"EXTRA": "more"}, clean_env=True)
    seen = dict(line.split("=", 1) for line in done.tail.splitlines())

    assert kept.items() <= seen.items()
    assert seen["EXTRA"] == "more"
    assert seen["PATH"] == os.environ["PATH"]
    assert not seen.keys() & set(secret)


def test_what_is_typed_reaches_its_standard_input() -> None:
    console_input, output = ConsoleInput(), bytearray()
    console_input.send(b"first\n")

    def answer(data: bytes) -> None:
        output.extend(data)
        if output == b"first\n":
            console_input.send(b"second\n")

    run(
        ["sed", "-u", "2q"],
        timeout=30,
        cancel=CancelToken(),
        on_output=answer,
        console_input=console_input,
    )

    assert output == b"first\nsecond\n"


def test_more_than_a_pipe_holds_can_be_typed() -> None:
    console_input, text = ConsoleInput(), b"0123456789abcdef" * 20_000
    typist = threading.Thread(target=console_input.send_all, args=(text, CancelToken()))
    typist.start()

    done = run(
        ["sh", "-c", f"head -c {len(text)} | md5sum"],
        timeout=30,
        cancel=CancelToken(),
        console_input=console_input,
    )
    typist.join(30)

    assert done.tail.split()[0] == hashlib.md5(text).hexdigest()


def test_typing_to_one_that_does_not_read_is_in_vain() -> None:
    console_input = ConsoleInput()
    console_input.send(b"anyone?\n" * 1000)

    done = run(
        ["sh", "-c", "exec <&-; echo no"],
        timeout=30,
        cancel=CancelToken(),
        console_input=console_input,
    )

    assert (done.returncode, done.tail) == (0, "no\n")


def test_a_silent_one_can_be_ended_when_enough_time_has_passed() -> None:
    token, rounds = CancelToken(), []

    def look(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 3:
            token.cancel()

    with pytest.raises(CancelledError):
        run(["sleep", "60"], timeout=30, cancel=token, on_poll=look)

    assert rounds == sorted(rounds)


def test_a_signal_that_ended_it_is_its_exit_code() -> None:
    done = run(["sh", "-c", "kill -SEGV $$"], timeout=10, cancel=CancelToken())

    assert done.returncode == -11


def test_signals_do_to_it_what_they_do_by_default() -> None:
    done = run(["sh", "-c", "kill -PIPE $$; echo here"], timeout=10, cancel=CancelToken())

    assert (done.returncode, done.tail) == (-13, "")


def test_a_crash_leaves_no_core_file() -> None:
    done = run(["sh", "-c", "ulimit -c; ulimit -H -c"], timeout=10, cancel=CancelToken())

    assert done.tail.split() == ["0", "0"]


def test_nothing_is_added_to_its_environment_but_the_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name != "PATH"]:
        monkeypatch.delenv(name)

    done = run(["env"], timeout=5, cancel=CancelToken())

    assert sorted(line.split("=")[0] for line in done.tail.splitlines()) == [
        "ESPDECK_GROUP",
        "PATH",
    ]


def test_a_program_that_cannot_be_executed_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "tool").touch()
    for supervised in (True, False):
        with pytest.raises(MissingToolError, match=r"tool: cannot be started: Permission denied$"):
            run([tmp_path / "tool"], timeout=1, cancel=CancelToken(), supervised=supervised)


def test_a_folder_that_is_missing_is_one_clear_line(tmp_path: Path) -> None:
    for supervised in (True, False):
        with pytest.raises(MissingToolError, match=r"gone: not found$"):
            run(
                ["true"], timeout=1, cancel=CancelToken(),
                cwd=tmp_path / "gone", supervised=supervised,
            )  # fmt: skip


def test_it_leads_a_session_of_its_own() -> None:
    done = run(
        [sys.executable, "-c", "import os; print(os.getpid() == os.getsid(0) == os.getpgrp())"],
        timeout=10,
        cancel=CancelToken(),
    )

    assert done.tail == "True\n"


def test_arguments_pass_as_they_are_whatever_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "POSIX")
    word = os.fsdecode(b"\xff\xe4 \n'\"")
    code = "import os, sys; os.write(1, os.fsencode(sys.argv[1]))"
    output = bytearray()

    run(
        [sys.executable, "-X", "utf8", "-c", code, word],
        timeout=10,
        cancel=CancelToken(),
        on_output=output.extend,
    )

    assert bytes(output) == b"\xff\xe4 \n'\""
