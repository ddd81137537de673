"""The settings file is changed as a whole or not at all, and stays the file that it is."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.settings import Settings, file_editor
from engine.settings.file_editor import (
    create_settings_file,
    read_setting,
    set_setting,
    set_settings,
    unset_setting,
)
from engine.settings.keys import split_key

OPTIONS = {"git_check": {"token_threshold": 50000, "token_model": "gpt-4", "skip": ("x",)}}


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("ESPDECK_CONFIG", str(path))
    return path


def leftovers(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_new_file_is_its_owners_alone_and_says_nothing_but_defaults(config: Path) -> None:
    before = os.umask(0)
    try:
        create_settings_file(config)
    finally:
        os.umask(before)

    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert Settings.load().model_dump() == Settings.model_construct().model_dump() | {
        "lock_folder": Settings.load().lock_folder,
        "workspace": Settings.load().workspace,
    }


def test_a_file_that_is_there_is_not_written_over(config: Path) -> None:
    config.write_text("# mine\n")

    with pytest.raises(UsageError, match="already exists"):
        create_settings_file(config)
    assert config.read_text() == "# mine\n"


def test_values_come_below_their_commented_defaults(config: Path) -> None:
    create_settings_file(config)
    before = config.read_text()

    set_setting(config, "max_iterations", 5)
    set_setting(config, "quality.coverage", 90)
    set_setting(config, ("checks", "doc_check", "interval"), 20)

    text = config.read_text()
    assert "#max_iterations = 3\nmax_iterations = 5\n" in text
    assert "#coverage = 80\ncoverage = 90\n" in text
    assert text.endswith("\n\n[checks.doc_check]\ninterval = 20\n")
    for line in before.splitlines():
        assert line in text
    for key in ("max_iterations", "quality.coverage"):
        unset_setting(config, key)
    assert config.read_text() == f"{before}\n[checks.doc_check]\ninterval = 20\n"


def test_several_are_set_at_once_or_none(config: Path) -> None:
    set_settings(config, {"checks.doc_check": {"enabled": False, "interval": 5}, "mouse": False})
    assert config.read_text() == (
        "mouse = false\n\n[checks.doc_check]\nenabled = false\ninterval = 5\n"
    )
    before = config.read_bytes()

    with pytest.raises(UsageError, match=r"config\.toml:3: max_iterations must .*not.* written"):
        set_settings(config, {"ascii": True, "max_iterations": 99})

    assert config.read_bytes() == before
    assert leftovers(config.parent) == ["config.toml"]


def test_one_of_several_mistakes_can_be_taken_out(config: Path) -> None:
    config.write_text("max_iterations = 99\nmouses = 3\n")

    with pytest.raises(UsageError, match=r":2: no setting is called mouses.*: nothing was written"):
        set_setting(config, "max_iterations", 3)
    unset_setting(config, "mouses")
    set_setting(config, "max_iterations", 3)

    assert config.read_text() == "max_iterations = 3\n"


def test_a_file_that_is_no_toml_is_left_alone(config: Path) -> None:
    config.write_text("max_iterations = \n")

    with pytest.raises(UsageError, match=r"config\.toml:1: .*correct that first"):
        set_setting(config, "mouse", False)
    assert config.read_text() == "max_iterations = \n"


@pytest.mark.parametrize("data", [b"\xe9", b"a = 1\nb = '\xff'\n"])
def test_what_is_not_utf_8_is_left_alone(config: Path, data: bytes) -> None:
    config.write_bytes(data)

    with pytest.raises(UsageError, match="is not UTF-8"):
        set_setting(config, "mouse", False)
    assert config.read_bytes() == data


def test_links_stay_links_and_modes_stay(config: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "espdeck.toml"
    real.parent.mkdir()
    real.write_text("# mine\n")
    real.chmod(0o640)
    middle = tmp_path / "middle.toml"
    middle.symlink_to("dotfiles/espdeck.toml")
    config.symlink_to(middle)

    set_setting(config, "mouse", False)

    assert config.is_symlink()
    assert middle.is_symlink()
    assert real.read_text() == "# mine\nmouse = false\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert leftovers(real.parent) == ["espdeck.toml"]


def test_a_link_to_a_file_that_is_not_there_yet_is_followed(config: Path, tmp_path: Path) -> None:
    config.symlink_to(tmp_path / "dotfiles" / "espdeck.toml")

    set_setting(config, "mouse", False)

    assert config.is_symlink()
    assert (tmp_path / "dotfiles" / "espdeck.toml").read_text() == "mouse = false\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\xef\xbb\xbf# mine\r\n", b"\xef\xbb\xbf# mine\r\nmouse = false\r\n"),
        (b"# mine", b"# mine\nmouse = false"),
        (b"", b"mouse = false\n"),
        (b"mouse = true  # why\n", b"mouse = false  # why\n"),
    ],
)
def test_a_file_keeps_its_way_of_writing(config: Path, before: bytes, after: bytes) -> None:
    config.write_bytes(before)

    set_setting(config, "mouse", False)

    assert config.read_bytes() == after


def test_what_changes_nothing_writes_nothing(config: Path) -> None:
    config.write_text("mouse = false\n")
    before = config.stat()

    set_setting(config, "mouse", False)
    unset_setting(config, "ascii")

    assert config.stat().st_ino == before.st_ino


def test_a_folder_that_cannot_be_written_is_one_line() -> None:
    with pytest.raises(UsageError) as raised:
        set_setting(Path("/proc/espdeck.toml"), "mouse", False)
    assert "\n" not in str(raised.value)
    with pytest.raises(UsageError):
        create_settings_file(Path("/proc/espdeck/config.toml"))


def test_another_users_file_stays_that_users(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("# shared\n")

    def refuse(*_arguments: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(os, "fchown", refuse)
    with pytest.raises(UsageError, match="is another user's, who has to change it"):
        set_setting(config, "mouse", False)

    assert config.read_text() == "# shared\n"
    assert leftovers(config.parent) == ["config.toml"]


def test_a_full_disk_leaves_the_file_as_it_was(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("# mine\n")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="the disk is full"):
        set_setting(config, "mouse", False)

    assert config.read_text() == "# mine\n"
    assert leftovers(config.parent) == ["config.toml"]


def test_writers_at_once_lose_nothing(config: Path) -> None:
    names = [f"board{number}" for number in range(8)]

    def write(name: str) -> None:
        set_setting(config, ("board", name, "reset_command"), ["reset", name])

    threads = [threading.Thread(target=write, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(Settings.load().board) == names


def test_a_writer_that_hangs_is_not_waited_for_for_ever(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_editor, "_LOCK_SECONDS", 0.0)

    with (
        file_editor._locked(config.parent),
        pytest.raises(UsageError, match="another program holds the settings"),
    ):
        set_setting(config, "mouse", False)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("max_iterations", "5", 5),
        ("quality.coverage", "90", 90),
        ("quality.coverage", "90.5", 90.5),
        ("mouse", "off", False),
        ("theme", "light", "light"),
        ("workspace", "~/lab", "~/lab"),
        ("boards", "/dev/a,/dev/b", ["/dev/a", "/dev/b"]),
        ("boards", "['/dev/a']", ["/dev/a"]),
        ("idf_paths", "/opt/idf", ["/opt/idf"]),
        ('board."/dev/a".reset_command', '["python3", "a,b.py"]', ["python3", "a,b.py"]),
        ("keys.build", "ctrl+b", "ctrl+b"),
        ("projects.hub.watch.schedule", "0 3 * * *", "0 3 * * *"),
        ("profile.production.quality.coverage", "70", 70),
        ("checks.git_check.token_threshold", "1000", 1000),
        ("checks.git_check.token_model", "4", "4"),
        ("checks.git_check.skip", "a,b", ["a", "b"]),
        ("checks.git_check.projects.hub.token_model", "4", "4"),
        ("checks.own.anything", "4", 4),
        ("checks.own.anything", "text", "text"),
        ("llm.models.codellama", '{name = "x"}', {"name": "x"}),
    ],
)
def test_a_text_is_typed_by_the_model(config: Path, key: str, text: str, value: object) -> None:
    read = read_setting(split_key(key), text, OPTIONS)

    assert read == value
    assert type(read) is type(value)
    set_setting(config, key, read)
    assert Settings.load(profile="production" if "production" in key else None)


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("max_iterations", "many", "max_iterations must be a whole number from 0 to 10"),
        ("mouse", "perhaps", "mouse must be true or false"),
        ("theme", "pink", "theme must be 'dark' or 'light'"),
        ("boards", "[1, 2", 'boards must be a list: ["...", "..."]'),
        ("max_iteration", "3", "no setting is called max_iteration (did you mean max_iterations?)"),
        ("coverage", "3", "no setting is called coverage (did you mean quality.coverage?)"),
        ("profile", "x", "no setting is called profile"),
        ("profile.x", "x", "no setting is called profile.x"),
        ("checks.git_check.token_threshold", "many", "token_threshold must be a whole number"),
    ],
)
def test_a_text_that_makes_no_sense_is_refused(key: str, text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_setting(split_key(key), text, OPTIONS)
    assert said in str(raised.value)


def test_a_text_that_is_no_unicode_is_refused(config: Path) -> None:
    with pytest.raises(UsageError, match=r"is not valid UTF-8 text|cannot be changed"):
        set_setting(config, "llm.ollama", "\udcff")
    assert not config.exists()
