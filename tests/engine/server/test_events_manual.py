"""The manual's readers of live events do what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine import Engine
from engine.enums import RunStatus, Scope
from engine.events import Problem, RunChanged, RunProgress
from engine.server.http_server import HttpServer

PAGE = Path(__file__).parents[3] / "tui" / "guide" / "api.md"


def example(language: str) -> str:
    """The example of the page's part about live events."""
    part = PAGE.read_text("utf-8").partition("\n## Live events\n")[2].partition("\n## ")[0]
    found = re.search(rf"^```{language}\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@contextmanager
def running(
    command: list[str], engine: Engine, server: HttpServer
) -> Iterator[subprocess.Popen[str]]:
    token, _ = engine.access.create_token("example", Scope.READ)
    child = subprocess.Popen(
        command,
        env={**os.environ, "ESPDECK_URL": server.url, "ESPDECK_TOKEN": token},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def read_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


@pytest.mark.slow
def test_the_reader_in_python(engine: Engine, server: HttpServer) -> None:
    with running([sys.executable, "-c", example("python")], engine, server) as child:
        assert read_line(child) == "hello None"
        engine.events.publish(RunChanged(run_id=7, project_id="p", status=RunStatus.RUNNING))
        engine.events.publish(Problem(message="m"))

        assert read_line(child) == "build.status 7"
        assert read_line(child) == "problem None"


@pytest.mark.slow
def test_curl(engine: Engine, server: HttpServer) -> None:
    with running(["sh", "-c", f"exec {example('sh').strip()}"], engine, server) as child:
        while not read_line(child).startswith('data: {"id":'):
            pass
        engine.events.publish(Problem(message="not of these types"))
        engine.events.publish(RunProgress(run_id=7, phase="build", percent=5.0, message="m"))

        line = read_line(child)
        while not line.startswith("data: "):
            line = read_line(child)
        assert '"type": "workflow.progress"' in line
