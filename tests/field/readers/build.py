"""What a build printed: its findings."""

from __future__ import annotations

from pathlib import Path

from engine.cancel import CancelToken
from engine.findings import Finding
from engine.process import Completed
from engine.toolchains.base import CompileRequest
from engine.toolchains.build_output import BuildOutput
from engine.toolchains.diagnostics.parser import parse
from engine.toolchains.hints.hint import BuildSystem
from tests.field.case import Case


def read(case: Case) -> dict[str, object]:
    """``findings`` of the output; ``headline`` is the message of the first error.

    ``with.system`` is the build system, which hints are for; ``with.exit`` that the tool ended with
    this code, so that there is a first error whatever it printed.
    """
    root = Path(str(case.options.get("root", "/w")))
    system = BuildSystem(case.options["system"]) if "system" in case.options else None
    if "exit" in case.options:
        findings = _of_tool(case, root, system)
    else:
        findings = parse(case.text, root=root, system=system)
    errors = [each for each in findings if each.severity.value == "error"]
    return {"findings": findings, "headline": errors[0].message if errors else None}


def _of_tool(case: Case, root: Path, system: BuildSystem | None) -> tuple[Finding, ...]:
    request = CompileRequest(
        source=root,
        build_dir=root / "build",
        target="esp32",
        timeout=1.0,
        cancel=CancelToken(),
        on_output=lambda _data: None,
        on_progress=lambda _percent, _what: None,
    )
    output = BuildOutput(request, 0, 100, system)
    output.feed(case.data)
    ended = Completed(int(case.options["exit"]), case.text, 1.0)
    return output.findings(str(case.options.get("tool", "tool")), ended)
