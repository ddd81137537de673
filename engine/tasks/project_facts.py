"""What models are told of a project beside its files: chip, tools, last build, sizes, console."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from engine import manifest
from engine.errors import EspdeckError
from engine.findings import Finding
from engine.images.image import MemoryRegion
from engine.projects.dependencies import scan_dependencies
from engine.quality.result import BuildReport
from engine.tasks.frameworks import framework
from engine.tasks.last_build import LastBuild
from engine.text import clean

_MAX_LINE_CHARACTERS = 300
_MAX_EVIDENCE_LINES = 12


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What is known of a project.

    Args:
        toolchain: that builds it; empty where nothing is known to.
        facts: Markdown, a line each. Has text of builds and repositories.
        console: what the firmware of its last build printed last; empty for nothing.
    """

    toolchain: str = ""
    facts: str = ""
    console: str = ""


def project_facts(
    app: Path,
    toolchain: str,
    chips: Sequence[str],
    build: LastBuild | None,
    report: BuildReport,
) -> ProjectFacts:
    """Collect the facts.

    Args:
        app: folder of the app in a worktree. Untrusted.
        toolchain: that builds it, empty for none.
        chips: those that the project is built for, that of a plain build first.
        build: how its build went.
        report: what is known of its sizes.
    """
    lines = []
    if chips:
        others = f", also built for {', '.join(chips[1:])}" if len(chips) > 1 else ""
        lines.append(f"- chip: {chips[0]}{others}")
    if toolchain:
        version = _version(toolchain, app)
        lines.append(f"- built with: {framework(toolchain).title}{version} (`{toolchain}`)")
    if build is None:
        lines.append("- last build: none yet")
    else:
        lines += _of_build(build)
    lines += _sizes(report.facts.regions if report.facts else ())
    facts = "\n".join(clean(line)[:_MAX_LINE_CHARACTERS] for line in lines)
    console = "\n".join(clean(line) for line in build.console) if build is not None else ""
    return ProjectFacts(toolchain, facts, console)


def _version(toolchain: str, app: Path) -> str:
    """The version of what builds it, behind a blank, as far as that is known without running it."""
    found = ""
    if toolchain == "idf":
        from engine.toolchains import idf_installs

        with contextlib.suppress(EspdeckError):
            found = idf_installs.choose(manifest.load(app).build.idf).version
        asked = next((each.version for each in scan_dependencies(app) if each.name == "idf"), "")
        wanted = f" (the project asks for {asked})" if asked else ""
        return f"{' ' if found else ''}{found}{wanted}"
    if toolchain == "cmake":
        with contextlib.suppress(metadata.PackageNotFoundError):
            found = f", Zig {metadata.version('ziglang')} as the compiler"
    return found


def _of_build(build: LastBuild) -> Iterator[str]:
    which = "this commit" if build.is_of_commit else f"commit {build.commit[:10]}, not this one"
    how = "succeeded" if build.succeeded else "failed"
    yield f"- last build: build {build.number} of {which} {how}"
    yield from (f"  - {line}" for line in build.stages)
    if build.findings:
        yield "- its findings:"
    for each in build.findings:
        yield f"  - {each.severity}: {each.title}"
        yield from (f"    {line}" for line in _evidence(each))


def _evidence(finding: Finding) -> list[str]:
    rows = (finding.evidence or "").split("\n")
    return [row for row in rows if row.strip()][:_MAX_EVIDENCE_LINES]


def _sizes(regions: Sequence[MemoryRegion]) -> Iterator[str]:
    for each in regions:
        of = f" of {each.total}" if each.total is not None else ""
        yield f"- {each.name}: {each.used}{of} bytes used"
