"""Calls of editing tools that a model writes into its answer, as blocks of Markdown.

Models that know an agent's tools call them where none are offered: with XML tags
(``<write_to_file><path>…</path><content>…``), with named parameters (``<parameter=path>``), with
elements that have a path (``<boltAction type="file" filePath="…">``), in JSON
(``{"name": "write", "arguments": {…}}``), or through the shell (``cat > FILE <<'EOF'``). What a
call says about a file is written anew as readers of answers know it: a fence below the file's path,
a search/replace block, or the patch that it holds. What has no end stays as it is: it may be cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import unescape

MAX_CALLS = 64
"""Calls of one answer; further ones stay text."""

_PATHS = frozenset(
    {"path", "file", "file_path", "filepath", "filename", "file_name", "target_file"}
)
_TEXTS = frozenset({"content", "contents", "file_text", "file_content"})
_OLD = frozenset({"old_text", "old_str", "old_string", "oldtext", "oldstring", "oldstr", "search"})
_NEW = frozenset({"new_text", "new_str", "new_string", "newtext", "newstring", "newstr", "replace"})
_EDITS = frozenset({"diff"})
_NAMES = _PATHS | _TEXTS | _OLD | _NEW | _EDITS
_ENDS_OF_NEW = ("</edits>", "</edit>", "</edit_file>")
"""What models write in place of the end of a new text."""

_PARAMETER = re.compile(
    r"[ \t]*(?:<[\w-]{1,40}>[ \t]*)?"
    r"<(?:(?P<tag>\w{3,20})(?: line=\"?\d{1,7}\"?)?"
    r"|parameter(?:=| name=\")(?P<name>\w{3,20})\"?)>"
)
_ELEMENT = re.compile(
    r"[ \t]*<(?P<tag>\w{1,20})(?: \w{1,20}=\"[^\"<>\n]{0,200}\"){0,4}?"
    r" (?:path|file_?path|file_?name|name)=\"(?P<path>[^\"<>\s]{1,400})\""
    r"(?: \w{1,20}=\"[^\"<>\n]{0,200}\"){0,4}>",
    re.IGNORECASE,
)
_CDATA = re.compile(r"<!\[CDATA\[(.*)\]\]>\s*", re.DOTALL)
_FENCE = re.compile(r"[ \t]{0,12}(`{3,}|~{3,})([^`\n]*)")
_READ_ALREADY = re.compile(r"\s*(?:`{3,}|~{3,}|<{5,} ?|-{5,} ?SEARCH|--- |\*\*\* Begin|@@)")
_BLOCK_BEGINS = re.compile(r"\s*(?:<{5,60}|-{5,60}) ?(?:SEARCH|ORIGINAL|HEAD)")
_BLOCK_ENDS = re.compile(r"\s*(?:>{5,60}|\+{5,60})")
_MARKER = re.compile(r"^[ \t]*(?:={5,60}[ \t]*|[<>]{5,60}.*)$", re.MULTILINE)
_HEREDOC = re.compile(
    r"\s*(?:cat\s+>\s*(?P<a>[\w./+-]{1,240})\s*<<(?P<b>\s*['\"]?\w{1,40}['\"]?)"
    r"|cat\s+<<(?P<c>\s*['\"]?\w{1,40}['\"]?)\s*>\s*(?P<d>[\w./+-]{1,240})"
    r"|tee\s+(?P<e>[\w./+-]{1,240})\s*<<(?P<f>\s*['\"]?\w{1,40}['\"]?)(?:\s*>\s*/dev/null)?)\s*"
)
_SHELLS = frozenset({"sh", "bash", "shell", "zsh", "console"})
_CALLS = frozenset({"", "xml", "json", "tool_call", "tool_code", "tool"})
_DOCUMENTS = frozenset({"markdown", "md"})
_SCRIPT = re.compile(r"\.(?:sh|bash|md)\b")
_DATA = re.compile(r"\.(?:json|xml)\b")
_ONE_FENCE = re.compile(r"\s*(`{3,})[^`\n]{0,40}\n(.*)\n[ \t]*\1\s*", re.DOTALL)
_PATCH = "*** Begin Patch"


def as_blocks(answer: str) -> str:
    """An answer in which the calls of tools that change files are blocks of Markdown.

    Args:
        answer: untrusted text of a model; without such calls it comes back as it is.
    """
    if not any(sign in answer for sign in ("<", "{")):
        return answer
    text = answer.replace("\r\n", "\n")
    found = _Calls(text).written()
    return answer if found is None else found


@dataclass(slots=True)
class _Calls:
    """One walk through the lines of an answer."""

    text: str
    path: str = ""
    count: int = 0

    def written(self) -> str | None:
        """The answer with its calls written anew; None where it has none."""
        text, parts, kept = self.text, list[str](), 0
        at = 0
        old: tuple[int, str] | None = None
        in_block = False
        missing = dict[str, int]()
        while at < len(text) and self.count < MAX_CALLS:
            end = _end_of_line(text, at)
            line = text[at:end]
            following = end + 1
            new: str | None = None
            begin = at
            if in_block:
                in_block = not _BLOCK_ENDS.match(line)
            elif _BLOCK_BEGINS.match(line):
                in_block = True
            elif fence := _FENCE.fullmatch(line):
                closing = _closing(text, following, fence, missing)
                if closing is not None:
                    above = text[max(0, at - 400) : at]
                    new = self._fenced(fence, text[following : closing[0]], above)
                    following = closing[1] + 1
            elif line.startswith(("{", "[")):
                new, following = self._json(at, following)
            elif (found := _PARAMETER.match(line)) and _name(found) in _NAMES:
                name, start = _name(found), at + found.end()
                ends = ["</parameter>" if found["name"] else f"</{found['tag']}>"]
                span = self._span(start, [*ends, *_ENDS_OF_NEW] if name in _NEW else ends, missing)
                raw = text[start : span[0]] if span else ""
                body = _plain(raw)
                if span is None or (name in _PATHS and "\n" in body.strip()):
                    self.count += 1  # it looked far ahead
                    at = following
                    continue
                following = span[1]
                fenced = _ONE_FENCE.fullmatch(body) if name in _TEXTS else None
                if fenced and fenced[1] not in fenced[2]:
                    body = fenced[2]
                if name in _PATHS:
                    self.path, old = body.strip(), None
                elif name in _TEXTS and self.path and not _READ_ALREADY.match(body):
                    new = _whole(self.path, body)
                elif name in _OLD:
                    old = at, body
                elif name in _NEW and old is None:
                    self.count += 1  # it looked far ahead
                elif name in _NEW and old is not None:
                    begin, new, old = old[0], _edit(self.path, old[1], body), None
                elif name in _EDITS and body != raw:
                    new = _diff(self.path, body)
            elif found := _ELEMENT.match(line):
                self.count += 1
                start = at + found.end()
                span = self._span(start, [f"</{found['tag']}>"], missing)
                body = _plain(text[start : span[0]]) if span else ""
                if span and re.search(r"[./]", found["path"]):
                    self.path, old = found["path"], None
                    if _is_text(body):
                        new, following = _whole(self.path, body), span[1]
            if new is not None:
                self.count += 1
                parts += [text[kept:begin], new, "\n"]
                kept = following + 1 if text[following : following + 1] == "\n" else following
                following = kept
            at = max(following, at + 1)
        return "".join([*parts, text[kept:]]) if parts else None

    def _span(self, start: int, ends: list[str], missing: dict[str, int]) -> tuple[int, int] | None:
        """Where a parameter's text ends, and where its closing tag does; None for an open one."""
        found = list[tuple[int, int]]()
        for end in ends:
            if end in missing:
                continue
            at = self.text.find(end, start)
            if at >= 0:
                found.append((at, at + len(end)))
            else:
                missing[end] = start
        return min(found, default=None)

    def _fenced(self, fence: re.Match[str], body: str, above: str) -> str | None:
        """What is called in a fence; None for nothing."""
        word = (fence[2].split() or [""])[0].lower()
        label = f"{above.rstrip().rpartition(chr(10))[2]} {fence[2]}"
        if word in _SHELLS:
            is_script = body.startswith("#!") or _SCRIPT.search(label)
            return None if is_script else _of_shell(body, fence)
        if (
            _DATA.search(label)
            or word not in _CALLS
            or not body.lstrip().startswith(("<", "{", "["))
        ):
            return None
        return _Calls(body.lstrip(), self.path).written()

    def _json(self, at: int, following: int) -> tuple[str | None, int]:
        """What is called in JSON that begins in a line, and where that ends."""
        if not re.match(r"[{\[]\s*[\"{]", self.text[at : at + 200]):
            return None, following
        self.count += 1  # also a try is one: it may read all that is left
        try:
            value, end = json.JSONDecoder(strict=False).raw_decode(self.text, at)
        except (ValueError, RecursionError):
            return None, following
        blocks = list(_of_json(value, ""))
        return ("\n\n".join(blocks), end) if blocks else (None, following)


