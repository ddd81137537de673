"""A talk with a model about one stage of a task: asked, streamed into its pane, accounted for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.errors import ModelError, ToolError
from engine.llm.catalogue import kind_of
from engine.llm.chat import CHARACTERS_A_TOKEN, Message, Speaker, Usage
from engine.llm.placeholder import PLACEHOLDER
from engine.repair.blocks import spoken
from engine.repair.edits import Edits, edits_of
from engine.repair.prompt import refusal
from engine.tasks.context import TaskContext
from engine.tasks.prompts import Question, ask
from engine.text import count

TRIES = 3
"""Answers that a model may give to one question that asks for changes."""

NO_CHANGE = "NO CHANGE"
"""The last line of an answer that wants nothing to be changed."""

_FOR_REFUSALS = 0.75  # of the room for a question; answers that are refused take the rest


@dataclass(frozen=True, slots=True)
class Change:
    """What an answer that asks for changes comes to.

    Args:
        answer: the last one.
        patch: what the worktree is to be, all of the difference; None where nothing changes.
        files: that it changes.
        refusals: why none of the answers could be taken; empty when one was.
    """

    answer: str
    patch: str | None = None
    files: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(slots=True)
class Conversation:
    """A talk with the model that the settings mean by the first of some names that they set.

    Args:
        context: of the stage.
        names: roles and kinds, the most particular first.
        max_tokens: how long an answer may get; None: as the settings or the last of the names
            say. At most half of what the model's context holds.
        temperature: None: likewise.
        usage: what was asked until now.
    """

    context: TaskContext
    names: tuple[str, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    usage: list[Usage] = field(default_factory=list)
    name: str = field(init=False)
    room: int = field(init=False)
    """Tokens that a question may have."""

    def __post_init__(self) -> None:
        models = self.context.stage.models
        self.name = models.choose(*self.names)
        own, kind = self.context.stage.settings.llm.models.get(self.name), kind_of(self.names[-1])
        if kind and self.max_tokens is None and not (own and own.max_tokens):
            self.max_tokens = kind.max_tokens
        if kind and self.temperature is None and (own is None or own.temperature is None):
            self.temperature = kind.temperature
        whole = models.room(self.name, 1) + 1
        wanted = self.max_tokens or whole - models.room(self.name)
        self.max_tokens = max(1, min(wanted, whole // 2))
        self.room = whole - self.max_tokens
        if self.max_tokens < wanted:
            self.context.stage.report.log(
                f"answers are held to {self.max_tokens} tokens, half of the model's context"
            )

    @property
    def is_placeholder(self) -> bool:
        """Whether nobody was asked."""
        return any(each.server == PLACEHOLDER for each in self.usage)

    @property
    def summary(self) -> str:
        """What the last answer took, in a few words."""
        last = self.usage[-1]
        if last.server == PLACEHOLDER:
            return "placeholder: no model was asked"
        tokens = "" if last.tokens_out is None else f", {count(last.tokens_out, 'token')}"
        cut = ", cut at its greatest length" if last.cut else ""
        speed = last.tokens_per_second
        fast = "" if speed is None else f", {speed:.0f} tokens/s"
        return f"{last.model}{tokens} in {last.seconds:.1f} s{fast}{cut}"

    def put(self, question: Question, *, spare: bool = False) -> tuple[Message, ...]:
        """A question as messages that fit; cuts are said.

        Args:
            spare: leave room for answers that are refused.
        """
        room = int(self.room * _FOR_REFUSALS) if spare else self.room
        asked = ask(question, room)
        for cut in asked.cuts:
            self.context.stage.report.log(f"cut to fit: {cut}")
        return asked.messages

    def ask(self, messages: Sequence[Message]) -> str:
        """Ask, and stream the answer into the pane.

        Raises:
            ModelError: no answer could be had, or an empty one.
            CancelledError, Interrupted: as the stage is told.
        """
        report = self.context.stage.report
        size = sum(len(message.text) for message in messages) // CHARACTERS_A_TOKEN
        report.log(f"asking {self.name}, some {size} tokens")
        answer = self.context.stage.models.chat(
            self.name,
            tuple(messages),
            on_text=self._stream(),
            on_retry=lambda reason: report.log(f"\n{reason}"),
            cancel=self.context.stage.cancel,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
        )
        report.output(b"\n")
        self.usage.append(answer.usage)
        if answer.usage.left_out:
            report.log(f"left out of the question: {count(answer.usage.left_out, 'character')}")
        said = spoken(answer.text)
        if not said.strip():
            raise ModelError(f"{self.name}: the answer is empty")
        return said

    def ask_for_changes(self, question: Question) -> Change:
        """Ask for search/replace blocks until they can be taken, :data:`TRIES` times."""
        say = self.context.stage.report.log
        messages = self.put(question, spare=True)
        change = Change("")
        for left in reversed(range(TRIES)):
            answer = self.ask(messages)
            if self.is_placeholder or _wants_nothing(answer):
                return Change(answer)
            change = self._try(answer)
            if not change.refusals:
                say(f"changes {', '.join(change.files)}")
                return change
            say("refused, asking again:" if left else "refused:")
            for reason in change.refusals:
                say(f"  - {reason}")
            messages = (*messages, Message(Speaker.ASSISTANT, answer), refusal(change.refusals))
        return change

    def _try(self, answer: str) -> Change:
        with self.context.worktree() as slot:
            edits: Edits = edits_of(answer, slot.tree)
            refusals = edits.refusals
            if not refusals:
                try:
                    slot.apply(edits.patch)
                    return Change(answer, slot.diff(), edits.files)
                except ToolError as error:
                    refusals = (str(error),)
        if self.usage[-1].cut:
            refusals = (*refusals, "the answer was cut at its greatest length: be shorter")
        return Change(answer, refusals=refusals)

    def _stream(self) -> Callable[[str], None]:
        report, expected = self.context.stage.report, (self.max_tokens or 1) * CHARACTERS_A_TOKEN
        came = 0

        def on_text(text: str) -> None:
            nonlocal came
            came += len(text)
            report.output(text.encode("utf-8", "replace"))
            report.progress(min(95.0, 100.0 * came / expected), "answering")

        return on_text


def _wants_nothing(answer: str) -> bool:
    return answer.rstrip().rpartition("\n")[2].strip(" *`.").upper() == NO_CHANGE
