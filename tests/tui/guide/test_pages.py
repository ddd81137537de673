"""What README and the manual name is there: links, commands, options, settings, keys, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from engine.checks.dependency_check import DependencyCheck
from engine.checks.doc_check import DocCheck
from engine.checks.git_check import GitCheck
from engine.checks.lab_checks import LAB_CHECKS
from engine.manifest import Manifest
from engine.mcp.permissions import McpAllow
from engine.mcp.server import TOOLS
from engine.quality_requirements import Aspect
from engine.server.app import API_ROUTERS, ROOT_ROUTERS
from engine.settings import Settings
from engine.settings.keys import known_keys
from engine.settings.models import AT_START, SettingsFile, has_note
from engine.settings.sources import ALIASES
from tests.tui.guide.commands import named_options, parse, words_of
from tests.tui.guide.pages import (
    PAGES,
    README,
    ROOT,
    Block,
    anchors,
    blocks,
    code_spans,
    links,
    tables,
    tokens,
)
from tui.keymap import SCREENS, Where, keys_of
from tui.presentation import manual

GUIDE = tuple(page for page in PAGES if page != README)
README_WORDS = range(800, 1201)
ARCHITECTURE_WORDS = 1_000
SUMMARY_CHARACTERS = 62
"""With the name of the page before it, a line of 80 columns."""

_PATH = re.compile(r"(?:engine|tui|tests|screenshots|\.ci)/[\w./-]*")
_KEY = re.compile(r"(?:[a-zA-Z]|\W|[1-9]|enter|tab|esc|ctrl\+[a-z])")
_SETTING = re.compile(r"[a-z]+(?:_[a-z]+)+")


def names(pages: tuple[Path, ...] = PAGES) -> list[str]:
    return [page.stem for page in pages]


@pytest.mark.parametrize("page", GUIDE, ids=names(GUIDE))
def test_a_page_begins_with_its_title_and_one_sentence(page: Path) -> None:
    topic = manual.parse(page.stem, page.read_text("utf-8"))
    assert page.read_text("utf-8").startswith(f"# {topic.title}\n\n")
    assert topic.summary.endswith(".")
    assert topic.summary.count(". ") == 0
    assert len(topic.summary) <= SUMMARY_CHARACTERS


def test_readme_is_a_page_or_two() -> None:
    assert len(README.read_text("utf-8").split()) in README_WORDS


def test_architecture_is_two_pages() -> None:
    page = ROOT / "tui" / "guide" / "architecture.md"
    words = [word for word in page.read_text("utf-8").split() if word != "|"]
    assert len(words) <= ARCHITECTURE_WORDS


def test_readme_links_to_every_page() -> None:
    assert {f"tui/guide/{page.name}" for page in GUIDE} <= set(links(README))


@pytest.mark.parametrize("page", PAGES, ids=names())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=names())
def test_every_file_that_is_named_is_there(page: Path) -> None:
    for span in code_spans(page):
        for path in _PATH.findall(span):
            assert (ROOT / path).exists(), span


@pytest.mark.parametrize("page", PAGES, ids=names())
def test_every_command_and_option_that_is_named_is_there(page: Path) -> None:
    for span in code_spans(page):
        if span.startswith("espdeck "):
            named_options(span)
        elif span.startswith("--") and span not in OTHERS_OPTIONS:
            assert span.split()[0] in ALL_OPTIONS, span


OTHERS_OPTIONS = {"--coverage", "--interrupt_requests false"}
"""Options of gcc and of llama-cpp-python's server."""

ALL_OPTIONS = named_options("espdeck", everywhere=True)


@pytest.mark.parametrize("block", [*blocks("sh", "console")], ids=str)
def test_every_command_line_is_understood(block: Block) -> None:
    for line in words_of(block):
        parse(line)


def test_the_page_of_agents_has_every_tool_and_class() -> None:
    page = ROOT / "tui" / "guide" / "agents.md"
    told = {*code_spans(page)}
    assert {tool.name for tool in TOOLS} <= told
    assert {*McpAllow} <= told


def test_the_page_of_settings_has_every_setting() -> None:
    page = ROOT / "tui" / "guide" / "settings.md"
    first = [
        row[0].content.strip("`") for mark, rows in tables(page) if not mark for row in rows[1:]
    ]
    assert sorted(first) == sorted(Settings.model_fields)


def test_the_page_of_settings_has_every_alias_and_says_what_counts_at_the_next_start() -> None:
    page = ROOT / "tui" / "guide" / "settings.md"
    aliases = [rows for mark, rows in tables(page) if mark == "aliases"]
    told = {row[0].content.strip("`"): row[1].content.strip("`") for row in aliases[0][1:]}
    assert told == {name: ".".join(path) for name, (path, _) in ALIASES.items()}
    later = {
        row[0].content.strip("`")
        for mark, rows in tables(page)
        if not mark
        for row in rows[1:]
        if row[2].content.endswith("*")
    }
    assert later == {
        name for name, field in Settings.model_fields.items() if has_note(field, AT_START)
    }


