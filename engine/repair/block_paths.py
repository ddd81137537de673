"""Which file a model means by the path that it writes at a block.

Models put paths in backticks, bold or headings, after words such as ``File:``, into the line of a
fence, into a comment or a tag, with the prefixes of Git, without their folders, or with folders of
a machine that they imagine. A path is taken where it can mean one file of the tree only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.text import listed

FENCE = re.compile(r"[ \t]{0,12}(`{3,}|~{3,})([^`\n]*)")
"""A line that begins or ends a fenced block; what begins one may have words after it."""

_DECORATION = re.compile(
    r"(?:#{1,6} +|//+ *|/\*+ *|<!-- *|[-*+] +)?(?:\d{1,3}[.)] +)?"
    r"(?:\*\*)?(?:(?:[Nn]ew )?(?:[Ff]ile(?:name)?|[Pp]ath|[Mm]odified|[Uu]pdated?|FILE)"
    r"(?: ?[Nn]ame| ?[Pp]ath)?: *)?"
)
_END = re.compile(r"(?: *\*/| *-->| *\((?:new|modified|updated)(?: file)?\))? *:? *\Z")
_TAG_WITH_PATH = re.compile(
    r"<(?:path|file|file_path|filename)>([^<>]{1,400})</\w{1,20}>"
    r"|<\w{1,20} (?:path|file|name)=\"([^\"<>]{1,400})\">"
)
_TAG = re.compile(r"</?[\w-]{1,40}>")
# One word may be prose: it has a folder or an ending, or is a name without one that is known.
_WORD = re.compile(
    r"(?=\S*(?:[/\\]|\w\.\w)|(?:Makefile|Kconfig|Dockerfile)\S*\Z)"
    r"[^\s`*<>|(){}=;,\"\u3001\u3002\u300c-\u300f\uff08\uff09\uff0c\uff1a\uff1b]{1,400}"
)
_COMMENT = re.compile(r"\s*(?://+|/\*+|#+|--|;+|<!--)\s*\S{1,400}(?:\s*(?:\*/|-->))?\s*")
_MENTION = re.compile(r"[\w.@+\\/-]{3,400}")
_LINE_NUMBER = re.compile(r":\d{1,7}(?::\d{1,5})?\Z")
_MARKDOWN_ESCAPE = re.compile(r"\\([_*\-.])")
_LINES_BEFORE = 4
_PATH_LINE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Named:
    """What a path means.

    Args:
        path: from the root of the tree: of a file that is there, or as it was written.
        others: files that it might mean as well; empty where it means one thing.
    """

    path: str
    others: tuple[str, ...] = ()

    @property
    def ambiguity(self) -> str | None:
        """Why it cannot be taken; None where it means one thing."""
        if not self.others:
            return None
        return f"may be {listed(self.others, 4)}: write the whole path"


class PathNames:
    """The files of a tree by their names.

    Args:
        files: paths from its root.
    """

    def __init__(self, files: Collection[str]) -> None:
        self._files = files

    def named(self, written: str, makes: bool = False) -> Named:
        """The file that a path means.

        Args:
            written: the path; untrusted.
            makes: whether it may be of a file that is not there yet, whose name is taken as it is.
        """
        spelled = _spellings(written)
        for path in spelled:
            if path in self._files:
                return Named(path)
        path = spelled[-1]
        if ".." in path.split("/"):
            return Named(path)
        same_name = self._by_name.get(path.rpartition("/")[2], ())
        longer = tuple(each for each in same_name if each.endswith(f"/{path}"))
        if makes:
            return Named(path, (*longer, f"a new {path}") if longer else ())
        if longer:
            return Named(longer[0], longer if len(longer) > 1 else ())
        within = [each for each in same_name if path.endswith(f"/{each}")]
        if within:
            return Named(max(within, key=len))
        alike = self._by_case.get(path.lower(), ())
        return Named(alike[0]) if len(alike) == 1 else Named(path)

    def mentioned(self, lines: Iterable[str]) -> tuple[str, ...]:
        """The files that words of a text mean, each once, in order."""
        found: dict[str, None] = {}
        for line in lines:
            if "." not in line and "/" not in line:
                continue
            for word in _MENTION.findall(line[:_PATH_LINE_CHARACTERS]):
                named = self.named(word.rstrip(".,:;"))
                if named.path in self._files and not named.others:
                    found[named.path] = None
        return tuple(found)

    def before(self, lines: Sequence[str], first: int, block: int) -> str | None:
        """The path that stands alone in the last lines before a block.

        Args:
            lines: of the answer.
            first: where the text before the block begins.
            block: the line that it begins in.
        """
        left = _LINES_BEFORE
        for at in range(block - 1, max(first, block - 3 * _LINES_BEFORE) - 1, -1):
            line = lines[at].strip()
            if not line:
                continue
            left -= 1
            fence = FENCE.fullmatch(line)
            tag = _TAG_WITH_PATH.fullmatch(line)
            found = tag[1] or tag[2] if tag else None
            if not tag:
                found = _of_fence(fence[2]) if fence else self.alone(line)
            # Only fences and tags may stand between a path and its block.
            if found or not left or not (fence or _TAG.fullmatch(line)):
                return found
        return None

    def alone(self, line: str) -> str | None:
        """The path in a line that has nothing else, else None."""
        if len(line) > _PATH_LINE_CHARACTERS:
            return None
        if line[:1] == "[" and line[-1:] == "]":
            line = line[1:-1].strip()
        decoration = _DECORATION.match(line)
        text = line[decoration.end() if decoration else 0 :].strip()
        text = _END.sub("", text).strip("*").strip().removesuffix(":").strip()
        quoted = len(text) > 2 and text[0] == text[-1] == "`"
        text = text.strip("`'\"").strip().removeprefix("./")
        if text and (quoted or text in self._files or _WORD.fullmatch(text)):
            return text
        return None

    def in_comment(self, line: str) -> str | None:
        """The path that is all of a comment, else None."""
        return self.alone(line.strip()) if _COMMENT.fullmatch(line) else None

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self._files):
            found.setdefault(path.rpartition("/")[2], []).append(path)
        return found

    @cached_property
    def _by_case(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self._files:
            found.setdefault(path.lower(), []).append(path)
        return found


def text_near(lines: Sequence[str], first: int, stop: int, step: int) -> str:
    """The nearest line that is no fence and no tag, upwards or downwards; empty for none.

    Args:
        first, stop: the lines to look at, the nearest first.
        step: 1 or -1.
    """
    for at in range(first, stop, step):
        line = lines[at].strip()
        if line and not FENCE.fullmatch(line) and not _TAG.fullmatch(line):
            return line
    return ""


def _of_fence(info: str) -> str | None:
    """The path in the words after a fence: ``c main/main.c``, ``c:main/main.c``."""
    words = info.replace(":", " ").split()
    last = re.sub(r"\A(?:title|file(?:name)?|path)=", "", words[-1]) if words else ""
    last = last.strip("`\"'{}")
    return last if _WORD.fullmatch(last) else None


def _spellings(written: str) -> tuple[str, ...]:
    """A path in the ways that it may be meant, the likeliest to be made last."""
    text = _LINE_NUMBER.sub("", written.strip().removeprefix("./"))
    found = dict.fromkeys((text, text.replace("\\", "/")))
    plain = _MARKDOWN_ESCAPE.sub(r"\1", text).replace("\\", "/").removeprefix("./")
    for path in (*found, plain):
        if path.startswith(("a/", "b/")):
            found[path[2:]] = None
    found.pop(plain, None)
    found[plain] = None
    return tuple(found)
