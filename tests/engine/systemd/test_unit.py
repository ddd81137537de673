"""The user unit: what it says, that systemd takes it, and where it is written."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.settings import Settings
from engine.systemd.unit import Unit, daemon_unit, make_unit, unit_folder, write_unit

HARD = "/srv/lab 1/50% $HOME ${X} \"q\" 'a' \\x; größe $$"


def made(
    workspace: str = "/home/ada/ws",
    program: str = "/opt/bin/espdeck",
    *,
    is_default: bool = True,
    **environ: str,
) -> Unit:
    return make_unit(
        [program],
        Path(workspace),
        is_default=is_default,
        config_folder=Path("/home/ada/.config/espdeck"),
        environ=environ,
    )


def values(unit: Unit, key: str) -> list[str]:
    return [line.partition("=")[2] for line in unit.text.splitlines() if line.startswith(f"{key}=")]


def split(text: str) -> list[str]:
    """The words of a value, as systemd.syntax(7) says they are unquoted."""
    words, at = list[str](), 0
    while at < len(text):
        word, quote = "", text[at] if text[at] in "\"'" else ""
        at += len(quote)
        while at < len(text) and text[at] != (quote or " "):
            at += text[at] == "\\"
            word += text[at]
            at += 1
        words.append(word.replace("%%", "%"))
        at += len(quote) + 1
    return words


def test_the_unit_of_a_daemon() -> None:
    unit = made()
    assert unit.name == "espdeck.service"
    assert values(unit, "Type") == ["notify"]
    assert values(unit, "ExecStart") == ["/opt/bin/espdeck --workspace /home/ada/ws daemon run"]
    assert values(unit, "ExecReload") == ["/opt/bin/espdeck --workspace /home/ada/ws daemon reload"]
    assert values(unit, "KillMode") == ["mixed"]
    assert values(unit, "Delegate") == ["yes"]
    assert values(unit, "OOMPolicy") == ["continue"]
    assert values(unit, "RestartPreventExitStatus") == ["2"]
    assert values(unit, "EnvironmentFile") == ["-/home/ada/.config/espdeck/daemon.env"]
    assert values(unit, "WantedBy") == ["default.target"]


def test_a_hard_path_is_quoted() -> None:
    unit = made(HARD, "/opt/a b$X%y/espdeck")
    expected = HARD.replace("$", "$$")
    (start,) = values(unit, "ExecStart")
    assert split(start) == ["/opt/a b$X%y/espdeck", "--workspace", expected, "daemon", "run"]


@given(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="/"),
        min_size=1,
        max_size=40,
    )
)
def test_any_path_is_one_word(name: str) -> None:
    (start,) = values(made(f"/{name}"), "ExecStart")
    assert split(start)[2].replace("$$", "$") == f"/{name}"


@pytest.mark.parametrize("path", ["/a\nExecStartPre=/bin/false", "/a\x1b[2J", "/a\udcff", "/a\x85"])
def test_a_path_that_no_unit_can_name_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="cannot name a path with such characters"):
        made(path)
    with pytest.raises(UsageError, match="cannot name a path with such characters"):
        made(program=path)


def test_variables_that_builds_need_are_handed_on_and_secrets_are_not() -> None:
    unit = made(
        PATH="/esp/bin:/usr/bin",
        IDF_PATH='/esp/idf 5.4 "x" $HOME 10%',
        ESPDECK_CONFIG="/etc/espdeck.toml",
        ESPDECK_WORKSPACE="/else/where",
        ESPDECK_LLM_API_KEY="s3cret-1",
        OPENROUTER_API_KEY="s3cret-2",
        ESPDECK_NOTIFY__CHANNELS='{"team": "slack://s3cret-3"}',
        HTTPS_PROXY="http://ada:s3cret-4@proxy:8080",
        no_proxy="localhost",
        GITHUB_TOKEN="s3cret-5",
        DISPLAY=":0",
        XDG_RUNTIME_DIR="/run/user/1000",
        SSH_AUTH_SOCK="/tmp/ssh",
        IDF_TOOLS_PATH="a\nExecStartPre=/bin/false",
    )
    assert [split(each) for each in values(unit, "Environment")] == [
        ["ESPDECK_CONFIG=/etc/espdeck.toml"],
        ['IDF_PATH=/esp/idf 5.4 "x" $HOME 10%'],
        ["PATH=/esp/bin:/usr/bin"],
        ["no_proxy=localhost"],
    ]
    assert "s3cret" not in unit.text
    assert unit.left_out == (
        *("ESPDECK_LLM_API_KEY", "ESPDECK_NOTIFY__CHANNELS", "HTTPS_PROXY", "OPENROUTER_API_KEY"),
    )


def test_workspaces_have_units_of_their_own() -> None:
    names = [made(path, is_default=False).name for path in ("/a/lab 2", "/b/lab 2", "/c/größe")]
    assert names[0].startswith("espdeck-lab-2-")
    assert len(set(names)) == 3
    assert all(name.isascii() and " " not in name for name in names)


def test_the_default_workspace_and_a_relative_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("ESPDECK_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("own.toml").touch(0o600)
    monkeypatch.setenv("ESPDECK_CONFIG", "own.toml")

    unit = daemon_unit(Settings.load(), ["/opt/bin/espdeck"])

    assert unit.name == "espdeck.service"
    assert f"ESPDECK_CONFIG={tmp_path}/own.toml" in " ".join(values(unit, "Environment"))
    assert values(unit, "EnvironmentFile") == [f"-{tmp_path}/daemon.env"]
    other = daemon_unit(Settings.load(workspace=tmp_path / "else"), ["/opt/bin/espdeck"])
    assert other.name.startswith("espdeck-else-")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
@pytest.mark.parametrize("workspace", ["/home/ada/ws", HARD])
def test_systemd_takes_it(workspace: str, tmp_path: Path) -> None:
    program = tmp_path / "a b$X%y" / "espdeck"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    unit = made(workspace, str(program), IDF_PATH=HARD, is_default=False)
    path = tmp_path / unit.name
    path.write_text(unit.text, "utf-8")

    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", path],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("config", "folder"),
    [
        ("", "/home/ada/.config/systemd/user"),
        ("relative", "/home/ada/.config/systemd/user"),
        ("/etc/ada", "/etc/ada/systemd/user"),
    ],
)
def test_where_units_are(config: str, folder: str) -> None:
    assert unit_folder({"XDG_CONFIG_HOME": config}, Path("/home/ada")) == Path(folder)


def test_a_unit_is_written_once_and_again_when_it_changed(tmp_path: Path) -> None:
    folder = tmp_path / "systemd" / "user"
    path = folder / "espdeck.service"

    assert write_unit(made(), folder) == (path, True)
    assert write_unit(made(), folder) == (path, False)
    assert write_unit(made(PATH="/new"), folder) == (path, True)

    assert path.read_text("utf-8") == made(PATH="/new").text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*folder.iterdir()] == [path]


@pytest.mark.parametrize("theirs", ["[Service]\nExecStart=/bin/true\n", "", made("/other").text])
def test_a_unit_of_somebody_else_stays(theirs: str, tmp_path: Path) -> None:
    path = tmp_path / "espdeck.service"
    path.write_text(theirs)
    with pytest.raises(UsageError, match="not written for this workspace: move it away first"):
        write_unit(made(), tmp_path)
    assert path.read_text() == theirs


def test_a_masked_unit_stays_masked(tmp_path: Path) -> None:
    path = tmp_path / "espdeck.service"
    path.symlink_to("/dev/null")
    with pytest.raises(UsageError, match="is a link to /dev/null"):
        write_unit(made(), tmp_path)
    assert path.is_symlink()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Not a directory"):
        write_unit(made(), tmp_path / "file" / "user")
