"""Options of ``sdkconfig`` files, and what a person changed in the menu.

The menu itself is ESP-IDF's; here a script stands in its place that changes the same files, so that
calling it, reading what changed and leaving nothing behind go the real way.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.errors import ToolError
from engine.images.efuses import security_of
from engine.images.flash_layout import FlashLayout, read_flash_layout
from engine.images.sdkconfig import changed_options, options, read, with_changes
from engine.toolchains.base import CompileRequest
from engine.toolchains.idf_menuconfig import ConfigurationEdit, edit

NAMES = st.sampled_from([f"CONFIG_{letter}" for letter in "ABCDE"])
VALUES = st.sampled_from(["y", "n", "7", '"text = x"', "0x1F"])
TEXTS = st.lists(
    st.tuples(NAMES, VALUES).map("=".join)
    | NAMES.map(lambda name: f"# {name} is not set")
    | st.sampled_from(["", "# a comment", "nonsense"])
).map("\n".join)


def test_options_are_read_as_kconfig_writes_them() -> None:
    text = '#\n# Menu\n#\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="a=b"\nCONFIG_A=n\n'

    assert options(text) == {"CONFIG_A": "n", "CONFIG_B": "n", "CONFIG_C": '"a=b"'}


def test_what_went_back_to_its_default_is_a_change_too() -> None:
    before, after = {"CONFIG_A": "1", "CONFIG_B": "y", "CONFIG_C": "3"}, {"CONFIG_A": "2"}

    assert changed_options(before, after, {"CONFIG_A": "2", "CONFIG_B": "n"}) == {
        "CONFIG_A": "2",
        "CONFIG_B": "n",
        "CONFIG_C": None,
    }


@pytest.mark.slow
@given(text=TEXTS, changed=st.dictionaries(NAMES, VALUES | st.none()))
def test_defaults_with_changes_say_exactly_those(text: str, changed: dict[str, str | None]) -> None:
    result = with_changes(text, changed)

    wanted = {name: value for name, value in changed.items() if value is not None}
    others = {name: value for name, value in options(text).items() if name not in changed}
    assert options(result) == others | wanted
    assert with_changes(result, changed) == result
    for line in text.splitlines():
        if not options(line):
            assert line in result.splitlines()


MENU = """
import os, pathlib, sys
words = sys.argv[1:]
source, action = pathlib.Path(words[words.index("-C") + 1]), words[-1]
config = pathlib.Path(next(w for w in words if w.startswith("SDKCONFIG=")).partition("=")[2])
if action == "menuconfig":
    config.write_text("CONFIG_A=9\\n# CONFIG_B is not set\\n")
    sys.exit({code})
if "GITHUB_TOKEN" in os.environ:
    sys.exit(3)
edited = config.is_file() and "CONFIG_A=9" in config.read_text()
(source / "sdkconfig.defaults").write_text("CONFIG_A=9\\n" if edited else "CONFIG_B=y\\n")
"""


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CompileRequest:
    """A project of ESP-IDF, and an ``idf.py`` whose menu sets A to 9 and B off."""
    source, home = tmp_path / "source", tmp_path / "idf"
    source.mkdir()
    (home / "tools").mkdir(parents=True)
    (source / "CMakeLists.txt").write_text("include($ENV{IDF_PATH}/tools/cmake/project.cmake)\n")
    (home / "tools/idf.py").write_text(MENU.replace("{code}", "0"))
    monkeypatch.setenv("IDF_PATH", str(home))
    monkeypatch.setenv("IDF_PYTHON_ENV_PATH", sys.prefix)
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    return make(source, tmp_path)


def make(source: Path, folder: Path, configuration: str = "") -> CompileRequest:
    return CompileRequest(
        source=source,
        build_dir=folder / "build",
        target="esp32c3",
        timeout=30,
        cancel=CancelToken(),
        on_output=lambda _data: None,
        on_progress=lambda _percent, _doing: None,
        configuration=configuration,
    )


@pytest.mark.slow
def test_what_was_changed_in_the_menu_is_told_and_nothing_is_left(
    request_: CompileRequest,
) -> None:
    defaults = request_.source / "sdkconfig.defaults"
    defaults.write_text("# Mine\nCONFIG_B=y\n")

    edited = edit(request_)

    assert edited == ConfigurationEdit(
        "sdkconfig.defaults", "# Mine\nCONFIG_B=y\n", "# Mine\nCONFIG_B=n\nCONFIG_A=9\n"
    )
    assert "-CONFIG_B=y\n+CONFIG_B=n\n+CONFIG_A=9" in edited.diff
    assert defaults.read_text() == "# Mine\nCONFIG_B=y\n"
    assert not (request_.build_dir / "sdkconfig").exists()


@pytest.mark.slow
def test_a_project_without_defaults_keeps_none(request_: CompileRequest) -> None:
    edited = edit(request_)

    assert (edited.had, edited.text) == ("", "CONFIG_B=n\nCONFIG_A=9\n")
    assert not (request_.source / "sdkconfig.defaults").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "configuration", "file"),
    [
        ({"sdkconfig.defaults.esp32c3": "CONFIG_A=1\n"}, "", "sdkconfig.defaults.esp32c3"),
        ({"sdkconfig.defaults.esp32c3": "CONFIG_Z=1\n"}, "", "sdkconfig.defaults"),
        ({"sdkconfig.ci.fast": "CONFIG_Z=1\n"}, "fast", "sdkconfig.ci.fast"),
        ({"sdkconfig.ci.fast.esp32c3": "CONFIG_B=y\n"}, "fast", "sdkconfig.ci.fast.esp32c3"),
        ({"sdkconfig": "CONFIG_A=1\n"}, "", "sdkconfig"),
    ],
)
def test_the_file_that_has_the_last_word_is_the_one_to_change(
    request_: CompileRequest,
    tmp_path: Path,
    files: dict[str, str],
    configuration: str,
    file: str,
) -> None:
    for name, text in files.items():
        (request_.source / name).write_text(text)

    assert edit(make(request_.source, tmp_path, configuration)).file == file


@pytest.mark.slow
def test_a_menu_that_fails_is_said_and_leaves_nothing(
    request_: CompileRequest, tmp_path: Path
) -> None:
    (tmp_path / "idf/tools/idf.py").write_text(MENU.replace("{code}", "2"))

    with pytest.raises(ToolError, match="menuconfig ended with exit code 2"):
        edit(request_)

    assert not (request_.source / "sdkconfig.defaults").exists()
    assert not (request_.build_dir / "sdkconfig").exists()


def test_another_kind_of_project_has_no_menu(request_: CompileRequest) -> None:
    (request_.source / "CMakeLists.txt").write_text("project(plain C)\n")

    with pytest.raises(ToolError, match="only projects of ESP-IDF"):
        edit(request_)


def test_a_file_of_options_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "sdkconfig")

    with pytest.raises(OSError, match="not a file"):
        read(tmp_path / "sdkconfig")
    assert read_flash_layout(tmp_path) == FlashLayout()
    assert security_of(tmp_path) is None


@pytest.mark.parametrize("said", ["-1", "0x" + "f" * 5000, "9" * 5000, "0x8000000000", "x", ""])
def test_an_offset_that_is_none_is_not_known(tmp_path: Path, said: str) -> None:
    (tmp_path / "sdkconfig").write_text(
        f"CONFIG_PARTITION_TABLE_OFFSET={said}\nCONFIG_BOOTLOADER_OFFSET_IN_FLASH={said}\n"
    )

    assert read_flash_layout(tmp_path) == FlashLayout(table=0x8000, bootloader=None)
