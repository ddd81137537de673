"""JSON that a build wrote is text all through, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import ToolError
from engine.formats.untrusted import Fields, file_inside
from engine.images import efuses
from engine.toolchains.idf import read_image


@pytest.mark.parametrize("half", [r"\ud800", r"\uDFFF", r"\udc80x", r"x\ud83d"])
@pytest.mark.parametrize("shape", ['{{"a": "{}"}}', '{{"{}": "a"}}', '{{"a": [{{"b": ["{}"]}}]}}'])
def test_half_of_a_pair_is_no_text(tmp_path: Path, half: str, shape: str) -> None:
    (tmp_path / "flasher_args.json").write_text(shape.format(half))

    with pytest.raises(ToolError, match=r"flasher_args\.json: .*surrogates not allowed"):
        Fields.read(tmp_path / "flasher_args.json")


@pytest.mark.parametrize("text", [r"\ud83d\ude00", r"C:\\udp", r"\u001b]0;x"])
def test_other_characters_are_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "flasher_args.json").write_text(f'{{"a": "{text}"}}')

    assert Fields.read(tmp_path / "flasher_args.json").text("a")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"a": ' + "9" * 5000 + "}", "[]"]
)
def test_what_is_no_object_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "flasher_args.json").write_text(text)

    with pytest.raises(ToolError, match=r"^flasher_args\.json: [^\n]{1,200}$"):
        Fields.read(tmp_path / "flasher_args.json")


def test_a_secure_version_without_an_end_is_cut() -> None:
    found = efuses.security(
        {"BOOTLOADER_APP_ANTI_ROLLBACK": "y", "BOOTLOADER_APP_SECURE_VERSION": "7" * 5000}
    )

    assert found.burns == ("secure version 7777777777: programs of a lower one never start again",)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": [' + "[]," * 1_100_000 + "[]]}", "more than 1048576 values"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": [-Infinity]}', "-Infinity is not a JSON number"),
    ],
)
def test_what_would_take_more_memory_than_it_has_bytes_is_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "flasher_args.json").write_text(text)

    with pytest.raises(ToolError, match=said):
        Fields.read(tmp_path / "flasher_args.json")


def test_a_file_of_holes_is_not_handed_on(tmp_path: Path) -> None:
    with (tmp_path / "app.bin").open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(ToolError, match=r"^x: 'app\.bin' is larger than 256 MiB$"):
        file_inside(tmp_path, "app.bin", "x")


def test_more_files_than_a_flash_has_partitions_are_refused(tmp_path: Path) -> None:
    (tmp_path / "app.bin").touch()
    (tmp_path / "app.elf").touch()
    files = {hex(offset): "app.bin" for offset in range(101)}
    (tmp_path / "flasher_args.json").write_text(json.dumps({"flash_files": files}))
    (tmp_path / "project_description.json").write_text('{"target": "esp32", "app_elf": "app.elf"}')

    with pytest.raises(ToolError, match="101 files, at most 100"):
        read_image(tmp_path, "esp32")
