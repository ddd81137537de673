"""What tests of a repairing model need: a server of answers, a project that no rule mends."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from engine import Engine
from engine.samples import demo
from tests.engine.git_repos import commit
from tests.engine.llm.servers import Server, ollama, stall, status, stream

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


def broken(engine: Engine, folder: Path, line: str = BROKEN, name: str = "fw") -> str:
    """A project whose ``main.c`` has another line in it; its name."""
    source = folder / name
    demo.make_repository("hello", source)
    main = source / "main" / "main.c"
    marker = "    run_tests();\n"
    commit(source, {"main/main.c": main.read_text().replace(marker, f"{line}{marker}", 1)})
    return engine.projects.find_or_add(str(source)).name
