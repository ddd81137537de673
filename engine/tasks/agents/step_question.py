"""The question of a step: what its model is shown, in the order that a prompt cache serves.

First what all steps of the run share: facts of the project, what a person gave, files as the commit
has them. Then, in the order in which it came up: each answer, followed by the files that it named
and that were not shown yet, and by those that it was the last to change, as they now are. What the
step alone is given stands last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.errors import UsageError
from engine.projects import git_objects
from engine.projects.worktrees import Slot
from engine.source.diff_excerpts import sections_of
from engine.source.diffs import lines_changed
from engine.source.excerpts import describe_lines, excerpt
from engine.source.search_words import search_words_of
from engine.tasks.agents.told_proof import how_tried
from engine.tasks.context import Done, TaskContext
from engine.tasks.context_selection import SelectedFile, SelectionReason, text_of
from engine.tasks.frameworks import with_framework
from engine.tasks.named_files import named_files
from engine.tasks.plan import Form, PlannedStep
from engine.tasks.prompts import (
    FILES,
    REPORT,
    EarlierStep,
    Material,
    Question,
    Rank,
    earlier_material,
)
from engine.tasks.question_room import question_room
from engine.tasks.worktree_texts import read_whole
from engine.text import clean

_NAMED_FRACTION = 0.1
"""Part of what a question may have for the files that one answer brings."""

_MAX_CHANGED_CHARACTERS = 12_000
"""Characters that are shown of a file as the run has changed it: what surrounds the changes. The
rest of it stands where it was before."""

_ALL_CHANGED_CHARACTERS = 24_000
"""And of all of them, where each has :data:`_MIN_CHANGED_CHARACTERS`."""

_MIN_CHANGED_CHARACTERS = 3_000

_FORMS = {Form.REPORT: REPORT, Form.FILES: FILES}  # that of edits depends on the model


def question_of(context: TaskContext, step: PlannedStep, more: Sequence[Material] = ()) -> Question:
    """What a step's model is asked.

    Args:
        more: material of this step alone, the last that is shown.
    """
    wanted, toolchain = context.wanted, context.gathered.facts.toolchain
    return Question(
        who=with_framework(step.who, toolchain),
        step=step.name,
        prompt=with_framework(step.prompt, toolchain),
        form=_FORMS.get(step.form, ""),
        task=(
            ("The task", wanted.description),
            ("What else is known", wanted.context),
            ("What holds for every step", context.plan.global_context),
        ),
        own=(("What holds for this step", step.context),),
        material=(*_given(context), *_of_repository(context), *more),
    )


def earlier(context: TaskContext) -> tuple[EarlierStep, ...]:
    """What the steps before this stage came to."""
    return tuple(told for _step, told, _done in _earlier(context))


def _earlier(context: TaskContext) -> list[tuple[PlannedStep, EarlierStep, Done]]:
    """The steps before this stage, wave by wave: what comes up later stands later."""
    found = []
    for step in context.plan.before(context.stage.definition.key):
        result = context.stage.results.get(step.key)
        if result is not None and isinstance(result.output, Done):
            done = result.output
            number = context.plan.number(step.key)
            told = EarlierStep(number, step.name, done.prose, done.files)
            found.append((step, told, done))
    return found


def named_in(context: TaskContext, answer: str) -> tuple[SelectedFile, ...]:
    """Files of the repository that a step's answer names and that it was not shown."""
    if not context.gathered.choice.listing:
        return ()
    shown = {each.path: each for each in context.gathered.choice.files}
    shown |= {each.path: each for _step, _told, done in _earlier(context) for each in done.named}
    changed = lines_changed(context.patch)
    with context.worktree() as slot:
        tracked = [path for path in sorted(slot.tree.files) if path not in changed]
        room = int(question_room(context) * _NAMED_FRACTION)
        found = named_files(slot.source, tracked, answer, shown, room)
    for each in found:
        context.stage.report.log(f"{clean(each.path)}: {each.why}, {each.part or 'all of it'}")
    return found


def _given(context: TaskContext) -> tuple[Material, ...]:
    """Facts of the project, what a person gave, and the diff."""
    gathered, wanted = context.gathered, context.wanted
    choice, facts = gathered.choice, gathered.facts
    found = []
    if facts.facts:
        found.append(Material("facts of the project", facts.facts, Rank.GIVEN, "markdown"))
    if facts.console:
        title = "what the firmware of its last build printed last"
        found.append(Material(title, facts.console, Rank.GIVEN))
    if choice.diff:
        size = len(choice.diff)
        part = "" if size >= choice.diff_size else f" ({size} of {choice.diff_size} characters)"
        title = f"diff {wanted.diff}{'' if '..' in wanted.diff else '...commit'}{part}"
        found.append(Material(title, choice.diff, Rank.GIVEN, "diff"))
    if wanted.text:
        found.append(Material("text that belongs to the task", wanted.text, Rank.GIVEN))
    return tuple(found)


