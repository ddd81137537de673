"""Which steps of ninja belong to the build itself, and which to a build within it.

ESP-IDF builds its bootloader (and a program for the ULP) as a CMake project of its own, by a step
of the outer ninja: the inner one prints ``[1/103]`` to ``[103/103]`` in between (CMake manual,
``ExternalProject``: "Performing build step for 'bootloader'").
"""

from __future__ import annotations

import re

_PROJECT_STEP = re.compile(r"Performing \w{1,20} step for '")
_CONFIGURES = "Re-running CMake"


class NinjaSteps:
    """Follows the status lines of ninja (``[done/total] text``) in the order in which they come."""

    def __init__(self) -> None:
        self._done = self._total = 0
        self._inner_total = 0
        self._holds_project = False
        self.nested = False
        """Whether what is printed now is of a project within the project."""
        self.share = 0.0
        """How much of the outer build is done: 0 to 1, never less than before."""

    def take(self, done: int, total: int, text: str) -> None:
        """Read the numbers of a status line and what it says is done."""
        if self._is_inner(done, total):
            self._inner_total = total
            self.nested = True
            return
        self._done, self._total = done, total
        self._holds_project = _PROJECT_STEP.match(text) is not None
        self._inner_total = 0
        self.nested = self._holds_project
        # ninja first remakes build.ninja where that is out of date, and counts that by itself.
        if not text.startswith(_CONFIGURES):
            self.share = max(self.share, min(1.0, done / max(1, total)))

    def _is_inner(self, done: int, total: int) -> bool:
        if not self._holds_project or (total == self._total and done > self._done):
            return False
        # The outer total may change, when a step left its output as it was; but the outer ninja
        # counts on from where it was, and the inner one from its beginning.
        return done <= 1 or total == self._inner_total or done != self._done + 1
