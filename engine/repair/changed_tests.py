"""Whether a change touches the tests of a firmware, or weakens what finds its faults.

A failing test is evidence. A change that makes it pass by changing it proves nothing, so it is
told, and refused where nobody allowed it. Looked for: changes of test files and of test functions
in other files; assertions and calls of tests that are gone, that stand under a condition which was
not there, or that expect another value; switches that turn assertions off; tests that are left out
of the build. A test file in which the compiler found an error may be changed, but not shortened.

Assertions are those of Unity and CMock, ESP-IDF, FreeRTOS, GoogleTest and Catch2; which files are
tests says :mod:`engine.source.test_files`.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from engine.files import read_file
from engine.findings import Finding
from engine.repair.sources import MAX_FILE_BYTES
from engine.source.c_source import masked
from engine.source.diffs import texts_before
from engine.source.file_kinds import FileKind, kind_of
from engine.source.file_policy import CRITERIA_FILES
from engine.source.functions import functions_of
from engine.source.test_files import TEST_BODY, is_test_file
from engine.text import count

ASSERTIONS = (
    r"TEST_ASSERT\w*|TEST_FAIL\w*|TEST_ESP_\w+|ASSERT_\w+|EXPECT_\w+|REQUIRE\w*|CHECK(?:_\w+)?"
    r"|assert|configASSERT|_?[Ss]tatic_assert|ESP_ERROR_CHECK|ESP_STATIC_ASSERT|BUILD_ASSERT"
    r"|assert_param|\w+_ASSERT"
)
"""Macros that stop a firmware or fail a test where what they say does not hold."""

_ASSERTION = re.compile(rf"(?<![\w.>#])({ASSERTIONS})[ \t]*\(")
_TEST_CALL = re.compile(
    r"\b(RUN_TEST(?:_\w+)?|TEST_CASE(?:_\w+)?|TEST_F|TEST_P|TEST|UNITY_BEGIN|UNITY_END"
    r"|unity_run_\w+|run_(?:all_|unit_)*tests?|RUN_ALL_TESTS)[ \t]*\("
)
_DIRECTIVE = re.compile(r"[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif|define|undef|error)\b(.*)")
_SWITCHES = re.compile(
    r"\bD?NDEBUG\b|CONFIG_COMPILER_OPTIMIZATION_ASSERTIONS_(?:DISABLE|SILENT)=y"
    r"|CONFIG_COMPILER_OPTIMIZATION_CHECKS_SILENT=y|CONFIG_FREERTOS_ASSERT_DISABLE=y"
    r"|\btest_(?:ignore|filter)\b|^[ \t]*#[ \t]*(?:define|undef)[ \t]+(?:TEST_\w+|assert|RUN_TEST"
    r"|configASSERT|ESP_ERROR_CHECK)\b",
    re.MULTILINE,
)
_LITERAL = re.compile(r"\b0[xX][0-9a-fA-F]+\w*|\b\d[\d.]*\w*|\"[^\"\n]*\"|\btrue\b|\bfalse\b")
_BRACKET = re.compile(r"[()]")
_EMPTY = re.compile(r"(?:.*\|\|)?\s*\(?(?:1|true|!0)\)?\s*")
_MAKING = re.compile(r"\b\w{0,60}(?:[Cc]reate|[Aa]lloc|[Ii]nit|[Ii]nstall)\w{0,60}[ \t]*\(")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w")
_FILE_WORD = re.compile(r"[\w./+-]{1,200}\.(?:c|cc|cpp|cxx|py)\b")
_NOT_OF_THE_COMPILER = ("test.", "panic.", "simulator.", "quality.", "qa.", "board.", "boot.")
_STATIC = re.compile(r"static.?assert|#error|_Static_assert", re.IGNORECASE)
_MAX_ARGUMENT_CHARACTERS = 400
_MAX_REASONS = 10
_MAX_ASSERTIONS = 2000  # of one file
_MAX_DEPTH = 64  # conditions that are followed: of more, the innermost
_MAX_CONDITION_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class TextChange:
    """A file before and after a change; None where it is not there."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class _Assertion:
    """An assertion, with the preprocessor's conditions that it stands under."""

    name: str
    argument: str
    conditions: tuple[str, ...]

    @property
    def shape(self) -> tuple[str, str]:
        """It without its literals."""
        return self.name, _LITERAL.sub("0", self.argument)

    @property
    def expected(self) -> str:
        """Its argument without how something is made in it: a greater stack is no other value."""
        text = self.argument
        for call in _MAKING.finditer(self.argument):
            end = _closing(self.argument, call.end(), len(self.argument))
            inside = " " * (end - call.end())
            text = f"{text[: call.end()]}{inside}{text[end:]}"
        return " ".join(text.split())

    @property
    def checks_nothing(self) -> bool:
        """Whether it holds whatever the firmware does."""
        first, comma, rest = self.argument.partition(",")
        if _EMPTY.fullmatch(first):
            return True
        if not comma or "FAIL" in self.name:
            return False
        has_names = _IDENTIFIER.search(_LITERAL.sub("0", self.argument)) is not None
        is_equality = "EQ" in self.name.upper()
        return not has_names or (is_equality and first.strip() == rest.partition(",")[0].strip())


