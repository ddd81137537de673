"""A repository: what ``dependency_check`` says of its dependencies.

All files are committed, but for those that ``.gitignore`` leaves out and those of ``uncommitted``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from engine.checks.dependency_check import DependencyCheck
from tests.engine.checks.contexts import context_of
from tests.engine.git_repos import commit
from tests.field.case import Case
from tests.field.trees import unpack


def read(case: Case) -> dict[str, object]:
    """``status``, and ``findings`` as ``SEVERITY KIND FILE:LINE MESSAGE``, the worst first."""
    with tempfile.TemporaryDirectory() as name:
        folder = unpack(case.text, Path(name) / "fw")
        later = {}
        for file in case.options.get("uncommitted", []):
            later[folder / file] = (folder / file).read_text()
            (folder / file).unlink()
        commit(folder, {})
        for path, text in later.items():
            path.write_text(text)
        app, target = case.options.get("app", ""), case.options.get("target", "")
        result = DependencyCheck().run(context_of(folder, app=app, target=target))
    found = []
    for each in result.details["findings"]:
        place = f"{each['file']}:{each['line']}" if "line" in each else each["file"]
        kind = each["code"].removeprefix("dependency.")
        found.append(f"{each['severity']} {kind} {place} {each['message']}")
    return {"status": result.status.value, "findings": found}
