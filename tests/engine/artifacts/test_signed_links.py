"""Links that stand for a token: good for one file, under one name, until one time."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.artifacts.signed_links import KEY_FILE, LinkSigner

SHA = "ab" * 32
NOW = 1_780_000_000


def parts(link: str) -> tuple[str, str, int, str]:
    """What a link is made of, as a server reads it."""
    url = urlsplit(link)
    _, sha256, name = url.path.split("/")
    query = parse_qs(url.query)
    return sha256, unquote(name), int(query["expires"][0]), query["signature"][0]


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_a_link_holds_as_it_was_made(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    signer = LinkSigner(tmp_path_factory.getbasetemp())
    read = parts(signer.link(SHA, name, NOW + 60))
    assert read[:3] == (SHA, name, NOW + 60)
    assert signer.holds(*read, now=NOW)
    assert signer.holds(*read, now=NOW + 59.9)
    assert not signer.holds(*read, now=NOW + 60)


@pytest.mark.parametrize(
    "changed",
    [
        {"sha256": "cd" * 32},
        {"name": "other.elf"},
        {"name": f"app.elf\n{NOW + 60}"},
        {"expires": NOW + 61},
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": "ä" * 64},
    ],
)
def test_a_link_holds_for_nothing_else(tmp_path: Path, changed: dict[str, object]) -> None:
    signer = LinkSigner(tmp_path)
    names = ("sha256", "name", "expires", "signature")
    fields = dict(zip(names, parts(signer.link(SHA, "app.elf", NOW + 60)), strict=True))
    assert signer.holds(**fields, now=NOW)  # type: ignore[arg-type]
    assert not signer.holds(**fields | changed, now=NOW)  # type: ignore[arg-type]


def test_each_workspace_has_a_key_of_its_own_that_nobody_else_reads(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = LinkSigner(tmp_path / "one"), LinkSigner(tmp_path / "two")
    link = parts(one.link(SHA, "app.elf", NOW + 60))
    assert LinkSigner(tmp_path / "one").holds(*link, now=NOW)
    assert not two.holds(*link, now=NOW)
    assert (tmp_path / "one" / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_is_made_anew(tmp_path: Path) -> None:
    signer = LinkSigner(tmp_path)
    before = parts(signer.link(SHA, "app.elf", NOW + 60))
    (tmp_path / KEY_FILE).write_bytes(b"")
    assert not signer.holds(*before, now=NOW)
    assert signer.holds(*parts(signer.link(SHA, "app.elf", NOW + 60)), now=NOW)
