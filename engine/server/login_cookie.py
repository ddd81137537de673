"""The cookie of a browser that logged in."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from engine import LOGIN_LIFETIME, Engine


def set_cookie(response: Response, request: Request, engine: Engine, value: str) -> None:
    """Have a browser keep what :meth:`engine.Access.open_session` gave."""
    name, path, secure = _cookie(request, engine)
    response.set_cookie(
        name,
        value,
        max_age=int(LOGIN_LIFETIME.total_seconds()),
        path=path,
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def delete_cookie(response: Response, request: Request, engine: Engine) -> None:
    """Have a browser forget it."""
    name, path, secure = _cookie(request, engine)
    response.delete_cookie(name, path=path, secure=secure, httponly=True, samesite="strict")


def _cookie(request: Request, engine: Engine) -> tuple[str, str, bool]:
    """Name, path and whether it is for HTTPS alone.

    The prefixes keep a neighbouring host, or a page that came without TLS, from setting one of
    that name (RFC 6265bis, 4.1.3); ``__Host-`` wants the path ``/``.
    """
    public = urlsplit(engine.settings.server.public_url)
    path = request.scope.get("root_path", "").rstrip("/") or public.path.rstrip("/") or "/"
    secure = "https" in (request.url.scheme, public.scheme)
    prefix = ("__Host-" if path == "/" else "__Secure-") if secure else ""
    return prefix + engine.access.cookie_name, path, secure
