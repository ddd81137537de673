"""What is kept of DEVELOPER's repairs: a record of each, and what they come to in all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from engine.builds import fix_patch
from engine.builds.agents.repair_history import Attempt, outcome, standing_of
from engine.builds.context import BuildContext
from engine.enums import ArtifactKind
from engine.llm.chat import Message
from engine.llm.conversation import CheckedAnswer
from engine.llm.fences import fenced
from engine.repair.shown_files import ShownFile
from engine.runs.pipeline import StageResult
from engine.text import count

_OUTCOME = "\n## Outcome\n\n"


def keep_record(
    context: BuildContext,
    by: str,
    base: Attempt,
    asked: Sequence[Message],
    shown: Sequence[ShownFile],
    answers: Sequence[CheckedAnswer],
    change: str,
    following: str,
) -> Path:
    """Keep what was asked, answered and changed in this attempt; where it lies.

    Args:
        by: whose repair it is.
        base: the attempt it started from.
        asked: the question; empty for a rule.
        shown: the files in it.
        answers: every answer to it, in order.
        change: unified diff; empty where nothing was changed.
        following: how it goes on, for as long as nobody knows how it went.
    """
    name = f"repair-{context.stage.attempt}"
    parts = [
        f"# Repair {context.stage.attempt} of build {context.stage.run_id}\n",
        f"By {by}, from attempt {base.number} ({base.standing}).\n",
    ]
    parts += _shown(shown)
    parts += [f"## Asked ({each.speaker})\n\n{fenced(each.text)}\n" for each in asked]
    for number, answer in enumerate(answers, 1):
        parts.append(f"## Answer {number}\n\n{fenced(answer.text)}\n")
        if answer.refusals:
            parts.append("Refused:\n\n" + fenced("\n".join(answer.refusals)) + "\n")
    if change:
        parts.append(f"## Patch\n\n{fenced(change, 'diff')}\n")
        path = _path(context, f"{name}.patch")
        path.write_bytes(change.encode("utf-8", "surrogateescape"))
        context.stage.keep(ArtifactKind.PATCH, path, path.name)
    return _keep(context, f"{name}.md", "\n".join(parts) + _OUTCOME + following + "\n")


def told_success(record: str, attempt: int, results: Mapping[str, StageResult]) -> str:
    """The text of a record whose repair made the build succeed, with how it went.

    Args:
        record: the text as it was kept.
        attempt: in which it was built and tested.
        results: of that attempt's stages.
    """
    head, outcome, _following = record.rpartition(_OUTCOME)
    judged = results.get("judge")
    summary = judged.summary if judged is not None else ""
    said = f" {summary[:1].upper()}{summary[1:]}." if summary else ""
    return f"{head}{outcome}Attempt {attempt} succeeded ({standing_of(results)}).{said}\n"


def _shown(shown: Sequence[ShownFile]) -> Iterator[str]:
    """Which files were shown and why, each with the tokens that it may take."""
    if shown:
        total = sum(each.tokens for each in shown)
        lines = [f"{each.tokens:6} {each.path}, {each.part}: {each.why}" for each in shown]
        yield f"## Shown: {count(len(shown), 'file')}, some {total} tokens\n"
        yield fenced("\n".join(lines)) + "\n"


def tell_outcome(context: BuildContext, attempts: Sequence[Attempt]) -> None:
    """Add to the record of the last repair how it went, and say it."""
    repair = attempts[-1].repair
    if repair is None:
        return
    how = outcome(attempts, attempts[-1].number)
    context.stage.report.log(how)
    with contextlib.suppress(OSError):  # It may have been deleted: the log has it too.
        text = repair.record.read_text("utf-8")
        errors = "\n".join(finding.title for finding in attempts[-1].errors[:20])
        more = f"\n\n{fenced(errors)}" if errors else ""
        kept = text.rpartition(_OUTCOME)[0] + _OUTCOME
        _keep(context, repair.record.name, f"{kept}{how[:1].upper()}{how[1:]}.{more}\n")


def keep_fix(context: BuildContext, changes: Sequence[str], diff: str) -> None:
    """Keep all of the difference as ``fix.patch``."""
    path = _path(context, fix_patch.NAME)
    fix_patch.write(path, changes, diff)
    context.stage.keep(ArtifactKind.PATCH, path, fix_patch.NAME)


def _keep(context: BuildContext, name: str, text: str) -> Path:
    path = _path(context, name)
    path.write_text(text, "utf-8", errors="replace")
    return context.stage.keep(ArtifactKind.REPORT, path, name)


def _path(context: BuildContext, name: str) -> Path:
    context.build_dir.mkdir(parents=True, exist_ok=True)
    return context.build_dir / name
