"""What models are told of a project beside its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.enums import Severity
from engine.findings import Finding
from engine.images.image import MemoryRegion
from engine.quality.result import BuildFacts, BuildReport
from engine.tasks.frameworks import frameworks, with_framework
from engine.tasks.last_build import LastBuild
from engine.tasks.project_facts import project_facts
from engine.tasks.roles import roles
from engine.tasks.workflow import workflows

PANIC = Finding(
    Severity.ERROR, "panic.load", "load access fault", "main/main.c", 7, evidence="MEPC 4200\nRA 0"
)


def test_facts_of_a_project_that_was_built(tmp_path: Path) -> None:
    build = LastBuild(
        number=12,
        commit="0" * 40,
        is_of_commit=True,
        succeeded=False,
        stages=("test.simulator: failed, it panicked",),
        findings=(PANIC,),
        console=("boot", "\x1b[31mpanic\x1b[0m"),
    )
    sizes = BuildFacts("esp32c3", regions=(MemoryRegion("IRAM", 100, 400),))
    facts = project_facts(tmp_path, "cmake", ["esp32c3", "esp32c6"], build, BuildReport(sizes))

    assert facts.toolchain == "cmake"
    assert facts.facts.split("\n")[0] == "- chip: esp32c3, also built for esp32c6"
    assert facts.facts.split("\n")[1].startswith("- built with: CMake, Zig ")
    assert facts.facts.split("\n")[2:] == [
        "- last build: build 12 of this commit failed",
        "  - test.simulator: failed, it panicked",
        "- its findings:",
        "  - error: main/main.c:7: load access fault",
        "    MEPC 4200",
        "    RA 0",
        "- IRAM: 100 of 400 bytes used",
    ]
    assert facts.console == "boot\npanic"


def test_a_project_of_which_nothing_is_known(tmp_path: Path) -> None:
    facts = project_facts(tmp_path, "", (), None, BuildReport(None))
    assert (facts.toolchain, facts.facts, facts.console) == ("", "- last build: none yet", "")


def test_what_an_app_asks_of_esp_idf_is_told(tmp_path: Path) -> None:
    (tmp_path / "idf_component.yml").write_text('dependencies:\n  idf: ">=5.3"\n')
    facts = project_facts(tmp_path, "idf", ["esp32"], None, BuildReport(None))
    assert "- built with: ESP-IDF" in facts.facts
    assert " (the project asks for >=5.3) (`idf`)" in facts.facts


@pytest.mark.parametrize("toolchain", [*frameworks(), ""])
def test_esp_idf_is_spoken_of_to_its_own_projects_alone(toolchain: str) -> None:
    texts = [role.prompt for role in roles().values()]
    texts += [step.prompt for each in workflows().values() for step in each.steps]
    for text in (with_framework(text, toolchain) for text in texts):
        assert "{{" not in text
        speaks = any(word in text for word in ("ESP-IDF", "esp_err_t", "Kconfig", "idf.py"))
        assert toolchain == "idf" or not speaks
