"""What stands in for a model where none is configured: it says so, every time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from engine.cancel import CancelToken
from engine.llm.chat import Answer, Request, Usage

PLACEHOLDER: Final = "placeholder"
"""The server that asks nobody, and says so; it is chosen by a person alone."""

MARK = "[placeholder: no model was asked]"


class Placeholder:
    """Answers every question with its first line and a mark that nothing was asked."""

    name = PLACEHOLDER

    def models(self, cancel: CancelToken) -> tuple[str, ...]:
        """The one that is none."""
        return (PLACEHOLDER,)

    def chat(
        self,
        request: Request,
        *,
        on_text: Callable[[str], None],
        on_retry: Callable[[str], None],
        cancel: CancelToken,
    ) -> Answer:
        """Answer at once, as :meth:`engine.llm.chat.ModelServer.chat` says."""
        cancel.check()
        asked = request.messages[-1].text.strip().partition("\n")[0] if request.messages else ""
        text = f"{MARK}\n\nThe question began: {asked[:200]}\n"
        on_text(text)
        usage = Usage(self.name, self.name, tokens_in=None, tokens_out=None, seconds=0.0)
        return Answer(text, usage)
