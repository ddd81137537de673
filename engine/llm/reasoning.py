"""Takes out of an answer what a model reasoned before it.

Servers send reasoning in a field of its own, or leave it in the text between markers of the model's
family: as vLLM's reasoning parsers and llama.cpp's chat parsers know them. What stands between them
holds drafts and quotes, so it is never taken for the answer.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import ModelError
from engine.llm.chat import Answer, Usage

MAX_CHARACTERS = 2 << 20
"""Characters of an answer, with what was reasoned."""

_MAX_BLOCKS = 64  # of reasoning in one answer

_TAG = r"(?:[a-z]{1,12}:)?(?:think|thinking|thought|thoughts|reasoning)(?::[a-z]{1,20})?"
_OPEN = (
    rf"<{_TAG}>"
    r"|\[THINK\]"  # Mistral
    "|\u25c1think\u25b7"  # Kimi
    r"|<\|START_THINKING\|>"  # Cohere
    r"|<\|inner_prefix\|>"  # Apertus
    r"|<\|channel>thought\b"  # Gemma
    r"|\[unused16\]"  # Pangu
)
_CLOSE = (
    rf"</{_TAG}>"
    r"|\[/THINK\]"
    "|\u25c1/think\u25b7"
    r"|<\|END_THINKING\|>"
    r"|<\|inner_suffix\|>"
    r"|<channel\|>"
    r"|\[unused17\]"
)
_OPENS = re.compile(rf"(?im)^[ \t]*(?:{_OPEN})")
_CLOSES = re.compile(f"(?i){_CLOSE}")
_CLOSES_ALONE = re.compile(rf"(?im)^[ \t]*(?:{_CLOSE})[ \t]*$")
_FENCE = re.compile(r"(?m)^ {0,3}(`{3,}|~{3,})([^\n]*)$")

_WRAPPERS = (
    ("<answer>", "</answer>"),
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ("<|begin_of_box|>", "<|end_of_box|>"),
)
"""What some families put around the answer that follows."""

_GRANITE = re.compile(r"\s*Here(?:'s| is) my thought process:")
_GRANITE_ANSWER = re.compile(r"Here(?:'s| is) my response:\s*")

# gpt-oss (OpenAI, "Harmony response format"): messages of channels; ``final`` is the answer.
_CHANNELS = re.compile(r"\s*(?:<\|start\|>)?(?:assistant)?<\|channel\|>")
_CHANNEL = re.compile(
    r"<\|channel\|>\s{0,4}(\w{1,20})[^<\n]{0,200}(?:<\|constrain\|>\w{1,20})?<\|message\|>"
)
_CHANNEL_ENDS = re.compile(r"<\|(?:end|return|start|call|channel)\|>")
# The same, where a server has dropped the special tokens.
_BARE_CHANNELS = re.compile(
    r"\s*(?:analysis(?=(?:We|The|I|User|Let|Need|Okay|So|This|It|First|Now)\b)"
    r"|assistant(?:analysis|commentary|final))"
)
_BARE_FINAL = "assistantfinal"


@dataclass(frozen=True, slots=True)
class Parted:
    """An answer without what was reasoned.

    Args:
        answer: what is left; empty where the reasoning never ended.
        reasoned: whether there was any reasoning.
        ended: whether that came to its end.
    """

    answer: str
    reasoned: bool
    ended: bool = True


_ENDLESS = Parted("", reasoned=True, ended=False)


class AnswerText:
    """Takes the pieces of an answer as they come, and shows them.

    What a server sends as reasoning is shown between ``<think>`` and ``</think>``.

    Args:
        server: its name, for messages.
        on_text: given each piece.
    """

    def __init__(self, server: str, on_text: Callable[[str], None]) -> None:
        self._server, self._on_text = server, on_text
        self._texts: list[str] = []
        self._characters = 0
        self._reasons = self._has_field = False

    def add(self, text: str) -> None:
        """Take a piece of the answer; an empty one is none."""
        if not text:
            return
        if self._reasons:
            self._reasons = False
            self._on_text("\n</think>\n")
        self._texts.append(text)
        self._show(text)

    def add_reasoning(self, text: str) -> None:
        """Take a piece of what the server tells apart as reasoning."""
        if not text:
            return
        if not self._reasons:
            self._reasons = self._has_field = True
            self._on_text("<think>\n")
        self._show(text)

    def parted(self) -> Parted:
        """What came until now, without the reasoning."""
        found = part("".join(self._texts), may_begin_inside=not self._has_field)
        if not self._has_field:
            return found
        return Parted(found.answer, reasoned=True, ended=found.ended and bool(found.answer.strip()))

    def answer(self, usage: Usage) -> Answer:
        """The answer that came, with what it took."""
        found = self.parted()
        return Answer(found.answer, usage, found.reasoned, found.ended)

    def _show(self, text: str) -> None:
        self._characters += len(text)
        if self._characters > MAX_CHARACTERS:
            raise ModelError(f"{self._server}: the answer is larger than can be of use")
        self._on_text(text)


def part(text: str, *, may_begin_inside: bool = True) -> Parted:
    """Take an answer apart from what was reasoned before it, or between its parts.

    A marker in code (in a fence, or quoted) is text. One that opens counts at the beginning of a
    line; behind the beginning of the answer only where it is closed, or alone on its line.

    Args:
        text: untrusted; takes linear time.
        may_begin_inside: whether it may begin in the midst of reasoning: templates of several
            models open it in the question.
    """
    if _CHANNELS.match(text):
        return _of_channels(text)
    if _BARE_CHANNELS.match(text):
        _, mark, final = text.rpartition(_BARE_FINAL)
        return Parted(final.strip(), reasoned=True) if mark else _ENDLESS
    if begun := _GRANITE.match(text):
        answer = _GRANITE_ANSWER.search(text, begun.end())
        return Parted(text[answer.end() :], reasoned=True) if answer else _ENDLESS
    found = _between_markers(text, may_begin_inside=may_begin_inside)
    return (
        Parted(_unwrapped(found.answer), found.reasoned, found.ended) if found.reasoned else found
    )


def _of_channels(text: str) -> Parted:
    """The messages of the channel ``final``."""
    finals: list[str] = []
    at, channel = 0, ""
    while header := _CHANNEL.search(text, at):
        channel = header[1].lower()
        end = _CHANNEL_ENDS.search(text, header.end())
        at = end.start() if end else len(text)
        if channel == "final":
            finals.append(text[header.end() : at].strip())
    return Parted("\n\n".join(finals), reasoned=True) if finals else _ENDLESS


def _between_markers(text: str, *, may_begin_inside: bool) -> Parted:
    kept: list[str] = []
    at, reasoned, code = 0, False, _Code(text)
    opens = _next_open(text, at, code)
    if may_begin_inside and not (opens and not text[: opens.start()].strip()):
        closes = _next_close(text, at, code)
        if closes and not (opens and opens.start() < closes.start()):
            at, reasoned = closes.end(), True
            opens = _next_open(text, at, _Code(text, at))
    for _ in range(_MAX_BLOCKS):
        if opens is None:
            break
        before = text[at : opens.start()]
        closes = _next_close(text, opens.end())
        if closes is None:
            if _ends_line(text, opens.end()) or not "".join((*kept, before)).strip():
                return _ENDLESS
            break
        kept.append(before)
        at, reasoned = closes.end(), True
        opens = _next_open(text, at, _Code(text, at))
    else:
        return _ENDLESS
    if not reasoned:
        return Parted(text, reasoned=False)
    rest = text[at:]
    if again := _last_lone_close(rest):
        kept, rest = [], rest[again:]  # the reasoning was not at its end yet
    return Parted("".join((*kept, rest)).lstrip("\n"), reasoned=True)


def _next_open(text: str, at: int, code: _Code) -> re.Match[str] | None:
    return next((each for each in _OPENS.finditer(text, at) if each.start() not in code), None)


def _next_close(text: str, at: int, code: _Code | None = None) -> re.Match[str] | None:
    """The next marker that closes, and is not quoted; with ``code`` none that stands in it."""
    for found in _CLOSES.finditer(text, at):
        before, behind = (
            text[found.start() - 1 : found.start()],
            text[found.end() : found.end() + 1],
        )
        is_quoted = before == behind and before in ("`", '"', "'")
        if not is_quoted and (code is None or found.start() not in code):
            return found
    return None


def _last_lone_close(text: str) -> int:
    """Where the last marker ends that closes alone on its line, outside code; 0 for none."""
    code = _Code(text)
    ends = (each.end() for each in _CLOSES_ALONE.finditer(text) if each.start() not in code)
    return max(ends, default=0)


def _ends_line(text: str, at: int) -> bool:
    end = text.find("\n", at)
    return not text[at : len(text) if end < 0 else end].strip()


def _unwrapped(answer: str) -> str:
    text = answer.strip()
    for begin, end in _WRAPPERS:
        if text.startswith(begin):
            return text.removeprefix(begin).removesuffix(end).strip("\n")
    return answer


class _Code:
    """The fenced code of a text (CommonMark, 4.5): whether a place is in it.

    A draft may have left a fence open: one that never ends holds no code, and one that begins
    while another is open ends that one, unless it is shorter.
    """

    def __init__(self, text: str, at: int = 0) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        fence, begin = "", 0
        for line in _FENCE.finditer(text, at):
            mark, info = line[1], line[2].strip()
            if mark[0] == "`" and "`" in info:
                continue  # code in a line
            if not fence or (info and mark[0] == fence[0] and len(mark) >= len(fence)):
                fence, begin = mark, line.end()
            elif not info and mark[0] == fence[0] and len(mark) >= len(fence):
                self._begins.append(begin)
                self._ends.append(line.start())
                fence = ""

    def __contains__(self, place: int) -> bool:
        index = bisect.bisect_right(self._begins, place) - 1
        return index >= 0 and place < self._ends[index]
