"""A badge of a project's builds: an image that pages of forges show (SVG, as shields.io has it).

Its words are few and ours, so their widths are known: in Verdana of 11 px, which the specification
of shields gives (https://github.com/badges/shields/blob/master/spec/SPECIFICATION.md). A viewer
without that font is told the width by ``textLength``.
"""

from __future__ import annotations

from engine.enums import RunStatus

_LABEL, _LABEL_PX = "build", 27
_PADDING_PX = 5
_HEIGHT_PX = 20

_WORDS: dict[RunStatus | None, tuple[str, int, str]] = {
    RunStatus.SUCCESS: ("passing", 42, "#3a7d0a"),
    RunStatus.FAILED: ("failing", 34, "#c0392b"),
    None: ("unknown", 50, "#6b6b6b"),
}
"""Word, its width in pixels, and a colour on which white is readable (4.5:1, WCAG 2.1)."""


def badge_svg(status: RunStatus | None) -> str:
    """The badge of a build that ended so; None for a project, or a branch, without builds."""
    word, word_px, colour = _WORDS[status]
    left = _LABEL_PX + 2 * _PADDING_PX
    right = word_px + 2 * _PADDING_PX
    width = left + right
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT_PX}" '
        f'role="img" aria-label="{_LABEL}: {word}"><title>{_LABEL}: {word}</title>'
        f'<clipPath id="r"><rect width="{width}" height="{_HEIGHT_PX}" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="{_HEIGHT_PX}" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT_PX}" fill="{colour}"/></g>'
        '<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{_PADDING_PX}" y="14" textLength="{_LABEL_PX}">{_LABEL}</text>'
        f'<text x="{left + _PADDING_PX}" y="14" textLength="{word_px}">{word}</text></g></svg>\n'
    )
