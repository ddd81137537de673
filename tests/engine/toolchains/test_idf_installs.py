"""Finding ESP-IDF, choosing one of several, knowing what it lacks. Folders and ``idf_tools.py``
are made as an installation leaves them; what a real one answers is in the recorded texts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.doctor import run_doctor
from engine.errors import MissingToolError
from engine.settings import Settings
from engine.toolchains import idf_installs

MakeInstall = Callable[..., Path]

NO_TOOLS = """\
ERROR: tool xtensa-esp-elf has no installed versions. Please run 'install.sh' to install it.
ERROR: tool riscv32-esp-elf has no installed versions. Please run 'install.sh' to install it.
ERROR: tool openocd-esp32 has no installed versions. Please run 'install.sh' to install it.
"""
"""ESP-IDF 6.2's ``idf_tools.py export`` where nothing is installed, shortened."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home, with programs that builds need on PATH."""
    home, programs = tmp_path / "home", tmp_path / "bin"
    for folder in (home, programs):
        folder.mkdir()
    for name in ("cmake", "ninja", "cc"):
        (programs / name).touch(mode=0o755)
    for name in ("IDF_PATH", "IDF_PYTHON_ENV_PATH", "ESP_IDF_VERSION", "IDF_TOOLS_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("ESPDECK_WORKSPACE", str(tmp_path / "workspace"))
    idf_installs.add_search_folders(())
    yield home
    idf_installs.add_search_folders(())


@pytest.fixture
def make_install(tmp_path: Path, home: Path) -> MakeInstall:
    """Lay out an ESP-IDF whose export prints ``says``, with its Python environment."""

    def make(version: str, *, says: str = "", code: int = 0, python: bool = True) -> Path:
        path = tmp_path / f"esp-idf-{version}"
        (path / "tools/cmake").mkdir(parents=True)
        (path / "tools/idf.py").touch()
        numbers = zip(("MAJOR", "MINOR", "PATCH"), version.split("."), strict=True)
        (path / "tools/cmake/version.cmake").write_text(
            "".join(f"set(IDF_VERSION_{name} {number})\n" for name, number in numbers)
        )
        (path / "tools/idf_tools.py").write_text(
            f"import pathlib, sys\n(pathlib.Path(__file__).parent / 'asked').open('a').write('x')\n"
            f"print({says!r})\nsys.exit({code})\n"
        )
        if python:
            make_environment(home / ".espressif", version)
        return path

    return make


def make_environment(tools: Path, version: str) -> Path:
    short = version.rpartition(".")[0]
    folder = tools / f"python_env/idf{short}_py3.11_env/bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)
    return folder / "python"


def register(home: Path, name: str, *records: dict[str, str], as_list: bool = False) -> None:
    path = home / ".espressif" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    installed = (
        list(records) if as_list else {str(index): each for index, each in enumerate(records)}
    )
    path.write_text(json.dumps({"idfInstalled": installed}))


def versions() -> list[str]:
    return [each.version for each in idf_installs.find_installs()]


def test_what_installers_wrote_down_is_found_newest_first(
    make_install: MakeInstall, home: Path
) -> None:
    old, new = make_install("5.4.1"), make_install("5.10.0")
    eim = make_install("6.0.2", python=False)
    python = make_environment(home / "eim-tools", "6.0.2")
    register(home, "idf-env.json", {"path": str(old)}, {"path": str(new)}, {"path": "/gone"})
    record = {"path": str(eim), "python": str(python), "idfToolsPath": str(home / "eim-tools")}
    register(home, "tools/eim_idf.json", record, as_list=True)

    assert versions() == ["6.0.2", "5.10.0", "5.4.1"]
    first = idf_installs.find_installs()[0]
    assert (first.python, first.tools) == (python, home / "eim-tools")


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"idfInstalled": 7}', '{"idfInstalled": [7, {"path": 7}, {}]}']
)
def test_a_register_that_makes_no_sense_names_nothing(home: Path, text: str) -> None:
    (home / ".espressif").mkdir()
    (home / ".espressif/idf-env.json").write_text(text)

    assert versions() == []


