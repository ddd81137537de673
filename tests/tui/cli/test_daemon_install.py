"""``espdeck daemon install``: the unit, where it is written, and what is to be done then."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.doctor_check import DoctorCheck
from tests.tui.commands import Here
from tui.cli.main import cli


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("engine.daemon_doctor.look_at_daemons", lambda _workspace: ())
    return Here(tmp_path / "ws")


def start_of(unit: str) -> str:
    (line,) = (line for line in unit.splitlines() if line.startswith("ExecStart="))
    return line.removeprefix("ExecStart=")


def test_the_unit_is_printed(here: Here, tmp_path: Path) -> None:
    unit = here.says("daemon", "install")
    command = f"{sys.executable} -m tui.cli.main --workspace {tmp_path / 'ws'} daemon run"
    assert start_of(unit) == command
    assert not (tmp_path / "config").exists()


def test_the_espdeck_that_was_run_is_the_services(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "espdeck"
    program.touch()
    monkeypatch.setattr(sys, "argv", [str(program), "daemon", "install"])
    assert start_of(here.says("daemon", "install")).startswith(f"{program} --workspace ")


def test_the_unit_is_written_and_the_commands_are_told(here: Here, tmp_path: Path) -> None:
    first, *commands = here.says("daemon", "install", "--write").splitlines()
    (path,) = (tmp_path / "config" / "systemd" / "user").iterdir()

    assert first == f"wrote {path}; now:"
    assert commands == [
        "systemctl --user daemon-reload",
        f"systemctl --user enable {path.name}",
        f"systemctl --user restart {path.name}",
    ]
    assert path.read_text("utf-8") == here.says("daemon", "install")
    again, *_ = here.says("daemon", "install", "--write").splitlines()
    assert again == f"unchanged: {path}; now:"


def test_secrets_and_what_ends_services_are_told(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESPDECK_LLM_API_KEY", "s3cret-value")
    linger = DoctorCheck("linger", False, False, "off", "loginctl enable-linger ada")
    monkeypatch.setattr("engine.daemon_doctor.look_at_daemons", lambda _workspace: (linger,))

    done = CliRunner().invoke(cli, ["--workspace", str(tmp_path / "ws"), "daemon", "install"])

    assert "s3cret" not in done.output
    assert (
        "espdeck: ESPDECK_LLM_API_KEY may be secret and is not in the unit: write it to daemon.env"
        in done.stderr
    )
    assert "espdeck: linger: off: loginctl enable-linger ada\n" in done.stderr
    assert "linger" not in done.stdout
