"""What people call boards, in lines about them: errors, and what is waited for."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping

from engine.errors import BoardError


class CalledBoards:
    """Boards that people gave names to; a line that names one by its port gets that name.

    Args:
        labels: what people call them, by their names; those without one are left out.
        port_of: what is opened for a board now, empty where that is not known.
    """

    def __init__(self, labels: Mapping[str, str], port_of: Callable[[str], str]) -> None:
        self._labels = labels
        self._port_of = port_of
        self._words: dict[str, str] = dict(labels)

    def look(self) -> None:
        """Look where the boards are: a board that vanishes is told of by the port that it had."""
        for name, label in self._labels.items():
            if port := self._port_of(name):
                self._words[port] = label

    def line(self, text: str) -> str:
        """The line with the names that people know."""
        self.look()
        for word, label in self._words.items():
            # As a whole: /dev/ttyUSB1 is not the beginning of /dev/ttyUSB10.
            whole = re.compile(rf"(?<![\w/.:-]){re.escape(word)}(?![\w/-])")
            text = whole.sub(label.replace("\\", r"\\"), text)
        return text

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Have errors of boards in the block name them so."""
        try:
            yield
        except BoardError as error:
            error.args = (self.line(str(error)),)
            raise
