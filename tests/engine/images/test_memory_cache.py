"""What a program's memory was measured to be is kept by the content of what it was measured of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.images.memory import memory_regions
from engine.images.memory_cache import cache_path, measured_regions

pytestmark = pytest.mark.slow

_BUILD = Path(__file__).parents[2] / "field" / "cases" / "memory" / "c3-map-fits.build"


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    """A program with its map, in a build folder."""
    return Path(shutil.copytree(_BUILD, tmp_path / "build")) / "hub.elf"


def _say(folder: Path, **changes: object) -> None:
    """Change what is kept."""
    kept = json.loads((cache_path(folder)).read_text())
    (cache_path(folder)).write_text(json.dumps({**kept, **changes}))


def test_what_was_measured_is_not_measured_again(elf: Path) -> None:
    measured = measured_regions(elf, "esp32c3", elf.parent)
    assert measured == memory_regions(elf, "esp32c3") != ()
    assert measured_regions(elf, "esp32c3", elf.parent) == measured

    _say(elf.parent, regions=[])  # nobody looked at the map again
    assert measured_regions(elf, "esp32c3", elf.parent) == ()


@pytest.mark.parametrize("what", ["map", "program", "target"])
def test_what_it_was_measured_of_changed(elf: Path, what: str) -> None:
    measured_regions(elf, "esp32c3", elf.parent)
    _say(elf.parent, regions=[])
    changed = {"map": elf.with_suffix(".map"), "program": elf}.get(what)
    if changed is not None:
        changed.write_bytes(changed.read_bytes() + b"\n")
    target = "esp32c6" if what == "target" else "esp32c3"

    assert measured_regions(elf, target, elf.parent) == memory_regions(elf, target) != ()


@pytest.mark.parametrize("kept", ["", "nonsense", "[]", '{"of": 1}'])
def test_what_is_kept_makes_no_sense(elf: Path, kept: str) -> None:
    (cache_path(elf.parent)).write_text(kept)

    assert measured_regions(elf, "esp32c3", elf.parent) == memory_regions(elf, "esp32c3")


def test_an_answer_that_a_project_brings_along_is_none(elf: Path) -> None:
    measured = measured_regions(elf, "esp32c3", elf.parent)
    kept = cache_path(elf.parent)
    assert kept.parent == elf.parent.parent
    _say(elf.parent, regions=[])
    for name in ("espdeck-memory.json", kept.name):
        kept.replace(elf.with_name(name))
        assert measured_regions(elf, "esp32c3", elf.parent) == measured


def test_it_cannot_be_kept(elf: Path, tmp_path: Path) -> None:
    found = measured_regions(elf, "esp32c3", tmp_path / "nowhere" / "build")

    assert found == memory_regions(elf, "esp32c3")


def test_there_is_no_program(tmp_path: Path) -> None:
    assert measured_regions(tmp_path / "no.elf", "esp32c3", tmp_path) == ()
