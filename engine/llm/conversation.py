"""A conversation with a model: it is asked, watched, accounted for, and asked again when refused.

Whoever opens a conversation says which models may be asked and where to report; who asks for an
answer that can be used says what checks it. An answer that the check refuses goes back to the
model together with the reasons, :data:`MAX_ANSWERS` times at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from engine.cancel import CancelToken
from engine.errors import ModelError
from engine.llm.chat import CHARACTERS_A_TOKEN, Answer, Message, Speaker, Usage
from engine.llm.placeholder import PLACEHOLDER
from engine.llm.service import Models, StepParameters
from engine.text import count

MAX_ANSWERS = 3
"""Answers that a model may give to one question whose answer is checked."""

FIRST_QUESTION = 0.75
"""Part of the room for a question whose answers may be refused: these take the rest."""

T = TypeVar("T")


class Report(Protocol):
    """Where a conversation is shown while it goes on."""

    @property
    def log(self) -> Callable[[str], None]:
        """Takes one line (or several)."""
        ...

    @property
    def output(self) -> Callable[[bytes], None]:
        """Takes the answer as it comes, in chunks."""
        ...

    @property
    def progress(self) -> Callable[[float, str], None]:
        """Takes percent of the answer (0 to 100) and what is being done."""
        ...


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that cannot be used: why, one line each, for the model and for people."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """An answer as it came, and why it was refused (empty where it was accepted)."""

    text: str
    refusals: tuple[str, ...]


class Conversation:
    """A conversation with the model of the first of some names that the settings give one.

    Attributes:
        name: the name of the settings that is asked.
        usage: what each answer took until now.
        answers: every answer that was checked, in order.
    """

    def __init__(
        self,
        models: Models,
        names: Sequence[str],
        report: Report,
        cancel: CancelToken,
        step: StepParameters | None = None,
    ) -> None:
        """Decide who is asked and how; nothing is asked yet.

        Args:
            models: the models of the settings.
            names: roles and kinds, the most particular first.
            report: where it is shown.
            cancel: ends an answer at once.
            step: how it is to be asked; None: as the settings say.

        Raises:
            UsageError: the settings name no model for any of the names.
        """
        self._models, self._report, self._cancel = models, report, cancel
        self._parameters = models.parameters(names, step or StepParameters())
        self.name = self._parameters.name
        self.usage: list[Usage] = []
        self.answers: list[CheckedAnswer] = []
        if self._parameters.max_tokens < self._parameters.wanted_tokens:
            report.log(
                f"answers are held to {self._parameters.max_tokens} tokens, half of the model's "
                "context"
            )

    @property
    def question_tokens(self) -> int:
        """Tokens that a question may have."""
        return self._parameters.question_tokens

    @property
    def first_question_tokens(self) -> int:
        """Tokens that a question may have whose answers may be refused."""
        return int(self.question_tokens * FIRST_QUESTION)

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

    def ask(self, messages: Sequence[Message]) -> Answer:
        """Ask once, and show the answer as it comes.

        Raises:
            ModelError: no answer could be had, or an empty one.
            UsageError: the settings do not say which model of which server it is.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        answer = self._ask(messages)
        if problem := self._emptiness(answer):
            raise ModelError(problem)
        return answer

    def ask_until_accepted(
        self,
        messages: Sequence[Message],
        check: Callable[[Answer], T | Refused],
        refusal: Callable[[Sequence[str]], Message],
        asks_for_more: Callable[[Answer], Sequence[Message] | None] = lambda answer: None,
    ) -> T | Refused:
        """Ask, and ask again with the reasons as long as answers are refused.

        Args:
            messages: the question, with room for refused answers: ``first_question_tokens``.
            check: makes of an answer what it is good for, or refuses it.
            refusal: what the model is told of an answer that was refused for these reasons.
            asks_for_more: makes of an answer that wants to see more the question with that in it;
                None of any other, and of one that comes too late. It counts as no answer.

        Returns:
            What ``check`` made of an answer; where the model had :data:`MAX_ANSWERS` tries, the
            last refusal.

        Raises:
            As :meth:`ask`, and whatever ``check`` raises.
        """
        question, refused, tries_left = tuple(messages), tuple[Message, ...](), MAX_ANSWERS
        while True:
            answer = self._ask((*question, *refused))
            more = asks_for_more(answer)
            if more is not None:
                self.answers.append(CheckedAnswer(answer.text, ()))
                question = tuple(more)
                continue
            tries_left -= 1
            empty = self._emptiness(answer)
            if empty and answer.usage.cut:
                raise ModelError(empty)  # as long a question would only be cut again
            found = Refused((empty,)) if empty else check(answer)
            if not isinstance(found, Refused):
                self.answers.append(CheckedAnswer(answer.text, ()))
                return found
            if answer.usage.cut:
                cut = "the answer was cut at its greatest length: be shorter"
                found = Refused((*found.reasons, cut))
            self.answers.append(CheckedAnswer(answer.text, found.reasons))
            self._report.log("refused, asking again:" if tries_left else "refused:")
            for reason in found.reasons:
                self._report.log(f"  - {reason}")
            said = (Message(Speaker.ASSISTANT, answer.text),) if answer.text else ()
            refused = (*refused, *said, refusal(found.reasons))
            if not tries_left:
                return found

    def _ask(self, messages: Sequence[Message]) -> Answer:
        report = self._report
        tokens = sum(len(message.text) for message in messages) // CHARACTERS_A_TOKEN
        report.log(f"asking {self.name}, some {tokens} tokens")
        answer = self._models.chat(
            self.name,
            tuple(messages),
            on_text=self._stream(),
            on_retry=lambda reason: report.log(f"\n{reason}"),
            on_wait=report.log,
            cancel=self._cancel,
            max_tokens=self._parameters.max_tokens,
            temperature=self._parameters.temperature,
        )
        report.output(b"\n")
        self.usage.append(answer.usage)
        if answer.usage.left_out:
            report.log(f"left out of the question: {count(answer.usage.left_out, 'character')}")
        return answer

    def _emptiness(self, answer: Answer) -> str:
        """Why there is nothing in an answer, and what to do; empty where there is something."""
        if answer.text.strip():
            return ""
        if not answer.reasoned:
            return f"{self.name}: the answer is empty"
        if answer.usage.cut:
            most, wanted = self._parameters.max_tokens, self._parameters.wanted_tokens
            what = "context" if most < wanted else "max_tokens"
            return (
                f"{self.name}: all {most} tokens of the answer went into reasoning: raise the "
                f"model's {what}, or lower its reasoning_effort (espdeck guide models)"
            )
        end = "gave no answer after it" if answer.ended else "never came to its end"
        return f"{self.name}: the model reasoned, and {end}"

    def _stream(self) -> Callable[[str], None]:
        report, expected = self._report, self._parameters.max_tokens * CHARACTERS_A_TOKEN
        received = 0

        def on_text(text: str) -> None:
            nonlocal received
            received += len(text)
            report.output(text.encode("utf-8", "replace"))
            report.progress(min(95.0, 100.0 * received / expected), "answering")

        return on_text
