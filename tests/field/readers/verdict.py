"""What QA says of firmware by what it printed, on a board or in a simulator, or nowhere."""

from __future__ import annotations

from engine.builds.agents import qa, silence
from engine.builds.agents.output_checker import OutputChecker
from engine.builds.outputs import Tested
from engine.manifest import Manifest
from tests.field.case import Case

SECONDS = 5.0


def read(case: Case) -> dict[str, object]:
    """``verdict`` and ``text`` of QA, and the ``hint`` for firmware that is silent."""
    ran_on = case.options.get("ran_on", "/dev/ttyUSB0")
    listener = OutputChecker(Manifest(expect=tuple(case.options.get("expects", ()))))
    listener.feed(case.data)
    listener.end("nothing more came")
    transcript = listener.transcript()
    tested = Tested(
        ran_on=ran_on,
        chip="",
        flash_size=None,
        expectations=listener.expectations(),
        report=listener.report(),
        lines=listener.lines,
        fault="",
        transcript=transcript,
        silent=silence.is_silent(transcript),
    )
    stage = case.options.get("stage", "test.board")
    word, text = qa.verdict_of({} if stage == "none" else {stage: tested}, blocked=False)
    found = silence.finding(ran_on, SECONDS, transcript, case.options.get("sdkconfig", {}))
    return {
        "verdict": word,
        "text": text,
        "message": found.message if tested.silent else None,
        "hint": found.hint if tested.silent else None,
    }
