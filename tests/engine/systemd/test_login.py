"""The login manager's settings, read as it reads them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.systemd.login import LoginSettings, lingers, read_login_settings

MAIN = "etc/systemd/logind.conf"
KILL = "[Login]\nKillUserProcesses=yes\n"
KEEP = "[Login]\nKillUserProcesses=no\n"


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def read(root: Path, text: str) -> LoginSettings:
    write(root, **{MAIN: text})
    return read_login_settings(root)


@pytest.mark.parametrize(
    ("files", "kills"),
    [
        ({}, False),
        ({MAIN: KILL}, True),
        ({"usr/lib/systemd/logind.conf": KILL}, True),
        ({MAIN: KEEP, "usr/lib/systemd/logind.conf": KILL}, False),
        # A drop-in wins over the main file, the last name over the others, wherever it is.
        ({MAIN: KEEP, "usr/lib/systemd/logind.conf.d/10-a.conf": KILL}, True),
        (
            {
                "etc/systemd/logind.conf.d/10-a.conf": KEEP,
                "usr/lib/systemd/logind.conf.d/20-b.conf": KILL,
            },
            True,
        ),
        # Of one name, that of /etc is read alone.
        (
            {
                "etc/systemd/logind.conf.d/50-x.conf": "",
                "usr/lib/systemd/logind.conf.d/50-x.conf": KILL,
            },
            False,
        ),
        (
            {
                "run/systemd/logind.conf.d/50-x.conf": KILL,
                "usr/local/lib/systemd/logind.conf.d/50-x.conf": KEEP,
            },
            True,
        ),
        ({"etc/systemd/logind.conf.d/50-x.conf.bak": KILL}, False),
    ],
)
def test_which_file_wins(files: dict[str, str], kills: bool, tmp_path: Path) -> None:
    write(tmp_path, **files)
    assert read_login_settings(tmp_path).kills("ada") is kills


def test_a_link_to_nothing_takes_a_file_out(tmp_path: Path) -> None:
    write(tmp_path, **{"usr/lib/systemd/logind.conf.d/50-x.conf": KILL})
    link = tmp_path / "etc/systemd/logind.conf.d/50-x.conf"
    link.parent.mkdir(parents=True)
    link.symlink_to("/dev/null")
    assert not read_login_settings(tmp_path).kills("ada")


@pytest.mark.parametrize(
    ("text", "kills"),
    [
        ("KillUserProcesses=yes\n", False),  # of no section
        ("[Login]\n# KillUserProcesses is what\nKillUserProcesses = TRUE \n", True),
        ("[Login]\nKillUserProcesses=yes\nKillUserProcesses=0\n", False),
        ("[Login]\nKillUserProcesses=yes\nKillUserProcesses=perhaps\n", True),
        ("[Login]\nKillUserProcesses=yes\nKillUserProcesses=\n", True),
        ("[Login]\nkilluserprocesses=yes\n", False),
        ("[Sleep]\nKillUserProcesses=yes\n[Login]\n", False),
        ("[Login]\nKillUserProcesses=\\\n  on\n", True),
        ("[Login]\nKillUserProcesses\n;KillUserProcesses=no\n  KillUserProcesses=t\r\n", True),
        # What logind was compiled with, as its own file shows it.
        ("[Login]\n#KillUserProcesses=yes\n", True),
        ("[Login]\n#KillUserProcesses=no\n", False),
        ("[Login]\nKillUserProcesses=no\n#KillUserProcesses=yes\n", False),
    ],
)
def test_what_a_file_says(text: str, kills: bool, tmp_path: Path) -> None:
    assert read(tmp_path, text).kills("ada") is kills


@pytest.mark.parametrize(
    ("text", "killed"),
    [
        ("KillUserProcesses=yes", {"ada", "bob"}),
        ("KillUserProcesses=yes\nKillExcludeUsers=", {"ada", "bob", "root"}),
        ("KillUserProcesses=yes\nKillExcludeUsers=ada", {"bob", "root"}),
        ("KillUserProcesses=yes\nKillExcludeUsers=ada\nKillExcludeUsers=bob root", set()),
        ("KillUserProcesses=yes\nKillExcludeUsers=ada\nKillExcludeUsers=", {"ada", "bob", "root"}),
        ("KillUserProcesses=no\nKillOnlyUsers=ada", {"ada"}),
        ("KillUserProcesses=yes\nKillOnlyUsers=ada root", {"ada"}),
        ("KillOnlyUsers=ada bob\nKillExcludeUsers=ada", {"bob"}),
    ],
)
def test_whose_processes_end(text: str, killed: set[str], tmp_path: Path) -> None:
    found = read(tmp_path, f"[Login]\n{text}\n")
    assert {user for user in ("ada", "bob", "root") if found.kills(user)} == killed


def test_it_is_said_which_file_says_so(tmp_path: Path) -> None:
    write(tmp_path, **{MAIN: KEEP, "etc/systemd/logind.conf.d/9.conf": KILL})
    found = read_login_settings(tmp_path)
    assert found.said_by == tmp_path / "etc/systemd/logind.conf.d/9.conf"
    assert read(tmp_path / "else", "[Login]\n#KillUserProcesses=yes\n").said_by is None


@settings(max_examples=50)
@given(st.binary(max_size=300) | st.text("[Login]=yesKillUser\\#;\n \r").map(str.encode))
def test_any_file_can_be_read(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MAIN
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        read_login_settings(Path(folder))


@pytest.mark.parametrize(
    ("user", "name"),
    [("ada", "ada"), (r"LAB\ada", r"LAB\\ada"), ("grün", r"gr\303\274n"), ("a'b", r"a\'b")],
)
def test_who_lingers(user: str, name: str, tmp_path: Path) -> None:
    assert not lingers(tmp_path, user)
    folder = tmp_path / "var/lib/systemd/linger"
    folder.mkdir(parents=True)
    (folder / name).touch()
    assert lingers(tmp_path, user)
