"""Tokens from a model server to the pane, against reading the same stream with bare httpx.

The server is a process of its own that speaks OpenAI's protocol and sends one token a piece, at
the pace of a quick model or as fast as it is read. The baseline reads the stream with httpx and
takes the text out of each piece's JSON, which any client must. Ours is the whole way: a task's
stage asks, cleans up lines, publishes them and keeps them in the store; its time ends when the last
token is in the hands of a subscriber, as the screen is one. At last: what a step costs beside its
model, from a pipeline of many steps whose model answers at once.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from engine import Engine, Settings
from engine.events import Event, Log
from engine.settings import LlmSettings, ModelSettings
from engine.tasks.pipeline_file import load
from engine.tasks.request import TaskRequest
from tests.bench.table import median, show

RUNS = 5
STEPS = 20
TOKENS = 10_000
PACES = ((800, 200), (4000, 2000), (TOKENS, 0))
"""Tokens of an answer, and how many of them come in a second: as from a good card, from more than
any server gives, and without a pace."""

TRUSTED = httpx.create_ssl_context()
"""Read once, as every client should: it takes longer than a step."""

SERVER = """
import http.server, json, sys, time
def piece(text, reason=None):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    body = {"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(body).encode() + b"\\n\\n"
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        tokens, rate = (int(part) for part in asked["model"].split("@"))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        began = time.monotonic()
        pieces = [piece(f"word{n}" + ("\\n" if n % 12 == 11 else " ")) for n in range(tokens)]
        pieces += [piece("\\nthe end\\n"), piece("", "stop") + b"data: [DONE]\\n\\n"]
        for number, data in enumerate(pieces):
            if rate:
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
            self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(data), data))
        self.wfile.write(b"0\\r\\n\\r\\n")
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.handle_error = lambda *arguments: None  # a client that has its answer hangs up
print(server.server_port, flush=True)
server.serve_forever()
"""

ONE = """
name: one
steps:
  - step_name: write
    model_type: codellama
    prompt: Write.
"""

MANY = "name: many\nsteps:\n" + "".join(
    f"  - step_name: step {number}\n    model_type: codellama\n    prompt: Answer.\n"
    for number in range(STEPS)
)


def main() -> None:
    """Measure and print."""
    with _server() as url, tempfile.TemporaryDirectory() as folder:
        rows = []
        for tokens, rate in PACES:
            name = f"{tokens} tokens, {f'{rate}/s' if rate else 'no pace'}"
            model = f"{tokens}@{rate}"
            bare = median([_bare(url, model) for _ in range(RUNS)])
            with _engine(url, model, Path(folder)) as engine:
                ours = median([_until_last_token(engine) for _ in range(RUNS)])
            rows += [
                (f"{name}: bare httpx (baseline)", f"{bare:.3f}", f"{tokens / bare:,.0f}", "1.00"),
                (f"{name}: espdeck", f"{ours:.3f}", f"{tokens / ours:,.0f}", f"{ours / bare:.2f}"),
            ]
        show(
            f"from the request to the last token, median of {RUNS}",
            ("", "seconds", "tokens/s", "ratio"),
            rows,
        )
        bare = median([_bare(url, "1@0") for _ in range(RUNS)])
        with _engine(url, "1@0", Path(folder)) as engine:
            ours = median([_of_a_step(engine) for _ in range(RUNS)])
        show(
            f"one step of {STEPS} whose model answers at once, median of {RUNS}",
            ("", "ms"),
            [
                ("bare httpx (baseline)", f"{1e3 * bare:.1f}"),
                ("espdeck", f"{1e3 * ours:.1f}"),
                ("what a step costs beside its model", f"{1e3 * (ours - bare):.1f}"),
            ],
        )


@contextlib.contextmanager
def _server() -> Iterator[str]:
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def _engine(url: str, model: str, folder: Path) -> Iterator[Engine]:
    named = ModelSettings(server="openai", name=model)
    llm = LlmSettings(openai=url, models={"codellama": named, "assembler": named})
    with Engine(Settings(workspace=folder / "workspace", llm=llm)) as engine:
        engine.wait_ready()
        yield engine


def _bare(url: str, model: str) -> float:
    """Seconds from the request to the last token."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Write."}]}
    began, text = time.monotonic(), ""
    with httpx.Client(verify=TRUSTED) as client, client.stream("POST", url, json=body) as response:
        for line in response.iter_lines():
            if line.startswith("data: {"):
                text += json.loads(line[6:])["choices"][0]["delta"]["content"]
        assert text.endswith("the end\n")
        return time.monotonic() - began


def _until_last_token(engine: Engine) -> float:
    """Seconds from the stage's first line, before it asks, to the last token on the bus."""
    seen: dict[str, float] = {}
    done = threading.Event()

    def watch(event: Event) -> None:
        if isinstance(event, Log) and event.stage == "write":
            seen.setdefault("began", time.monotonic())
            if "the end\n" in event.text:
                seen["ended"] = time.monotonic()
                done.set()

    unsubscribe = engine.events.subscribe(watch)
    number = engine.tasks.start(TaskRequest(pipeline=load(ONE, "one.yaml"))).number
    assert done.wait(120)
    unsubscribe()
    engine.tasks.wait(number)
    return seen["ended"] - seen["began"]


def _of_a_step(engine: Engine) -> float:
    """Seconds from one step to the next, on an average."""
    number = engine.tasks.start(TaskRequest(pipeline=load(MANY, "many.yaml"))).number
    engine.tasks.wait(number)
    steps = [row for row in engine.tasks.stages(number) if row.key.startswith("step")]
    first, last = steps[0].started_at, steps[-1].completed_at
    assert len(steps) == STEPS
    assert first is not None
    assert last is not None
    return (last - first).total_seconds() / STEPS