def _of_json(value: object, path: str, depth: int = 0) -> Iterator[str]:
    """The blocks that a value of JSON calls for; a path holds for all that is below it."""
    if depth > 8:
        return
    if isinstance(value, list):
        for each in value[:MAX_CALLS]:
            yield from _of_json(each, path, depth + 1)
    elif isinstance(value, str):
        if value.lstrip().startswith(_PATCH):
            yield value.strip()
        elif depth and value.lstrip().startswith("{"):
            try:  # arguments as a string
                yield from _of_json(json.loads(value, strict=False), path, depth + 1)
            except (ValueError, RecursionError):
                return
    elif isinstance(value, dict):
        texts = {str(key).lower(): each for key, each in value.items() if isinstance(each, str)}
        named = [texts[key] for key in texts if key in _PATHS]
        path = named[0] if named else path
        text = [texts[key] for key in texts if key in _TEXTS]
        old = [texts[key] for key in texts if key in _OLD]
        new = [texts[key] for key in texts if key in _NEW]
        made = None
        if path and old and new:
            made = _edit(path, old[0], new[0])
        elif path and text:
            made = _whole(path, text[0])
        elif diff := [texts[key] for key in texts if key in _EDITS]:
            made = _diff(path, diff[0])
        if made:
            yield made
            return
        for each in value.values():
            yield from _of_json(each, path, depth + 1)