def changes_of_tests_in(
    patch: str, root: Path, findings: Sequence[Finding] = ()
) -> tuple[str, ...]:
    """What a patch that was applied does to tests and assertions, as :func:`changes_of_tests`.

    Args:
        patch: unified diff with the prefixes ``a/`` and ``b/``.
        root: the tree as the patch has made it.
        findings: as there.
    """

    def after(path: str) -> str | None:
        try:
            return read_file(root / path, MAX_FILE_BYTES).decode("utf-8", "replace")
        except OSError:
            return None

    before = texts_before(patch, after)
    changes = {path: TextChange(text, after(path)) for path, text in before.items()}
    return changes_of_tests(changes, tuple(findings))


def changes_of_tests(
    changes: Mapping[str, TextChange], findings: Sequence[Finding] = ()
) -> tuple[str, ...]:
    """What a change does to tests and assertions, one line each; nothing where it leaves them.

    Args:
        changes: every file that it changes, by path. Untrusted.
        findings: the errors that it repairs: a file in which the compiler found one may be changed.
    """
    reasons: list[str] = []
    for path, change in changes.items():
        before, after = change.before, change.after
        if before is None:  # what is new weakens nothing but by its switches
            reasons += _switches(path, "", after or "")
        elif _judges(path, before):
            if after is None or not _is_named_by_compiler(path, findings):
                reasons.append(f"{path} is a test: it stays as it is")
            else:
                reasons += _shortened(path, before, after)
        else:
            reasons += _weakened(path, before, after or "")
    return tuple(dict.fromkeys(reasons))[:_MAX_REASONS]


def _judges(path: str, text: str) -> bool:
    """Whether a file is of the tests, or says when a firmware is good enough."""
    return is_test_file(path, text) or PurePosixPath(path).name in CRITERIA_FILES


def _is_named_by_compiler(path: str, findings: Sequence[Finding]) -> bool:
    """Whether an error of the compiler lies in a file, and not one that an assertion asked for."""
    return any(
        (each.file == path or (each.file or "").endswith(f"/{path}"))
        and not each.code.startswith(_NOT_OF_THE_COMPILER)
        and _STATIC.search(each.message) is None
        for each in findings
    )


def _shortened(path: str, before: str, after: str) -> Iterator[str]:
    """What a test file that may be changed has lost."""
    old, new = _assertions(before), _assertions(after)
    if len(new) < len(old):
        yield f"{path} has {count(len(old) - len(new), 'assertion')} less"
    yield from _missing_calls(path, before, after)
    yield from _conditions(path, old, new)
    yield from _other_values(path, old, new)
    yield from _switches(path, before, after)


def _weakened(path: str, before: str, after: str) -> Iterator[str]:
    """What a file that is no test has lost of what finds faults."""
    yield from _switches(path, before, after)
    if kind_of(path) is FileKind.CONFIGURATION:
        gone = _test_files_in(before) - _test_files_in(after)
        yield from (f"{path} leaves {name} out of the build" for name in sorted(gone))
        return
    yield from _missing_calls(path, before, after)
    yield from _changed_tests(path, before, after)
    old, new = _assertions(before), _assertions(after)
    was, now = Counter(each.name for each in old), Counter(each.name for each in new)
    for name, number in was.items():
        if now[name] < number:
            yield f"{path} loses {name}(): what it found is to be mended"
    yield from _conditions(path, old, new)
    yield from _other_values(path, old, new)


def _switches(path: str, before: str, after: str) -> Iterator[str]:
    was = Counter(match[0].strip() for match in _SWITCHES.finditer(before))
    now = Counter(match[0].strip() for match in _SWITCHES.finditer(after))
    for switch in now - was:
        yield f"{path} switches off what finds faults: {' '.join(switch.split())}"


def _missing_calls(path: str, before: str, after: str) -> Iterator[str]:
    was = Counter(match[1] for match in _TEST_CALL.finditer(_active(before)))
    now = Counter(match[1] for match in _TEST_CALL.finditer(_active(after)))
    for name in was - now:
        yield f"{path} runs fewer tests: {name}() is gone"


