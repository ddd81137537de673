"""A store of objects: S3 and what speaks it, Google's, Azure's, or a folder, through obstore.

An object is named by the workspace that put it there and by its SHA-256. Files of up to
:data:`MAX_SINGLE_PUT_BYTES` go in one request, which a store keeps whole or not at all, and whose
signature names the SHA-256 of the body: nothing is left of one that was cut off. The parts of a
larger one that nobody finishes stay until a lifecycle rule of the bucket deletes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from engine.artifact_settings import ArtifactStoreSettings
from engine.cancel import CancelToken
from engine.errors import EspdeckError, MissingToolError, ToolError
from engine.files import explain
from engine.store.artifacts import Content
from engine.text import clean

MAX_SINGLE_PUT_BYTES = 64 << 20
"""Size of a file that is sent in one request, from memory."""

_PART_BYTES = 16 << 20
_CHUNK_BYTES = 1 << 20
_SLOWEST_BYTES_PER_SECOND = 64 << 10
_CONNECT_SECONDS = 10.0
_CLIENT_SECONDS = 24 * 3600  # of a request with its body: what bounds it is in _finish
_RETRIES = 2
_MAX_REASON_CHARACTERS = 200

_CODE = re.compile(r"<Code>\s*(\w{1,60})\s*</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})</Message>")
_STATUS = re.compile(r"non-2xx status code: (\d{3}[\w ]{0,40})")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_KEYS_WORD = "the environment says them, for s3 also artifact_store.access_key and secret_key"
_REASONS = {
    "AccessDenied": "these keys do not allow this",
    "AuthorizationHeaderMalformed": "the bucket is in another region: artifact_store.region",
    "InvalidAccessKeyId": f"it does not know this access key: {_KEYS_WORD}",
    "NoSuchBucket": "no such bucket",
    "PermanentRedirect": "the bucket is in another region: artifact_store.region",
    "RequestTimeTooSkewed": "its clock and the one of this machine differ: set the time",
    "SignatureDoesNotMatch": f"the secret key is not that of the access key: {_KEYS_WORD}",
}
"""What error codes of S3 mean (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html)."""

_Value = TypeVar("_Value")


class MissingObjectError(EspdeckError):
    """A store answers, and has no such object."""


class DamagedObjectError(EspdeckError):
    """What a store gives is not what was put there."""


class ObjectStore:
    """One store of objects. All calls may block, each as long as the settings let it.

    Args:
        place: as the setting ``artifacts`` names it.
        settings: how it is reached.
        folder: first part of the names of all objects: the id of the workspace.
        environ: has what settings do not say.

    Raises:
        MissingToolError: the part of espdeck that knows stores is not installed.
        ToolError: it cannot be used so.
    """

    def __init__(
        self,
        place: str,
        settings: ArtifactStoreSettings,
        folder: str,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.place = place
        self._settings = settings
        self._folder = folder
        self._seconds = settings.timeout
        try:
            import obstore
        except ImportError:
            raise MissingToolError(
                f"{place}: needs the extra artifacts: pip install 'espdeck[artifacts]'"
            ) from None
        self._obstore: Any = obstore
        try:
            self._store = self._open(environ)
        except Exception as error:
            raise self._explained(error) from error

    def put(self, content: Content, path: Path, cancel: CancelToken) -> None:
        """Put a file there, and see that it is there whole.

        Raises:
            DamagedObjectError: the file is not what it should be.
            ToolError: the store cannot be reached, or does not take it.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        name, whole = self._name(content.sha256), content.size <= MAX_SINGLE_PUT_BYTES
        data: bytes | Path = path
        if whole:
            try:
                data = path.read_bytes()
            except OSError as error:
                raise DamagedObjectError(explain(error, path)) from error
            if hashlib.sha256(data).hexdigest() != content.sha256:
                raise DamagedObjectError(f"{path}: not the file that was kept")
        kind = {} if self._is_folder else {"Content-Type": "application/octet-stream"}

        def send() -> Awaitable[object]:
            way = {"use_multipart": not whole, "chunk_size": _PART_BYTES, "max_concurrency": 1}
            sent: Awaitable[object] = self._obstore.put_async(
                self._store, name, data, attributes=kind, **way
            )
            return sent

        self._finish(send, content.size, cancel)
        try:
            there: int = self._finish(self._obstore.head_async, 0, cancel, self._store, name)[
                "size"
            ]
        except MissingObjectError:
            there = 0
        if there != content.size:
            raise ToolError(f"{self.place}: has {there} of {content.size} bytes that it took")
        if not whole:
            self.read(content, None, cancel)

    def read(self, content: Content, target: BinaryIO | None, cancel: CancelToken) -> None:
        """Read an object, and see that it is what was put there.

        Args:
            target: is given its bytes; they are worth nothing where this raises.

        Raises:
            MissingObjectError: it is not there.
            DamagedObjectError: it is something else.
            OSError: the target cannot be written.
            ToolError: the store cannot be reached.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        digest = hashlib.sha256()

        async def read() -> int:
            length = 0
            found = await self._obstore.get_async(self._store, self._name(content.sha256))
            async for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
                data = memoryview(chunk)
                length += len(data)
                if length > content.size:
                    break
                digest.update(data)
                if target is not None:
                    target.write(data)
            return length

        length = self._finish(read, content.size, cancel)
        if length != content.size or digest.hexdigest() != content.sha256:
            raise DamagedObjectError(
                f"{self.place}: {self._name(content.sha256)} is damaged there"
                + (f" ({length} of {content.size} bytes)" if length < content.size else "")
            )

    def delete(self, sha256: str, cancel: CancelToken) -> None:
        """Delete an object; nothing where it is not there.

        Raises:
            ToolError: the store cannot be reached, or does not let it.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        with contextlib.suppress(MissingObjectError):
            name = self._name(sha256)
            self._finish(self._obstore.delete_async, 0, cancel, self._store, name)

    def url(self, sha256: str, seconds: float, cancel: CancelToken) -> str | None:
        """A URL that gives an object to whoever has it, for some time.

        Returns:
            None where such a store has none.

        Raises:
            ToolError: there are no keys to sign it with.
            CancelledError, Interrupted: as ``cancel`` says.
        """
        if self._is_folder:
            return None
        length = timedelta(seconds=seconds)
        parts = (self._store, "GET", self._name(sha256), length)
        found: str = self._finish(self._obstore.sign_async, 0, cancel, *parts)
        return found

    @property
    def _is_folder(self) -> bool:
        return self.place.startswith("file:")

    def _name(self, sha256: str) -> str:
        return f"{self._folder}/{sha256[:2]}/{sha256}"

    def _open(self, environ: Mapping[str, str]) -> Any:
        from obstore import store

        from_url: Any = store.from_url
        if self._is_folder:
            return from_url(self.place, mkdir=True)
        config: dict[str, Any] = {}
        endpoint = ""
        if self.place.startswith("s3:"):
            named = (environ[name] for name in _ENDPOINTS if environ.get(name))
            endpoint = self._settings.endpoint or next(named, "").rstrip("/")
            values = {
                "endpoint": endpoint,
                "region": self._settings.region,
                "access_key_id": self._settings.access_key.get_secret_value(),
                "secret_access_key": self._settings.secret_key.get_secret_value(),
            }
            config = {name: value for name, value in values.items() if value}
            # Deleting many at once (with a checksum of the list) is what Google's, Alibaba's and
            # older Backblaze's do not know; one at a time is all that is asked for here.
            config["disable_bulk_delete"] = True
        return from_url(
            self.place,
            config=config,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=min(_CONNECT_SECONDS, self._seconds)),
                "timeout": timedelta(seconds=_CLIENT_SECONDS),
            },
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=self._seconds),
            },
        )

    def _finish(
        self,
        work: Callable[..., Awaitable[_Value]],
        size: int,
        cancel: CancelToken,
        *arguments: object,
    ) -> _Value:
        """Wait for a request that moves some bytes, and end it where it takes too long.

        Args:
            work: begins it, given the arguments; it is called where an event loop runs.
        """
        seconds = self._seconds + size / _SLOWEST_BYTES_PER_SECOND

        async def bounded() -> _Value:
            loop = asyncio.get_running_loop()
            task = asyncio.ensure_future(work(*arguments))

            def stop() -> None:
                with contextlib.suppress(RuntimeError):  # it has just ended
                    loop.call_soon_threadsafe(task.cancel)

            forget = cancel.on_stop(stop)
            try:
                return await asyncio.wait_for(task, seconds)
            finally:
                forget()

        try:
            return asyncio.run(bounded())
        except TimeoutError:
            raise ToolError(f"{self.place}: no answer within {seconds:.0f} s") from None
        except asyncio.CancelledError:
            cancel.check()
            raise
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise self._explained(error) from error
            raise MissingObjectError(f"{self.place}: no longer has this file") from None
        except OSError as error:
            raise ToolError(explain(error)) from error
        except EspdeckError:
            raise
        except Exception as error:
            raise self._explained(error) from error

    def _explained(self, error: Exception) -> ToolError:
        """What an error of obstore means, in a line."""
        text = str(error)
        return ToolError(f"{self.place}: {_reason(text)}")


def _reason(text: str) -> str:
    code = _CODE.search(text)
    if code is not None and code[1] in _REASONS:
        return _REASONS[code[1]]
    if "169.254.169.254" in text or "SecretAccessKey" in text or "AccessKeyId" in text:
        return f"no keys are known: {_KEYS_WORD}"
    if "kind: Connect" in text or "kind: Timeout" in text:
        cause = "its name is not known" if "dns error" in text else "nobody answers"
        return f"cannot be reached: {cause}"
    said = _MESSAGE.search(text)
    if code is not None:
        text = f"{code[1]}: {said[1]}" if said is not None else code[1]
    elif (status := _STATUS.search(text)) is not None:
        text = f"answers {status[1].strip()}"
    return clean(text.splitlines()[0])[:_MAX_REASON_CHARACTERS] if text else "no reason was told"
