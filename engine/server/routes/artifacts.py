"""Artifacts: their files, and links to them that hold for some time."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from engine import DEFAULT_LINK_SECONDS, LONGEST_LINK_SECONDS, Artifact, Engine
from engine.errors import NotFoundError
from engine.server.access import EngineOf, Reader, StreamReader
from engine.server.file_responses import file_response, headers_of, is_known, not_modified
from engine.server.parameters import RunNumber
from engine.server.turns import READING

router = APIRouter(tags=["artifacts"])

_MAX_SECONDS = 10**11  # since the epoch; a larger one is no time

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the content.")]
FilePath = Annotated[
    str, Path(min_length=1, max_length=1000, description="Path among the artifacts of the build.")
]

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    206: {"description": "The range of it that `Range` asks for."},
    304: {"description": "`If-None-Match` has its ETag."},
    416: {"description": "It has no such range."},
}


class LinkRequest(BaseModel):
    """For how long a link is wanted."""

    model_config = ConfigDict(extra="forbid")

    expires_in: int = Field(
        default=int(DEFAULT_LINK_SECONDS),
        ge=1,
        le=int(LONGEST_LINK_SECONDS),
        description="Seconds, from now.",
    )


class LinkAnswer(BaseModel):
    """A link to an artifact: it needs no token."""

    url: str = Field(
        examples=["http://127.0.0.1:8080/api/v1/download/9f86d0…/hello.elf?expires=…&signature=…"],
        description="Of this server, or of the store that has the file.",
    )
    expires_at: datetime = Field(description="When it ends to hold.")
    name: str = Field(examples=["hello.elf"])
    size: int = Field(examples=[284112], description="Bytes.")
    sha256: str


@router.get(
    "/builds/{number}/artifacts/{path:path}",
    response_class=Response,
    responses=_FILE,
    dependencies=[READING],
)
@router.head(
    "/builds/{number}/artifacts/{path:path}", include_in_schema=False, dependencies=[READING]
)
def get_artifact(
    number: RunNumber, path: FilePath, engine: EngineOf, _reader: StreamReader, request: Request
) -> Response:
    """A file that a build kept, or a range of it; what is sent was read and has its SHA-256."""
    return _answer(engine, request, _kept(engine, number, path), "private, no-cache")


@router.get("/artifacts/{sha256}", response_class=Response, responses=_FILE, dependencies=[READING])
@router.head("/artifacts/{sha256}", include_in_schema=False, dependencies=[READING])
def get_content(
    sha256: Sha256, engine: EngineOf, _reader: StreamReader, request: Request
) -> Response:
    """A file by its SHA-256, whichever build or task kept it."""
    always = "private, max-age=31536000, immutable"
    return _answer(engine, request, engine.artifacts.get(sha256), always)


@router.post("/builds/{number}/artifacts/{path:path}/url")
def create_link(
    number: RunNumber,
    path: FilePath,
    engine: EngineOf,
    _reader: Reader,
    request: Request,
    wanted: LinkRequest | None = None,
) -> LinkAnswer:
    """A link that gives a file of a build to whoever has it, without a token, for some time."""
    request.state.audit_subject = f"build {number}: {path}"
    return _link(engine, request, _kept(engine, number, path), wanted)


@router.post("/artifacts/{sha256}/url")
def create_content_link(
    sha256: Sha256,
    engine: EngineOf,
    _reader: Reader,
    request: Request,
    wanted: LinkRequest | None = None,
) -> LinkAnswer:
    """A link that gives a file to whoever has it, without a token, for some time."""
    request.state.audit_subject = sha256
    return _link(engine, request, engine.artifacts.get(sha256), wanted)


@router.get(
    "/download/{sha256}/{name}", response_class=Response, responses=_FILE, dependencies=[READING]
)
@router.head("/download/{sha256}/{name}", include_in_schema=False, dependencies=[READING])
def download(
    sha256: Sha256,
    name: Annotated[str, Path(max_length=1000, description="As the link has it.")],
    expires: Annotated[int, Query(ge=0, le=_MAX_SECONDS, description="As the link has it.")],
    signature: Annotated[str, Query(max_length=200, description="As the link has it.")],
    engine: EngineOf,
    request: Request,
) -> Response:
    """The file of a link; its signature stands for a token."""
    artifact = engine.artifacts.check_link(sha256, name, expires, signature)
    return _answer(engine, request, artifact, "private, no-store", name)


def _kept(engine: Engine, number: int, path: str) -> Artifact:
    engine.builds.get(number)
    artifact = engine.builds.artifact(number, path)
    if artifact is None:
        raise NotFoundError(f"build {number} kept no {path[:200]!r}")
    return artifact


def _link(
    engine: Engine, request: Request, artifact: Artifact, wanted: LinkRequest | None
) -> LinkAnswer:
    link = engine.artifacts.link(artifact, (wanted or LinkRequest()).expires_in)
    root = engine.settings.server.public_url or str(request.base_url)
    return LinkAnswer(
        url=f"{root.rstrip('/')}/api/v1/{link.url}" if link.is_relative else link.url,
        expires_at=link.expires,
        name=PurePosixPath(artifact.path).name,
        size=artifact.size,
        sha256=artifact.sha256,
    )


def _answer(
    engine: Engine, request: Request, artifact: Artifact, cache_control: str, name: str = ""
) -> Response:
    name = name or PurePosixPath(artifact.path).name
    etag = f'"{artifact.sha256}"'
    headers = headers_of(name, etag, cache_control)
    if is_known(request, etag):
        return not_modified(headers)
    file = engine.artifacts.open(artifact)
    return file_response(request, file, artifact.size, headers, name)
