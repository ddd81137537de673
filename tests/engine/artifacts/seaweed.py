"""A server that speaks S3, for tests: SeaweedFS, in a process of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path, PurePosixPath

import httpx
import obstore
from obstore.store import S3Store

from engine.artifact_settings import ArtifactStoreSettings
from tests.waits import wait_for

BUCKET = "lab"
ACCESS_KEY = "lab-access"
SECRET_KEY = "lab-secret"

_ACTIONS = ["Admin", "Read", "Write", "List", "Tagging"]
_PORTS = ("master.port", "volume.port", "filer.port", "s3.port")


class Seaweed:
    """The server, with one bucket and two people: one may do all, the other only read.

    Args:
        folder: for its files.
    """

    def __init__(self, folder: Path) -> None:
        program = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
        ports = _free_ports(2 * len(_PORTS))
        people = [
            _person("lab", ACCESS_KEY, SECRET_KEY, _ACTIONS),
            _person("guest", "guest-access", "guest-secret", ["Read", "List"]),
        ]
        config = folder / "s3.json"
        config.write_text(json.dumps({"identities": people}))
        words = [
            *("server", "-s3", "-ip=127.0.0.1", f"-dir={folder}", f"-s3.config={config}"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"),
            *("-volume.max=8", "-master.volumeSizeLimitMB=64"),
            *(f"-{name}={port}" for name, port in zip(_PORTS, ports, strict=False)),
            *(f"-{name}.grpc={port}" for name, port in zip(_PORTS, ports[4:], strict=True)),
        ]
        self._log = (folder / "weed.log").open("wb")
        self._process = subprocess.Popen([program, *words], stdout=self._log, stderr=self._log)
        self.port = ports[3]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        wait_for(self._makes_bucket)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def settings(self, **others: object) -> ArtifactStoreSettings:
        """How it is reached."""
        fields = {
            "endpoint": self.endpoint,
            "region": "us-east-1",
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            "timeout": 20.0,
        }
        return ArtifactStoreSettings.model_validate(fields | others)

    def put(self, key: str, data: bytes) -> None:
        """Overwrite an object behind everybody's back."""
        obstore.put(self._store(), key, data, use_multipart=False)

    def delete(self, key: str) -> None:
        """Delete an object behind everybody's back."""
        obstore.delete(self._store(), key)

    def sizes(self, prefix: str) -> dict[str, int]:
        """Sizes of all objects below a prefix, by the last part of their names."""
        found = obstore.list(self._store(), prefix).collect()
        return {PurePosixPath(each["path"]).name: each["size"] for each in found}

    def _store(self) -> S3Store:
        return S3Store(
            BUCKET,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            client_options={"allow_http": True},
        )

    def _makes_bucket(self) -> bool:
        assert self._process.poll() is None, "weed has ended: see its log"
        signed = obstore.sign(self._store(), "PUT", "", timedelta(minutes=1))
        try:
            return httpx.put(signed, timeout=5.0).status_code in (200, 409)
        except httpx.HTTPError:
            return False


def _person(name: str, access: str, secret: str, actions: list[str]) -> dict[str, object]:
    keys = [{"accessKey": access, "secretKey": secret}]
    return {"name": name, "credentials": keys, "actions": actions}


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
