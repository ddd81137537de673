"""Sources and refs are untrusted: what is accepted, and that nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.projects.sources import SourceKind, check_ref, check_source
from engine.text import mask
from tests.engine.git_repos import commit


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("https://example.com/team/blinky.git", SourceKind.HTTPS, "blinky"),
        ("https://me:token@example.com/blinky", SourceKind.HTTPS, "blinky"),
        ("ssh://git@example.com:2222/team/blinky.git", SourceKind.SSH, "blinky"),
        ("git@example.com:team/blinky.git", SourceKind.SSH, "blinky"),
    ],
)
def test_remote_sources_are_accepted(text: str, kind: SourceKind, name: str) -> None:
    source = check_source(text)

    assert (source.url, source.kind, source.name) == (text, kind, name)


def test_local_repositories_are_accepted_by_path_and_file_url(tmp_path: Path) -> None:
    commit(tmp_path / "fw", {"a": "a"})

    for text in (str(tmp_path / "fw"), f"file://{tmp_path}/fw", f"{tmp_path}/x/../fw"):
        source = check_source(text)
        assert (source.url, source.name) == (str(tmp_path / "fw"), "fw")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "not a url",
        "--upload-pack=touch /tmp/pwned",
        "-oProxyCommand=touch /tmp/pwned",
        "ext::sh -c touch% /tmp/pwned",
        "fd::17",
        "http://example.com/x.git",
        "git://example.com/x.git",
        "ftp://example.com/x",
        "file://other-host/x",
        "https:///x",
        "https://-oProxyCommand=x/y",
        "ssh://-oProxyCommand=x/y",
        "git@-host:x",
        "https://example.com/a\nb",
        "https://example.com:notaport/a",
        "https://example.com",
        "/no/such/folder",
        "javascript:alert(1)",
    ],
)
def test_everything_else_is_refused_with_one_line(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_source(text)

    assert "\n" not in str(raised.value)


def test_a_folder_without_a_repository_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a Git repository"):
        check_source(str(tmp_path))


@pytest.mark.parametrize("ref", ["main", "feature/x-1", "v1.2.3", "0" * 40, "HEAD"])
def test_refs_are_accepted(ref: str) -> None:
    assert check_ref(ref) == ref


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "-x",
        "--output=/x",
        "a..b",
        "../../x",
        "a b",
        "a:b",
        "a~1",
        "a^",
        "x.lock",
        "/x",
        "x/",
        "@",
        "a\\b",
        "a\x1b[2J",
        "x" * 300,
        ".hidden",
        "a//b",
        "a@{1}",
    ],
)
def test_refs_that_git_could_take_for_something_else_are_refused(ref: str) -> None:
    with pytest.raises(UsageError):
        check_ref(ref)


@given(st.text(max_size=60))
def test_no_text_does_more_than_raise_a_usage_error(text: str) -> None:
    try:
        assert not check_source(text).url.startswith("-")
    except UsageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    "text",
    [
        f"https://me:{'secret' * 50}@example.com/\x07.git",
        f"http://me:{'secret' * 50}@example.com/x.git",
        "https://me:secret@/x.git",
        "https://me:secret@example.com",
        "https://me:secret/more@example.com/x.git",
    ],
)
def test_no_password_is_in_what_is_said_of_a_source(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_source(text)
    assert "secret" not in str(raised.value)


def test_a_source_that_is_given_as_a_branch_is_masked() -> None:
    with pytest.raises(UsageError, match=r"https://\*\*\*@example"):
        check_ref("https://me:secret@example.com/x.git")


def test_passwords_are_masked() -> None:
    assert mask("https://me:secret@example.com/x") == "https://***@example.com/x"
    assert mask("https://example.com/x@y") == "https://example.com/x@y"
