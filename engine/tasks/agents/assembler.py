"""ASSEMBLER: combines what the steps of a pipeline made into final files."""

from __future__ import annotations

from engine.enums import ArtifactKind, Severity, StageStatus
from engine.errors import ToolError
from engine.findings import Finding
from engine.llm.conversation import Conversation
from engine.projects.worktrees import Slot
from engine.runs.pipeline import StageResult
from engine.source.diffs import diff_of, lines_of
from engine.tasks.agents.ask_model import ask_for_text, open_conversation
from engine.tasks.agents.step import earlier, keep_answer, keep_changes, or_failed
from engine.tasks.answer_files import GeneratedFile, assembled_code, extract
from engine.tasks.context import Assembled, TaskContext
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
stay as they are, so do not repeat those. If nothing must change, say so in one sentence.
"""


def run(context: TaskContext) -> StageResult:
    """Let the model correct what does not fit; everything else is as it was made last."""
    made = _last_made(context)
    if not made:
        context.stage.report.log("no step made a file: there is nothing to assemble")
        return StageResult(StageStatus.SUCCESS, "no step made a file", output=Assembled(()))
    conversation = open_conversation(context, context.plan.assembler)
    return or_failed(context, conversation, lambda: _assembled(context, conversation, made))


def _assembled(
    context: TaskContext, conversation: Conversation, made: dict[str, GeneratedFile]
) -> StageResult:
    answer = ask_for_text(context, conversation, _question(context, made))
    keep_answer(context, answer)
    final, given, findings = _merged(made, answer)
    for path in final:
        origin = "by the assembler" if path in given else "as it was made last"
        context.stage.report.log(f"final {path}: {origin}")
    files = tuple(final.values())
    with context.worktree() as slot:
        patch, refused = _written(slot, files)
    for reason in refused:
        context.stage.report.log(f"not in the patch: {reason}")
    keep_final(context, files)
    keep_changes(context, patch or "")
    corrected = f"{len(given)} by the assembler" if given else "as they were made"
    return StageResult(
        StageStatus.SUCCESS,
        f"{count(len(files), 'final file')}, {corrected}; {conversation.summary}",
        findings,
        output=Assembled(files, given, patch),
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
        for made in step.files:
            found[made.path] = made
    return found


def _question(context: TaskContext, made: dict[str, GeneratedFile]) -> Question:
    steps = earlier(context)
    files = [Material(each.path, each.text, Rank.MADE, each.language) for each in made.values()]
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


def _merged(
    made: dict[str, GeneratedFile], answer: str
) -> tuple[dict[str, GeneratedFile], tuple[str, ...], tuple[Finding, ...]]:
    """The final files, which of them the answer gave, and what of it was not taken."""
    found = extract(answer, "assemble")
    final, given, odd = dict(made), list[str](), list(found.problems)
    for each in found.files:
        if each.path.startswith("assemble_") and each.path not in made:
            odd.append(f"a block of the assembler ({each.kind}) has no path: left out")
        elif not each.whole:
            odd.append(f"{each.path} of the assembler is not whole: it stays as it was")
        else:
            final[each.path] = each
            given.append(each.path)
    findings = tuple(Finding(Severity.WARNING, "model.file", reason) for reason in odd)
    return final, tuple(given), findings


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
