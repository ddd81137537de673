"""A console's input whose typing a test can read."""

from __future__ import annotations

from engine.console_input import ConsoleInput


class Typed(ConsoleInput):
    """Keeps what is typed instead of handing it to a reader."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def send(self, data: bytes) -> None:
        self.text += data.decode()
