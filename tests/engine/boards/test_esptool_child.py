"""What is asked of esptool's process, and what it adds to esptool's command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.boards import esptool_child
from engine.boards.esptool_child import Description, Request
from engine.boards.identity import Protection
from engine.enums import ArtifactKind
from engine.images.image import FlashPart, Image, Security


@pytest.fixture
def image(tmp_path: Path) -> Image:
    for name in ("app.bin", "storage.bin"):
        (tmp_path / name).write_bytes(b"\xe9" + bytes(15))
    return Image(
        target="esp32c3",
        elf=tmp_path / "app.elf",
        parts=(
            FlashPart(0x10000, tmp_path / "app.bin", ArtifactKind.APP, encrypted=True),
            FlashPart(0x110000, tmp_path / "storage.bin", ArtifactKind.DATA),
        ),
        security=Security(burns=("flash encryption",), encryption="development"),
    )


def test_a_request_and_an_answer_come_through_as_they_are(image: Image) -> None:
    request = Request("/dev/ttyUSB0", after="no-reset", command=("write-flash",), image=image)
    looking = Request("socket://lab:4000", baud=921600, look=(0x10020, 4096))
    answer = Description("esp32s2", 4 << 20, Protection("release", "v2", True), "d41d8cd9")

    assert Request.from_json(request.to_json()) == request
    assert Request.from_json(looking.to_json()) == looking
    assert Description.from_json(answer.to_json()) == answer


def test_files_are_encrypted_as_esp_idf_has_it(image: Image) -> None:
    app, storage = (str(part.path) for part in image.parts)
    chip = Protection(encryption="development")

    def added(parts: tuple[FlashPart, ...]) -> list[str]:
        return esptool_child._added(Request("x", image=replace(image, parts=parts)), chip)

    assert added(image.parts) == ["0x110000", storage, "--encrypt-files", "0x10000", app]
    assert added(image.parts[:1]) == ["--encrypt", "0x10000", app]


def chip(**changes: Any) -> SimpleNamespace:
    """A chip as esptool's library offers it."""
    facts = {
        "get_flash_encryption_enabled": False,
        "get_encrypted_download_disabled": 0,
        "get_secure_boot_enabled": 0,
        "get_secure_boot_v1_enabled": False,
        **changes,
    }
    made = {name: (lambda value=value: value) for name, value in facts.items()}
    return SimpleNamespace(secure_download_mode=False, **made)


@pytest.mark.parametrize(
    ("esp", "protection"),
    [
        (chip(), Protection()),
        (chip(get_flash_encryption_enabled=True), Protection("development")),
        (
            chip(get_flash_encryption_enabled=True, get_encrypted_download_disabled=1 << 7),
            Protection("release"),
        ),
        (chip(get_secure_boot_enabled=1 << 20), Protection("", "v2")),
        (chip(get_secure_boot_enabled=1, get_secure_boot_v1_enabled=True), Protection("", "v1")),
    ],
)
def test_protection_is_what_esptool_reads(esp: SimpleNamespace, protection: Protection) -> None:
    assert esptool_child._protection(esp) == protection


@pytest.mark.parametrize(
    ("count", "boot", "protection"),
    [
        (0, False, Protection(download=True)),
        (0b011, True, Protection("", "v2", True)),
        (0b111, True, Protection("release", "v2", True)),
    ],
)
def test_in_secure_download_mode_only_the_summary_is_read(
    count: int, boot: bool, protection: Protection
) -> None:
    info = {"flash_crypt_cnt": count, "parsed_flags": {"SECURE_BOOT_EN": boot}}
    esp = SimpleNamespace(secure_download_mode=True, get_security_info=lambda: info)

    assert esptool_child._protection(esp) == protection
