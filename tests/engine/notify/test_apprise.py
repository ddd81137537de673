"""Messages by apprise itself: what a service gets, what is cut, and what a failure means."""

from __future__ import annotations

import email
import email.policy
import importlib.util
import json
import os
import smtplib
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from engine.cancel import CancelToken
from engine.enums import DeliveryStatus
from engine.errors import MissingToolError
from engine.notify import apprise_channel, apprise_child
from engine.notify.apprise_channel import AppriseSender
from engine.notify.outcome import Outcome, Result
from tests.engine.notify.lab import lab
from tests.engine.notify.receivers import Sink, http_sink

pytestmark = pytest.mark.slow  # each message is a process

EVIL = "<!channel> <http://evil.example|click> @everyone [here](http://evil.example) <b>x</b> & y"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with http_sink() as sink:
        yield sink


class Mailbox:
    """What an SMTP server took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        policy = email.policy.default
        mail = email.message_from_bytes(envelope.content, EmailMessage, policy=policy)
        self.mails.append(mail)
        return self.answer


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process of its own watches on the wire, this one watches for one test."""
    requests = pytest.importorskip("requests")
    monkeypatch.setattr(requests.Session, "request", requests.Session.request)
    monkeypatch.setattr(smtplib.SMTP, "data", smtplib.SMTP.data)


def send_here(folder: Path, url: str, body: str = "b") -> Outcome:
    asked = {"url": url, "title": "t", "body": body, "kind": "failure", "more": "espdeck show 1"}
    return apprise_child.send(asked, folder / "mark")


def send(folder: Path, url: str, body: str = "b", title: str = "t") -> Outcome:
    return AppriseSender(folder / "notify").send(
        7, url, title=title, body=body, kind="failure", more="espdeck show 1", cancel=CancelToken()
    )


