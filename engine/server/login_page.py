"""The page on which a person logs a browser in: no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from http import HTTPStatus

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from engine import Principal

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 24rem; margin: 15vh auto; padding: 0 1rem }
input, button { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem }
[role=alert] { font-weight: bold }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # with no-referrer a form's Origin is "null"
}
"""What goes with it."""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>espdeck: log in</title>
<style>{style}</style>
<main>
<h1>espdeck</h1>
{body}
</main>
</html>
"""

_FORM = """{alert}<form method="post" action="{root}/login">
<input type="hidden" name="next" value="{target}">
<label>Token <input type="password" name="token" required autofocus autocomplete="current-password"
 spellcheck="false"></label>
<button>Log in</button>
</form>
<p>On the lab machine: <code>espdeck token create NAME --scope admin</code> for the app,
<code>--scope read</code> for the documents.</p>"""

_LOGGED_IN = """<p>Logged in with the token {name} ({scope}).</p>
<form method="post" action="{root}/logout"><button>Log out</button></form>
"""


def is_page_view(connection: HTTPConnection) -> bool:
    """Whether a person opens a page in a browser."""
    return (
        connection.scope["type"] == "http"
        and connection.scope["method"] == "GET"
        and "text/html" in connection.headers.get("accept", "")
    )


def refused_page(connection: HTTPConnection, detail: str) -> HTMLResponse:
    """The page where somebody is logged in whose token is too narrow for what they open.

    Args:
        connection: by which they ask.
        detail: what is needed.
    """
    principal: Principal = connection.state.principal
    wanted = connection.url
    page = login_page(
        connection.scope.get("root_path", "").rstrip("/"),
        wanted.path + (f"?{wanted.query}" if wanted.query else ""),
        alert=detail,
        name=principal.name,
        scope=principal.scope,
    )
    return HTMLResponse(page, HTTPStatus.FORBIDDEN, HEADERS)


def login_page(root: str, target: str, *, alert: str = "", name: str = "", scope: str = "") -> str:
    """The page.

    Args:
        root: prefix of a reverse proxy.
        target: where to go then.
        alert: what was wrong; empty for nothing.
        name: of the token with which this browser is logged in; empty where it is not.
        scope: of that token.
    """
    alert_line = f'<p role="alert">{escape(alert)}</p>\n' if alert else ""
    body = _FORM.format(alert=alert_line, root=escape(root), target=escape(target))
    if name:
        known = _LOGGED_IN.format(name=escape(name), scope=escape(scope), root=escape(root))
        body = known + body
    return _PAGE.format(style=_STYLE, body=body)
