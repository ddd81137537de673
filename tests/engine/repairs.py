"""What tests of a repairing model need: a server of answers, a project that no rule mends."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from engine import Engine
from engine.samples import demo
from tests.engine.git_repos import commit
from tests.engine.llm.servers import Reply, Server, ollama, stall, status, stream

BROKEN = "    int answer = ;\n"
MENDED = "    int answer = 42;\n"


def block(file: str, search: str, replace: str) -> str:
    return f"{file}\n```c\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n```\n"


class Answers:
    """A model server that gives the answers of a test, one after the other; None never ends."""

    def __init__(self) -> None:
        self.texts: list[str | None] = []
        self.stalled = threading.Event()
        """Set when it began an answer that never ends."""

        self._server = Server(self._reply)
        self.url = self._server.url
        self.close = self._server.close

    def _reply(self, client: socket.socket) -> None:
        if not self.texts:
            status(404, '{"error": "no answer left"}')(client)
            return
        text = self.texts.pop(0)
        if text is None:
            self.stalled.set()
            stall(next(ollama("I think")))(client)
            return
        last = {"prompt_eval_count": 7, "eval_count": 5}
        stream(*ollama(text[:10], text[10:], **last))(client)

    def asked(self) -> list[list[dict[str, str]]]:
        """The conversations that it was given, one a question."""
        return [body["messages"] for _line, _head, body in self._server.requests]

    def forget(self) -> None:
        self.texts.clear()
        self._server.requests.clear()
        self.stalled.clear()


class KnownEdit(Protocol):
    """Lines of a file, and what takes their place."""

    @property
    def file(self) -> str: ...
    @property
    def search(self) -> str: ...
    @property
    def replace(self) -> str: ...


class Reader(Server):
    """A model server that changes what it is told to change where it was shown it, and only there.

    ``missing`` has what it was to change and was not shown, a line each.
    """

    def __init__(self) -> None:
        super().__init__()
        self._edits: Sequence[KnownEdit] = ()
        self.missing: list[str] = []

    def knows(self, edits: Sequence[KnownEdit]) -> None:
        """What it is to change from now on."""
        self._edits, self.missing = edits, []
        self.requests.clear()

    def _next(self, asked: Any) -> Reply:
        shown = "\n".join(turn["content"] for turn in asked["messages"][1:])
        self.missing = [
            f"{edit.file}: {edit.search}"
            for edit in self._edits
            if edit.search not in _shown_of(edit.file, shown)
        ]
        if self.missing:
            return status(500, '{"error": "what must change was not shown"}')
        answer = "The cause is mended.\n\n" + "".join(
            block(edit.file, edit.search, edit.replace) for edit in self._edits
        )
        return stream(*ollama(answer, prompt_eval_count=7, eval_count=5))


def _shown_of(file: str, text: str) -> str:
    """What stands in the fences below a line that begins with the name of a file."""
    heads = re.compile(rf"^{re.escape(file)}(?:,[^\n]*)?:\n(`{{3,}})\n(.*?)\n\1$", re.M | re.S)
    return "".join(f"{match[2]}\n" for match in heads.finditer(text))


def broken(engine: Engine, folder: Path, line: str = BROKEN, name: str = "fw") -> str:
    """A project whose ``main.c`` has another line in it; its name."""
    source = folder / name
    demo.make_repository("hello", source)
    main = source / "main" / "main.c"
    marker = "    run_tests();\n"
    commit(source, {"main/main.c": main.read_text().replace(marker, f"{line}{marker}", 1)})
    return engine.projects.find_or_add(str(source)).name
