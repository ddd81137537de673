"""A document: title, headings, links, anchors, and the names of code that it has."""

from __future__ import annotations

from engine.checks.documentation.anchors import anchors_of
from engine.checks.documentation.document import Document, format_of, past_lines
from engine.checks.documentation.doxygen import parse_doxygen
from engine.checks.documentation.markdown import parse_markdown
from engine.checks.documentation.restructuredtext import parse_rst
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """Headings as ``LEVEL LINE TEXT``, links and names as ``LINE KIND TEXT``."""
    document = _parsed(case)
    document.past = past_lines(case.text, document)
    return {
        "title": document.title,
        "headings": [f"{e.level} {e.line} {e.text}" for e in document.headings],
        "links": [f"{e.line} {e.kind} {e.target}" for e in document.links],
        "names": [f"{e.line} {e.kind} {e.text}" for e in document.names],
        "anchors": sorted(anchors_of(document, site=bool(case.options.get("site")))),
        "labels": sorted(document.labels),
        "past": sorted(document.past),
    }


def _parsed(case: Case) -> Document:
    kind = format_of(case.path.name)
    if kind is None:
        return parse_doxygen(case.text, in_code=True)
    if kind.value == "markdown":
        return parse_markdown(case.text)
    return parse_rst(case.text) if kind.value == "rst" else parse_doxygen(case.text, in_code=False)
