"""``doc_check`` on small real repositories."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from git import Repo

from engine.checks.base import CheckContext, CheckResult
from engine.checks.doc_check import DocCheck
from engine.enums import CheckStatus
from engine.errors import ToolError, UsageError
from engine.plugins import registered
from tests.engine.git_repos import commit

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

README = """\
# Pump

`src/pump.c` runs it; call `pump_start()`, its rate is `CONFIG_PUMP_RATE`.
"""
HEADER = "int pump_start(int rate);\nint pump_stop(void);\n"
SOURCE = "int pump_start(int rate)\n{\n    return rate;\n}\n"
KCONFIG = "config PUMP_RATE\n    int\n    default 4\n"
FILES = {"README.md": README, "include/pump.h": HEADER, "src/pump.c": SOURCE, "Kconfig": KCONFIG}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pump"


def context(folder: Path, **others: Any) -> CheckContext:
    output = folder.parent / "output"
    output.mkdir(exist_ok=True)
    given = CheckContext(
        project="pump",
        tree=folder,
        app="",
        repository=folder,
        is_working_tree=True,
        branch="main",
        commit="",
        since="",
        target="",
        options={"index_auto_generate": False},
        output=output,
        previous=None,
        timeout=300.0,
        now=NOW,
    )
    return dataclasses.replace(given, **others)


def check(folder: Path, **others: Any) -> CheckResult:
    return DocCheck().run(context(folder, **others))


def remove(folder: Path, *names: str) -> str:
    with Repo(folder) as repository:
        repository.index.remove(list(names), working_tree=True)
        return repository.index.commit("Remove").hexsha


def found(result: CheckResult, kind: str) -> list[dict[str, Any]]:
    return [each for document in result.details["documents"] for each in document[kind]]


def test_it_is_registered() -> None:
    assert "doc_check" in {each.name for each in registered("espdeck.checks")}


def test_documentation_as_old_as_its_code_is_fine(folder: Path) -> None:
    commit(folder, FILES)

    result = check(folder)

    assert (result.status, result.message) == (CheckStatus.SUCCESS, "1 document, nothing stale")


def test_no_documentation_is_fine_and_said(folder: Path) -> None:
    commit(folder, {"src/pump.c": SOURCE})

    result = check(folder)

    assert (result.status, result.message) == (CheckStatus.SUCCESS, "no documentation")


def test_a_file_that_changed_after_its_document_is_told_with_the_commit(folder: Path) -> None:
    commit(folder, FILES)
    sha = commit(folder, {"src/pump.c": SOURCE.replace("rate;", "2 * rate;")})

    result = check(folder)

    assert result.status is CheckStatus.WARNING
    assert result.message.startswith(
        "1 outdated document; first README.md:3: src/pump.c changed since "
    )
    [stale] = found(result, "stale")
    assert (stale["kind"], stale["file"], stale["line"]) == ("file", "src/pump.c", 3)
    assert (stale["commit"], stale["changes"]) == (sha, 1)


def test_a_document_that_changed_with_the_code_is_fine(folder: Path) -> None:
    commit(folder, FILES)
    commit(
        folder,
        {
            "src/pump.c": "int pump_start(int rate) { return 9; }\n",
            "README.md": f"{README}\nMore.\n",
        },
    )

    assert check(folder).status is CheckStatus.SUCCESS


@pytest.mark.parametrize(
    "changed",
    [
        {"src/pump.c": f"// Ours\n{SOURCE.replace('    return', chr(9) + 'return')}\n"},
        {"include/pump.h": HEADER.replace("int rate", "int speed") + "int pump_more(int);\n"},
        {"Kconfig": KCONFIG + "    help\n      How fast.\n"},
        {"Kconfig": KCONFIG + "    default 9 if IDF_TARGET_ESP32P4\n    depends on PUMP\n"},
        {"Kconfig": KCONFIG.replace("default 4", "default 4 if X\n    default 4")},
    ],
    ids=["comments and blanks", "names of parameters", "help", "one more chip", "case"],
)
def test_changes_that_no_reader_sees_do_not_count(folder: Path, changed: dict[str, str]) -> None:
    commit(folder, FILES)
    commit(folder, changed)

    assert check(folder).status is CheckStatus.SUCCESS


def test_another_declaration_and_another_default_are_told(folder: Path) -> None:
    commit(folder, FILES)
    first = commit(folder, {"include/pump.h": HEADER.replace("int rate", "int rate, int ramp")})
    second = commit(folder, {"Kconfig": KCONFIG.replace("4", "5")})

    stale = {each["kind"]: each for each in found(check(folder), "stale")}

    assert stale["function"]["before"] == "int pump_start(int rate)"
    assert stale["function"]["after"] == "int pump_start(int rate,int ramp)"
    assert stale["function"]["commit"] == first
    assert (stale["option"]["before"], stale["option"]["after"]) == ("default 4", "default 5")
    assert stale["option"]["commit"] == second


def test_what_is_renamed_alone_did_not_change(folder: Path) -> None:
    files = {**FILES, "docs/old.md": "# Tour\n\n`src/pump.c` is told of.\n"}
    commit(folder, files)
    with Repo(folder) as repository:
        repository.index.move(["docs/old.md", "docs/new.md"])
        repository.index.move(["include/pump.h", "include/pump_all.h"])
        repository.index.commit("Rename")
    assert check(folder).status is CheckStatus.SUCCESS

    sha = commit(folder, {"src/pump.c": "int all_new;\n"})

    assert {each["commit"] for each in found(check(folder), "stale")} == {sha}
    assert {each["path"] for each in check(folder).details["documents"]} == {
        "README.md",
        "docs/new.md",
    }


def test_what_is_not_committed_counts_as_changed_now(folder: Path) -> None:
    commit(folder, FILES)
    (folder / "src" / "pump.c").write_text("int all_new;\n")

    result = check(folder)

    assert [(each["file"], each["commit"]) for each in found(result, "stale")] == [
        ("src/pump.c", "")
    ]
    assert result.message.endswith("README.md:3: src/pump.c changed and is not committed")

    (folder / "README.md").write_text(f"{README}\nRead again.\n")
    assert check(folder).status is CheckStatus.SUCCESS


def test_names_that_are_gone_are_told_with_what_removed_them(folder: Path) -> None:
    commit(folder, {**FILES, "include/pump.h": "void pump_start(void);\nint pump_stop(void);\n"})
    commit(
        folder,
        {
            "README.md": f"{README}\nThen `pump_stop()`, as in `tools/stop.sh`.\n",
            "tools/stop.sh": "true\n",
        },
    )
    first = commit(folder, {"include/pump.h": "void pump_start(void);\n"})
    second = remove(folder, "tools/stop.sh", "Kconfig")

    result = check(folder)

    gone = {each["name"]: each for each in found(result, "gone")}
    assert gone.keys() == {"pump_stop", "tools/stop.sh", "PUMP_RATE"}
    assert (gone["pump_stop"]["commit"], gone["pump_stop"]["was_in"]) == (first, "include/pump.h")
    assert (gone["pump_stop"]["line"], gone["PUMP_RATE"]["line"]) == (5, 3)
    assert {gone[name]["commit"] for name in ("tools/stop.sh", "PUMP_RATE")} == {second}
    assert result.message.startswith("3 gone names")


def test_names_that_never_were_here_are_somebody_elses(folder: Path) -> None:
    commit(
        folder,
        {
            **FILES,
            "README.md": f"{README}\nCall `esp_wifi_init()`, `your_part()`; `CONFIG_FREERTOS_HZ`, "
            "`main/their_app.c`.\n\n```c\nstatic void mine_too(void) {\n```\n\n"
            "```sh\nidf.py their-target\n```\n",
        },
    )

    assert check(folder).status is CheckStatus.SUCCESS


def test_what_speaks_of_the_past_may_name_what_is_gone(folder: Path) -> None:
    text = (
        "# Guide\n\n`pump_stop()` was removed.\n\n## Renamed functions\n\n`pump_stop()` is one.\n"
    )
    commit(
        folder,
        {
            "CHANGELOG.md": "`pump_stop()` [x](gone.md)\n",
            "guide.md": text,
            "include/pump.h": HEADER,
        },
    )
    commit(folder, {"include/pump.h": "int pump_start(int rate);\n"})

    assert check(folder).status is CheckStatus.SUCCESS


def test_flags_and_targets_of_the_projects_own_tools(folder: Path) -> None:
    text = "# Use\n\n```sh\n./tool.py --fast --slow\npio run -e bench\nmake pictures\n```\n"
    commit(
        folder,
        {
            "README.md": text,
            "tool.py": "'--fast'\n'--slow'\n",
            "platformio.ini": "[env:bench]\n[env:all]\n",
            "Makefile": "pictures: a\n\ttrue\n",
        },
    )
    commit(
        folder,
        {"tool.py": "'--fast'\n", "platformio.ini": "[env:all]\n", "Makefile": "all: a\n\ttrue\n"},
    )

    gone = [(each["line"], each["name"]) for each in found(check(folder), "gone")]

    assert gone == [(4, "--slow"), (5, "bench"), (6, "pictures")]


def test_dead_links_are_told_with_what_became_of_their_target(folder: Path) -> None:
    commit(
        folder,
        {**FILES, "docs/a.md": "# A\n", "README.md": f"{README}\n[a](docs/a.md) [b](made/b.md)\n"},
    )
    (folder / ".gitignore").write_text("made/\n")
    sha = remove(folder, "docs/a.md")

    [link] = found(check(folder), "dead_links")

    assert (link["line"], link["target"]) == (5, "docs/a.md")
    assert link["reason"].startswith(f"removed in {sha[:10]} of ")


def test_a_translation_is_compared_with_its_original(folder: Path) -> None:
    commit(folder, {**FILES, "README_CN.md": README})
    sha = commit(
        folder, {"README.md": "# Pump\n\nAll of it is new.\n", "src/pump.c": "int all_new;\n"}
    )

    result = check(folder)

    assert [(each["path"], len(each["stale"])) for each in result.details["documents"]] == [
        ("README_CN.md", 1)
    ]
    [stale] = found(result, "stale")
    assert (stale["kind"], stale["file"], stale["commit"]) == ("translation", "README.md", sha)


def test_documents_of_others_and_of_builds_are_not_looked_at(folder: Path) -> None:
    dead = "[x](gone.md)\n"
    others = ("managed_components/a__b", "build", "third_party/x", "lib/Their", "node_modules/y")
    files = {f"{each}/README.md": dead for each in others}
    commit(folder, {**FILES, **files, "lib/Their/library.properties": "name=Their\n"})

    result = check(folder)

    assert (result.status, result.details["counts"]["documents"]) == (CheckStatus.SUCCESS, 1)


def test_odd_files_end_nothing(folder: Path, tmp_path: Path) -> None:
    commit(folder, FILES)
    (tmp_path / "secret.md").write_text("[x](gone.md)\n")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "long.md").write_text("[x](gone.md) " * 200_000)
    (folder / "binary.md").write_bytes(b"\0\1\2")
    (folder / "latin.md").write_bytes(b"# Gr\xfc\xdfe\n\n[x](gone.md)\n")
    (folder / "wide.md").write_bytes("# Wide\n\n[x](gone.md)\n".encode("utf-16"))
    os.mkfifo(folder / "pipe.md")

    result = check(folder)

    assert {each["path"] for each in result.details["documents"]} == {"latin.md", "wide.md"}
    assert {each["path"]: each["reason"] for each in result.details["left_out"]} == {
        "long.md": "over 1 MiB",
        "binary.md": "binary",
    }
    json.dumps(result.details).encode()


def test_a_shallow_clone_says_that_its_history_ends(folder: Path, tmp_path: Path) -> None:
    commit(folder, FILES)
    commit(folder, {"src/pump.c": "int all_new;\n"})
    clone = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{folder}", str(clone)], check=True)

    result = check(clone)

    assert result.status is CheckStatus.SUCCESS
    assert "shallow" in result.details["history"]


def test_nothing_is_committed_yet(folder: Path) -> None:
    Repo.init(folder).close()
    (folder / "README.md").write_text("# New\n\n[x](gone.md)\n")

    result = check(folder)

    assert result.details["history"] == "nothing is committed yet"
    assert [each["target"] for each in found(result, "dead_links")] == ["gone.md"]


def test_a_folder_that_is_no_repository_is_one_clear_line(folder: Path) -> None:
    folder.mkdir()

    with pytest.raises(ToolError, match="not a git repository"):
        check(folder)


def test_an_app_of_a_repository_has_its_own_documents(folder: Path) -> None:
    dead = "[x](gone.md)\n"
    commit(
        folder,
        {
            "README.md": dead,
            "docs/a.md": dead,
            "apps/one/README.md": dead,
            "apps/two/README.md": dead,
        },
    )

    result = check(folder, app="apps/one")

    paths = {each["path"] for each in result.details["documents"]}
    assert paths == {"README.md", "docs/a.md", "apps/one/README.md"}


def test_the_state_follows_commits_and_what_is_not_committed(folder: Path) -> None:
    commit(folder, FILES)
    states = [DocCheck().state(context(folder))]
    assert DocCheck().state(context(folder)) == states[0]
    (folder / "README.md").write_text("# Other\n")
    states.append(DocCheck().state(context(folder)))
    (folder / "README.md").write_text("# Another\n")
    states.append(DocCheck().state(context(folder)))
    commit(folder, {"README.md": "# Another\n"})
    states.append(DocCheck().state(context(folder)))
    states.append(DocCheck().state(context(folder, options={"index_path": "x.json"})))

    assert len(set(states)) == len(states)


def test_the_index_has_each_document_and_what_it_covers(folder: Path) -> None:
    sha = commit(folder, FILES)

    result = check(folder, options={})

    index = json.loads((folder.parent / "output" / "doc_index.json").read_text())
    assert result.details["index"] == str(folder.parent / "output" / "doc_index.json")
    assert (index["commit"], index["made"]) == (sha, "2026-01-02T03:04:05Z")
    assert index["counts"] == {
        "documents": 1,
        "headings": 1,
        "files": 1,
        "functions": 1,
        "options": 1,
    }
    [document] = index["documents"]
    assert (document["path"], document["title"], document["commit"]) == ("README.md", "Pump", sha)
    assert document["headings"] == [{"level": 1, "text": "Pump", "line": 1}]
    assert document["covers"]["files"] == ["Kconfig", "include/pump.h", "src/pump.c"]
    assert document["covers"]["functions"] == [
        {"name": "pump_start", "file": "include/pump.h", "line": 1}
    ]
    assert document["covers"]["options"] == [
        {"name": "CONFIG_PUMP_RATE", "file": "Kconfig", "line": 1}
    ]
    assert len(document["sha256"]) == 64
    assert not list(folder.glob("*.json"))


@pytest.mark.parametrize(
    "options",
    [{"index_enabled": False}, {"index_auto_generate": False}],
)
def test_the_index_is_made_only_where_it_is_wanted(folder: Path, options: dict[str, Any]) -> None:
    commit(folder, FILES)

    assert check(folder, options=options).details["index"] == ""
    assert not list((folder.parent / "output").iterdir())


def test_the_index_lies_where_a_person_wants_it(folder: Path, tmp_path: Path) -> None:
    commit(folder, FILES)
    check(folder, options={"index_path": "sub/index.json"})
    check(folder, options={"index_path": str(tmp_path / "mine.json")})
    check(folder, options={"index_path": str(tmp_path / "mine.json")})

    assert (tmp_path / "output" / "sub" / "index.json").is_file()
    assert json.loads((tmp_path / "mine.json").read_text())["project"] == "pump"


@pytest.mark.parametrize("path", ["../index.json", "{folder}/.git/index.json"])
def test_the_index_is_not_written_where_it_must_not_be(folder: Path, path: str) -> None:
    commit(folder, FILES)

    with pytest.raises(UsageError, match="output_path"):
        check(folder, options={"index_path": path.format(folder=folder)})


def test_details_are_bounded_and_the_worst_comes_first(folder: Path) -> None:
    def dead(name: str, links: int) -> str:
        return "".join(f"[a]({name}-{number}-{'x' * 200}.md)\n\n" for number in range(links))

    documents = {f"docs/{name}.md": dead(str(name), 40) for name in range(100)}
    commit(folder, documents | {"z.md": dead("z", 80)})

    result = check(folder)

    assert result.details["counts"]["dead_links"] == 102 * 40
    assert result.details["documents"][0]["path"] == "z.md"
    assert len(result.details["documents"][0]["dead_links"]) == 20
    assert result.details["more_documents"] == 101 - len(result.details["documents"])
    assert len(json.dumps(result.details)) < 1 << 20
