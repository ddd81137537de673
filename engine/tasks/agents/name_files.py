"""Asks a model for the names of files that it gave none: one short question, no second one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import ModelError, UsageError
from engine.llm.chat import Usage
from engine.tasks.agents.ask_model import ask_for_text, open_conversation
from engine.tasks.answer_files import ExtractedFiles, GeneratedFile
from engine.tasks.context import TaskContext
from engine.tasks.file_names import path_in
from engine.tasks.frameworks import with_framework
from engine.tasks.plan import PlannedStep
from engine.tasks.prompts import Material, Question, Rank
from engine.text import count

MAX_ASKED = 16
"""Files whose names are asked for; more of them are an answer that cannot be saved."""

_SHOWN_LINES = 40
_SHOWN_CHARACTERS = 3000
_MAX_TOKENS = 512
_MAX_LINES = 200
_LINE = re.compile(
    r"\W{0,8}(?:block[ \t]{1,3})?(\d{1,2})\b[^\w/\\][^\w./\\]{0,8}(.{1,300})", re.IGNORECASE
)
_NO_FILE = re.compile(r"(?:none|no file|not a file|no name|snippet|n/a)\b", re.IGNORECASE)

_PROMPT = """\
You gave the numbered blocks under "Material" in your answer to this step, without saying which
files they are. Say it now, and nothing else: what is in them stays as it is.
"""

_FORM = """\
One line a block: its number, a colon, and the file's path, relative and plain, as the build and the
other files expect it. Where a block is no file of its own but a command, an output or an example of
use, say `none`:

1: main/example.c
2: none
"""


@dataclass(frozen=True, slots=True)
class Naming:
    """What a model said of its nameless files.

    Args:
        names: as :func:`engine.tasks.answer_files.extract` takes them.
        usage: what the question took.
    """

    names: dict[str, str]
    usage: tuple[Usage, ...] = ()


def ask_for_names(context: TaskContext, step: PlannedStep, found: ExtractedFiles) -> Naming:
    """Ask the step's model for names. Where it gives none, the files stay without.

    Args:
        found: the files of its answer.

    Raises:
        CancelledError, Interrupted: as the stage is told.
    """
    nameless = found.nameless[:MAX_ASKED]
    if not nameless:
        return Naming({})
    context.stage.report.log(f"{count(len(found.nameless), 'block')} without a file name: asking")
    # A model whose settings give more, as it reasons, gets it.
    short = {"max_tokens": _MAX_TOKENS, "temperature": 0.0, "own_parameters": False}
    conversation = open_conversation(context, step.models, step.model_copy(update=short))
    try:
        answer = ask_for_text(context, conversation, _question(context, step, found, nameless))
    except (ModelError, UsageError) as error:
        context.stage.report.log(f"no names: {error}")
        return Naming({}, tuple(conversation.usage))
    names = names_in(answer, [made.path for made in nameless])
    return Naming(names, tuple(conversation.usage))


def names_in(answer: str, paths: Sequence[str]) -> dict[str, str]:
    """The names that an answer gives numbered files, empty for what is no file.

    Args:
        answer: untrusted.
        paths: of the files, in the order of their numbers from 1.
    """
    found: dict[str, str] = {}
    for line in answer.split("\n")[:_MAX_LINES]:
        told = _LINE.match(line[:400])
        number = int(told[1]) if told else 0
        if told is None or not 1 <= number <= len(paths):
            continue
        words = told[2].strip(" `*|")
        name = path_in(words)
        if name or _NO_FILE.match(words):
            found.setdefault(paths[number - 1], name)
    return found


def _question(
    context: TaskContext,
    step: PlannedStep,
    found: ExtractedFiles,
    nameless: Sequence[GeneratedFile],
) -> Question:
    named = "\n".join(made.path for made in found.files if made.named)
    material = [Material("your answer, without the blocks", found.prose, Rank.ANSWER, "markdown")]
    if named:
        material.append(Material("files of your answer that have names", named, Rank.GIVEN))
    for number, made in enumerate(nameless, 1):
        lines = made.text.split("\n")
        shown = "\n".join(lines[:_SHOWN_LINES])[:_SHOWN_CHARACTERS]
        title = f"block {number} ({made.kind}, {count(len(lines) - 1, 'line')})"
        material.append(Material(title, shown, Rank.GIVEN, made.language))
    toolchain = context.gathered.facts.toolchain
    return Question(
        who=with_framework(step.who, toolchain),
        step=step.name,
        prompt=_PROMPT,
        form=_FORM,
        task=(
            ("The task", context.wanted.description),
            ("What holds for every step", context.plan.global_context),
            ("What the step asked", with_framework(step.prompt, toolchain)),
        ),
        material=tuple(material),
    )