def _of_shell(body: str, fence: re.Match[str]) -> str | None:
    """The files that commands write from what follows them, then the other commands."""
    lines = body.split("\n")
    blocks, others = list[str](), list[str]()
    at = 0
    while at < len(lines):
        found = _HEREDOC.fullmatch(lines[at]) if "<<" in lines[at] else None
        word = (found["b"] or found["c"] or found["f"]) if found else ""
        name = word.strip("'\" \t")
        stop = next((end for end in range(at + 1, len(lines)) if lines[end].strip() == name), None)
        if not found or stop is None or len(blocks) == MAX_CALLS:
            others.append(lines[at])
            at += 1
            if found:  # without its end: nothing after it is a command
                others += lines[at:]
                break
            continue
        text = "\n".join(lines[at + 1 : stop])
        if not re.search(r"['\"]", word) and re.search(r"[$`\\]", text):
            return None  # the shell would make something else of it
        blocks.append(_whole(found["a"] or found["d"] or found["e"], text))
        at = stop + 1
    if blocks and any(map(str.strip, others)):
        rest = "\n".join(others).strip("\n")
        blocks.append(f"{fence[1]}{fence[2]}\n{rest}\n{fence[1]}")
    return "\n\n".join(blocks) or None


def _whole(path: str, text: str) -> str:
    """A file's path and its text in a fence that nothing in it can end."""
    body = _trimmed(text)
    fence = "`" * (max(map(len, re.findall(r"`{3,}", body)), default=2) + 1)
    return f"`{path}`:\n{fence}\n{body}\n{fence}" if body else f"`{path}`:\n{fence}\n{fence}"


def _edit(path: str, old: str, new: str) -> str | None:
    """A search/replace block; None where its lines could be taken for its markers."""
    old, new = _trimmed(old), _trimmed(new)
    if _MARKER.search(old) or _MARKER.search(new):
        return None
    head = f"`{path}`:\n" if path else ""
    parts = ("<<<<<<< SEARCH", *([old] if old else []), "=======", *([new] if new else []))
    return head + "\n".join((*parts, ">>>>>>> REPLACE"))


def _diff(path: str, text: str) -> str:
    """What a call says of a file, below its path."""
    body, head = _trimmed(text), f"`{path}`:\n" if path else ""
    return f"{head}```diff\n{body}\n```" if body.startswith(("@@", "---")) else f"{head}{body}"


def _trimmed(text: str) -> str:
    """A text without the line ends that only set it off from its tags."""
    return text.replace("\r\n", "\n").removeprefix("\n").rstrip(" \t").removesuffix("\n")


def _plain(text: str) -> str:
    """The text of a parameter: what CDATA holds, or what entities stand for where all are such."""
    if found := _CDATA.fullmatch(text.lstrip()):
        return found[1]
    if "<" in text or ">" in text or "&" not in text:
        return text
    return unescape(text, {"&quot;": '"', "&apos;": "'", "&#39;": "'"})


def _is_text(body: str) -> bool:
    """Whether an element holds a file's text, and nothing that is read as it stands."""
    has_block = any(_BLOCK_BEGINS.match(line) for line in body.split("\n"))
    is_call = _PARAMETER.match(body.lstrip())
    return bool(body.strip()) and not (_READ_ALREADY.match(body) or has_block or is_call)


def _name(parameter: re.Match[str]) -> str:
    return str(parameter["name"] or parameter["tag"]).lower()


def _closing(
    text: str, start: int, fence: re.Match[str], missing: dict[str, int]
) -> tuple[int, int] | None:
    """Where the line that closes a fence begins and ends; None where it is never closed."""
    sign = fence[1][0]
    if len(fence[1]) >= missing.get(sign, len(text)):
        return None
    nests = fence[2].strip().lower() in _DOCUMENTS
    depth, at = 0, start
    while at < len(text):
        end = _end_of_line(text, at)
        found = _FENCE.fullmatch(text[at:end])
        if found and found[1][0] == sign:
            if found[2].strip():
                depth += nests
            elif depth:
                depth -= 1
            elif len(found[1]) >= len(fence[1]):
                return at, end
        at = end + 1
    if not nests:
        missing[sign] = min(len(fence[1]), missing.get(sign, len(text)))
    return None


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
