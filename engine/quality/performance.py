"""Measures of a build: image size, growth, memory and build time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.enums import ArtifactKind, Severity
from engine.findings import Finding
from engine.images.image import Image, MemoryRegion
from engine.quality.result import BuildFacts, BuildReport, Measure, measured, unknown
from engine.quality.thresholds import Thresholds
from engine.quality_requirements import Aspect

TIGHT_FRACTION = 0.9
"""Part of a region or partition in use from which the gate warns."""

NOTABLE_FRACTION = 0.01
"""Part of a memory or partition from which a change of what is in use is told."""


def measure(built: BuildReport, thresholds: Thresholds) -> tuple[Measure, ...]:
    """The measures of performance.

    Args:
        built: what is known of a build.
        thresholds: what they are held against.
    """
    facts = built.facts
    if facts is None:
        aspects = (Aspect.SIZE, Aspect.GROWTH, Aspect.MEMORY, Aspect.BUILD_TIME)
        return tuple(unknown(each, thresholds.of(each) or None, built.missing) for each in aspects)
    return (
        _size(facts, thresholds),
        _growth(facts, thresholds),
        _memory(facts, thresholds),
        _time(facts, thresholds),
    )


def facts_of(
    image: Image,
    *,
    seconds: float | None = None,
    source: str = "this build",
    before: Image | None = None,
) -> BuildFacts:
    """Facts of an image.

    Args:
        image: as the build made it.
        seconds: that compiling took, None where not known.
        source: which build it is of, for people.
        before: the image of the successful build before, None where there is none.
    """
    if before is not None and before.target != image.target:
        before = None
    return BuildFacts(
        target=image.target,
        regions=image.regions,
        image_bytes=_app_bytes(image),
        seconds=seconds,
        source=source,
        before=before.regions if before is not None else (),
        image_bytes_before=_app_bytes(before) if before is not None else None,
    )


def _app_bytes(image: Image) -> int | None:
    try:
        sizes = [part.path.stat().st_size for part in image.parts if part.kind is ArtifactKind.APP]
    except OSError:  # the files of an old build may be gone
        return None
    return sum(sizes) or None


def _size(facts: BuildFacts, thresholds: Thresholds) -> Measure:
    """The image, against the budget; without one, against the room where it is put."""
    budget = thresholds.of(Aspect.SIZE) or None
    against = "against the budget"
    if budget is None:
        held = (each for each in facts.regions if each.total and each.used == facts.image_bytes)
        room = next(held, None)
        budget = room.total if room is not None else None
        against = f"against {room.name}" if room is not None else "without a budget"
    if facts.image_bytes is None:
        return unknown(Aspect.SIZE, budget, f"{facts.source} kept no image that is flashed")
    return measured(Aspect.SIZE, facts.image_bytes, budget, f"the app of {facts.source}, {against}")


def _growth(facts: BuildFacts, thresholds: Thresholds) -> Measure:
    """The largest growth of the image or of a region since the build before, in percent."""
    limit = thresholds.of(Aspect.GROWTH)
    pairs = dict(_pairs(facts))
    if not pairs:
        return unknown(Aspect.GROWTH, limit, "no successful build before to compare with")
    grown = {name: 100.0 * (now - then) / then for name, (then, now) in pairs.items()}
    most = max(grown, key=lambda name: grown[name])
    then, now = pairs[most]
    detail = f"{most} went from {then:,} to {now:,} bytes, {facts.source}"
    findings = [
        Finding(
            severity=Severity.WARNING,
            code="quality.growth",
            message=f"{name} grew by {percent:.1f} %, to {pairs[name][1]:,} bytes",
            hint="see what grew: espdeck size BUILD",
        )
        for name, percent in grown.items()
        if percent > limit
    ]
    return measured(Aspect.GROWTH, grown[most], limit, detail, findings)


def _pairs(facts: BuildFacts) -> Iterator[tuple[str, tuple[int, int]]]:
    """What can be compared with the build before: bytes then and now."""
    if facts.image_bytes is not None and facts.image_bytes_before:
        yield "the image", (facts.image_bytes_before, facts.image_bytes)
    before = {each.name: each.used for each in facts.before}
    for region in facts.regions:
        then = before.get(region.name)
        # A file system's image fills its partition; what is filled first goes on elsewhere.
        if not then or not region.grows:
            continue
        # Of a few bytes of RTC memory, some bytes more are many percent, and nothing to look at.
        is_little = region.total and abs(region.used - then) < NOTABLE_FRACTION * region.total
        yield region.name, (then, then if is_little else region.used)


def _memory(facts: BuildFacts, thresholds: Thresholds) -> Measure:
    """The fullest region, in percent."""
    limit = thresholds.of(Aspect.MEMORY)
    # A file system's image fills its partition.
    limited = [each for each in facts.regions if each.total and each.grows]
    full = {each.name: 100.0 * each.used / (each.total or 1) for each in limited}
    if not full:
        return unknown(Aspect.MEMORY, limit, f"{facts.source} does not say how much room there is")
    most = max(full, key=lambda name: full[name])
    findings = tight(facts.regions)
    # Too full is too full, however much the project allows.
    over = any(finding.severity is Severity.ERROR for finding in findings)
    detail = f"{most}, the fullest of {', '.join(full)}, {facts.source}"
    return measured(Aspect.MEMORY, full[most], limit, detail, findings, failed=over)


def tight(regions: Sequence[MemoryRegion]) -> tuple[Finding, ...]:
    """Regions that are nearly full, or too full; those that do not grow may be full."""
    found = []
    for region in regions:
        part = TIGHT_FRACTION if region.grows else 1.0
        if not region.total or region.used <= part * region.total:
            continue
        found.append(
            Finding(
                severity=Severity.ERROR if region.used > region.total else Severity.WARNING,
                code="qa.size",
                message=f"{region.name}: {region.used} of {region.total} bytes in use",
                hint="see what takes it: espdeck size BUILD"
                + ("; or give it a larger partition" if _is_partition(region) else ""),
            )
        )
    return tuple(found)


def _is_partition(region: MemoryRegion) -> bool:
    return region.name == "app" or region.name.startswith("partition ")


def _time(facts: BuildFacts, thresholds: Thresholds) -> Measure:
    limit = thresholds.of(Aspect.BUILD_TIME) or None
    if facts.seconds is None:
        return unknown(Aspect.BUILD_TIME, limit, f"how long {facts.source} took is not known")
    return measured(Aspect.BUILD_TIME, facts.seconds, limit, f"of compiling, {facts.source}")
