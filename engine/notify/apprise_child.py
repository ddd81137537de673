"""Sends one message by apprise, in a process of its own: ``python -m engine.notify.apprise_child``.

It reads what to send from an inherited descriptor, so that no argument or variable shows a token,
and writes how it ended into a file, so that an espdeck that was killed meanwhile knows it when it
starts again. Before the first byte goes out it leaves a mark: what has no mark was not sent.
"""

from __future__ import annotations

import functools
import html
import http.client
import json
import logging
import os
import re
import resource
import smtplib
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from engine.notify.messages import line
from engine.notify.outcome import SERVER_ERROR, TOO_MANY, Outcome, Result, hide, of_code, seconds
from engine.text import listed

_MEMORY_BYTES = 1 << 30
_MARKER = "\n… {} more characters: {}"
_EXACT = ("mailto", "mailtos", "json", "jsons", "xml", "xmls", "form", "forms")
"""Services whose readers take a text as it is; others read markup and mentions in it."""

_MAX_CAUSES = 20

_MARKUP = str.maketrans({"<": "‹", ">": "›"})


def main() -> None:
    """Send what the descriptor says, and write the outcome."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        asked = json.load(file)
    outcome = send(asked, Path(asked["mark"]))
    target = Path(asked["outcome"])
    part = target.with_suffix(".part")
    part.write_text(
        json.dumps(
            {
                "result": outcome.result,
                "error": outcome.error,
                "after": outcome.after,
                "cut": outcome.cut,
            }
        )
    )
    part.replace(target)


def send(asked: dict[str, Any], mark: Path) -> Outcome:
    """Send a message.

    Args:
        asked: ``url``, ``title``, ``body``, ``kind`` (apprise's ``info``, ``success``, ``warning``
            or ``failure``), ``more`` (what shows all of a text that is cut), ``seconds``.
        mark: file that is made before anything is sent.
    """
    import apprise

    said = _Said()
    logging.getLogger("apprise").addHandler(said)
    logging.getLogger("apprise").setLevel(logging.DEBUG)
    url = asked["url"]
    asset = apprise.AppriseAsset(
        app_id="espdeck",
        app_desc="espdeck",
        secure_logging=True,
        http_redirects=False,  # tokens in headers would go to whatever host
    )
    plugin = apprise.Apprise.instantiate(url, asset=asset)
    if not isinstance(plugin, apprise.NotifyBase):
        why = hide(said.last or "apprise does not know this kind of URL", url)
        return Outcome(Result.FAILED, f"the URL cannot be used: {why}")
    if left := _left_out(url, plugin):
        return Outcome(Result.FAILED, f"the URL cannot be used: {left}")
    title, body = asked["title"], asked["body"]
    if url.partition("://")[0].lower() not in _EXACT:
        title, body = defuse(title), defuse(body)
    if 0 < plugin.title_maxlen < len(title):
        title = f"{title[: plugin.title_maxlen - 1]}…"
    body, cut = _fit(plugin, title, body, asked["more"])
    wire = _Wire(mark)
    wire.watch()
    sender = apprise.Apprise(asset=asset)
    sender.add(plugin)
    done = sender.notify(
        title=title,
        body=body,
        body_format=apprise.NotifyFormat.TEXT,
        notify_type=apprise.NotifyType(asked["kind"]),
    )
    if done:
        return Outcome(Result.SENT, cut=cut)
    outcome = wire.outcome(said.last)
    return Outcome(outcome.result, hide(line(outcome.error), url), outcome.after, cut)


def defuse(text: str) -> str:
    """Text in which a chat finds no mention, no link behind other words and no markup of HTML.

    Slack takes ``<!channel>`` and ``<url|words>``, Discord and Mattermost ``@everyone`` and
    ``[words](url)``, wherever they come from.
    """
    text = text.translate(_MARKUP)
    return text.replace("@", "@\u200b").replace("](", "]\u200b(").replace("```", "'''")


def _left_out(url: str, plugin: Any) -> str:
    """What is wrong with addresses of a mail that apprise leaves out and says nothing of."""
    split = urlsplit(url)
    if split.scheme.lower() not in ("mailto", "mailtos"):
        return ""
    asked = re.split(r"[,; ]+", ",".join(parse_qs(split.query).get("to", ())).strip())
    good = {str(address).lower() for _name, address in plugin.targets}
    wrong = [each for each in asked if each and "<" not in each and each.lower() not in good]
    return f"{listed(wrong)}: not an e-mail address" if wrong else ""


def _fit(plugin: Any, title: str, body: str, more: str) -> tuple[str, int]:
    """The body as far as a service takes it, and how many characters are left out."""
    room = plugin.body_maxlen
    if plugin.title_maxlen <= 0 or plugin.overflow_amalgamate_title:
        room -= _size(title) + 16  # it stands above the body
    if room <= 0 or _size(body) <= room:
        return body, 0
    room -= len(_MARKER) + len(more) + 10
    kept, size = 0, 0
    for character in body:
        size += _size(character)
        if size > room:
            break
        kept += 1
    end = body.rfind("\n", 0, kept)
    kept = end if end > kept // 2 else kept
    return body[:kept] + _MARKER.format(len(body) - kept, more), len(body) - kept


def _size(text: str) -> int:
    """Characters of a text after a service's format escaped it, as the longest does."""
    return len(html.escape(text)) + text.count("\n") * 5  # <br/> in HTML


