"""Messages: what a person reads. Texts of firmware, compilers and repositories are untrusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.enums import NotificationKind
from engine.notify.subjects import State, Subject
from engine.text import clean, count, listed, mask

TITLE_CHARACTERS = 200
LINE_CHARACTERS = 500
BODY_CHARACTERS = 20_000
"""Characters that are kept of a whole text; what a service takes of it is less."""

MAX_SECTIONS = 20
"""News that one message tells in full; of more it says how many."""


@dataclass(frozen=True, slots=True)
class Section:
    """One piece of news in a message."""

    kind: NotificationKind
    title: str
    lines: tuple[str, ...]
    notifications: tuple[int, ...] = ()


def line(text: str, most: int = LINE_CHARACTERS) -> str:
    """Outside text as one line that is no header, no control sequence, no secret, and not long."""
    text = mask(clean(" ".join(text[: 4 * most].split())))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def describe(kind: NotificationKind, subject: Subject, host: str) -> Section:
    """One change of one subject."""
    fact = subject.fact
    words = {
        NotificationKind.PROBLEM: "failed" if fact.topic == "builds" else "fails",
        NotificationKind.RECOVERY: "recovered",
        NotificationKind.FLAPPING: "is flapping",
        NotificationKind.STEADY: _steady(subject.state),
        NotificationKind.NOTICE: "",
    }
    if fact.topic == "boards" and fact.failed:
        words[NotificationKind.PROBLEM] = fact.summary
    if kind is NotificationKind.NOTICE:
        title = line(fact.summary, TITLE_CHARACTERS)
        return Section(kind, title, (*fact.lines, _where(host, fact.at, fact.command)))
    lines = [fact.summary] if fact.summary else []
    if kind is NotificationKind.FLAPPING:
        now = "fails" if fact.failed else "works"
        lines.insert(0, f"it changed {subject.changes} times in its last results; now it {now}")
    elif kind is NotificationKind.PROBLEM and subject.failures > 1:
        lines.insert(0, f"{subject.failures} failures in a row")
    elif kind is NotificationKind.PROBLEM and subject.errors > 1:
        lines.insert(0, f"{subject.errors} errors in a row")
    lines += fact.lines
    lines.append(_where(host, fact.at, fact.command))
    return Section(
        kind,
        line(f"{fact.name} {words[kind]}", TITLE_CHARACTERS),
        tuple(map(line, lines)),
        (subject.notification,) if subject.notification else (),
    )


def describe_group(
    kind: NotificationKind, cause: str, members: Sequence[Subject], host: str
) -> Section:
    """What happened to several subjects by one cause, as boards of a hub."""
    boards = [each.fact.name for each in members if each.fact.topic == "boards"]
    others = [each for each in members if each.fact.topic != "boards"]
    is_end = kind is NotificationKind.RECOVERY
    title = f"{cause}: {count(len(boards), 'board')} {_answer(len(boards), is_end=is_end)}"
    if not boards:
        ended = "recovered" if is_end else "failed because of it"
        title = f"{cause}: {count(len(others), 'build')} {ended}"
    lines = [listed(boards)] if boards else []
    if boards and not is_end:
        lines.append(next(each.fact.summary for each in members if each.fact.topic == "boards"))
    for each in others[:MAX_SECTIONS]:
        lines.append(f"{each.fact.name}: {each.fact.summary}")
    lines.append(_where(host, max(each.fact.at for each in members), "espdeck boards"))
    return Section(
        kind,
        line(title, TITLE_CHARACTERS),
        tuple(map(line, lines)),
        tuple(each.notification for each in members if each.notification),
    )


def compose(sections: Sequence[Section], held: str) -> tuple[str, str]:
    """Title and body of a message that tells all of it.

    Args:
        held: why it was not told before; empty for nothing.
    """
    if len(sections) == 1:
        title = sections[0].title
        lines = list(sections[0].lines)
    else:
        title = line(
            f"{len(sections)} news: {'; '.join(each.title for each in sections[:5])}",
            TITLE_CHARACTERS,
        )
        lines = []
        for each in sections[:MAX_SECTIONS]:
            lines += [each.title, *(f"  {text}" for text in each.lines), ""]
        if len(sections) > MAX_SECTIONS:
            lines.append(f"{len(sections) - MAX_SECTIONS} more: espdeck notify list")
    if held:
        lines.insert(0, f"(held back: {held})")
    return title, "\n".join(lines).strip()[:BODY_CHARACTERS]


def body_of(section: Section) -> str:
    """The whole text of one piece of news, as the list keeps it."""
    return "\n".join(section.lines)[:BODY_CHARACTERS]


def _steady(state: State) -> str:
    return "stopped flapping: it fails" if state is State.FAILING else "stopped flapping: it works"


def _answer(boards: int, *, is_end: bool) -> str:
    if is_end:
        return "answers again" if boards == 1 else "answer again"
    return "does not answer" if boards == 1 else "do not answer"


def _where(host: str, at: datetime, command: str) -> str:
    return f"on {host} at {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {command}"
