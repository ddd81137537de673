"""Every mistake of a settings file has its line; look-alikes of variables are noticed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UsageError
from engine.settings.file_check import check_settings_file, strange_variables

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "doc_check": {"skip": ["x"]},
    "git_check": {"token_threshold": 50000, "token_model": "gpt-4", "share": 0.5, "deep": False},
}


def check(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    found = check_settings_file(path, OPTIONS)
    return [str(each).removeprefix(f"{path}") for each in found]


def test_all_mistakes_are_named_with_their_lines_not_only_the_first(tmp_path: Path) -> None:
    text = (
        "max_iterations = 99\n"
        'boards = "one"\n'
        "[quality]\n"
        "covrage = 3\n"
        "coverage = 300\n"
        "[profile.night.quality]\n"
        "code = -1\n"
        "[profile.other]\n"
        "profile = 'night'\n"
    )

    assert check(tmp_path, text) == [
        ":1: max_iterations must be a number from 0 to 10",
        ':2: boards must be a list: boards = ["...", "..."]',
        ":4: no setting is called quality.covrage (did you mean quality.coverage?)",
        ":5: quality.coverage must be a number from 0 to 100",
        ":7: quality.code must be a number from 0 to 100",
        ":9: a profile cannot choose another",
    ]


def test_after_a_line_that_is_no_toml_others_are_looked_at(tmp_path: Path) -> None:
    found = check(
        tmp_path, "mouse = yes\nthis is nothing\nmax_iterations = 99\n[quality]\ncode = 1\n"
    )

    assert [each.split(": ")[0] for each in found] == [":1", ":2", ":3"]
    assert "max_iterations" in found[2]


def test_below_a_wrong_header_nothing_is_guessed(tmp_path: Path) -> None:
    assert check(tmp_path, "[quality\ncoverage = 3\n") == [
        ":1: Expected ']' at the end of a table declaration"
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"mouse = true\n\n# caf\xe9\n", [":3: is not UTF-8: save the file in that encoding"]),
        (b"mouse = true\r\nmouse = false\r\n", [":2: this key is already set further up"]),
        (b"[quality]\n[quality]\n", [":2: Cannot declare ('quality',) twice"]),
        (b"\xef\xbb\xbfmouse = true\r\n", []),
        (b"", []),
        (b"profile = 3\n", [":1: profile must be a table of tables: [profile.production]"]),
        (
            b"[profile]\nnight = 3\n",
            [":2: profile.night must be a table: [profile.night]"],
        ),
    ],
)
def test_files_as_editors_leave_them(tmp_path: Path, data: bytes, said: list[str]) -> None:
    assert check(tmp_path, data) == said


def test_settings_of_checks_are_those_that_the_check_declares(tmp_path: Path) -> None:
    text = (
        "[checks.git_check]\n"
        "interval = 5\n"
        "token_threshold = 'many'\n"
        "token_modell = 'gpt-4'\n"
        "share = 1\n"
        "deep = 1\n"
        "[checks.git_check.projects.hub]\n"
        "enabled = false\n"
        "token_model = 4\n"
        "[checks.doc_chek]\n"
        "skip = []\n"
        "[checks.doc_check]\n"
        "skip = ['a']\n"
    )

    assert check(tmp_path, text) == [
        ":3: checks.git_check.token_threshold must be a whole number",
        ":4: git_check has no setting token_modell (did you mean token_model?)",
        ":6: checks.git_check.deep must be true or false",
        ":9: checks.git_check.projects.hub.token_model must be a text",
        ":10: no check is called doc_chek (did you mean doc_check?)",
    ]


def test_a_file_that_is_not_there_or_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        check_settings_file(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="not a file"):
        check_settings_file(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ESPDECK_BORADS", "ESPDECK_BORADS is not a setting (did you mean ESPDECK_BOARDS?)"),
        ("ESPDECK_LLM_OLLAMA",
         "ESPDECK_LLM_OLLAMA is not a setting (did you mean ESPDECK_LLM__OLLAMA?)"),
        ("ESPDECK_CONFIGS", "ESPDECK_CONFIGS is not a setting (did you mean ESPDECK_CONFIG?)"),
        ("ESPDECK_QUALITY__NOTHING", "ESPDECK_QUALITY__NOTHING is not a setting"),
        ("ESPDECK_ZZZ", "ESPDECK_ZZZ is not a setting"),
        ("AUTOCODE_TOKEN_MODELS",
         "AUTOCODE_TOKEN_MODELS is not a setting (did you mean AUTOCODE_TOKEN_MODEL?)"),
        ("ESPDECK_BOARDS", None),
        ("ESPDECK_CHECKS__ANY__THING", None),
        ("ESPDECK_LLM_API_KEY", None),
        ("ESPDECK_GROUP", None),
        ("MY_ESPDECK_X", None),
    ],
)  # fmt: skip
def test_a_variable_that_looks_like_ours_is_noticed(name: str, said: str | None) -> None:
    assert strange_variables({name: "x"}) == ((said,) if said else ())
