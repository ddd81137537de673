"""Settings of the store of artifacts: what names one, and what is refused with its reason."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from engine.artifact_settings import ArtifactStoreSettings
from engine.settings.models import SettingsFile


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("", ""),
        ("s3://lab", "s3://lab"),
        ("s3://lab/espdeck/", "s3://lab/espdeck"),
        ("gs://lab/a/b-c_d.e", "gs://lab/a/b-c_d.e"),
        ("az://container/prefix", "az://container/prefix"),
        ("file:///mnt/nas/espdeck", "file:///mnt/nas/espdeck"),
    ],
)
def test_a_store(value: str, kept: str) -> None:
    assert SettingsFile(artifacts=value).artifacts == kept


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("lab", "no URL such as s3://bucket/prefix"),
        ("/mnt/nas", "no URL such as s3://bucket/prefix"),
        ("http://minio.lab:9000/lab", "no URL such as s3://bucket/prefix"),
        ("s3://key:secret@lab", "keys are artifact_store.access_key"),
        ("s3:///prefix", "a scheme, a bucket and a prefix"),
        ("s3://lab?region=x", "a scheme, a bucket and a prefix"),
        ("file://mnt/nas", "a scheme, a bucket and a prefix"),
        ("s3://lab/a/../b", "a prefix has letters"),
        ("s3://lab/a b", "a prefix has letters"),
        ("s3://lab//x", "a prefix has letters"),
    ],
)
def test_what_is_no_store(value: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        SettingsFile(artifacts=value)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"endpoint": "minio.lab:9000"}, "no URL such as http://minio.lab:9000"),
        ({"endpoint": "s3://lab/prefix"}, "no URL such as http://minio.lab:9000"),
        ({"endpoint": "http://a:b@minio.lab"}, "keys are access_key and secret_key"),
        ({"access_key": "a"}, "access_key and secret_key are set together"),
        ({"secret_key": "b"}, "access_key and secret_key are set together"),
    ],
)
def test_what_cannot_be_reached(fields: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason) as caught:
        ArtifactStoreSettings.model_validate(fields)
    assert "a:b" not in str(caught.value)


def test_an_endpoint_may_have_a_path_and_no_slash_at_its_end() -> None:
    assert ArtifactStoreSettings(endpoint="http://lab/s3/").endpoint == "http://lab/s3"


def test_keys_are_not_told() -> None:
    keys = {"access_key": "access", "secret_key": "s3cr3t"}
    settings = ArtifactStoreSettings.model_validate(keys)
    assert "s3cr3t" not in f"{settings} {settings!r} {settings.model_dump_json()}"