def test_a_failure_reaches_a_web_hook_and_a_mailbox(
    tmp_path: Path, sink: Sink, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    channels = {"hook": {"url": f"json://127.0.0.1:{sink.port}/hook"}}
    mail = {"recipients": ["ada@lab.example"], "mail_server": f"mailto://127.0.0.1:{port}"}
    mail["mail_server"] += "?from=espdeck@lab.example"  # type: ignore[operator]
    with lab(tmp_path, channels=channels, **mail) as here:
        here.build(failed=True, finding="expected ';' before \u202ereturn\x1b[31m")
        here.step()

        (request,) = sink.requests
        assert request.path == "/hook"
        assert request.json["title"] == "blink main esp32c3 failed"
        assert "main/app.c:12: expected ';' before return" in request.json["message"]
        assert request.json["type"] == "failure"
        (got,) = box.mails
        assert got["Subject"] == "blink main esp32c3 failed"
        assert got["To"] == "ada@lab.example"
        assert "espdeck show 1" in got.get_content()
        statuses = [info.last.status for info in here.notifications.channels() if info.last]
        assert statuses == [DeliveryStatus.SENT, DeliveryStatus.SENT]


def test_a_title_is_no_header_of_a_mail(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    url = f"mailto://127.0.0.1:{port}?from=a@b.example&to=c@d.example"
    with lab(tmp_path, channels={"post": {"url": url}}) as here:
        project = here.project("x\r\nBcc: everybody@d.example\r\n\r\nbody")
        here.build(failed=True, project=project)
        here.step()

        (mail,) = box.mails
        assert mail["Bcc"] is None
        assert mail["Subject"].startswith("x Bcc: everybody@d.example body")


@pytest.mark.parametrize("service", ["slack", "discord", "mmost", "rocket", "json"])
def test_what_a_repository_says_is_no_markup_for_a_chat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    pytest.importorskip("apprise")
    import requests

    sent: list[str] = []

    def request(_session: Any, method: str, url: str, **more: Any) -> Any:
        sent.append(str(more.get("data") or more.get("json")))
        answer = requests.Response()
        answer.status_code, answer._content = 200, b"ok"
        return answer

    monkeypatch.setattr(requests.Session, "request", request)
    urls = {
        "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
        "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "mmost": "mmost://localhost/3ccdd113474722377935511fc85d3dd4",
        "rocket": "rocket://webhooktoken123/abcdefgh@localhost/#c",
        "json": "json://localhost/x",
    }
    asked = {
        "url": urls[service],
        "title": EVIL,
        "body": EVIL,
        "kind": "info",
        "more": "espdeck show 1",
    }
    outcome = apprise_child.send(asked, tmp_path / "mark")

    assert outcome.result is Result.SENT, outcome
    text = json.dumps(sent)
    if service == "json":
        assert "<!channel>" in text  # for a program, as it is
        return
    for forbidden in ("<!channel", "&lt;!channel&gt;", "|click", "@everyone", "](http", "<b>"):
        if forbidden == "|click":
            assert "<http" not in text
            continue
        assert forbidden not in text, forbidden


def test_a_long_body_is_cut_to_what_a_service_takes(tmp_path: Path) -> None:
    pytest.importorskip("apprise")
    import apprise

    plugin = apprise.Apprise.instantiate("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js")
    lines = "\n".join(f"main/app.c:{number}: expected ';' <here>" for number in range(200))
    body, cut = apprise_child._fit(plugin, "a title", lines, "espdeck show 1")

    assert len(body) < 2000
    kept = len(lines) - cut
    assert body == f"{lines[:kept]}\n… {cut} more characters: espdeck show 1"
    assert lines[kept] == "\n"
    assert apprise_child._fit(plugin, "a title", "short", "x") == ("short", 0)


@pytest.mark.usefixtures("unwatched")
def test_the_cut_is_kept_with_the_delivery(tmp_path: Path, sink: Sink) -> None:
    outcome = send_here(tmp_path, f"json://127.0.0.1:{sink.port}/", "x" * 40_000)

    assert outcome.result is Result.SENT
    assert outcome.cut > 7000
    assert len(sink.requests[0].json["message"]) < 32768


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize(
    ("code", "result", "after"),
    [
        (200, Result.SENT, None),
        (301, Result.RETRY, None),
        (303, Result.UNKNOWN, None),
        (400, Result.FAILED, None),
        (404, Result.RETRY, None),
        (413, Result.FAILED, None),
        (429, Result.RETRY, 17.0),
        (500, Result.RETRY, None),
        (504, Result.UNKNOWN, None),
    ],
)
def test_what_an_answer_means(
    tmp_path: Path, sink: Sink, code: int, result: Result, after: float | None
) -> None:
    headers = {"Retry-After": "17"} if code == 429 else {}
    sink.answer = lambda _request: (code, headers, "said")

    outcome = send_here(tmp_path, f"json://user:pa55word@127.0.0.1:{sink.port}/t0ken/x")

    assert (outcome.result, outcome.after) == (result, after)
    assert "pa55word" not in outcome.error
    assert "t0ken" not in outcome.error


@pytest.mark.usefixtures("unwatched")
def test_no_answer_may_be_an_arrival_and_no_connection_is_none(tmp_path: Path, sink: Sink) -> None:
    sink.delay = threading.Event()
    outcome = send_here(tmp_path, f"json://127.0.0.1:{sink.port}/?rto=0.3")
    assert outcome.result is Result.UNKNOWN
    assert "timed out" in outcome.error
    sink.delay.set()

    refused = send_here(tmp_path, "json://127.0.0.1:1/")
    assert refused.result is Result.RETRY
    assert refused.error == "cannot connect: [Errno 111] Connection refused"


@pytest.mark.usefixtures("unwatched")
def test_no_token_follows_a_redirect(tmp_path: Path, sink: Sink) -> None:
    with http_sink() as other:
        sink.answer = lambda _request: (307, {"Location": f"{other.url}/elsewhere"}, "")
        outcome = send_here(tmp_path, f"json://127.0.0.1:{sink.port}/?+X-Token=s3cret")

    assert outcome == Outcome(
        Result.RETRY, "HTTP 307: it leads to another URL; set the one that takes messages"
    )
    assert (len(sink.requests), other.requests) == (1, [])


@pytest.mark.usefixtures("unwatched")
def test_a_server_without_tls_was_sent_nothing(tmp_path: Path, sink: Sink) -> None:
    outcome = send_here(tmp_path, f"jsons://127.0.0.1:{sink.port}/?cto=0.5&rto=0.5")

    assert outcome.result is Result.RETRY
    assert not (tmp_path / "mark").exists()


@pytest.mark.usefixtures("unwatched")
def test_an_answer_that_cannot_be_kept_may_be_an_arrival(
    tmp_path: Path, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    def too_long(_answer: requests.Response) -> str:
        raise MemoryError

    monkeypatch.setattr(requests.Response, "content", property(too_long))
    outcome = send_here(tmp_path, f"json://127.0.0.1:{sink.port}/")

    assert outcome == Outcome(Result.UNKNOWN, "no answer: MemoryError")


@pytest.mark.usefixtures("unwatched")
def test_mail_that_is_refused_and_a_server_that_is_not_there(
    tmp_path: Path, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    box.answer = "451 try later"
    url = "mailto://127.0.0.1:{}?from=a@b.example&to=c@d.example"

    assert send_here(tmp_path, url.format(port)).result is Result.RETRY
    assert send_here(tmp_path, url.format(1)).result is Result.RETRY


@pytest.mark.usefixtures("unwatched")
def test_an_address_that_apprise_would_leave_out_is_said(tmp_path: Path) -> None:
    outcome = send_here(tmp_path, "mailto://localhost:1?to=ada@lab.example,root@labhost")

    assert outcome == Outcome(
        Result.FAILED, "the URL cannot be used: root@labhost: not an e-mail address"
    )


@pytest.mark.usefixtures("unwatched")
def test_a_url_that_apprise_does_not_know(tmp_path: Path) -> None:
    outcome = send_here(tmp_path, "nosuch://5ecret/t0ken")

    assert outcome.result is Result.FAILED
    assert "t0ken" not in outcome.error


def test_a_message_is_sent_by_a_process_whose_arguments_show_nothing(
    tmp_path: Path, sink: Sink
) -> None:
    seen: list[str] = []

    def answer(_request: object) -> tuple[int, dict[str, str], str]:
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if f"PPid:\t{os.getpid()}\n" not in (path / "status").read_text():
                    continue  # other tests send, too
                text = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
            except OSError:
                continue
            if b"notify.apprise_child" in text:
                seen.append(text.decode("utf-8", "replace"))
        return 500, {}, ""

    sink.answer = answer
    outcome = send(tmp_path, f"json://user:pa55word@127.0.0.1:{sink.port}/t0ken")

    assert (outcome.result, len(seen)) == (Result.RETRY, 1)
    assert "pa55word" not in seen[0]
    assert "t0ken" not in seen[0]


def test_a_process_that_was_killed_leaves_a_mark_only_if_it_sent(tmp_path: Path) -> None:
    sender = AppriseSender(tmp_path)
    assert sender.find(7) is None
    (tmp_path / "7.begun").touch()
    found = sender.find(7)
    assert found is not None
    assert found.result is Result.UNKNOWN
    (tmp_path / "7.json").write_text('{"result": "sent", "error": "", "after": null, "cut": 0}')
    assert sender.find(7) == Outcome(Result.SENT)
    sender.forget(7)
    assert sender.find(7) is None
    (tmp_path / "8.json").write_text("{")
    assert sender.find(8) is None


def test_without_apprise_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with lab(tmp_path, channels={"hook": {"url": "json://127.0.0.1:1/"}}) as here:
        with pytest.raises(MissingToolError, match=r'pip install "espdeck\[notify\]"'):
            here.notifications.test("hook")
        here.build(failed=True)
        here.step()

        last = here.notifications.channels()[0].last
        assert last is not None
        assert last.error == apprise_channel.MISSING
        assert last.status is DeliveryStatus.WAITING
