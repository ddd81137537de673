"""A manual of four pages, of which two are longer than a screen, for tests of those who read it."""

from __future__ import annotations

from collections.abc import Mapping

from tui.presentation import manual
from tui.presentation.manual import Topic

BOARDS = """\
# Boards

How to name boards.

A [lock](security.md#locks) keeps others out; the [maker](https://example.org/esp) knows more.

{filling}

## Names

| key | command | what it does |
| --- | --- | --- |
| `n` | `espdeck name BOARD desk` | give it a name of your own, **once** |

```sh
espdeck boards            # all of them
```

Commands take the name. See [flash](#flash) and [the tests](../../tests/README.md).

## Flash

Flash is erased by sectors.
"""

PROJECTS = """\
# Projects

How to add repositories.

Repositories have [boards](boards.md) and no locks.
"""

SECURITY = """\
# Security

What is trusted.

{filling}

## Locks

Locks are an agreement. A lock is waited for.
"""

WORKFLOWS = """\
# Workflows

Tasks for models.
"""


def small_manual() -> Mapping[str, Topic]:
    filling = "\n\n".join(f"Filling {number}." for number in range(30))
    texts = {
        "boards": BOARDS.format(filling=filling),
        "projects": PROJECTS,
        "security": SECURITY.format(filling=filling),
        "workflows": WORKFLOWS,
    }
    return {name: manual.parse(name, text) for name, text in texts.items()}