def test_idf_path_comes_first_then_the_settings(
    make_install: MakeInstall, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, set_, own = make_install("6.0.0"), make_install("5.2.0"), make_install("5.1.0")
    register(home, "idf-env.json", {"path": str(known)}, {"path": str(own)})
    idf_installs.add_search_folders([set_])
    monkeypatch.setenv("IDF_PATH", str(own))

    assert versions() == ["5.1.0", "5.2.0", "6.0.0"]
    assert idf_installs.choose().path == own


def test_a_project_gets_the_version_that_it_asks_for(
    make_install: MakeInstall, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [make_install(version) for version in ("5.5.5", "5.50.0", "6.0.2")]
    register(home, "idf-env.json", *({"path": str(path)} for path in paths))

    assert idf_installs.choose("5.5").version == "5.5.5"
    assert idf_installs.choose("5").version == "5.50.0"
    monkeypatch.setenv("ESP_IDF_VERSION", "5.5")
    assert idf_installs.choose().version == "5.5.5"
    with pytest.raises(MissingToolError, match=r"espdeck\.toml asks for ESP-IDF 4\.4") as raised:
        idf_installs.choose("4.4")
    assert "6.0.2, 5.50.0, 5.5.5" in str(raised.value)


def test_without_any_it_says_how_to_get_one() -> None:
    with pytest.raises(MissingToolError, match="idf_paths"):
        idf_installs.choose()


def test_its_environment_is_asked_for_once_until_something_is_installed(
    make_install: MakeInstall, home: Path
) -> None:
    path = make_install("5.5.5", says="PATH=/tools/riscv/bin:$PATH\nESP_ROM_ELF_DIR=/roms")
    idf_installs.add_search_folders([path])
    (install,) = idf_installs.find_installs()

    variables = dict(idf_installs.activate(install).variables)
    idf_installs.activate(install)

    assert variables["ESP_ROM_ELF_DIR"] == "/roms"
    assert variables["ESP_IDF_VERSION"] == "5.5"
    environment, tool = variables["PATH"].split(os.pathsep)[:2]
    assert environment == str(home / ".espressif/python_env/idf5.5_py3.11_env/bin")
    assert tool == "/tools/riscv/bin"
    assert (path / "tools/asked").read_text() == "x"
    (home / ".espressif/tools/riscv32-esp-elf").mkdir(parents=True)
    idf_installs.activate(install)
    assert (path / "tools/asked").read_text() == "xx"


ASK = """
import sys
from pathlib import Path
from engine.toolchains import idf_installs
idf_installs.add_search_folders([Path(sys.argv[1])])
(install,) = idf_installs.find_installs()
print(dict(idf_installs.activate(install).variables)["ESP_ROM_ELF_DIR"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("spoilt", [None, "", "[]", '{"variables": 7, "absent": []}'])
def test_its_environment_is_kept_for_later_processes(
    make_install: MakeInstall,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoilt: str | None,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = make_install("5.5.5", says="PATH=/tools:$PATH\nESP_ROM_ELF_DIR=/roms")
    argv = [sys.executable, "-c", ASK, str(path)]

    said = [subprocess.run(argv, capture_output=True, text=True).stdout]
    (kept,) = (tmp_path / "cache/espdeck/esp-idf").glob("*.json")
    if spoilt is not None:
        kept.write_text(spoilt)
    said += [subprocess.run(argv, capture_output=True, text=True).stdout]

    assert said == ["/roms\n", "/roms\n"]
    assert (path / "tools/asked").read_text() == ("x" if spoilt is None else "xx")


def test_without_compilers_of_chips_it_builds_for_linux_alone(make_install: MakeInstall) -> None:
    idf_installs.add_search_folders([make_install("5.5.5", says=NO_TOOLS, code=1)])
    (install,) = idf_installs.find_installs()

    assert idf_installs.missing_for(install, "linux") is None
    lack = idf_installs.missing_for(install, "esp32c3") or ""
    assert "riscv32-esp-elf, xtensa-esp-elf and 1 more tools" in lack
    assert lack.endswith("install.sh esp32c3")


def test_a_compiler_on_path_is_as_good(make_install: MakeInstall, tmp_path: Path) -> None:
    idf_installs.add_search_folders([make_install("5.5.5", says=NO_TOOLS, code=1)])
    (install,) = idf_installs.find_installs()
    (tmp_path / "bin/xtensa-esp32s3-elf-gcc").touch(mode=0o755)

    assert idf_installs.missing_for(install, "esp32s3") is None
    assert idf_installs.missing_for(install, "esp32c6")


def test_an_environment_that_was_never_made_is_said(make_install: MakeInstall) -> None:
    idf_installs.add_search_folders([make_install("5.5.5", python=False)])
    (install,) = idf_installs.find_installs()

    assert "Python environment is not installed" in (
        idf_installs.missing_for(install, "linux") or ""
    )


def test_doctor_lists_each_with_what_it_lacks(make_install: MakeInstall) -> None:
    paths = (
        make_install("5.5.5", says=NO_TOOLS, code=1),
        make_install("6.0.2", python=False),
    )

    checks = {each.name: each for each in run_doctor(Settings(idf_paths=paths))}

    assert checks["ESP-IDF 5.5.5"].ok
    assert "ready for linux" in checks["ESP-IDF 5.5.5"].detail
    assert "install.sh" in checks["ESP-IDF 5.5.5"].advice
    assert not checks["ESP-IDF 6.0.2"].ok
    assert checks["toolchain idf"].ok
