"""The formats in which a model may answer with changes, and what it is told of each.

Which format an answer is in is seen from the answer: these texts only say which one is asked for.
"""

from __future__ import annotations

from enum import StrEnum


class EditFormat(StrEnum):
    """How changes of files are written, as users see it."""

    SEARCH_REPLACE = "search/replace"
    DIFF = "unified diff"
    PATCH = "apply_patch"
    WHOLE_FILE = "whole file"

    @property
    def is_diff(self) -> bool:
        """Whether it has lines with signs before them."""
        return self in (EditFormat.DIFF, EditFormat.PATCH)


_SEARCH_REPLACE = """\
Give your changes as search/replace blocks, each with the file's path on the line before it:

main/example.c
<<<<<<< SEARCH
int answer(void) { return 41; }
=======
int answer(void) { return 42; }
>>>>>>> REPLACE

- SEARCH repeats whole lines exactly as the file has them now, with their indentation, and enough of
  them to be found only once in the file. Copy them; do not shorten them with "...".
- An empty SEARCH makes a new file of the lines in REPLACE.
- Give one block for each place."""

_DIFF = """\
Give your changes as a unified diff in a fenced block:

```diff
--- main/example.c
+++ main/example.c
@@ @@
 int question(void);
-int answer(void) { return 41; }
+int answer(void) { return 42; }
```

- A line that stays begins with a blank, one that goes with "-", one that comes with "+". Line
  numbers are not needed: a hunk is found by its lines.
- What stays and what goes repeats whole lines exactly as the file has them now, with their
  indentation, and enough of them to be found only once in the file. Leave none out.
- Give one hunk for each place. A new file has "--- /dev/null" and "+" before each line."""

_PATCH = """\
Give your changes as a patch in this format:

*** Begin Patch
*** Update File: main/example.c
@@
 int question(void);
-int answer(void) { return 41; }
+int answer(void) { return 42; }
*** Add File: main/example.h
+int answer(void);
*** End Patch

- A line that stays begins with a blank, one that goes with "-", one that comes with "+". Three
  lines before and after a change, exactly as the file has them now, and enough of them to be found
  only once in the file. Leave none out.
- Each further place in the file begins with a line "@@"."""

_WHOLE_FILE = """\
Give each file that you change whole, in a fenced block of its own, with its path on the line before
it:

main/example.c
```c
int answer(void) { return 42; }
```

- All of the file's lines, also those that stay as they are: what is left out is deleted. Write
  nothing such as "rest of the code".
- A file that is not there yet is made."""

_TEXTS = {
    EditFormat.SEARCH_REPLACE: _SEARCH_REPLACE,
    EditFormat.DIFF: _DIFF,
    EditFormat.PATCH: _PATCH,
    EditFormat.WHOLE_FILE: _WHOLE_FILE,
}

_ALL_FITS = "- Nothing is taken until all of it fits."
_REFUSED = "- Hidden files, CI files, keys and espdeck.toml are refused."
_REFUSED_OF_TESTS = """\
- Hidden files, CI files and keys are refused. Of espdeck.toml, nothing may change but that [[test]]
  tables come to it, behind those that are there."""


def form_text(edit_format: EditFormat, *, adds_tests: bool = False) -> str:
    """What a model is told of a format: how an answer looks, and what is refused.

    Args:
        adds_tests: whether ``[[test]]`` tables may be added to ``espdeck.toml``.
    """
    refused = _REFUSED_OF_TESTS if adds_tests else _REFUSED
    return f"{_TEXTS[edit_format]}\n{_ALL_FITS}\n{refused}\n"
