"""PlatformIO projects. Its registry is out of reach of tests: a stand-in says and writes what the
real ``pio`` would (platform-espressif32's file names), which proves how we run and read it."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.enums import ArtifactKind, Severity
from engine.errors import MissingToolError, ToolError
from engine.findings import Finding
from engine.images import app_image
from engine.toolchains.base import CompileRequest, CompileResult, choose_toolchain
from engine.toolchains.platformio import (
    Environment,
    Environments,
    PlatformIoToolchain,
    choose_environment,
    read_environments,
)
from tests.engine.toolchains.test_idf import TABLE

C3 = Environment("c3", "esp32c3")
ESP32 = Environment("classic", "esp32")
OWN = Environment("own", None)
TOO = Environment("c3-too", "esp32c3")

_PIO = """
import json, os, pathlib, sys
words = sys.argv[1:]
with open({calls!r}, "a") as calls:
    calls.write(" ".join(words) + "\\n")
if words[:2] == ["project", "config"]:
    print({config!r})
    sys.exit()
folder = pathlib.Path(os.environ["PLATFORMIO_WORKSPACE_DIR"]) / "build" / words[2]
if "idedata" in words:
    (folder / "idedata.json").write_text(json.dumps({{
        "prog_path": str(folder / "firmware.elf"),
        "extra": {{"flash_images": [
            {{"offset": "0x0000", "path": str(folder / "bootloader.bin")}},
            {{"offset": "0x8000", "path": str(folder / "partitions.bin")}},
            {{"offset": "0xe000", "path": {boot_app!r}}},
        ], "application_offset": "0x10000"}},
    }}))
    sys.exit()
print({said!r})
folder.mkdir(parents=True, exist_ok=True)
for name, data in {files!r}.items():
    (folder / name).write_bytes(data)
sys.exit({code})
"""


def app(chip: int, size: int = 5000) -> bytes:
    return (struct.pack("<BBBBIB3sH", 0xE9, 1, 2, 0x2F, 0, 0, b"", chip)).ljust(size, b"\0")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "platformio.ini").write_text("[env:c3]\nplatform = espressif32\n")
    return folder


@pytest.fixture
def pio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that puts a stand-in for pio on PATH."""
    packages = tmp_path / "core" / "packages"
    packages.mkdir(parents=True)
    (packages / "boot_app0.bin").write_bytes(b"\x01" * 0x2000)
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()

    def put(said: str = "", code: int = 0, chip: int = 5, boot_app: Path | None = None) -> Path:
        config = [["env:c3", [["platform", "espressif32"], ["board", "esp32-c3-devkitm-1"]]]]
        files = {
            "firmware.elf": b"\x7fELF",
            "firmware.bin": app(chip),
            "bootloader.bin": b"\xe9boot",
            "partitions.bin": TABLE,
        }
        script = _PIO.format(
            calls=str(tmp_path / "calls"),
            config=json.dumps(config),
            boot_app=str(boot_app or packages / "boot_app0.bin"),
            said=said,
            files=files if code == 0 else {},
            code=code,
        )
        path = tmp_path / "bin" / "pio"
        path.write_text(f"#!{sys.executable}\n{script}")
        path.chmod(0o755)
        return tmp_path / "calls"

    return put


def compile_it(source: Path) -> CompileResult:
    return PlatformIoToolchain().compile(
        CompileRequest(
            source=source,
            build_dir=source.parent / "build",
            target="esp32c3",
            timeout=30,
            cancel=CancelToken(),
            on_output=lambda _data: None,
            on_progress=lambda _percent, _what: None,
        )
    )


def test_a_platformio_ini_decides_whatever_else_is_there(source: Path) -> None:
    include = "include($ENV{IDF_PATH}/tools/cmake/project.cmake)"
    (source / "CMakeLists.txt").write_text(f"{include}\nproject(app)\n")
    assert choose_toolchain(source).name == "platformio"


def test_what_is_not_installed_is_one_line(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path))
    assert PlatformIoToolchain().missing("esp32c3") == (
        "PlatformIO is not installed: pip install platformio"
    )
    with pytest.raises(MissingToolError, match="pip install platformio"):
        compile_it(source)


@pytest.mark.slow
def test_a_build_knows_what_is_flashed_where(source: Path, pio: Any) -> None:
    calls = pio()

    built = compile_it(source)

    assert built.findings == ()
    assert built.image is not None
    assert [(part.offset, part.path.name, part.kind) for part in built.image.parts] == [
        (0x0, "bootloader.bin", ArtifactKind.BOOTLOADER),
        (0x8000, "partitions.bin", ArtifactKind.PARTITION_TABLE),
        (0xE000, "boot_app0.bin", ArtifactKind.DATA),
        (0x10000, "firmware.bin", ArtifactKind.APP),
    ]
    assert built.image.flash_size == 4 << 20
    assert built.image.elf.name == "firmware.elf"
    assert calls.read_text().splitlines() == [
        "project config --json-output",
        "run --environment c3",
        "run --environment c3 --target idedata",
    ]
    assert sorted(path.name for path in source.iterdir()) == ["platformio.ini"]