def test_defaults_of_settings_are_those_of_the_code() -> None:
    page = ROOT / "tui" / "guide" / "settings.md"
    for mark, rows in tables(page):
        if mark:
            continue
        for name, told, *_ in ([cell.content.strip("`") for cell in row] for row in rows[1:]):
            default = Settings.model_fields[name].default
            if isinstance(default, bool | int | float | str):
                shown = str(default).lower() if isinstance(default, bool | str) else f"{default:g}"
                if isinstance(default, int) and not isinstance(default, bool):
                    shown = str(default)
                assert told == (shown or "none"), name


USERS_PAGES = tuple(
    page for page in PAGES if page.stem not in ("api", "architecture", "extending", "metrics")
)
"""Those that name settings; the others name functions and fields, too."""


@pytest.mark.parametrize("page", USERS_PAGES, ids=names(USERS_PAGES))
def test_every_word_with_the_look_of_a_setting_is_one(page: Path) -> None:
    known = {part for key in known_keys(SettingsFile) for part in key.path}
    known |= {*Aspect, *Manifest.__dataclass_fields__, *OTHER_WORDS}
    known |= {GitCheck.name, *GitCheck.options, DependencyCheck.name, DocCheck.name}
    known |= {word for check in LAB_CHECKS for word in (check.name, *check.options)}
    known |= words_of_api() if page.stem == "api" else set()
    known |= words_of_tools() if page.stem == "agents" else set()
    for span in code_spans(page):
        word = span.partition(" = ")[0]
        if _SETTING.fullmatch(word):
            assert word in known, span


def words_of_api() -> set[str]:
    """Fields and parameters of the HTTP API."""
    app = FastAPI()
    for router in (*API_ROUTERS, *ROOT_ROUTERS):
        app.include_router(router)
    document = app.openapi()
    schemas = document["components"]["schemas"].values()
    calls = (call for path in document["paths"].values() for call in path.values())
    found = {name for schema in schemas for name in schema.get("properties", ())}
    return found | {each["name"] for call in calls for each in call.get("parameters", ())}


def words_of_tools() -> set[str]:
    """Tools of agents and what they take, and how long agents wait for them."""
    names = {tool.name for tool in TOOLS}
    return names | {each for tool in TOOLS for each in tool.takes.model_fields} | {TOOL_TIMEOUT}


TOOL_TIMEOUT = "tool_timeout_sec"
"""A setting of Codex."""


OTHER_WORDS = {
    *("host_tests", "supported_targets", "host_test", "unit_test", "pytest_", "test_", "_test"),
    *(
        "managed_components",
        "diff_cut_bytes",
        "is_whole",
        "third_party",
        "node_modules",
        "default_envs",
        "hello_world",
    ),
    *("result_id", "project_id"),
    *("max_completion_tokens", "reasoning_content"),
    *("test_check", "auto_execute", "python_files", "test_apps", "app_main"),
    *("code_review", "architecture_design", "feature_development", "bug_fix", "free_task"),
}
"""Words of projects, of Python, ESP-IDF and events, names of workflows, checks with options."""


def key_tables() -> Iterator[tuple[Path, Where, list[str]]]:
    for page in PAGES:
        for mark, rows in tables(page):
            if mark.startswith("keys: "):
                shown = [
                    child.content
                    for row in rows[1:]
                    for child in row[0].children or ()
                    if child.type == "code_inline"
                ]
                yield page, Where(mark.removeprefix("keys: ")), shown


@pytest.mark.parametrize(
    ("where", "shown"),
    [(where, shown) for _, where, shown in key_tables()],
    ids=[f"{page.stem}-{where}" for page, where, _ in key_tables()],
)
def test_every_key_of_a_table_works_on_that_screen(where: Where, shown: list[str]) -> None:
    known = {key.shown for key in keys_of(where)}
    assert shown
    assert set(shown) <= known, where


@pytest.mark.parametrize("where", [Where.HOME, Where.BUILD, Where.BOARDS, Where.MONITOR])
def test_the_manual_has_every_key_of_a_screen(where: Where) -> None:
    told = {
        key for page, screen, shown in key_tables() if screen is where and page != README
        for key in shown
    }  # fmt: skip
    own = {key.shown for key in keys_of(where) if key.where is where}
    assert own - told - {"S-tab", "C-q"} == set()


def test_every_screen_has_its_page() -> None:
    from tui.screens.guide import TOPICS

    assert {where for where in SCREENS if where is not Where.GUIDE} == set(TOPICS)
    for place in TOPICS.values():
        name, _, anchor = place.partition("#")
        page = ROOT / "tui" / "guide" / f"{name}.md"
        assert page.is_file()
        assert not anchor or anchor in anchors(page)


def test_pages_are_all_markdown_that_the_app_lays_out() -> None:
    from tui.presentation.text_renderer import MAX_MARKDOWN

    for page in GUIDE:
        assert len(page.read_text("utf-8")) <= MAX_MARKDOWN
        assert not any(token.type == "html_block" and not token.content.startswith("<!--")
                       for token in tokens(page))  # fmt: skip


def test_what_espdeck_says_names_pages_that_are_there() -> None:
    pages = {page.stem for page in GUIDE}
    named = {
        name
        for folder in ("engine", "tui")
        for file in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"\(espdeck guide ([a-z-]+)\)", file.read_text("utf-8"))
    }
    assert named
    assert named <= pages
