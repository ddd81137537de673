"""The log of a workspace: what is written, by whom, and what becomes of it when a file is full."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Engine, Settings
from engine.logs.formats import JsonFormat, TextFormat
from engine.logs.log_file import OWN_LOGGERS, LogFileHandler, log_to, older_files
from engine.logs.secrets import SecretFilter, environment_secrets, is_secret_name
from engine.settings import LogSettings


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers = [*root.handlers]
    levels = {name: logging.getLogger(name).level for name in OWN_LOGGERS}
    yield
    for each in {*root.handlers} - {*handlers}:
        root.removeHandler(each)
        each.close()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("espdeck.test").makeRecord(
        "espdeck.test", logging.WARNING, "f.py", 1, message, args, None, extra=extra
    )


def handler(path: Path, *, max_bytes: int = 1 << 20, files: int = 3) -> LogFileHandler:
    made = LogFileHandler(path, max_bytes=max_bytes, files=files)
    made.setFormatter(logging.Formatter("%(message)s"))
    return made


def lines(path: Path) -> list[str]:
    """Of all files of a log, the oldest first."""
    files = [each for _, each in older_files(path)] + [path]
    return [line for each in files for line in each.read_text("utf-8").splitlines()]


def raised(message: str) -> logging.LogRecord:
    made = record("it failed")
    try:
        raise ValueError(message)
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


def test_a_record_is_one_object(tmp_path: Path) -> None:
    log_to(tmp_path / "espdeck.log", LogSettings(format="json"))

    logging.getLogger("espdeck.runner").warning("stage %s", "build", extra={"run": 12})

    (line,) = lines(tmp_path / "espdeck.log")
    fields = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fields.pop("time"))
    assert fields == {
        "level": "WARNING",
        "logger": "espdeck.runner",
        "message": "stage build",
        "pid": os.getpid(),
        "run": 12,
    }


def test_a_record_is_one_line_of_text(tmp_path: Path) -> None:
    log_to(tmp_path / "espdeck.log", LogSettings())

    logging.getLogger("espdeck.runner").warning("stage %s", "build", extra={"run": 12})

    (line,) = lines(tmp_path / "espdeck.log")
    pid = os.getpid()
    assert line[24:] == f" WARNING espdeck.runner[{pid}]: stage build (run=12)"


def test_levels_are_those_of_the_settings_and_libraries_say_less(tmp_path: Path) -> None:
    log_to(tmp_path / "espdeck.log", LogSettings(level="info"))
    logging.getLogger("espdeck.daemon").debug("1")
    logging.getLogger("engine.images.memory").info("2")
    logging.getLogger("httpx").info("3")
    logging.getLogger("httpx").warning("4")
    log_to(tmp_path / "espdeck.log", LogSettings(level="error"))
    logging.getLogger("espdeck.daemon").warning("5")
    logging.getLogger("httpx").warning("6")
    logging.getLogger("httpx").error("7")

    assert [line[-1] for line in lines(tmp_path / "espdeck.log")] == ["2", "4", "7"]


def test_the_log_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "espdeck.log"
    path.touch(0o666)
    path.chmod(0o666)
    written = handler(path, max_bytes=10)
    for message in ("first", "second"):
        written.handle(record(message))

    assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}


def test_a_full_file_is_kept_beside_the_next_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "espdeck.log"
    path.with_name("espdeck.log.old").write_text("not mine")
    path.with_name("espdeck.log.7").write_text("of when seven were kept\n")
    written = handler(path, max_bytes=10, files=3)
    for number in range(6):
        written.handle(record(f"line {number}"))

    assert lines(path) == ["line 3", "line 4", "line 5"]
    assert path.with_name("espdeck.log.old").exists()


_WRITER = """
import logging, sys
from pathlib import Path
from engine.logs.log_file import LogFileHandler
handler = LogFileHandler(Path(sys.argv[1]), max_bytes=500, files=200)
handler.setFormatter(logging.Formatter("%(message)s"))
for number in range(300):
    handler.handle(logging.makeLogRecord({"msg": f"{sys.argv[2]} {number} end"}))
"""


@pytest.mark.slow
def test_processes_that_write_one_log_lose_nothing(tmp_path: Path) -> None:
    """Of RotatingFileHandler's, some ten of a hundred lines are gone."""
    path = tmp_path / "espdeck.log"
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), str(who)]) for who in range(4)
    ]
    assert [each.wait(60) for each in writers] == [0, 0, 0, 0]

    assert len(older_files(path)) > 5
    found = sorted(line for line in lines(path) if line)
    assert found == sorted(f"{who} {number} end" for who in range(4) for number in range(300))


