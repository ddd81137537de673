"""Files as answers: whole, or a range of one (RFC 9110, section 14), read bit by bit in threads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from engine.text import clean

_CHUNK_BYTES = 256 << 10
_MAX_NAME_CHARACTERS = 120
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_TEXT = frozenset((".csv", ".log", ".md", ".patch", ".txt"))
_OTHERS = re.compile(r"[^A-Za-z0-9._+-]+")


def headers_of(name: str, etag: str, cache_control: str) -> dict[str, str]:
    """Headers of a file: it is saved, and never shown as a page.

    Args:
        name: untrusted.
        etag: of its content, in quotes.
        cache_control: who may keep it for how long.
    """
    shown = clean(name).replace("/", "_").strip(". ")[:_MAX_NAME_CHARACTERS] or "artifact"
    plain = _OTHERS.sub("_", shown)
    disposition = f'attachment; filename="{plain}"'
    if plain != shown:  # RFC 6266
        disposition += f"; filename*=UTF-8''{quote(shown, safe='')}"
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": cache_control,
        "Content-Disposition": disposition,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }


def is_known(request: Request, etag: str) -> bool:
    """Whether who asks has it already (``If-None-Match``)."""
    wanted = request.headers.get("if-none-match", "")
    tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    return etag in tags or "*" in tags


def not_modified(headers: Mapping[str, str]) -> Response:
    """Says so to who has it already."""
    kept = ("Cache-Control", "ETag")
    return Response(None, HTTPStatus.NOT_MODIFIED, {name: headers[name] for name in kept})


def file_response(
    request: Request, file: BinaryIO, size: int, headers: Mapping[str, str], name: str
) -> Response:
    """A file, or the range of it that is asked for.

    One range is given; who asks for several gets all, as RFC 9110 lets a server do.

    Args:
        file: at its beginning; it is closed.
        size: its bytes.
        headers: as :func:`headers_of` makes them.
        name: of the file.
    """
    span = _span(request, size, headers["ETag"])
    status, more = HTTPStatus.OK, dict(headers)
    if span is None:
        start, end = 0, size
    elif span[0] >= span[1]:
        file.close()
        more = {"Content-Range": f"bytes */{size}", "ETag": headers["ETag"]}
        return Response(None, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, more)
    else:
        (start, end), status = span, HTTPStatus.PARTIAL_CONTENT
        more["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    more["Content-Length"] = str(end - start)
    kind = _media_type(name)
    if request.method == "HEAD":
        file.close()
        return Response(None, status, more, media_type=kind)
    return StreamingResponse(_chunks(file, start, end), status, more, media_type=kind)


def _span(request: Request, size: int, etag: str) -> tuple[int, int] | None:
    """First byte and the one after the last; None for all; an empty one for none there is."""
    wanted = request.headers.get("range", "")
    condition = request.headers.get("if-range", etag)
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or condition != etag or not (found[1] or found[2]):
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size if int(found[2]) else 0
    start, last = int(found[1]), int(found[2] or size)
    if found[2] and last < start:
        return None  # that is no range (section 14.1.1)
    return start, min(last + 1, size)


def _chunks(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = end - start
        while left > 0 and (chunk := file.read(min(_CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk


def _media_type(name: str) -> str:
    """A type that no browser runs anything of."""
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    if ending == ".json":
        return "application/json"
    return "text/plain; charset=utf-8" if ending in _TEXT else "application/octet-stream"
