"""Documentation, by rules that can be checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.quality.result import BuildFacts, BuildReport, MeasureStatus
from engine.quality_requirements import Aspect
from tests.engine.quality.trees import README, RING, RING_H, gate, measure, write

pytestmark = pytest.mark.slow


def lacks(tree: Path, *chips: str) -> list[str]:
    found = measure(tree, Aspect.DOCUMENTATION, chips=chips or ("esp32c3",))
    return [each.message for each in found.findings if each.code == "quality.readme"]


@pytest.mark.slow
def test_a_project_that_says_what_it_is_has_all_points(tmp_path: Path) -> None:
    found = measure(write(tmp_path / "x", RING), Aspect.DOCUMENTATION)

    assert (found.value, found.status) == (100, MeasureStatus.PASSED)
    assert found.detail == "2 of 2 public symbols with a comment; README keeps 4 of 4 rules"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("readme", "lack"),
    [
        ("# Ring\n\nESP32-C3: espdeck build ring\n", "does not say what this is"),
        (README.replace("ESP32-C3", "chip"), "does not name the chip, esp32c3"),
        (README.replace("espdeck build ring", ""), "names no command"),
        (f"{README}\nSee [the wiring](docs/wiring.md).\n", "links to docs/wiring.md"),
    ],
)
def test_each_rule_of_the_readme_is_told(tmp_path: Path, readme: str, lack: str) -> None:
    tree = write(tmp_path / "x", {**RING, "README.md": readme})

    (said,) = lacks(tree)
    assert lack in said
    assert measure(tree, Aspect.DOCUMENTATION).value == 90


def test_links_that_lead_somewhere_are_fine(tmp_path: Path) -> None:
    links = (
        "[a](src/ring.h#L1) ![b](docs/a%20b.png 'x') [c](https://x/) [d](#top) [e](src/) [f](<.>)"
    )
    tree = write(tmp_path / "x", {**RING, "README.md": f"{README}{links}\n"})
    (tree / "docs").mkdir()
    (tree / "docs/a b.png").write_bytes(b"\x89PNG\0")

    assert lacks(tree) == []


def test_a_dead_link_is_told_with_its_line(tmp_path: Path) -> None:
    tree = write(tmp_path / "x", {**RING, "README.md": f"{README}\n[x](gone.md)\n"})

    found = measure(tree, Aspect.DOCUMENTATION)

    assert [each.where for each in found.findings] == ["README.md:8"]


def test_no_readme_is_one_finding_and_costs_its_points(tmp_path: Path) -> None:
    tree = write(tmp_path / "x", {"ring.h": RING_H})

    assert lacks(tree) == ["there is no README"]
    assert measure(tree, Aspect.DOCUMENTATION).value == 60


@pytest.mark.slow
def test_without_a_chip_none_is_looked_for(tmp_path: Path) -> None:
    tree = write(tmp_path / "x", {**RING, "README.md": README.replace("ESP32-C3", "chip")})

    assert lacks(tree, "") == []
    assert lacks(tree, "linux") == []


@pytest.mark.slow
def test_one_of_several_chips_is_enough(tmp_path: Path) -> None:
    tree = write(tmp_path / "x", RING)

    assert lacks(tree, "esp32c6", "esp32c3") == []
    assert lacks(tree, "esp32c6", "esp32s3") == [
        "the README does not name the chip, esp32c6 or esp32s3"
    ]


def test_a_build_changes_no_score(tmp_path: Path) -> None:
    tree = write(tmp_path / "x", {**RING, "README.md": README.replace("ESP32-C3", "chip")})

    without, with_build = (
        measure(tree, Aspect.DOCUMENTATION, built=built)
        for built in (BuildReport(None), BuildReport(BuildFacts("esp32c3")))
    )

    assert without == with_build
    assert without.value == 90


def test_symbols_without_a_comment_are_named_and_tests_need_none(tmp_path: Path) -> None:
    bare = {"test/helper.h": "int helper(void);\n", "src/bare.h": "\nint bare(void);\n"}

    found = measure(write(tmp_path / "x", {**RING, **bare}), Aspect.DOCUMENTATION)

    assert [each.where for each in found.findings] == ["src/bare.h:2"]
    assert found.value == 80


@pytest.mark.slow
def test_a_project_without_public_symbols_has_its_readme(tmp_path: Path) -> None:
    result = gate(write(tmp_path / "x", {"README.md": README, "main.c": "int main(void) {}\n"}))

    found = next(each for each in result.measures if each.id is Aspect.DOCUMENTATION)
    assert (found.value, found.detail) == (100, "no public symbols; README keeps 4 of 4 rules")
