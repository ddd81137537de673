from __future__ import annotations

from pathlib import Path

import pytest

from engine.checks.documentation.links import DeadLink, LinkResolver
from engine.checks.documentation.markdown import parse_markdown
from engine.checks.documentation.restructuredtext import parse_rst
from engine.checks.documentation.tree import Tree


def dead(folder: Path, files: dict[str, str], document: str, **tree: object) -> list[DeadLink]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    found = Tree(root=folder, commit="", files=frozenset(files), **tree)  # type: ignore[arg-type]
    documents = {
        name: parse_markdown(text) if name.endswith((".md", ".mdx")) else parse_rst(text)
        for name, text in files.items()
        if name.endswith((".md", ".mdx", ".rst"))
    }
    resolver = LinkResolver(found, documents, generated=(), went=lambda _path: "")
    return list(resolver.dead(document))


GITHUB = {
    "LICENSE": "MIT",
    "docs/pins.md": "# Pins\n## ESP32-C3 (v2)\n",
    "docs/with space.md": "# S\n",
    "src/app.c": "1\n2\n3\n",
}


@pytest.mark.parametrize(
    "target",
    [
        *("docs/pins.md", "./docs/", "docs", "/docs/pins.md", "LICENSE", "docs/with%20space.md"),
        *("docs/pins.md#esp32-c3-v2", "docs/pins.md#ESP32-C3-v2", "#top", "#here", "src/app.c#L3"),
        *("docs/pins.md?raw=true", "src/app.c?plain=1#L1-L3", "../../issues", "../../wiki/Home"),
        *(
            "https://x.org/a.md",
            "mailto:a@b.org",
            "//x.org/a",
            "{{ site.url }}/a",
            "$IDF_PATH/a.md",
        ),
    ],
)
def test_a_link_that_github_resolves_is_alive(tmp_path: Path, target: str) -> None:
    files = {**GITHUB, "README.md": f"# Here\n[x](<{target}>)\n"}

    assert dead(tmp_path, files, "README.md") == []


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("docs/gone.md", "no docs/gone.md"),
        ("docs/Pins.md", "it is spelled docs/pins.md"),
        ("docs/pins.md#esp32-c4", "no heading or anchor #esp32-c4 in docs/pins.md"),
        ("#nowhere", "no heading or anchor #nowhere in this document"),
        ("src/app.c#L9", "src/app.c has only 3 lines"),
        ("github.com/a/b", "a URL without https:// is looked for as a file"),
    ],
)
def test_a_dead_link_says_why(tmp_path: Path, target: str, reason: str) -> None:
    files = {**GITHUB, "README.md": f"# Here\n\n[x](<{target}>)\n"}

    found = dead(tmp_path, files, "README.md")

    assert [(each.line, each.reason) for each in found] == [(3, reason)]


def test_a_heading_that_is_spelled_otherwise_is_hinted_at(tmp_path: Path) -> None:
    found = dead(
        tmp_path,
        {"README.md": "# Use\n[x](#faq)\n## F.A.Q!\n[y](#useful-links)\n## 🔗 Useful links\n"},
        "README.md",
    )

    assert [each.hint for each in found] == ["#-useful-links is there"]


def test_what_a_submodule_a_link_or_a_build_has_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "made.md").touch()
    text = "[a](sub/x/README.md) [b](aside/y.md) [c](build/made.md)\n"

    found = dead(
        tmp_path,
        {"README.md": text},
        "README.md",
        submodules=("sub/x",),
        links=frozenset({"aside"}),
    )

    assert found == []


SPHINX = {
    "docs/conf.py": "extensions = []\nproject = 'x'\n",
    "docs/index.rst": "Index\n=====\n",
    "docs/guide/pins.rst": ".. _pin-list:\n\nPins\n====\n",
    "docs/_static/a.png": "",
}


def test_sphinx_resolves_documents_labels_and_includes(tmp_path: Path) -> None:
    text = (
        ":doc:`pins` :doc:`/index` :doc:`../../guide/pins` :ref:`Pin List <pin-list>`\n\n"
        ".. image:: /_static/a.png\n\n.. image:: ../_static/a.*\n\n.. include:: pins.rst\n"
    )

    assert dead(tmp_path, {**SPHINX, "docs/guide/a.rst": text}, "docs/guide/a.rst") == []


def test_what_sphinx_does_not_find_is_dead(tmp_path: Path) -> None:
    text = (
        ":doc:`gone` :ref:`no-label`\n\n.. literalinclude:: ../../gone.c\n\n"
        ".. toctree::\n\n   lost\n"
    )

    found = dead(tmp_path, {**SPHINX, "docs/guide/a.rst": text}, "docs/guide/a.rst")

    assert [(each.line, each.target) for each in found] == [
        (1, "gone"),
        (1, "no-label"),
        (3, "../../gone.c"),
        (7, "lost"),
    ]


def test_labels_of_other_documentations_are_not_judged(tmp_path: Path) -> None:
    files = {
        **SPHINX,
        "docs/conf.py": "extensions = ['sphinx.ext.intersphinx']\n",
        "docs/a.rst": ":ref:`far-away`\n",
    }

    assert dead(tmp_path, files, "docs/a.rst") == []


def test_docusaurus_takes_files_by_their_ending_and_all_else_for_urls(tmp_path: Path) -> None:
    files = {
        "site/docusaurus.config.js": "",
        "site/static/img/a.png": "",
        "site/docs/other.mdx": "# O\n## A B {#custom}\n",
        "site/docs/a.md": (
            "[a](./other) [b](/docs/any/url) ![c](/img/a.png) [d](other.mdx#custom)\n"
            "[e](gone.md)\n[f](other.mdx#wrong)\n"
        ),
    }

    found = dead(tmp_path, files, "site/docs/a.md")

    assert [each.target for each in found] == ["gone.md", "other.mdx#wrong"]


def test_anchors_of_what_takes_in_other_files_are_not_judged(tmp_path: Path) -> None:
    files = {
        "docusaurus.config.js": "",
        "docs/a.mdx": "import Part from './_part.md'\n\n[x](#of-the-part)\n\n<Part />\n",
        "docs/_part.md": "## Of the part\n[y](#of-the-whole)\n",
    }

    assert dead(tmp_path, files, "docs/a.mdx") == []
    assert dead(tmp_path, files, "docs/_part.md") == []


def test_examples_that_the_component_manager_brings_along_are_there(tmp_path: Path) -> None:
    files = {
        "bsp/README.md": "[a](examples/blink) [b](examples/lost)\n",
        "bsp/idf_component.yml": "examples:\n  - path: ../../examples/blink\n",
        "examples/blink/main.c": "",
    }

    assert [each.target for each in dead(tmp_path, files, "bsp/README.md")] == ["examples/lost"]
