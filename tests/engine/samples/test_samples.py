from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from engine import manifest, samples
from engine.images.image import Image
from engine.settings import Settings
from engine.settings.own_boards import keep_own_boards


def test_there_are_four_samples_and_the_first_is_hello() -> None:
    assert samples.names() == ("hello", "broken", "console", "crash", "flaky-tests")


@pytest.mark.parametrize("name", samples.names())
def test_a_sample_is_written_whole_with_a_manifest_that_loads(name: str, tmp_path: Path) -> None:
    samples.write(name, tmp_path / "tree")

    assert (tmp_path / "tree" / "runtime" / "startup.S").is_file()
    loaded = manifest.load(tmp_path / "tree")
    assert loaded.expect
    assert loaded.baud == 921600


def test_an_unknown_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        samples.write("runtime", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", samples.names())
def test_a_sample_links_into_internal_memory_and_starts_at_its_reset_entry(
    name: str, built_sample: Callable[[str], Image]
) -> None:
    with built_sample(name).elf.open("rb") as file:
        elf = ELFFile(file)
        loads = list(elf.iter_segments("PT_LOAD"))
        entry = elf.header["e_entry"]

    assert entry == 0x40380000
    bounds = [(part["p_vaddr"], part["p_vaddr"] + part["p_memsz"]) for part in loads]
    assert all(
        0x40380000 <= low <= high <= 0x403A0000 or 0x3FCA0000 <= low <= high <= 0x3FCC0000
        for low, high in bounds
    )


def test_who_opens_the_workspace_of_the_demonstration_has_its_board(tmp_path: Path) -> None:
    keep_own_boards(tmp_path, ["virtual:esp32c3", "socket://elsewhere:1"])

    assert Settings(workspace=tmp_path).boards == ("virtual:esp32c3",)
    assert Settings(workspace=tmp_path, boards=("/dev/a", "virtual:esp32c3")).boards == (
        "/dev/a",
        "virtual:esp32c3",
    )
    assert Settings(workspace=tmp_path, boards=("/dev/a",)).boards == ("/dev/a", "virtual:esp32c3")
    assert Settings(workspace=tmp_path / "other").boards == ()