def _of_repository(context: TaskContext) -> tuple[Material, ...]:
    """Files as the commit has them, then answers with what they named and changed."""
    with context.worktree() as slot:
        files = _Files(context, slot)
        return tuple(files.material())


@dataclass
class _Files:
    """Texts of a run's files: of its commit, and as the run has made them."""

    context: TaskContext
    slot: Slot
    changed: Mapping[str, frozenset[int]] = field(init=False)
    words: Collection[str] = field(init=False)
    numbered: bool = field(init=False)

    def __post_init__(self) -> None:
        self.changed = lines_changed(self.context.patch)
        self.words = search_words_of(self.context.words)
        # Who writes files whole would copy the numbers.
        self.numbered = all(step.form is not Form.FILES for step in self.context.plan.steps)

    def material(self) -> Iterator[Material]:
        choice = self.context.gathered.choice
        touched = lines_changed(choice.diff)
        for each in choice.files:
            rank = Rank.NAMED if each.why is SelectionReason.BUILD else Rank.FILE
            yield self._selected(each, touched.get(each.path, frozenset()), rank)
        if choice.listing:
            more = f"\n... and {choice.unlisted} more" if choice.unlisted else ""
            listing = "\n".join(choice.listing) + more
            yield Material("paths of the repository", listing, Rank.FILE)
        steps = _earlier(self.context)
        answers = earlier_material([told for _step, told, _done in steps])
        patches = [done.patch for _step, _told, done in steps]
        changed_by, shown = _changed_by(self.context.patch, patches), set[str]()
        for number, ((step, told, done), answer) in enumerate(zip(steps, answers, strict=True)):
            yield from answer
            if tried := "\n".join(how_tried(self.context, step)):
                title = f"how what step {told.name} changed was built and tried"
                yield Material(title, tried, Rank.CHANGED)
            for each in done.named:
                if each.path not in shown:
                    by = f", named by step {told.name}"
                    yield self._selected(each, frozenset(), Rank.NAMED, by)
                shown.add(each.path)
            yield from self._now(changed_by.get(number, ()), f"as step {told.name} left it")
        yield from self._now(changed_by.get(len(steps), ()), "as it now is")

    def _selected(
        self, each: SelectedFile, lines: Collection[int], rank: Rank, state: str = ""
    ) -> Material:
        """A file as the commit has it."""
        text = self._committed(each.path)
        material = self._file(each.path, text, 2 * len(text), lines, rank, state)
        if not each.part:
            return material
        shown = text_of(text, each, numbered=self.numbered)
        return replace(material, title=f"{each.path} ({each.part}){state}", text=shown)

    def _committed(self, path: str) -> str:
        if path not in self.changed:
            return read_whole(self.slot.source, path)
        try:
            return git_objects.read_text(self.slot.source, "HEAD", path)
        except UsageError:
            return ""  # the run made it

    def _now(self, paths: Sequence[str], state: str) -> Iterator[Material]:
        """Files that the run changed, as they now are."""
        for path in paths:
            text, lines = read_whole(self.slot.source, path), self.changed[path]
            if text:
                share = max(_MIN_CHANGED_CHARACTERS, _ALL_CHANGED_CHARACTERS // len(self.changed))
                room = min(_MAX_CHANGED_CHARACTERS, share)
                yield self._file(path, text, room, lines, Rank.CHANGED, f", {state}")

    def _file(
        self,
        path: str,
        text: str,
        room: int,
        lines: Collection[int],
        rank: Rank,
        state: str = "",
    ) -> Material:
        """A file, or the parts of it that matter; where there is less room, fewer of them."""

        def within(room: int) -> tuple[str, str]:
            found = excerpt(path, text, room, self.words, lines, numbered=self.numbered)
            whole = found.taken == len(text)
            part = "" if whole else f" ({describe_lines(found.parts, found.lines)})"
            return f"{path}{part}{state}", found.text

        title, shown = within(room)
        return Material(title, shown, rank, shorter=within)


def _changed_by(patch: str, patches: Sequence[str | None]) -> Mapping[int, Sequence[str]]:
    """The files that a patch changes, by the place of the step that was the last to change each.

    What none of them left so, as it was mended since, has the place behind them all.

    Args:
        patches: what the worktree was to be after each step, None where it changed nothing.
    """
    before: dict[str, str] = {}
    last: dict[str, int] = {}
    for number, left in enumerate(patches):
        if left is not None:
            before = _note(before, left, last, number)
    now = _note(before, patch, last, len(patches))
    found: dict[int, list[str]] = {}
    for path in now:
        found.setdefault(last[path], []).append(path)
    return found


def _note(
    before: Mapping[str, str], patch: str, last: dict[str, int], number: int
) -> dict[str, str]:
    """Note which files a patch has otherwise than the one before; returns what it has."""
    sections = {each.path: each.text for each in sections_of(patch) if each.path}
    now = {path: sections.get(path, "") for path in lines_changed(patch)}
    last.update({path: number for path, text in now.items() if before.get(path) != text})
    return now