def _changed_tests(path: str, before: str, after: str) -> Iterator[str]:
    """Functions with assertions of Unity in a file that is no test file are tests as well."""
    new = Counter(_test_bodies(path, after))
    for body in Counter(_test_bodies(path, before)) - new:
        yield f"{path}: {body.partition('{')[0].strip()[:80]} is a test: it stays as it is"


def _test_bodies(path: str, text: str) -> Iterator[str]:
    rows = text.split("\n")
    for function in functions_of(path, text):
        body = "\n".join(rows[function.first - 1 : function.last])
        if TEST_BODY.search(body):
            yield " ".join(body.split())


def _conditions(path: str, old: Sequence[_Assertion], new: Sequence[_Assertion]) -> Iterator[str]:
    """Assertions that now stand under a condition which was not there."""
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    was: dict[tuple[str, str], set[str]] = {}
    for each in gone:
        was.setdefault((each.name, each.argument), set()).update(each.conditions)
    for each in come:
        before = was.get((each.name, each.argument))
        if before is not None and set(each.conditions) - before:
            yield f"{path}: {each.name}() is checked only under a new condition"


def _other_values(path: str, old: Sequence[_Assertion], new: Sequence[_Assertion]) -> Iterator[str]:
    """Assertions that expect another value, or nothing any more."""
    gone = Counter((each.name, each.argument) for each in old)
    gone.subtract(Counter((each.name, each.argument) for each in new))
    lost = [each for each in old if gone[each.name, each.argument] > 0]
    come = [each for each in new if gone[each.name, each.argument] < 0]
    shapes: dict[tuple[str, str], set[str]] = {}
    for each in come:
        if each.name != "ESP_ERROR_CHECK":
            shapes.setdefault(each.shape, set()).add(each.expected)
    for each in lost:
        if each.shape in shapes and each.expected not in shapes[each.shape]:
            yield f"{path}: {each.name}({each.argument[:60]}) expects another value"
    for each in come:
        if lost and each.checks_nothing:
            yield f"{path}: {each.name}({each.argument[:60]}) checks nothing"


def _test_files_in(text: str) -> set[str]:
    return {name for name in _FILE_WORD.findall(text) if is_test_file(name)}


def _assertions(text: str) -> list[_Assertion]:
    """Every assertion that is compiled, in order; those under ``#if 0`` are not."""
    code, found = _code(text), list[_Assertion]()
    conditions: list[str] = []
    for start, line in _lines(code):
        if len(found) >= _MAX_ASSERTIONS:
            break
        directive = _DIRECTIVE.match(line)
        if directive is not None:
            _step(conditions, directive[1], " ".join(directive[2].split()))
            if directive[1] == "error" and not _is_dead(conditions):
                found.append(_Assertion("#error", directive[2].strip(), ()))
            continue
        if _is_dead(conditions):
            continue
        for match in islice(_ASSERTION.finditer(line), _MAX_ASSERTIONS - len(found)):
            argument = _argument(code, text, start + match.end())
            found.append(_Assertion(match[1], argument, tuple(conditions)))
    return found


@functools.lru_cache(maxsize=4)
def _code(text: str) -> str:
    """A text without comments and strings, which takes its time."""
    return masked(text)


def _active(text: str) -> str:
    """Code without what stands under ``#if 0``."""
    conditions: list[str] = []
    kept: list[str] = []
    for _start, line in _lines(_code(text)):
        directive = _DIRECTIVE.match(line)
        if directive is not None:
            _step(conditions, directive[1], " ".join(directive[2].split()))
        elif not _is_dead(conditions):
            kept.append(line)
    return "\n".join(kept)


def _step(conditions: list[str], word: str, rest: str) -> None:
    """Follow a directive of the preprocessor."""
    if word.startswith("if"):
        conditions.append(f"{word} {rest[:_MAX_CONDITION_CHARACTERS]}")
        del conditions[:-_MAX_DEPTH]
    elif word in ("elif", "else") and conditions:
        conditions[-1] = f"not {conditions[-1]}"[:_MAX_CONDITION_CHARACTERS]
    elif word == "endif" and conditions:
        conditions.pop()


def _is_dead(conditions: Sequence[str]) -> bool:
    return any(each in ("if 0", "if false", "if (0)", "not if 1") for each in conditions)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        yield start, line
        start += len(line) + 1


def _argument(code: str, text: str, start: int) -> str:
    """What stands in the brackets that open before a place, blanks made one."""
    end = _closing(code, start, start + _MAX_ARGUMENT_CHARACTERS)
    return " ".join(text[start:end].split())


def _closing(code: str, start: int, end: int) -> int:
    """Where the bracket closes that opens before a place; ``end`` where it does not before that."""
    depth = 1
    for match in _BRACKET.finditer(code, start, end):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.start()
    return end
