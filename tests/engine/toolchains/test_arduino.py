"""Arduino sketches. ``arduino-cli`` was not to be had: a stand-in writes what the real one writes
for the ESP32 core, which proves how we run and read it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.enums import ArtifactKind
from engine.errors import ToolError, UsageError
from engine.toolchains.arduino import ArduinoToolchain
from engine.toolchains.base import NO_PROJECT, CompileRequest, CompileResult, choose_toolchain
from tests.engine.toolchains.tables import entry, whole
from tests.engine.toolchains.test_idf import TABLE
from tests.engine.toolchains.test_platformio import app

OTA_TABLE = whole(
    entry(1, 2, 0x9000, 0x5000, "nvs"),
    entry(1, 0, 0xE000, 0x2000, "otadata"),
    entry(0, 0x10, 0x10000, 0x140000, "app0"),
    entry(0, 0x11, 0x150000, 0x140000, "app1"),
)
_CLI = """
import os, pathlib, sys
words = sys.argv[1:]
pathlib.Path({calls!r}).write_text("\\n".join([os.getcwd(), *words]))
sketch = pathlib.Path(words[-1])
assert (sketch / (sketch.name + ".ino")).is_file(), "main file missing from sketch"
print({said!r}.replace("SKETCH", str(sketch)))
folder = pathlib.Path(words[words.index("--output-dir") + 1])
folder.mkdir(parents=True)
for name, data in {files!r}.items():
    (folder / (sketch.name + ".ino" + name)).write_bytes(data)
sys.exit({code})
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "0" / "src"
    (folder / ".git").mkdir(parents=True)
    (folder / "Blink.ino").write_text("void setup() {}\nvoid loop() {}\n")
    return folder


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that puts a stand-in for arduino-cli on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()

    def put(said: str = "", code: int = 0, table: bytes = OTA_TABLE, without: str = "") -> Path:
        files = {
            ".elf": b"\x7fELF",
            ".bin": app(5),
            ".bootloader.bin": b"\xe9boot",
            ".partitions.bin": table,
            ".map": b"map",
        }
        files.pop(without, None)
        script = _CLI.format(
            calls=str(tmp_path / "calls"), said=said, files=files if code == 0 else {}, code=code
        )
        path = tmp_path / "bin" / "arduino-cli"
        path.write_text(f"#!{sys.executable}\n{script}")
        path.chmod(0o755)
        return tmp_path / "calls"

    return put


def compile_it(source: Path, target: str = "esp32c3", configuration: str = "") -> CompileResult:
    return ArduinoToolchain().compile(
        CompileRequest(
            source=source,
            build_dir=source.parent / "build",
            target=target,
            configuration=configuration,
            timeout=30,
            cancel=CancelToken(),
            on_output=lambda _data: None,
            on_progress=lambda _percent, _what: None,
        )
    )


def test_a_sketch_is_recognised_and_nothing_is_not(source: Path, tmp_path: Path) -> None:
    assert choose_toolchain(source).name == "arduino"
    with pytest.raises(UsageError, match=NO_PROJECT):
        choose_toolchain(tmp_path)


def test_of_several_sketches_the_one_of_the_folders_name_is_built(source: Path) -> None:
    (source / "Other.ino").write_text("")
    assert ArduinoToolchain().recognises(source) == 0
    (source / "src.ino").write_text("")
    assert ArduinoToolchain().recognises(source) == 15


def test_what_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = ArduinoToolchain().missing("esp32") or ""
    assert missing.startswith("arduino-cli is not installed: https://arduino.github.io")
    assert "\n" not in missing


@pytest.mark.slow
def test_a_sketch_is_built_in_a_folder_of_its_name(source: Path, cli: Any) -> None:
    calls = cli()

    built = compile_it(source)

    assert built.findings == ()
    assert built.image is not None
    assert [(part.offset, part.path.name, part.kind) for part in built.image.parts] == [
        (0x0, "Blink.ino.bootloader.bin", ArtifactKind.BOOTLOADER),
        (0x8000, "Blink.ino.partitions.bin", ArtifactKind.PARTITION_TABLE),
        (0xE000, "ota_data_initial.bin", ArtifactKind.DATA),
        (0x10000, "Blink.ino.bin", ArtifactKind.APP),
    ]
    assert built.image.parts[2].path.read_bytes() == b"\xff" * 0x2000
    folder, *words = calls.read_text().split("\n")
    assert Path(folder).name == "Blink"
    assert words[:4] == ["compile", "--no-color", "--fqbn", "esp32:esp32:esp32c3"]
    assert not (Path(folder) / ".git").exists()


