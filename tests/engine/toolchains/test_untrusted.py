"""JSON that a build wrote is text all through, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ToolError
from engine.toolchains import efuses
from engine.toolchains.untrusted import Fields


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