class _Said(logging.Handler):
    """Keeps the last warning of apprise, and what it adds to it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that says why."""
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            self.last = text
        elif text.startswith("Socket Exception"):
            self.last = f"{self.last} {text}".strip()


class _Wire:
    """What apprise's plugins do on the wire: whether anything was sent, and what was answered."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark
        self._answers: list[tuple[int, str, str]] = []
        self._unanswered = 0
        self._has_begun = False
        self._reason = ""
        self._mail_taken = 0

    def watch(self) -> None:
        """Look at each request of ``requests`` and each mail of ``smtplib`` from now on."""
        import requests

        self._watch_connections()
        self._watch_requests(requests)
        self._watch_mail()

    def outcome(self, said: str) -> Outcome:
        """What a message came to that apprise says was not sent."""
        good = sum(code < 300 for code, _after, _text in self._answers) + self._mail_taken
        if good or self._unanswered:
            # Some of it is there, or may be: whoever has it must not have it twice.
            how = "sent to some, not to all" if good else "no answer"
            return Outcome(Result.UNKNOWN, f"{how}: {self._reason or said}")
        if not self._answers:
            why = f"cannot connect: {self._reason}" if self._reason else said or "not sent"
            return Outcome(Result.RETRY, why)
        code, after, text = self._answers[-1]
        if code == TOO_MANY or code >= SERVER_ERROR:
            return Outcome(of_code(code, after).result, f"HTTP {code}: {said}", seconds(after))
        return of_code(code, after, answer=text or said)

    def _watch_connections(self) -> None:
        send = http.client.HTTPConnection.send
        wire = self

        @functools.wraps(send)
        def watched(connection: http.client.HTTPConnection, data: Any) -> None:
            if connection.sock is None:
                connection.connect()
            wire._has_begun = True
            wire._mark.touch()
            send(connection, data)

        http.client.HTTPConnection.send = watched  # type: ignore

    def _watch_requests(self, requests: Any) -> None:
        request = requests.Session.request
        wire = self

        @functools.wraps(request)
        def watched(session: Any, *args: Any, **kwargs: Any) -> Any:
            wire._has_begun = False
            try:
                answer = request(session, *args, **kwargs)
            except Exception as error:  # an answer without an end is a MemoryError
                wire._unanswered += wire._has_begun
                wire._reason = _root(error)
                raise
            after = answer.headers.get("Retry-After", "")
            wire._answers.append((answer.status_code, after, answer.text[:200]))
            return answer

        requests.Session.request = watched

    def _watch_mail(self) -> None:
        data = smtplib.SMTP.data
        wire = self

        @functools.wraps(data)
        def watched(server: smtplib.SMTP, message: Any) -> Any:
            wire._mark.touch()
            wire._unanswered += 1
            try:
                answer = data(server, message)
            except smtplib.SMTPResponseException:
                wire._unanswered -= 1
                raise
            wire._unanswered -= 1
            wire._mail_taken += answer[0] < 300
            return answer

        smtplib.SMTP.data = watched  # type: ignore


def _root(error: BaseException) -> str:
    """What an error of a library began with, as ``[Errno 111] Connection refused``."""
    for _ in range(_MAX_CAUSES):
        causes = (getattr(error, "reason", None), *error.args[:1], error.__cause__)
        below = next((each for each in causes if isinstance(each, BaseException)), None)
        below = below or error.__context__
        if below is None:
            break
        error = below
    return str(error) or type(error).__name__


if __name__ == "__main__":
    main()
