"""Which files espdeck takes out of a model's answer."""

from __future__ import annotations

from engine.tasks.answer_files import extract
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """``paths`` with their ``texts``, ``nameless`` blocks, ``problems``, and what stays ``prose``.

    ``names`` are what the model said when it was asked for the names of nameless blocks.
    """
    found = extract(case.text, "source", names=case.options.get("names", {}))
    return {
        "paths": [made.path for made in found.files if made.named],
        "texts": {made.path: made.text for made in found.files if made.named},
        "nameless": [made.path for made in found.nameless],
        "problems": list(found.warnings),
        "prose": found.prose,
    }
