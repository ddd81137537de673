"""The configuration of a build: what its first start burns."""

from __future__ import annotations

import tempfile
from pathlib import Path

from engine.images import efuses
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """``burns``, ``encryption``, ``signed`` and ``simulated``; ``known`` is False for no say."""
    name = efuses.CONFIG_JSON if case.path.suffix == ".json" else Path("sdkconfig")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(case.data)
        found = efuses.security_of(Path(folder))
    if found is None:
        return {"known": False}
    return {name: getattr(found, name) for name in found.__slots__}