def test_a_writer_follows_a_file_that_another_renamed_or_deleted(tmp_path: Path) -> None:
    path = tmp_path / "espdeck.log"
    first, second = handler(path, max_bytes=10, files=3), handler(path, max_bytes=10, files=3)
    second.handle(record("a"))
    for name in "bcdefg":
        first.handle(record(name * 9))
    second.handle(record("h"))
    assert path.read_text() == "h\n"

    path.unlink()
    second.handle(record("i"))
    assert path.read_text() == "i\n"


def test_a_process_that_is_stopped_as_it_renames_keeps_nobody(tmp_path: Path) -> None:
    path = tmp_path / "espdeck.log"
    written = handler(path, max_bytes=10)
    written.handle(record("a" * 9))
    holds = (
        "import fcntl, os, signal, sys; file = open(sys.argv[1], 'a');"
        "fcntl.flock(file, fcntl.LOCK_EX); print('has it', flush=True);"
        "os.kill(os.getpid(), signal.SIGSTOP)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, str(path)], stdout=subprocess.PIPE
    ) as stopped:
        assert stopped.stdout is not None
        stopped.stdout.readline()
        written.handle(record("b" * 9))
        stopped.send_signal(signal.SIGKILL)

    assert path.read_text() == f"{'a' * 9}\n{'b' * 9}\n"
    written.handle(record("c" * 9))
    assert path.read_text() == "c" * 9 + "\n"


