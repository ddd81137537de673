"""BUILDER: configures, compiles, measures, and keeps what came of it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from engine.builds import compile_times
from engine.builds.compile_times import CompileWatch
from engine.builds.context import BuildContext
from engine.builds.outputs import Compiled, Planned
from engine.enums import ArtifactKind, Severity, StageStatus
from engine.formats.untrusted import is_plain
from engine.images import image_file, linker_map
from engine.images.image import Image, MemoryRegion
from engine.projects.external_content import fetch_content
from engine.runs.pipeline import StageResult
from engine.text import count
from engine.toolchains.base import CompileRequest, find_toolchains


def run(context: BuildContext) -> StageResult:
    """Compile the worktree; warnings and errors become findings."""
    plan = context.stage.output_of("plan", Planned)
    toolchain = next(each for each in find_toolchains() if each.name == plan.toolchain)
    context.build_dir.mkdir(parents=True, exist_ok=True)
    # A build that was interrupted goes on here, in a worktree that was checked out anew.
    fetch_content(
        context.slot,
        context.project,
        local_submodules=context.stage.settings.local_submodules,
        say=context.stage.report.log,
        cancel=context.stage.cancel,
    )
    watch = CompileWatch(context.build_dir)
    started = time.monotonic()
    compiled = toolchain.compile(
        CompileRequest(
            source=context.app,
            root=context.stage.source,
            configuration=context.configuration,
            build_dir=context.build_dir,
            target=context.target,
            timeout=context.stage.settings.compile_timeout,
            cancel=context.stage.cancel,
            on_output=context.stage.report.output,
            on_progress=context.stage.report.progress,
        )
    )
    seconds = time.monotonic() - started
    _keep_times(context, watch)
    errors = [each for each in compiled.findings if each.severity is Severity.ERROR]
    warnings = sum(each.severity is Severity.WARNING for each in compiled.findings)
    if compiled.image is None:
        first = errors[0]
        where = f"{first.where}: " if first.where else ""
        return StageResult(
            status=StageStatus.FAILED,
            summary=f"{where}{first.message}",
            findings=compiled.findings,
        )
    image = _keep(context, compiled.image)
    sizes = ", ".join(describe(region) for region in image.regions)
    context.stage.report.log(f"sizes: {sizes}")
    return StageResult(
        status=StageStatus.SUCCESS,
        summary=f"{image.elf.name}, {count(warnings, 'warning')}, {sizes}",
        findings=compiled.findings,
        output=Compiled(image=image, warnings=warnings, seconds=seconds),
    )


def describe(region: MemoryRegion) -> str:
    """A region's use for people: ``DRAM 12.3 KiB of 400 KiB (3 %)``."""
    used = f"{region.name} {region.used / 1024:.1f} KiB"
    if not region.total:
        return used
    return f"{used} of {region.total / 1024:.0f} KiB ({100 * region.used / region.total:.0f} %)"


def _keep_times(context: BuildContext, watch: CompileWatch) -> None:
    """Keep how long each file took to compile, where ninja measured it."""
    times = watch.times(context.stage.source)
    if times is None:
        return
    name = compile_times.file_name(context.stage.attempt)
    # Not in the build folder, where the project may have put a link in its place.
    with tempfile.TemporaryDirectory(prefix="espdeck-") as folder:
        path = Path(folder) / name
        compile_times.write(times, path)
        context.stage.keep(ArtifactKind.REPORT, path, name)


def _keep(context: BuildContext, image: Image) -> Image:
    """The image with its files copied to the artifacts, so that a later retry flashes the same."""
    used: set[str] = set()

    def keep(kind: ArtifactKind, path: Path, prefix: str) -> Path:
        # Files of several folders come into one, where two bootloader.bin must not become one.
        name = path.name
        while name in used:
            name = f"{prefix}-{name}"
        used.add(name)
        return context.stage.keep(kind, path, name)

    elf = keep(ArtifactKind.ELF, image.elf, "elf")
    parts = tuple(
        replace(part, path=keep(part.kind, part.path, f"{part.offset:#x}")) for part in image.parts
    )
    for map_file in linker_map.find_maps(image.elf):
        keep(ArtifactKind.MAP, map_file, "map")
    said = image.elf.with_name(linker_map.DESCRIPTION)
    if is_plain(said):
        keep(ArtifactKind.REPORT, said, "project")
    # The speed that the project says, for everyone who listens to a board with this image.
    plan = context.stage.output_of("plan", Planned)
    kept = replace(image, elf=elf, parts=parts, baud=plan.manifest.baud or image.baud)
    description = context.build_dir / image_file.FILE_NAME
    image_file.write(kept, description)
    keep(ArtifactKind.REPORT, description, "image")
    return kept
