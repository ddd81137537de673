"""The context collector: selects which files of a repository the models of a task are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.enums import ArtifactKind, StageStatus
from engine.llm.chat import CHARACTERS_A_TOKEN
from engine.projects import git_objects
from engine.projects.apps import find_apps
from engine.projects.revisions import resolve_range
from engine.projects.worktrees import Slot
from engine.runs.pipeline import StageResult
from engine.source.file_policy import SECRET_FILES
from engine.tasks.context import Gathered, TaskContext
from engine.tasks.context_files import ContextQuery, select
from engine.tasks.context_selection import table
from engine.tasks.project_facts import ProjectFacts, project_facts
from engine.tasks.question_room import question_room
from engine.text import clean, count
from engine.toolchains.base import App

RECORD = "context.md"
"""Artifact that lists what was selected."""

MAX_DIFF_BYTES = 400_000
"""Bytes of a diff that are looked at."""

_FILES_FRACTION = 0.6
"""Part of what a question may have that files get: the rest is for what steps say to each other."""


def run(context: TaskContext) -> StageResult:
    """Select files for the roomiest of the models; a smaller one is shown less of them."""
    wanted = context.wanted
    for note in context.notes:
        context.stage.report.log(f"{note.severity}: {note.message}")
    room = int(question_room(context) * _FILES_FRACTION)
    size = 0
    with context.worktree() as slot:
        apps = find_apps(slot.source, "HEAD")
        facts = _facts(context, slot, apps)
        query = ContextQuery(
            words=context.words,
            log=f"{wanted.text}\n{facts.facts}\n{facts.console}",
            paths=wanted.paths,
            app=context.app,
            apps=tuple(each.path for each in apps),
            room=room,
        )
        if wanted.diff:
            between = resolve_range(slot.source, wanted.diff).hashes
            diff, changed, size = git_objects.diff_between(
                slot.source,
                between,
                MAX_DIFF_BYTES,
                without=SECRET_FILES,
                cancel=context.stage.cancel,
            )
            query = replace(query, diff=diff, changed=changed)
            files = count(len(changed), "file")
            context.stage.report.log(f"diff {wanted.diff}: {files}, {count(size, 'byte')}")
        choice = select(slot.source, sorted(slot.tree.files), query)
    if size > MAX_DIFF_BYTES:
        more = f"diff: what comes after its first {count(MAX_DIFF_BYTES, 'byte')} of {size}"
        choice = replace(choice, left_out=(more, *choice.left_out))
    for each in choice.files:
        part = f", {each.part}" if each.part else ""
        context.stage.report.log(
            f"{clean(each.path)}: {each.why}, {count(each.size, 'character')}{part}"
        )
    for line in choice.left_out:
        context.stage.report.log(f"left out: {line}")
    context.keep_text(ArtifactKind.REPORT, RECORD, table(choice))
    shown = sum(each.taken for each in choice.files) + len(choice.diff)
    summary = f"{count(len(choice.files), 'file')}, some {shown // CHARACTERS_A_TOKEN} tokens"
    return StageResult(
        StageStatus.SUCCESS, summary, findings=context.notes, output=Gathered(choice, facts)
    )


def _facts(context: TaskContext, slot: Slot, apps: Sequence[App]) -> ProjectFacts:
    """What is known of the project beside its files, also logged."""
    toolchain = next((each.toolchain for each in apps if each.path == context.app), "")
    found = project_facts(
        slot.source / context.app,
        toolchain or (apps[0].toolchain if apps else ""),
        context.chips,
        context.last_build(),
        context.built(),
    )
    for line in found.facts.split("\n"):
        context.stage.report.log(line)
    return found
