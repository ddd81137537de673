"""Output that cannot be written as it is: one line and an exit code, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.workspaces import fill
from tui.cli.streams import find_odd_text

pytestmark = pytest.mark.slow  # processes that an interpreter starts: their streams are the point


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("streams")
    fill(made, lambda text: text.replace("humidity", "Luftfeuchte … 湿度"))
    return made


def run(workspace: Path, shell: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """A line of bash, in which ``$E`` is espdeck on the workspace."""
    espdeck = f"{sys.executable} -m tui.cli.main --workspace {workspace}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell.replace("$E", espdeck)],
        env={**os.environ, **env},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert b"Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    ("env", "sign"),
    [({"PYTHONIOENCODING": "latin-1"}, b"?"), ({"LC_ALL": "C"}, "…".encode())],
    ids=["latin-1", "C"],
)
def test_any_encoding(workspace: Path, env: dict[str, str], sign: bytes) -> None:
    done = run(workspace, "$E builds", **env)

    assert done.returncode == 0
    assert b"Luftfeuchte " + sign in done.stdout


def test_a_reader_that_has_gone(workspace: Path) -> None:
    done = run(workspace, "for i in 1; do $E config show; done | true")

    assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk(workspace: Path) -> None:
    done = run(workspace, "$E builds > /dev/full")

    assert done.returncode == 2
    assert done.stderr == b"espdeck: cannot write the output: No space left on device\n"


def test_closed_streams(workspace: Path) -> None:
    assert run(workspace, "$E builds <&- >&- 2>&-").returncode == 0


def test_what_is_not_utf_8_is_named() -> None:
    assert find_odd_text(["build", "h\udcfc"], {}) == "argument 2 is not UTF-8: h\udcfc"
    said = find_odd_text([], {"LESS": "\udcff", "ESPDECK_WORKSPACE": "/tmp/\udcff"})
    assert said == "variable ESPDECK_WORKSPACE is not UTF-8: /tmp/\udcff"
    assert find_odd_text(["bücher", "湿度"], {"HOME": "/home/jürgen"}) == ""
