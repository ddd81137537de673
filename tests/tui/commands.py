"""The command line, in processes of its own as a person runs it, or in this one, which is quick."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from engine.errors import EspdeckError
from tui.cli import cli


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
        self._command = [sys.executable, "-m", "tui.cli", "--workspace", str(workspace)]
        self._env = {**os.environ, "COLUMNS": "100", **env}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Run a command that goes on; its output is to be read."""
        return subprocess.Popen(
            [*self._command, *words], env=self._env, stdout=subprocess.PIPE, text=True
        )

    def says(self, *words: str, typed: str = "", code: int = 0) -> str:
        """What a command prints that ends with this exit code, and without a traceback."""
        done = subprocess.run(
            [*self._command, *words],
            env=self._env, input=typed, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr
