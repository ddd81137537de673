"""ASSEMBLER: combines what the steps of a pipeline made into final files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from engine.enums import ArtifactKind, Severity, StageStatus
from engine.errors import ToolError
from engine.findings import Finding
from engine.llm.conversation import Conversation
from engine.projects.worktrees import Slot
from engine.runs.pipeline import StageResult
from engine.source.diffs import diff_of, lines_of
from engine.tasks.agents.ask_model import ask_for_text, open_conversation
from engine.tasks.agents.step import keep_answer, keep_changes, or_failed
from engine.tasks.agents.step_question import earlier
from engine.tasks.answer_files import (
    GeneratedFile,
    assembled_code,
    clashes,
    extract,
    keep_fuller,
)
from engine.tasks.context import Assembled, TaskContext
from engine.tasks.file_names import path_in, plain_path
from engine.tasks.prompts import FILES, Material, Question, Rank
from engine.tasks.worktree_texts import read_whole
from engine.text import clean, count

CODE = "assembled_code.md"
"""Artifact with the text of all final files, each headed by its path."""

FINAL = "final"
"""Folder of the final files among the artifacts."""

_WHO = """\
You are the Assembler. Several engineers have each made files of one work. You make them fit
together; you do not redesign, extend or shorten them.
"""

_PROMPT = """\
Look at all files under "Material" as one work that will be built as it is. Where they do not fit
together, mend them: names and signatures that differ, missing or wrong includes and imports, files
that no build file lists, the same thing defined twice, paths that do not agree, remarks such as
"rest as before" in place of code.

Give every file that must change, whole, with exactly the path it has. Files that you do not give
stay as they are, so do not repeat those. A file that must be called otherwise, or must go because
another does the same, you name outside of the blocks, on a line of its own:

RENAME main/old_name.c -> main/new_name.c
DELETE main/not_needed.c

If nothing must change, say so in one sentence.
"""

_ORDER = re.compile(r"[-*>#`\d.) \t]{0,12}(RENAME|DELETE)[`*:]{0,4}[ \t]{1,8}(.{1,600})")
_ARROW = re.compile(r"->|=>|→|\bto\b")
_MAX_ORDERS = 64


@dataclass(frozen=True, slots=True)
class _Merged:
    """What the files of the steps and the Assembler's answer come to.

    Args:
        files: the final ones, by path.
        given: paths of those that are the Assembler's.
        gone: what became of files that are there no more, a line each.
        problems: what of the answer was not taken.
    """

    files: Mapping[str, GeneratedFile]
    given: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def run(context: TaskContext) -> StageResult:
    """Let the model correct what does not fit; everything else is as it was made last."""
    made = _last_made(context)
    if not any(each.named for each in made.values()):
        what = "no step made a file that has a name" if made else "no step made a file"
        context.stage.report.log(f"{what}: there is nothing to assemble")
        return StageResult(StageStatus.SUCCESS, what, output=Assembled(()))
    conversation = open_conversation(context, context.plan.assembler)
    return or_failed(context, conversation, lambda: _assembled(context, conversation, made))


def _assembled(
    context: TaskContext, conversation: Conversation, made: dict[str, GeneratedFile]
) -> StageResult:
    answer = ask_for_text(context, conversation, _question(context, made))
    keep_answer(context, answer)
    merged = _merged(made, answer)
    for path in merged.files:
        origin = "by the assembler" if path in merged.given else "as it was made last"
        context.stage.report.log(f"final {path}: {origin}")
    for line in merged.gone:
        context.stage.report.log(line)
    files = tuple(merged.files.values())
    with context.worktree() as slot:
        patch, refused = _written(slot, files)
    for reason in refused:
        context.stage.report.log(f"not in the patch: {reason}")
    keep_final(context, files)
    keep_changes(context, patch or "")
    given, gone = len(merged.given), len(merged.gone)
    corrected = f"{given} by the assembler" if given else "as they were made"
    replaced = f", {gone} renamed or deleted" if gone else ""
    return StageResult(
        StageStatus.SUCCESS,
        f"{count(len(files), 'final file')}, {corrected}{replaced}; {conversation.summary}",
        tuple(Finding(Severity.WARNING, "model.file", reason) for reason in merged.problems),
        output=Assembled(files, merged.given, patch),
        usage=tuple(conversation.usage),
    )


def keep_final(context: TaskContext, files: tuple[GeneratedFile, ...]) -> None:
    """Keep the final files, and all of their text in one."""
    for made in files:
        context.keep_text(made.artifact_kind, f"{FINAL}/{made.path}", made.text)
    context.keep_text(ArtifactKind.DOCUMENT, CODE, assembled_code(files))


def _last_made(context: TaskContext) -> dict[str, GeneratedFile]:
    """Every file that a step made, as it was made last, in the order in which they came up."""
    found: dict[str, GeneratedFile] = {}
    for step in earlier(context):
        files, lost = keep_fuller(found, step.files)  # steps of one wave do not see each other
        for reason in lost:
            context.stage.report.log(f"step {step.name}: {reason}")
        found.update({made.path: made for made in files})
    return found


def _question(context: TaskContext, made: dict[str, GeneratedFile]) -> Question:
    steps = earlier(context)
    files = [Material(_title(each), each.text, Rank.MADE, each.language) for each in made.values()]
    said = [
        Material(f"step_{step.number}_output ({step.name})", step.prose, Rank.ANSWER, "markdown")
        for step in steps
    ]
    return Question(
        who=_WHO,
        step="assemble",
        prompt=_PROMPT,
        form=FILES,
        task=(
            ("The task", context.wanted.description),
            ("What holds for every step", context.plan.global_context),
        ),
        material=(*said, *files),
    )


def _title(made: GeneratedFile) -> str:
    """A file's heading for the Assembler, who may give a name to one that has none."""
    unnamed = "a block without a file name: left out unless you give it as a file"
    return made.path if made.named else f"{made.path} ({unnamed})"


def _merged(made: Mapping[str, GeneratedFile], answer: str) -> _Merged:
    """The final files, which of them the answer gave, and what of it was not taken."""
    found = extract(answer, "assemble")
    final = {path: each for path, each in made.items() if each.named}
    odd = list(found.problems)
    whole = []
    for each in found.files:
        if not each.named:
            odd.append(f"a block of the assembler ({each.kind}) has no path: left out")
        elif not each.whole:
            odd.append(f"{each.path} of the assembler is not whole: it stays as it was")
        elif clashes(each.path, final):
            odd.append(f"{each.path} is a file and a folder: left out")
        else:
            whole.append(each)
    given, lost = keep_fuller(final, whole)
    final.update({each.path: each for each in given})
    gone: list[str] = []
    for old, new in _orders(found.prose):
        if old not in final or old == new:
            odd.append(f"the assembler renames or deletes {old}, which is no file of the steps")
        elif not new:
            del final[old]
            gone.append(f"deleted {old}")
        elif plain_path(new) is None or clashes(new, final):
            odd.append(f"{new[:80]!r} cannot be the name of a file here: {old} stays")
        else:
            moved = final.pop(old)
            final.setdefault(new, replace(moved, path=new))
            gone.append(f"renamed {old} to {new}")
    paths = tuple(each.path for each in given if each.path in final)
    return _Merged(final, paths, tuple(gone), (*odd, *lost))


def _orders(prose: str) -> Iterator[tuple[str, str]]:
    """Files that are to be renamed, with their new paths, and to be deleted, with none."""
    found = (_ORDER.match(line) for line in prose.split("\n"))
    for order in [each for each in found if each][:_MAX_ORDERS]:
        before, *after = _ARROW.split(order[2], maxsplit=1)
        old, new = path_in(before), path_in(after[0]) if after else ""
        if old and (order[1] == "DELETE") != bool(new):
            yield old, new


def _written(slot: Slot, files: tuple[GeneratedFile, ...]) -> tuple[str | None, list[str]]:
    """Write files into a worktree: all of its difference then, and what was refused."""
    tree, refused, patch = slot.tree, list[str](), ""
    for made in files:
        reason = tree.write_refusal(made.path)
        if reason is None and _has_control_characters(made.text):
            reason = "has control characters"
        if reason:
            refused.append(f"{made.path} {reason}")
            continue
        old = read_whole(slot.source, made.path) if made.path in tree.files else None
        if old == "" and (slot.source / made.path).stat().st_size:
            refused.append(f"{made.path} exists, but is too large or not text")
            continue
        patch += _whole(made.path, old, made.text)
    if not patch:
        return None, refused
    try:
        slot.apply(patch)
    except ToolError as error:
        return None, [*refused, str(error)]
    return slot.diff(), refused


def _whole(path: str, old: str | None, new: str) -> str:
    """A patch that puts a text in a file's place; Git says afterwards what differs."""
    if old == new:
        return ""
    before, after = lines_of(old or ""), lines_of(new)
    opcode = ("replace", 0, len(before), 0, len(after))
    return diff_of(path, before if old is not None else None, after, [opcode])


def _has_control_characters(text: str) -> bool:
    plain = text.replace("\t", " ")
    return any(clean(line) != line for line in plain.split("\n"))
