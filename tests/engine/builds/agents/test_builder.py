"""BUILDER: what it keeps of a build is what the toolchain made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.builds.agents import builder
from engine.builds.outputs import Compiled, Planned
from engine.enums import ArtifactKind, StageStatus
from engine.images.image import FlashPart, Image
from engine.manifest import Manifest
from engine.runs.pipeline import StageResult
from engine.toolchains import base
from tests.engine.builds.agents.contexts import build_context


class Ready:
    """A toolchain whose image is there already."""

    name = "ready"
    bare = True

    def __init__(self, image: Image) -> None:
        self._image = image

    def recognises(self, source: Path) -> int:
        return 1

    def missing(self, target: str) -> str | None:
        return None

    def targets(self) -> frozenset[str]:
        return frozenset({"esp32c3"})

    def compile(self, request: base.CompileRequest) -> base.CompileResult:
        return base.CompileResult(self._image, ())


def build(folder: Path, image: Image, monkeypatch: pytest.MonkeyPatch) -> Image:
    """The image as the artifacts have it."""
    artifacts = folder / "artifacts"
    artifacts.mkdir(exist_ok=True)

    def keep(_kind: ArtifactKind, path: Path, name: str) -> Path:
        return Path(shutil.copyfile(path, artifacts / name))

    monkeypatch.setattr(builder, "find_toolchains", lambda: [Ready(image)])
    plan = Planned("ready", Manifest(), boards=(), simulator=None)
    planned = StageResult(StageStatus.SUCCESS, "", output=plan)
    result = builder.run(build_context(folder, "build", {"plan": planned}, keep=keep))
    assert isinstance(result.output, Compiled)
    return result.output.image


def made(path: Path) -> Path:
    """A file that says where it was made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(path))
    return path


def test_files_of_one_name_are_both_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "build"
    image = Image(
        target="esp32c3",
        elf=made(folder / "bootloader.elf"),
        parts=(
            FlashPart(0x0, made(folder / "bootloader" / "bootloader.bin"), ArtifactKind.BOOTLOADER),
            FlashPart(0x8000, made(folder / "table.bin"), ArtifactKind.PARTITION_TABLE),
            FlashPart(0x10000, made(folder / "bootloader.bin"), ArtifactKind.APP),
        ),
    )
    made(folder / "bootloader.map")

    kept = build(tmp_path, image, monkeypatch)

    assert [part.path.name for part in kept.parts] == [
        "bootloader.bin",
        "table.bin",
        "0x10000-bootloader.bin",
    ]
    for part, original in zip(kept.parts, image.parts, strict=True):
        assert part.path.read_text() == str(original.path)
    assert build(tmp_path, image, monkeypatch) == kept


def test_a_program_that_is_named_like_its_image_stays_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "build"
    elf, app = made(folder / "app.bin"), made(folder / "image" / "app.bin")
    image = Image("esp32c3", elf, (FlashPart(0x0, app, ArtifactKind.APP),))

    kept = build(tmp_path, image, monkeypatch)

    assert (kept.elf.name, kept.elf.read_text()) == ("app.bin", str(elf))
    assert (kept.parts[0].path.name, kept.parts[0].path.read_text()) == ("0x0-app.bin", str(app))


def test_what_tells_of_the_build_is_kept_beside_its_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "build"
    elf, app = made(folder / "hub.elf"), made(folder / "hub.bin")
    linked, said = made(folder / "hub.map"), made(folder / "project_description.json")

    image = Image("esp32c3", elf, (FlashPart(0x10000, app, ArtifactKind.APP),))
    kept = build(tmp_path, image, monkeypatch).elf.parent

    assert (kept / "hub.map").read_text() == str(linked)
    assert (kept / "project_description.json").read_text() == str(said)


def test_a_map_that_is_a_link_or_too_large_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "build"
    elf, app = made(folder / "hub.elf"), made(folder / "hub.bin")
    (folder / "hub.map").symlink_to(made(tmp_path / "elsewhere"))
    for name in ("hub.elf.map", "project_description.json"):
        with (folder / name).open("wb") as file:
            file.truncate((256 << 20) + 1)

    image = Image("esp32c3", elf, (FlashPart(0x10000, app, ArtifactKind.APP),))
    kept = build(tmp_path, image, monkeypatch).elf.parent

    assert not [path for path in kept.iterdir() if path.name.endswith((".map", "description.json"))]
