"""Both clients against real HTTP on loopback: whole answers, and every way to break one."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cancel import CancelToken
from engine.errors import CancelledError, ModelError
from engine.llm import chat, wire
from engine.llm.chat import Answer, Message, ModelServer, Request, Speaker, fit
from engine.llm.ollama import Ollama
from engine.llm.openai import OpenAI, events_of
from engine.llm.placeholder import MARK, Placeholder
from engine.settings import ModelSettings
from tests.engine.llm import servers
from tests.engine.llm.servers import Reply, Server, drip, silence, stall, status, stream

QUESTION = Request("m", (Message(Speaker.USER, "why?"),), timeout=20)
OLLAMA = stream(*servers.ollama("be", "cause", prompt_eval_count=7, eval_count=2))
OPENAI = stream(
    *servers.openai(
        "be", "cause", usage={"prompt_tokens": 7, "completion_tokens": 2, "cost": 0.0003}
    )
)


@dataclass
class Asker:
    """Asks one kind of server, and keeps what came."""

    kind: str
    servers: list[Server] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)

    def server(self, *replies: Reply) -> ModelServer:
        made = Server(*replies)
        self.servers.append(made)
        if self.kind == "ollama":
            return Ollama(made.url)
        return OpenAI("lab", f"{made.url}/v1", key="s3cret")

    def ask(
        self,
        *replies: Reply,
        request: Request = QUESTION,
        cancel: CancelToken | None = None,
        on_text: Callable[[str], None] = lambda _text: None,
    ) -> Answer:
        def take(text: str) -> None:
            self.texts.append(text)
            on_text(text)

        return self.server(*replies).chat(
            request, on_text=take, on_retry=self.retries.append, cancel=cancel or CancelToken()
        )

    @property
    def whole(self) -> Reply:
        return OLLAMA if self.kind == "ollama" else OPENAI

    def piece(self, text: str) -> bytes:
        make = servers.ollama if self.kind == "ollama" else servers.openai
        return next(line for line in make(text) if text.encode() in line)


@pytest.fixture(params=["ollama", "openai"])
def asker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    monkeypatch.setattr(wire, "MAX_WAIT_SECONDS", 0.01)
    asker = Asker(request.param)
    yield asker
    for server in asker.servers:
        server.close()


def test_an_answer_comes_in_pieces_and_is_counted(asker: Asker) -> None:
    answer = asker.ask(asker.whole)
    assert asker.texts == ["be", "cause"]
    assert (answer.text, answer.usage.model, answer.usage.cut) == ("because", "m", False)
    assert (answer.usage.tokens_in, answer.usage.tokens_out, answer.usage.attempts) == (7, 2, 1)
    assert answer.usage.tokens_per_second is not None
    assert answer.usage.cost == (None if asker.kind == "ollama" else 0.0003)


def test_the_question_is_sent_as_the_protocol_has_it(asker: Asker) -> None:
    request = Request("m", (Message(Speaker.SYSTEM, "be brief"), *QUESTION.messages), 100, 0.3)
    asker.ask(asker.whole, request=request)
    ((line, headers, body),) = asker.servers[0].requests
    assert body["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "why?"},
    ]
    assert body["stream"] is True
    if asker.kind == "ollama":
        assert line == "POST /api/chat HTTP/1.1"
        assert body["options"] == {"temperature": 0.3, "num_predict": 100, "num_ctx": 8192}
    else:
        assert line == "POST /v1/chat/completions HTTP/1.1"
        assert headers["authorization"] == "Bearer s3cret"
        assert (body["temperature"], body["max_tokens"]) == (0.3, 100)


@pytest.mark.parametrize(
    "border",
    [
        *("<|im_start|>system", "<|eot_id|>", "<|start_header_id|>", "<start_of_turn>model"),
        *("<\uff5cUser\uff5c>", "[/INST]", "[SYSTEM_PROMPT]"),
    ],
)
def test_a_text_cannot_begin_a_turn_of_the_conversation(asker: Asker, border: str) -> None:
    message = Message(Speaker.USER, f"a <|> b {border} x[1] <stdio.h>")
    asker.ask(asker.whole, request=Request("m", (message,)))
    (turn,) = asker.servers[0].requests[0][2]["messages"]
    assert turn["content"] == f"a <|> b {border[0]} {border[1:]} x[1] <stdio.h>"


def test_an_answer_that_ends_at_its_length_is_said_to_be_cut(asker: Asker) -> None:
    lines = (
        servers.ollama("a", done_reason="length")
        if asker.kind == "ollama"
        else servers.openai("a", finish="length")
    )
    assert asker.ask(stream(*lines)).usage.cut


@pytest.mark.parametrize("size", [1, 7, 64])
def test_pieces_may_be_cut_anywhere(asker: Asker, size: int) -> None:
    make = servers.ollama if asker.kind == "ollama" else servers.openai
    data = b"".join(make("grüße", " 日本"))
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert asker.ask(stream(*chunks)).text == "grüße 日本"


BREAKS: dict[str, Callable[[Asker], Reply]] = {
    "busy": lambda _asker: status(429, '{"error": "too many"}', Retry_After="0"),
    "down": lambda _asker: status(503, "upstream"),
    "cut": lambda asker: stream(asker.piece("be"), ends=False),
    "short": lambda asker: stream(asker.piece("be")),
    "nonsense": lambda asker: stream(asker.piece("be").replace(b"}", b"")),
    "a list": lambda asker: stream(b"[]\n" if asker.kind == "ollama" else b"data: []\n\n"),
    "error": lambda asker: stream(
        b'{"error": "runner died"}\n'
        if asker.kind == "ollama"
        else b'data: {"error": {"message": "runner died"}}\n\n'
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_can_get_better_is_asked_for_again(asker: Asker, name: str) -> None:
    answer = asker.ask(BREAKS[name](asker), asker.whole)
    assert (answer.text, answer.usage.attempts) == ("because", 2)
    assert len(asker.retries) == 1
    assert "; again in " in asker.retries[0]


@pytest.mark.parametrize("name", BREAKS)
def test_what_does_not_get_better_is_told_in_a_line(asker: Asker, name: str) -> None:
    with pytest.raises(ModelError) as caught:
        asker.ask(BREAKS[name](asker))
    assert len(asker.servers[0].requests) == wire.ATTEMPTS
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("code", [400, 401, 404])
def test_what_is_refused_is_not_asked_for_again(asker: Asker, code: int) -> None:
    with pytest.raises(ModelError, match=str(code)) as caught:
        asker.ask(status(code, json.dumps({"error": {"message": "no\n\x1b[2Jsuch"}})))
    assert len(asker.servers[0].requests) == 1
    expected = {
        ("ollama", 404): "ollama pull m",
        ("openai", 404): "espdeck models",
        ("openai", 401): "the key in ESPDECK_LLM_API_KEY is refused",
    }.get((asker.kind, code), "")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "host"),
    [
        ("lab", "lab:11434"),
        ("lab:80", "lab:80"),
        (":8080", "127.0.0.1:8080"),
        ("http://lab", "lab"),
    ],
)
def test_a_host_is_asked_at_the_port_that_ollama_means(said: str, host: str) -> None:
    assert Ollama(said).url == f"http://{host}"


@pytest.mark.parametrize("url", ["http://[::1", "http://lab:port", "http://\ud800/"])
def test_a_url_that_is_none_is_told(url: str) -> None:
    for server in (Ollama(url), OpenAI("lab", url)):
        with pytest.raises(ModelError, match="check the URL"):
            server.models(CancelToken())


def test_a_key_that_cannot_be_sent_is_not_told() -> None:
    with pytest.raises(ModelError, match="ASCII") as caught:
        OpenAI("lab", "http://127.0.0.1:1/v1", key="schlüssel").models(CancelToken())
    assert "schl" not in str(caught.value)


def test_nobody_there_is_told(asker: Asker) -> None:
    server = asker.server(silence)
    asker.servers[0].close()
    with pytest.raises(ModelError, match="nothing answers there; is the server running"):
        server.models(CancelToken())


@pytest.mark.parametrize("where", ["before the head", "in the midst"])
def test_cancelling_closes_the_connection_at_once(asker: Asker, where: str) -> None:
    cancel = CancelToken()
    reply = silence if where == "before the head" else stall(asker.piece("be"))

    def cancel_when_asked() -> None:
        while not asker.servers or not asker.servers[0].requests:
            pass
        cancel.cancel()

    if where == "before the head":
        threading.Thread(target=cancel_when_asked, daemon=True).start()
    with pytest.raises(CancelledError):
        asker.ask(reply, cancel=cancel, on_text=lambda _text: cancel.cancel())
    assert asker.servers[0].hung_up.wait(5)


@pytest.mark.parametrize("where", ["before the head", "in the midst"])
def test_an_answer_that_takes_too_long_is_given_up(asker: Asker, where: str) -> None:
    reply = silence if where == "before the head" else stall(asker.piece("be"))
    request = Request("m", QUESTION.messages, timeout=0.3)
    with pytest.raises(ModelError, match=r"sent nothing for 0\.3 s: a smaller model"):
        asker.ask(reply, request=request)
    assert asker.servers[0].hung_up.wait(5)


@pytest.mark.parametrize("alive", ["a piece", "a sign of life"])
def test_an_answer_that_is_alive_may_take_longer_but_not_for_ever(
    asker: Asker, monkeypatch: pytest.MonkeyPatch, alive: str
) -> None:
    monkeypatch.setattr(chat, "WHOLE_ANSWER", 3)
    sign = b"\n" if asker.kind == "ollama" else b": PROCESSING\n\n"
    piece = asker.piece("be") if alive == "a piece" else sign
    request = Request("m", QUESTION.messages, timeout=0.4)
    with pytest.raises(ModelError, match=r"no whole answer within 1\.2 s"):
        asker.ask(drip(piece), request=request)
    assert asker.servers[0].hung_up.wait(5)
    assert len(asker.servers[0].requests) == 1


SAMPLING = {
    "top_p": 0.9,
    "top_k": 20,
    "min_p": 0.05,
    "seed": 7,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "stop": ("END",),
}


def test_what_is_set_is_sent_and_nothing_else(asker: Asker) -> None:
    extra = {"keep_alive": "1h", "options": {"mirostat": 1}}
    model = ModelSettings.model_validate({**SAMPLING, "extra": extra})
    request = Request("m", QUESTION.messages, sampling=model.sampling, extra=model.extra)
    asker.ask(asker.whole, request=request)
    asker.ask(asker.whole)
    (_line, _head, full), (_line, _head, plain) = (each.requests[0] for each in asker.servers)
    sent = full["options"] if asker.kind == "ollama" else full
    assert {name: sent[name] for name in SAMPLING} == {**SAMPLING, "stop": ["END"]}
    assert (full["keep_alive"], full["options"]["mirostat"]) == ("1h", 1)
    assert full["model"] == "m"
    known = {"model", "messages", "stream"}
    if asker.kind == "ollama":
        assert plain.keys() == known | {"options"}
        assert full["options"]["num_predict"] == 512
    else:
        assert plain.keys() == known | {"stream_options", "temperature", "max_tokens"}


@pytest.mark.parametrize(
    ("effort", "think", "told"),
    [
        ("low", None, "low"),
        ("none", None, False),
        ("minimal", None, "low"),
        ("xhigh", None, "high"),
        ("low", True, True),
        (None, False, False),
        (None, "high", "high"),
    ],
)
def test_how_much_is_reasoned_is_told(
    asker: Asker, effort: str | None, think: bool | str | None, told: bool | str
) -> None:
    request = Request("m", QUESTION.messages, reasoning_effort=effort, think=think)
    asker.ask(asker.whole, request=request)
    body = asker.servers[0].requests[0][2]
    if asker.kind == "ollama":
        assert body["think"] == told
        assert "reasoning_effort" not in body
    else:
        assert body.get("reasoning_effort") == effort
        assert "think" not in body


REFUSALS = {
    "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead.",
    "temperature": "Unsupported value: 'temperature' does not support 0.7 with this model. Only "
    "the default (1) value is supported.",
    "stream_options": "Extra inputs are not permitted, field: 'stream_options'",
}


def test_what_a_model_refuses_is_left_out_from_then_on() -> None:
    replies = [status(400, json.dumps({"error": {"message": each}})) for each in REFUSALS.values()]
    server, said = Server(*replies, OPENAI), list[str]()
    lab = OpenAI("lab", f"{server.url}/v1", key="s3cret")
    for _ in range(2):
        answer = lab.chat(
            QUESTION, on_text=lambda _text: None, on_retry=said.append, cancel=CancelToken()
        )
        assert (answer.text, answer.usage.attempts) == ("because", 1)
    bodies = [body for _line, _head, body in server.requests]
    assert len(bodies) == 5
    assert [line.rpartition("; ")[2] for line in said] == [f"again without {n}" for n in REFUSALS]
    for body in bodies[-2:]:
        assert not REFUSALS.keys() & body.keys()
        assert body["max_completion_tokens"] == 512
    server.close()


def test_what_cannot_be_left_out_is_refused_once(asker: Asker) -> None:
    for reason in ("max_tokens is too large: 8192", "'top_p' is not supported", "no"):
        with pytest.raises(ModelError, match=reason):
            asker.ask(status(400, json.dumps({"error": {"message": reason}})))
        assert len(asker.servers[-1].requests) == 1


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_in_a_field_of_its_own_is_shown_and_no_answer(asker: Asker, name: str) -> None:
    pieces = [
        asker.piece("be").replace(b'"content": "be"', b'"content": "", "%s": "3?"' % field)
        for field in [b"thinking" if asker.kind == "ollama" else name.encode()]
    ]
    make = servers.ollama if asker.kind == "ollama" else servers.openai
    answer = asker.ask(stream(*pieces, *make("because")))
    assert (answer.text, answer.reasoned, answer.ended) == ("because", True, True)
    assert "".join(asker.texts) == "<think>\n3?\n</think>\nbecause"


def test_a_content_of_parts_is_read_as_mistral_sends_it() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "3?"}, 7]},
        {"type": "text", "text": "because"},
        {"type": "reference", "reference_ids": [1]},
        "no part",
    ]
    piece = {"choices": [{"delta": {"content": parts}, "finish_reason": "stop"}]}
    asker = Asker("openai")
    answer = asker.ask(stream(b"data: " + json.dumps(piece).encode() + b"\n\ndata: [DONE]\n\n"))
    assert (answer.text, answer.reasoned) == ("because", True)
    asker.servers[0].close()


def test_a_long_chain_of_reasoning_fits(asker: Asker) -> None:
    made = asker.piece("<think>" + "a" * 9) + b"".join([asker.piece("b" * 9)] * 30_000)
    make = servers.ollama if asker.kind == "ollama" else servers.openai
    answer = asker.ask(stream(made, *make("</think>because")))
    assert answer.text == "because"


def test_a_line_without_an_end_is_given_up(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_LINE_BYTES", 10_000)
    with pytest.raises(ModelError, match="larger than can be of use"):
        asker.ask(stream(*[b"x" * 4000] * 100))


@pytest.mark.parametrize("head", ["gzip", "gzip, gzip", "br", "zstd", "deflate", "x-\x1b[2J"])
def test_an_encoded_answer_is_refused_unread(asker: Asker, head: str) -> None:
    bomb = gzip.compress(gzip.compress(b"[" * (1 << 24)))
    line = f"Content-Encoding: {head}\r\n".encode()
    with pytest.raises(ModelError, match=r"encoded \(.*not asked for|broke off") as caught:
        asker.ask(stream(bomb, head=line))
    assert asker.servers[0].requests[0][1]["accept-encoding"] == "identity"
    assert "\x1b" not in str(caught.value)
    with pytest.raises(ModelError, match="503"):
        asker.ask(status(503, bomb.decode("latin-1"), Content_Encoding="gzip"))


def test_encodings_said_line_by_line_are_refused(asker: Asker) -> None:
    lines = b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n"
    with pytest.raises(ModelError, match="encoded"):
        asker.ask(stream(b"x", head=lines))


def test_an_answer_that_says_it_is_not_encoded_is_taken(asker: Asker) -> None:
    pieces = servers.ollama("a") if asker.kind == "ollama" else servers.openai("a")
    assert asker.ask(stream(*pieces, head=b"Content-Encoding: identity\r\n")).text == "a"


@pytest.mark.slow
def test_a_line_in_very_many_chunks_costs_linear_time(asker: Asker) -> None:
    # Not within the time for an answer, if what came of the line were copied with each chunk.
    long = asker.piece("a" * 900_000)
    middle = long[100:-100]
    at = len(middle) - 30_000
    chunks = [middle[i : i + 1] for i in range(at, len(middle))]
    pieces = servers.ollama("b") if asker.kind == "ollama" else servers.openai("b")
    made = [long[:100] + middle[:at], *chunks, long[-100:], *pieces]
    assert asker.ask(stream(*made)).text == "a" * 900_000 + "b"


@pytest.mark.parametrize("code", [200, 400])
def test_a_head_without_an_end_is_given_up(asker: Asker, code: int) -> None:
    def reply(client: socket.socket) -> None:
        client.sendall(f"HTTP/1.1 {code} X\r\n".encode())
        while True:
            client.sendall(b"X: " + b"x" * 4000 + b"\r\n")

    with pytest.raises(ModelError, match="broke off"):
        asker.ask(reply)


def test_nobody_is_sent_elsewhere_with_the_key(asker: Asker) -> None:
    other = Server(asker.whole)
    asker.servers.append(other)
    with pytest.raises(ModelError, match="307: it redirects elsewhere"):
        asker.ask(status(307, Location=f"{other.url}/v1/chat/completions"))
    assert other.requests == []


@pytest.mark.parametrize(
    "deep", ['"model": DEEP', '"error": DEEP', '"error": {"message": DEEP}', '"done_reason": DEEP']
)
def test_a_structure_where_a_word_belongs_is_none(asker: Asker, deep: str) -> None:
    structure = "[" * 900 + "]" * 900
    line = f"{{{deep.replace('DEEP', structure)}}}\n"
    with pytest.raises(ModelError) as caught:
        asker.ask(stream(line.encode() if asker.kind == "ollama" else f"data: {line}\n".encode()))
    assert "[[" not in str(caught.value)


def test_a_server_that_tells_a_secret_again_is_not_repeated(asker: Asker) -> None:
    said = json.dumps({"error": "bad key s3cret for http://u:hunter2@h/v1\x1b[2J"})
    with pytest.raises(ModelError) as caught:
        asker.ask(status(400, said))
    expected = "s3cret" if asker.kind == "ollama" else "***"  # that one was told no key
    assert f"400 bad key {expected} for http://***@h/v1" in str(caught.value)


@pytest.mark.parametrize("kind", ["ollama", "openai"])
def test_a_password_in_a_url_is_not_told(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_WAIT_SECONDS", 0.01)
    for reply in (status(200, "[]"), status(200, "x"), status(400, "no: hunter2")):
        server = Server(reply)
        url = server.url.replace("://", "://u:hunter2@")
        asked = Ollama(url) if kind == "ollama" else OpenAI("lab", url)
        with pytest.raises(ModelError) as caught:
            asked.models(CancelToken())
        server.close()
        assert "hunter2" not in str(caught.value)
        assert "***" in str(caught.value)


NONSENSE = ["NaN", "Infinity", "-1", "1e999", "9" * 400, '"7"', "true", "[]", "null"]


@pytest.mark.parametrize("number", NONSENSE)
def test_counts_that_are_none_are_unknown(asker: Asker, number: str) -> None:
    names = ("eval_count", "prompt_eval_count", "completion_tokens", "prompt_tokens", "cost")
    pieces = servers.ollama("x", eval_count=1) if asker.kind == "ollama" else servers.openai("x")
    counts = ", ".join(f'"{name}": {number}' for name in names)
    made = [
        piece.replace(b'"eval_count": 1', counts.encode()).replace(
            b'"choices"', f'"usage": {{{counts}}}, "choices"'.encode()
        )
        for piece in pieces
    ]
    usage = asker.ask(stream(*made)).usage
    assert (usage.tokens_in, usage.tokens_out, usage.cost) == (None, None, None)


def test_what_utf_8_has_no_form_for_is_no_part_of_an_answer(asker: Asker) -> None:
    broken = asker.piece("be").replace(b'"be"', b'"a\\ud800b"')
    whole = list(servers.ollama("c") if asker.kind == "ollama" else servers.openai("c"))
    assert asker.ask(stream(broken, *whole)).text == "a?bc"


def test_what_a_model_calls_itself_cannot_steer_a_terminal(asker: Asker) -> None:
    name = json.dumps("m\x1b[2J\n" + "x" * 5000)
    pieces = servers.ollama("x") if asker.kind == "ollama" else servers.openai("x")
    made = [piece.replace(b"{", b'{"model": ' + name.encode() + b", ", 1) for piece in pieces]
    named = [re.sub(rb', "model": "m"', b"", piece) for piece in made]
    assert asker.ask(stream(*named)).usage.model == "m" + "x" * 199


def test_nesting_without_end_is_told(asker: Asker) -> None:
    deep = b"[" * 200_000 + b"\n"
    with pytest.raises(ModelError, match="not JSON"):
        asker.ask(stream(deep if asker.kind == "ollama" else b"data: " + deep + b"\n"))


def test_models_are_listed(asker: Asker) -> None:
    body = {"models": [{"name": "b"}, {"name": "a"}]}
    if asker.kind == "openai":
        body = {"data": [{"id": "b"}, {"id": "a"}]}
    assert asker.server(status(200, json.dumps(body))).models(CancelToken()) == ("a", "b")


@pytest.mark.parametrize("body", ["[]", "{}", "<html>", '{"models": 1, "data": 1}'])
def test_another_kind_of_server_is_told(asker: Asker, body: str) -> None:
    with pytest.raises(ModelError, match=r"does not answer as|not JSON"):
        asker.server(status(200, body)).models(CancelToken())


def test_a_question_that_does_not_fit_loses_its_middle_and_says_so() -> None:
    long = Message(Speaker.USER, "a" * 5000 + "b" * 5000)
    request = Request("m", (Message(Speaker.SYSTEM, "s"), long), max_tokens=100, context=1100)
    cut, left_out = fit(request)
    text = cut.messages[1].text
    assert sum(len(message.text) for message in cut.messages) <= 3000
    assert text.startswith("aaa")
    assert text.endswith("bbb")
    assert "were left out here" in text
    assert text.count("a") + text.count("b") >= 10_000 - left_out
    assert cut.messages[0] == request.messages[0]


def test_several_long_messages_lose_their_middles() -> None:
    messages = tuple(
        Message(Speaker.USER, sign * size) for sign, size in (("a", 3000), ("b", 2900))
    )
    cut, left_out = fit(Request("m", messages, max_tokens=100, context=600))
    assert sum(len(message.text) for message in cut.messages) <= 1500
    assert all("were left out here" in message.text for message in cut.messages)
    assert left_out > 4400


@pytest.mark.slow
@given(st.lists(st.text(max_size=200), min_size=1, max_size=4), st.integers(1, 400))
def test_whatever_is_asked_fits_or_is_only_the_mark(texts: list[str], context: int) -> None:
    messages = tuple(Message(Speaker.USER, text) for text in texts)
    request = Request("m", messages, max_tokens=10, context=context)
    cut, left_out = fit(request)
    assert (left_out == 0) == (cut == request)
    assert len(cut.messages) == len(messages)


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_are_events_or_nothing(lines: list[bytes]) -> None:
    assert all(isinstance(event, str) for event in events_of(lines))


def test_events_may_have_comments_several_lines_and_no_end() -> None:
    lines = [b": hello", b"event: x", b"data: a", b"data:b\r", b"", b"", b"data: c"]
    assert list(events_of(lines)) == ["a\nb", "c"]


def test_a_placeholder_says_that_it_is_one() -> None:
    texts: list[str] = []
    answer = Placeholder().chat(
        QUESTION, on_text=texts.append, on_retry=pytest.fail, cancel=CancelToken()
    )
    assert answer.text == "".join(texts)
    assert answer.text.startswith(MARK)
    assert answer.usage.tokens_out is None