@pytest.mark.parametrize("in_its_place", ["a folder", "no folder around it", "a pipe"])
def test_a_log_that_cannot_be_written_says_nothing(
    in_its_place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "there" / "espdeck.log"
    if in_its_place != "no folder around it":
        path.parent.mkdir()
    if in_its_place == "a folder":
        path.mkdir()
    if in_its_place == "a pipe":
        os.mkfifo(path)

    written = handler(path)
    for _ in range(3):
        written.handle(record("to nobody"))

    assert capsys.readouterr() == ("", "")


def test_a_full_disk_costs_records_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What got there of a line is a line of its own, and the next record is whole."""
    path = tmp_path / "espdeck.log"
    written = handler(path)
    real = os.write

    def half(descriptor: int, data: bytes) -> int:
        return real(descriptor, data[: len(data) // 2])

    def none(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    written.handle(record("first"))
    monkeypatch.setattr(os, "write", half)
    written.handle(record("cut off"))
    monkeypatch.setattr(os, "write", none)
    written.handle(record("lost"))
    monkeypatch.setattr(os, "write", real)
    written.handle(record("last"))

    assert path.read_text() == "first\ncut \nlast\n"
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("kind", [JsonFormat, TextFormat])
@settings(max_examples=50)
@given(message=st.text(max_size=200), error=st.text(max_size=200))
def test_no_text_steers_a_terminal_or_forges_a_record(
    kind: type[JsonFormat | TextFormat], message: str, error: str
) -> None:
    """A line that begins none is indented; JSON is one line."""
    made = raised(error)
    made.msg, made.args = message, None
    made.project = message

    first, *more = kind(SecretFilter(())).format(made).split("\n")

    assert all(line.startswith("    ") for line in more)
    assert kind is TextFormat or not more
    for line in (first, *more):
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", line)
        line.encode("utf-8")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("a\nb\x1b[2Jc\x07", r"a\nb\x1b[2Jc\x07"),
        ("cut \u202edrawkcab", r"cut \u202edrawkcab"),
        ("Größe 5 µs", "Größe 5 µs"),
    ],
)
def test_control_characters_are_written_out(message: str, text: str) -> None:
    assert TextFormat(SecretFilter(())).format(record(message)).endswith(f"]: {text}")


def test_what_was_raised_is_one_field() -> None:
    fields = json.loads(JsonFormat(SecretFilter(())).format(raised("no such thing")))

    assert fields["traceback"].startswith("Traceback (most recent call last):\n")
    assert fields["traceback"].endswith("\nValueError: no such thing")


def test_texts_are_bounded() -> None:
    made = raised("y" * 1_000_000)
    made.msg, made.note = "x" * 1_000_000, "z" * 1_000_000

    for kind in (JsonFormat, TextFormat):
        assert len(kind(SecretFilter(())).format(made)) < 50_000


def test_a_record_with_wrong_arguments_is_kept() -> None:
    fields = json.loads(JsonFormat(SecretFilter(())).format(record("%d boards", "no")))
    assert fields["message"] == "%d boards ('no',)"


def test_extras_that_are_no_plain_values_or_have_our_names_are_left_out() -> None:
    made = record("m", run=3, part=object(), level="x", ratio=float("nan"), ok=True, none=None)

    fields = json.loads(JsonFormat(SecretFilter(())).format(made))

    del fields["time"], fields["pid"], fields["logger"], fields["message"]
    assert fields == {"level": "WARNING", "run": 3, "ratio": "nan", "ok": True, "none": None}


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("clone https://ada:pass@host/x.git fails", "clone https://***@host/x.git fails"),
        ("GET https://h/x?a=1&token=abcdefgh&b=2", "GET https://h/x?a=1&token=***&b=2"),
        ("GET http://h/api/v1/ws?ticket=abcdefgh", "GET http://h/api/v1/ws?ticket=***"),
        ("POST https://h/x?api_key=abcdefgh", "POST https://h/x?api_key=***"),
        ("Authorization: Bearer abcdefghijklmnop.qr==", "Authorization: Bearer ***"),
        ("the key is s3cr3t-v4lue here", "the key is *** here"),
        ("slack://tokenA/tokenB refuses", "*** refuses"),
        ("board token ring of 3 boards", "board token ring of 3 boards"),
        ("max_tokens=100", "max_tokens=100"),
        (f"GET /api/v1/espdeck_{'a-B_9' * 8}xyz: 401", "GET /api/v1/espdeck_***: 401"),
        ("espdeck_lock of espdeck_1a2b3c4d", "espdeck_lock of espdeck_1a2b3c4d"),
    ],
)
def test_secrets_are_hidden(text: str, hidden: str) -> None:
    hide = SecretFilter({"s3cr3t-v4lue", "slack://tokenA/tokenB", "a", ""})
    assert hide(text) == hidden


def test_a_longer_secret_is_hidden_whole() -> None:
    assert SecretFilter({"abcdef", "abcdefgh"})("abcdefgh") == "***"


@pytest.mark.parametrize(
    "name",
    [
        *("ESPDECK_LLM_API_KEY", "OPENROUTER_API_KEY", "GITHUB_TOKEN", "GH_PAT", "SMTP_PASSWORD"),
        *("AWS_SECRET_ACCESS_KEY", "DB_PASSWD", "MY_SECRET", "SLACK_TOKEN_CI"),
    ],
)
def test_variables_of_secrets_are_told_by_their_names(name: str) -> None:
    assert is_secret_name(name)
    assert environment_secrets({name: "v"}) == {"v"}


@pytest.mark.parametrize(
    "name", ["PATH", "IDF_PATH", "PWD", "KEYBOARD", "ESPDECK_MAX_ITERATIONS", "SSH_AUTH_SOCK"]
)
def test_other_variables_are_no_secrets(name: str) -> None:
    assert not is_secret_name(name)


def test_secrets_are_hidden_in_every_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-0123456789")
    log_to(tmp_path / "espdeck.log", LogSettings(format="json"), {"of-the-settings"})
    key = "sk-or-v1-0123456789 of-the-settings"
    try:
        raise ValueError(key)
    except ValueError:
        logging.getLogger("espdeck.llm").exception(key, extra={"asked": key})

    text = (tmp_path / "espdeck.log").read_text()
    assert "0123456789" not in text
    assert "of-the-settings" not in text
    assert text.count("*** ***") == 3


def test_an_engine_logs_into_its_workspace(tmp_path: Path) -> None:
    engine = Engine(Settings(workspace=tmp_path / "ws", log=LogSettings(format="json")))
    engine.open(execute=False)
    logging.getLogger("espdeck").warning("hello")
    engine.close()

    assert json.loads((tmp_path / "ws" / "espdeck.log").read_text())["message"] == "hello"


def test_an_engine_that_reads_its_settings_again_logs_what_changed(tmp_path: Path) -> None:
    log = tmp_path / "ws" / "espdeck.log"
    before = Settings(workspace=tmp_path / "ws")
    now = before.model_copy(
        update={"max_concurrent_builds": 4, "log": LogSettings(format="json", level="warning")}
    )
    with Engine(before, lambda: now) as engine:
        engine.wait_ready()
        engine.reload()
        logging.getLogger("espdeck").info("less is logged now")
        logging.getLogger("espdeck").warning("as JSON")

    first, second = lines(log)
    assert "log.format: text -> json; log.level: info -> warning; max_conc" in first
    assert json.loads(second)["message"] == "as JSON"
