"""What a tool is: what it takes and answers as models, and a function that does it in a thread."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from engine import CancelToken, explain_error
from engine.errors import UsageError
from engine.mcp.lab import Lab
from engine.mcp.permissions import McpAllow
from engine.text import clean, listed, mask_tokens, near

DEFAULT_WAIT_SECONDS = 45.0
"""What a call waits for at the most unless it says otherwise: many clients give up after 60 s."""

MAX_WAIT_SECONDS = 600.0


class Arguments(BaseModel):
    """What a tool takes; a name that it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class NoArguments(Arguments):
    """Nothing."""


class Answer(BaseModel):
    """What a tool answers. Fields that have their default are left out: tokens cost."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Call:
    """One call of a tool.

    Args:
        client: the name that the client gives itself; empty where it gives none. Untrusted.
    """

    def __init__(self, client: str = "") -> None:
        self.client = client
        self.cancel = CancelToken()
        """Set when the client cancels the call or goes away."""

        self.progress = ""
        """What is being done, for people."""

        self.ended = threading.Event()

    def report(self, percent: float, what: str) -> None:
        """Tell how far it is (0 to 100) and what is being done; from any thread."""
        self.progress = clean(f"{percent:.0f} % {what}")[:200]

    def say(self, what: str) -> None:
        """Tell what is being done; from any thread."""
        self.progress = clean(what)[:200]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool.

    Args:
        name: as agents call it.
        about: what it does and when to use it, for agents.
        takes: its arguments.
        answers: what it gives.
        work: does it. Blocks, in a thread of its own; ends soon after the call is cancelled.
        needs: classes of which one has to be allowed; none for one that reads.
        may_need: those that some of its arguments need.
        is_destructive: whether what was there before is lost, as what a board ran.
    """

    name: str
    about: str
    takes: type[Arguments]
    answers: type[Answer]
    work: Callable[[Lab, Any, Call], Answer]
    needs: Collection[McpAllow] = ()
    may_need: Collection[McpAllow] = ()
    is_destructive: bool = False

    def only_reads(self, allowed: Collection[McpAllow]) -> bool:
        """Whether it changes nothing, whatever it is given.

        Args:
            allowed: what a person allowed.
        """
        return not self.needs and not set(self.may_need) & set(allowed)

    def read_arguments(self, given: Mapping[str, Any]) -> Arguments:
        """Understand arguments.

        Raises:
            UsageError: they make no sense; one line.
        """
        try:
            return self.takes.model_validate(given)
        except ValidationError as error:
            raise UsageError(_explain(self, error)) from error


def _explain(tool: Tool, error: ValidationError) -> str:
    """The first mistake in arguments, in a line."""
    # A name that is wrong says more than that the right one is missing.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    name = ".".join(map(str, first["loc"]))[:80]
    if first["type"] == "extra_forbidden":
        known = [*tool.takes.model_fields]
        hint = near(name, known) or f" (it takes {listed(known) or 'nothing'})"
        return f"{tool.name} takes no {name!r}{hint}"
    return explain_error(name, first)


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model, without the titles that repeat each name."""
    found: dict[str, Any] = _without_titles(model.model_json_schema())
    return found


def _without_titles(schema: Any, *, is_names: bool = False) -> Any:
    if isinstance(schema, list):
        return [_without_titles(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_titles(value, is_names=key in ("properties", "$defs") and not is_names)
        for key, value in schema.items()
        if is_names or not (key == "title" and isinstance(value, str))
    }


def content_of(answer: Answer) -> dict[str, Any]:
    """What is sent of an answer: cleaned, without tokens of the HTTP API."""
    found: dict[str, Any] = _cleaned(answer.model_dump(mode="json", exclude_defaults=True))
    return found


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return mask_tokens("\n".join(map(clean, value.split("\n"))))
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    if isinstance(value, dict):
        return {key: _cleaned(each) for key, each in value.items()}
    return value


def bounded_lines(
    lines: Sequence[str], characters: int, *, newest: bool = False
) -> tuple[list[str], int]:
    """Lines as far as they fit into an answer.

    Args:
        characters: the most of all of them; a longer line is cut.
        newest: keep the last of them instead of the first.

    Returns:
        The lines in their order, and how many were left out.
    """
    kept: list[str] = []
    for line in reversed(lines) if newest else lines:
        cut = line.rstrip()
        if len(cut) > MAX_LINE_CHARACTERS:
            cut = f"{cut[: MAX_LINE_CHARACTERS - 1]}…"
        characters -= len(cut) + 1
        if characters < 0 and kept:
            break
        kept.append(cut)
    return (kept[::-1] if newest else kept), len(lines) - len(kept)


def fold_repeats(lines: Iterable[str]) -> list[str]:
    """Lines of which each that came several times in a row is there once, with how often."""
    folded: list[str] = []
    for line, same in itertools.groupby(lines):
        folded.append(line)
        if (again := sum(1 for _ in same) - 1) > 0:
            folded.append(f"-- the same {again} times more" if again > 1 else line)
    return folded


MAX_LINE_CHARACTERS = 500
"""Characters of a line of a log or console that are passed on."""

MAX_TEXT_CHARACTERS = 16_000
"""Characters of lines, or of a diff, in one answer: some 5,000 tokens."""
