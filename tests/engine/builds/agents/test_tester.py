"""TESTER: what it does with a board is what may be done."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from engine.builds.agents import tester
from engine.builds.agents.qa import verdict_of
from engine.builds.context import BuildContext
from engine.builds.outputs import Compiled, Planned
from engine.enums import ArtifactKind, Severity, StageStatus, VerdictWord
from engine.errors import BoardError
from engine.images.image import FlashPart, Image, Security
from engine.manifest import Manifest
from engine.runs.pipeline import StageResult
from engine.settings import Settings
from tests.engine.builds.agents.contexts import build_context

BURNS = Security(burns=("flash encryption (release mode)",), encryption="release")
ABSENT = "/dev/no-such-board"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    app = tmp_path / "app.bin"
    app.write_bytes(b"\xe9" + bytes(63))
    parts = (FlashPart(0x10000, app, ArtifactKind.APP),)
    return Image(target="esp32c3", elf=tmp_path / "app.elf", parts=parts)


def context(folder: Path, image: Image, said: list[str], *, secure: bool) -> BuildContext:
    """Of a build that made this image and has a board, which is not there."""
    plan = Planned("idf", Manifest(), boards=(ABSENT,), simulator=None)
    results = {
        "plan": StageResult(StageStatus.SUCCESS, "", output=plan),
        "build": StageResult(StageStatus.SUCCESS, "", output=Compiled(image, 0, 1.0)),
    }
    settings = Settings(flash_secure=secure)
    return build_context(
        folder, "test.board", results, board=ABSENT, settings=settings, log=said.append
    )


def test_a_build_whose_start_burns_efuses_skips_the_board(image: Image, tmp_path: Path) -> None:
    said = list[str]()

    result = tester.run(context(tmp_path, replace(image, security=BURNS), said, secure=False))

    assert result.status is StageStatus.SKIPPED
    assert [(each.code, each.severity) for each in result.findings] == [
        ("board.secure", Severity.WARNING)
    ]
    assert "burns eFuses for flash encryption (release mode)" in result.summary
    assert said == [result.summary]


def test_where_that_was_asked_for_it_goes_to_the_board(image: Image, tmp_path: Path) -> None:
    said = list[str]()

    with pytest.raises(BoardError, match="no such port"):
        tester.run(context(tmp_path, replace(image, security=BURNS), said, secure=True))

    assert "the first start burns eFuses" in said[0]


def test_simulated_efuses_are_said_and_go_to_the_board(image: Image, tmp_path: Path) -> None:
    said = list[str]()
    simulated = Security(encryption="development", simulated=True)

    with pytest.raises(BoardError, match="no such port"):
        tester.run(context(tmp_path, replace(image, security=simulated), said, secure=False))

    assert said[0] == "eFuses are simulated (CONFIG_EFUSE_VIRTUAL): nothing is burnt"


@pytest.mark.slow
def test_a_virtual_board_that_does_not_start_what_needs_a_bootloader_leaves_it_untested(
    image: Image, tmp_path: Path
) -> None:
    pytest.importorskip("labwired")
    bootloader = tmp_path / "bootloader.bin"
    bootloader.write_bytes(program())
    image.parts[0].path.write_bytes(program())
    image = replace(image, parts=(FlashPart(0, bootloader, ArtifactKind.BOOTLOADER), *image.parts))
    manifest = Manifest(expect=("ready",), timeout=0.3)

    result = on_virtual_board("virtual:esp32c3", image, manifest, tmp_path)

    assert result.status is StageStatus.SKIPPED
    assert "does not start programs with a bootloader" in result.summary
    assert result.output is None


def program() -> bytes:
    """A program for an ESP32-C3 that does nothing (esptool documentation, "Image Format")."""
    address, code = 0x40384000, bytes(64)
    header = struct.pack("<BBBBI", 0xE9, 1, 2, 0x20, address)
    header += struct.pack("<B3xHBHH4xB", 0xEE, 5, 0, 0, 0xFFFF, 0)
    body = header + struct.pack("<II", address, len(code)) + code
    return body.ljust(len(body) // 16 * 16 + 15, b"\0") + b"\xef"


def on_virtual_board(board: str, image: Image, manifest: Manifest, folder: Path) -> StageResult:
    """What comes of the test of an image on a virtual board."""
    build = replace(context(folder, image, [], secure=False), board=board)
    plan = Planned("idf", manifest, boards=(board,), simulator=None)
    planned = StageResult(StageStatus.SUCCESS, "", output=plan)
    results = {**build.stage.results, "plan": planned}
    build = replace(build, stage=replace(build.stage, results=results))
    try:
        return tester.run(build)
    finally:
        build.boards.close()


@pytest.mark.slow
def test_a_board_that_runs_nothing_is_flashed_and_leaves_the_build_untested(
    image: Image, tmp_path: Path
) -> None:
    image = replace(image, target="esp32s3")

    result = on_virtual_board("virtual:esp32s3", image, Manifest(expect=("ready",)), tmp_path)

    assert result.status is StageStatus.SKIPPED
    assert result.output is None
    assert result.summary == (
        "virtual:esp32s3 was flashed, not tested: "
        "an emulated esp32s3 cannot run firmware, it only keeps it"
    )
    assert [(each.code, each.severity) for each in result.findings] == [
        ("board.emulated", Severity.INFO)
    ]
    assert verdict_of({}, blocked=False) == (VerdictWord.UNTESTED, "firmware built, not run")
