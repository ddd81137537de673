"""TLS: what is served, which versions, certificates that change and ones that are wrong."""

from __future__ import annotations

import logging
import shutil
import ssl
from pathlib import Path

import httpx
import pytest

from engine import Engine, Settings
from engine.enums import Scope
from engine.errors import UsageError
from engine.server.addresses import check_exposure
from engine.server.tls import Certificate
from engine.server_settings import ServerSettings
from tests.engine.server.certificates import ONE, OTHER, trusting, written
from tests.engine.server.small_app import served


def serial_of(port: int) -> bytes:
    return ssl.get_server_certificate(("127.0.0.1", port)).encode()


def test_it_is_served_over_tls_and_not_without(tmp_path: Path) -> None:
    with served(tmp_path, host="localhost", **written(tmp_path)) as server:
        assert server.url.startswith("https://localhost:")
        with httpx.Client(base_url=server.url, verify=trusting()) as client:
            answer = client.get("/seen")
            assert (answer.status_code, answer.json()["url"]) == (200, f"{server.url}/seen")
            # On a port of its own: HSTS would hold for every port of the machine.
            assert "strict-transport-security" not in answer.headers
            # The certificate says who is who: no other check of the name.
            named = client.get("/seen", headers={"Host": "lab.example"})
            assert named.status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.get(server.url.replace("https", "http") + "/seen")
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{server.url}/seen")


def test_hsts_is_sent_where_this_is_the_https_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as server:
        monkeypatch.setattr("engine.server.http_server._HTTPS_PORT", httpx.URL(server.url).port)
        port = httpx.URL(server.url).port
    with served(tmp_path, port=port, **written(tmp_path)) as server:
        answer = httpx.get(f"{server.url}/seen", verify=trusting())
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_old_versions_of_tls_are_refused(tmp_path: Path) -> None:
    with served(tmp_path, **written(tmp_path)) as server:
        context = trusting()
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/seen", verify=context)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert httpx.get(f"{server.url}/seen", verify=context).status_code == 200


def test_a_renewed_certificate_is_taken_without_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served(tmp_path, **written(tmp_path)) as server:
        port = httpx.URL(server.url).port or 0
        first = serial_of(port)
        server.refresh_certificate()
        assert serial_of(port) == first

        with caplog.at_level(logging.INFO, "espdeck.http"):
            (tmp_path / "lab.key").write_bytes(OTHER.private_key_pem.bytes())  # half of a renewal
            server.refresh_certificate()
            server.refresh_certificate()
            assert serial_of(port) == first
            written(tmp_path, OTHER)
            server.refresh_certificate()
        assert serial_of(port) == OTHER.cert_chain_pems[0].bytes()
        assert httpx.get(f"{server.url}/seen", verify=trusting()).status_code == 200
        messages = [each for each in caplog.messages if "certificate" in each]
        assert len(messages) == 2
        assert "from before stays in use" in messages[0]
        assert messages[1].startswith("certificate read again")


def test_a_file_may_hold_both(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.touch(0o600)
    both.write_bytes(ONE.private_key_and_cert_chain_pem.bytes())
    assert Certificate(both, None).context


def test_with_tls_and_a_token_it_may_be_reached_from_elsewhere(tmp_path: Path) -> None:
    settings = ServerSettings(host="0.0.0.0", port=0, **written(tmp_path))  # type: ignore[arg-type]
    engine = Engine(Settings(workspace=tmp_path / "lab", server=settings))
    engine.open(execute=False)
    try:
        with pytest.raises(UsageError, match="needs a token"):
            check_exposure(engine)
        engine.access.create_token("ci", Scope.READ)
        check_exposure(engine)
    finally:
        engine.close()


ENCRYPTED = (
    b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkqhkiG9w0BBQ0wSjApBg\n"
    b"-----END ENCRYPTED PRIVATE KEY-----\n"
)


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("no certificate", "certificate {pem}: No such file or directory"),
        ("no key", "private key {key}: No such file or directory"),
        ("a folder", "certificate {pem}: Is a directory"),
        ("swapped", "{pem} holds no certificate in PEM"),
        ("empty key", "{key} holds no private key in PEM"),
        ("of another", "{key} is not the key of the certificate {pem}"),
        ("readable", "{key}: other users may read or write it: chmod 600 {key}"),
        ("encrypted", "{key} is encrypted, and the server cannot ask for its password: "),
        ("damaged", "{pem} and {key}: "),
    ],
)
def test_files_that_cannot_be_used_are_told_in_a_line(
    tmp_path: Path, wrong: str, line: str
) -> None:
    files = written(tmp_path)
    pem, key = files["tls_certificate"], files["tls_key"]
    match wrong:
        case "no certificate":
            pem.unlink()
        case "no key":
            key.unlink()
        case "a folder":
            pem.unlink()
            pem.mkdir()
        case "swapped":
            shutil.copy(key, pem)
        case "empty key":
            key.write_bytes(b"")
        case "of another":
            key.write_bytes(OTHER.private_key_pem.bytes())
        case "readable":
            key.chmod(0o644)
        case "encrypted":
            key.write_bytes(ENCRYPTED)
        case "damaged":
            pem.write_bytes(pem.read_bytes()[:200] + pem.read_bytes()[300:])
    with pytest.raises(UsageError) as refused:
        Certificate(pem, key)
    said = str(refused.value)
    assert said.startswith(line.format(pem=pem, key=key))
    assert "\n" not in said


def test_a_group_may_read_the_key(tmp_path: Path) -> None:
    files = written(tmp_path)
    files["tls_key"].chmod(0o640)  # as Debian's /etc/ssl/private
    assert Certificate(files["tls_certificate"], files["tls_key"]).context


def test_a_key_alone_is_a_mistake(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match=r"tls_key is set, and server\.tls_certificate is not"),
        served(tmp_path, tls_key=written(tmp_path)["tls_key"]),
    ):
        pass