@pytest.mark.slow
def test_a_sketch_yaml_says_which_board(source: Path, cli: Any) -> None:
    (source / "sketch.yaml").write_text("default_fqbn: esp32:esp32:esp32c3:CDCOnBoot=cdc\n")
    calls = cli(table=TABLE)
    built = compile_it(source)
    assert built.image is not None
    assert len(built.image.parts) == 3  # no OTA, no OTA data
    assert "--fqbn" not in calls.read_text()


PROFILES = """
profiles:
  c3: {fqbn: esp32:esp32:esp32c3}
  c3-usb: {fqbn: "esp32:esp32:esp32c3:CDCOnBoot=cdc"}
  s3: {fqbn: esp32:esp32:esp32s3}
"""


@pytest.mark.slow
def test_a_profile_is_chosen_by_its_name(source: Path, cli: Any) -> None:
    (source / "sketch.yaml").write_text(PROFILES)
    calls = cli()

    assert compile_it(source, configuration="c3-usb").image is not None

    words = calls.read_text().split("\n")
    assert words[words.index("--profile") + 1] == "c3-usb"
    assert "--fqbn" not in words


@pytest.mark.parametrize(
    ("sketch", "message"),
    [
        (PROFILES, "sketch.yaml has no profile s2 (there are: c3, c3-usb, s3)"),
        ("default_fqbn: esp32:esp32:esp32c3\n", "sketch.yaml has no profile s2 (there are none)"),
        (None, "sketch.yaml has no profile s2 (there are none)"),
    ],
)
def test_a_profile_that_is_not_there_is_one_line(
    sketch: str | None, message: str, source: Path, cli: Any
) -> None:
    if sketch is not None:
        (source / "sketch.yaml").write_text(sketch)
    calls = cli()

    (finding,) = compile_it(source, configuration="s2").findings

    assert (finding.message, finding.file) == (message, "sketch.yaml")
    assert not calls.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sketch", "target", "profile"),
    [
        (PROFILES, "esp32s3", "s3"),
        (f"{PROFILES}default_profile: c3-usb\n", "esp32c3", None),
        (f"{PROFILES}default_profile: c3\n", "esp32s3", "s3"),
        (f"{PROFILES}default_fqbn: esp32:esp32:some_board\n", "esp32c3", None),
        (PROFILES, "esp32", None),
    ],
)
def test_without_a_name_the_profile_of_the_chip_is_taken(
    sketch: str, target: str, profile: str | None, source: Path, cli: Any
) -> None:
    (source / "sketch.yaml").write_text(sketch)
    words = cli()

    compile_it(source, target)

    said = words.read_text().split("\n")
    assert (
        said[said.index("--profile") + 1 :][:1] == [profile]
        if profile
        else ("--profile" not in said)
    )


def test_several_profiles_of_the_chip_ask_for_a_choice(source: Path, cli: Any) -> None:
    (source / "sketch.yaml").write_text(PROFILES)
    cli()

    (finding,) = compile_it(source).findings

    assert finding.message == (
        "sketch.yaml has several profiles for esp32c3 (c3, c3-usb): choose one with --env NAME, or "
        "set default_profile"
    )


def test_errors_name_files_of_the_repository(source: Path, cli: Any) -> None:
    cli("SKETCH/Blink.ino:2:5: error: expected ';' before '}' token", code=1)
    (finding,) = compile_it(source).findings
    assert finding.where == "Blink.ino:2:5"


def test_a_board_that_is_not_installed_is_a_finding(source: Path, cli: Any) -> None:
    cli("Error during build: Platform 'esp32:esp32' not found: platform not installed", code=1)
    (finding,) = compile_it(source).findings
    assert "Platform 'esp32:esp32' not found" in finding.message


def test_a_board_with_another_chip_is_refused(source: Path, cli: Any) -> None:
    cli()
    built = compile_it(source, "esp32s3")
    assert built.image is None
    assert built.findings[0].message == "Blink.ino.bin is for esp32c3, the project for esp32s3"


def test_a_file_that_is_not_there_is_said(source: Path, cli: Any) -> None:
    cli(without=".bootloader.bin")
    with pytest.raises(ToolError, match=r"wrote no Blink\.ino\.bootloader\.bin"):
        compile_it(source)
