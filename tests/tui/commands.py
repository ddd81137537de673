"""The command line, in processes of its own as a person runs it, or in this one, which is quick."""

from __future__ import annotations

import os
from pathlib import Path

from typer.testing import CliRunner

from engine.errors import EspdeckError
from tests.forked import Running, run_espdeck
from tui.cli.main import cli


class Here:
    """Runs commands in this process, on a workspace."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    def says(self, *words: str, code: int = 0) -> str:
        """What a command prints that ends with this exit code."""
        done = CliRunner().invoke(cli, ["--workspace", str(self._workspace), *words])
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    def refuses(self, *words: str) -> str:
        """The one line in which a command says what is wrong."""
        done = CliRunner().invoke(cli, ["--workspace", str(self._workspace), *words])
        assert isinstance(done.exception, EspdeckError), (done.output, done.exception)
        line = str(done.exception)
        assert "\n" not in line
        return line


class Shell:
    """Runs ``espdeck`` on a workspace."""

    def __init__(self, workspace: Path, **env: str) -> None:
        self._workspace = ["--workspace", str(workspace)]
        self._env = {**os.environ, "COLUMNS": "100", **env}

    def start(self, *words: str) -> Running:
        """Run a command that goes on; its output is to be read."""
        return Running(*self._workspace, *words, env=self._env)

    def says(self, *words: str, typed: str = "", code: int = 0) -> str:
        """What a command prints that ends with this exit code, and without a traceback."""
        done = run_espdeck(*self._workspace, *words, env=self._env, typed=typed.encode())
        output, errors = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == code, output + errors
        assert "Traceback" not in errors
        return output + errors
