"""Pages that show the OpenAPI document, for a browser without the internet.

They need a token as all else: nobody learns without one which paths and version there are.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

import fastapi_offline
from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from engine.server.access import Reader

router = APIRouter(include_in_schema=False)

_PAGES = files("engine.server") / "pages"
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def mount_static(app: FastAPI) -> None:
    """Serve the scripts and style sheet of both pages, which come with fastapi-offline."""
    folder = files(fastapi_offline) / "static"
    app.mount("/docs/static", StaticFiles(directory=str(folder)), name="docs-static")


@router.get("/docs")
def swagger_ui(_principal: Reader) -> HTMLResponse:
    """The document with a form for each call (Swagger UI)."""
    return _page("docs.html")


@router.get("/redoc")
def redoc(_principal: Reader) -> HTMLResponse:
    """The document to read (Redoc)."""
    return _page("redoc.html")


def _page(name: str) -> HTMLResponse:
    html = (_PAGES / name).read_text("utf-8")
    hashes = "".join(
        f" 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in _SCRIPT.findall(html)
    )
    policy = (
        f"default-src 'none'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src data:; connect-src 'self'; worker-src blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})