@pytest.mark.slow
def test_errors_of_the_compiler_and_of_pio_are_findings(source: Path, pio: Any) -> None:
    pio("src/main.cpp:7:3: error: 'led' was not declared in this scope", code=1)
    (finding,) = compile_it(source).findings
    assert (finding.where, finding.severity) == ("src/main.cpp:7:3", Severity.ERROR)

    pio("Platform Manager: Installing espressif32\nHTTPClientError: ", code=1)
    (finding,) = compile_it(source).findings
    assert finding.message == "HTTPClientError (installing espressif32)"
    assert "HTTPS_PROXY" in (finding.hint or "")


@pytest.mark.slow
def test_an_app_for_another_chip_is_refused(source: Path, pio: Any) -> None:
    pio(chip=0)
    built = compile_it(source)
    assert built.image is None
    assert built.findings[0].message == "firmware.bin is for esp32, the project for esp32c3"


@pytest.mark.slow
def test_a_file_from_elsewhere_is_refused(source: Path, pio: Any, tmp_path: Path) -> None:
    secret = tmp_path / "id_ed25519"
    secret.write_text("secret")
    pio(boot_app=secret)
    with pytest.raises(ToolError, match="among PlatformIO's packages"):
        compile_it(source)


def test_environments_are_those_of_pio_with_the_chips_of_the_sources() -> None:
    sections = [
        ["platformio", [["default_envs", ["b", "gone"]]]],
        ["env:a", [["board", "esp32dev"], ["framework", ["espidf", "arduino"]]]],
        ["env:b", [["board", "esp32dev"], ["framework", ["arduino"]]]],
        ["common", [["board", "esp32dev"]]],
    ]
    assert read_environments(json.dumps(sections), {"a": "esp32"}) == Environments(
        (Environment("a", "esp32", by_idf=True), Environment("b", None)), ("b", "gone")
    )


def test_what_pio_says_of_itself_is_no_configuration() -> None:
    said = f"{'*' * 80}\nThere is a new version 6.3.0\n{'*' * 80}\n\n"
    assert read_environments(f'{said}[["env:a", []]]\n', {}).every == (Environment("a", None),)


@pytest.mark.parametrize(
    ("environments", "name", "chosen"),
    [
        ((C3, ESP32), "", "c3"),
        ((ESP32, OWN), "", "own"),
        ((ESP32,), "", "no environment for esp32c3 (there are: classic)"),
        (
            (C3, TOO),
            "",
            "several environments for esp32c3 (c3, c3-too): choose one with --env NAME, or set "
            "default_envs",
        ),
        ((C3, TOO), "c3-too", "c3-too"),
        ((OWN, C3), "own", "own"),
        ((C3, ESP32), "classic", "environment classic is for esp32, not for esp32c3"),
        ((C3, ESP32), "s3", "no environment s3 (there are: c3, classic)"),
        ((), "", "no environment: add [env:esp32c3]"),
        ((), "s3", "no environment: add [env:esp32c3]"),
    ],
)
def test_the_environment_for_a_chip(
    environments: tuple[Environment, ...], name: str, chosen: str
) -> None:
    found = choose_environment(Environments(environments), "esp32c3", name)
    assert chosen in (found.message if isinstance(found, Finding) else found.name)


@pytest.mark.parametrize(
    ("default", "chosen"),
    [(("c3-too",), "c3-too"), (("classic",), "several"), (("c3", "c3-too"), "several")],
)
def test_default_environments_go_before_the_others(default: tuple[str, ...], chosen: str) -> None:
    found = choose_environment(Environments((C3, TOO, ESP32), default), "esp32c3")
    assert chosen in (found.message if isinstance(found, Finding) else found.name)


@pytest.mark.slow
@settings(max_examples=100)
@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_whatever_pio_says_is_read_or_refused(text: str) -> None:
    try:
        read_environments(text, {})
    except ToolError as error:
        assert "pio project config" in str(error)


@settings(max_examples=100)
@given(st.binary(max_size=64))
def test_any_bytes_are_a_header_or_none(data: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        header = app_image.read_header(Path(file.name))
    assert (header is None) == (len(data) < 14 or data[0] != 0xE9)


def test_a_real_app_is_for_its_chip(built_sample: Any) -> None:
    header = app_image.read_header(built_sample("hello").parts[0].path)
    assert header is not None
    assert header.chip == "esp32c3"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pio") is None, reason="PlatformIO is not installed")
@pytest.mark.parametrize(
    ("ini", "message", "where"),
    [
        ("board = x\n", "File contains no section headers.", "platformio.ini:1"),
        ("[env:a]\nplatform = ${common.platform}\n", "No section: 'common'", "platformio.ini"),
        ("[env:a]\nboard = esp32-c3-devkitm-1\n", "UndefinedEnvPlatformError: ", ""),
    ],
)
def test_what_the_real_pio_says_is_the_message(
    ini: str,
    message: str,
    where: str,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    (source / "platformio.ini").write_text(ini)

    (finding,) = compile_it(source).findings

    assert (finding.code, finding.where or "") == ("platformio.error", where)
    assert message in finding.message
    assert "platformio.ini" in (finding.hint or "") or "platform = " in (finding.hint or "")
