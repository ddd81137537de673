"""Manifests, locks, requirements and versions, taken apart: any text, and the right values."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checks.dependencies import references, versions
from engine.checks.dependencies.manifest import parse_lock, parse_manifest
from engine.checks.dependencies.platformio import parse_specification
from engine.checks.dependencies.references import Moves
from engine.checks.dependencies.requirements import parse_requirements

_NUMBERS = st.integers(0, 30)


@pytest.mark.parametrize(
    ("spec", "version", "allowed"),
    [
        # IDF Component Manager, "Versioning": what each operator allows.
        ("*", "3.0.0", True),
        ("", "3.0.0", True),
        ("^1.2", "1.9.0", True),
        ("^1.2", "2.0.0", False),
        ("^0.2.3", "0.3.0", False),
        ("^0.0.3", "0.0.3~1", True),
        ("^0.0.3", "0.0.4", False),
        ("~1", "1.9.9", True),
        ("~1.2.3", "1.2.9", True),
        ("~1.2.3", "1.3.0", False),
        ("~=1.4.5", "1.5.0", False),
        ("~=2.2", "2.9.0", True),
        ("~2.*", "2.9.0", True),
        ("~2.1.*", "2.2.0", False),
        ("^1.0.0-rc.1", "1.3.2", True),
        ("^0.0", "0.0.0~2", True),
        (">=1,<2", "1.5.0", True),
        (">=1,<2", "2.0.0", False),
        (">4.5.0,!=4.6.0", "4.6.0", False),
        ("1.*", "1.4.0", True),
        ("5.0.*", "5.1.0", False),
        (">=1.*", "1.0.0", True),
        ("==1.2", "1.2.9", True),
        ("==1.2.3", "1.2.3~1", False),
        ("1.2.3~1", "1.2.3~1", True),
        ("^0.1.0~2", "0.1.0~1", False),
        ("^0.1.0~2", "0.1.0~3", True),
        ("<2.0.0", "2.0.0~1", False),
        ("==1.0.3-alpha", "1.0.3-alpha", True),
        ("v1.0.0", "1.0.0", None),
        ("latest", "1.0.0", None),
        ("^1.0", "*", None),
        ("^1.0", "0123456789abcdef0123456789abcdef01234567", None),
    ],
)
def test_what_a_specification_allows(spec: str, version: str, allowed: bool | None) -> None:
    assert versions.allows(spec, version) is allowed


@pytest.mark.parametrize(
    ("spec", "exact", "unbounded"),
    [
        ("1.2.3", True, False),
        ("==1.2.3~4", True, False),
        ("=1.2.3", True, False),
        ("1.2", False, False),
        ("1.2.*", False, False),
        ("^1", False, False),
        ("*", False, True),
        ("", False, True),
        (">=1.0", False, True),
        (">=1.0,!=1.5.0", False, True),
        (">=1.0,<2", False, False),
        ("latest", False, False),
    ],
)
def test_what_a_specification_pins(spec: str, exact: bool, unbounded: bool) -> None:
    assert (versions.is_exact(spec), versions.is_unbounded(spec)) == (exact, unbounded)


@given(_NUMBERS, _NUMBERS, _NUMBERS, st.integers(0, 20))
def test_every_version_is_as_itself(major: int, minor: int, patch: int, revision: int) -> None:
    version = f"{major}.{minor}.{patch}" + (f"~{revision}" if revision else "")

    assert versions.is_exact(version)
    for operator in ("", "=", "==", ">=", "<=", "^", "~", "~="):
        assert versions.allows(f"{operator}{version}", version) is True
    for operator in ("<", ">", "!="):
        assert versions.allows(f"{operator}{version}", version) is False


@given(st.text(alphabet="0123456789.*^~=<>!,-+ax ", max_size=30), st.text(max_size=20))
def test_no_specification_breaks_the_parser(spec: str, version: str) -> None:
    assert versions.allows(spec, version) in (True, False, None)
    assert not (versions.is_exact(spec) and versions.is_unbounded(spec))


@given(st.text(alphabet=string.printable + "ü\ud800", max_size=300))
def test_no_text_breaks_the_parsers(text: str) -> None:
    parse_manifest(text)
    parse_lock(text)
    parse_requirements(text)
    parse_specification(text)


_YAML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(max_examples=15)
@given(
    st.dictionaries(
        st.sampled_from(["dependencies", "overrides", "version", "target"]),
        _YAML | st.dictionaries(st.sampled_from(["a/b", "idf", "x"]), _YAML),
    )
)
def test_no_yaml_breaks_the_parsers(data: object) -> None:
    import yaml

    text = yaml.safe_dump(data)

    assert all(each.name for each in parse_manifest(text).dependencies if each.written)
    parse_lock(text)


def test_forms_of_dependencies_are_told_apart() -> None:
    manifest = parse_manifest(
        "dependencies:\n"
        "  led_strip: '^2'\n"
        "  Ada/Tool:\n"
        "    git: https://git.example/tool.git\n"
        "    path: components/tool\n"
        "    version: v1.0\n"
        "  ada/here: {path: ../here}\n"
        "  ada/own: {version: '*', override_path: ../own}\n"
        "  ada/cond:\n"
        "    version: '^1'\n"
        "    rules: [{if: 'target in [esp32]', version: '^2'}, {if: 'idf_version >=5'}]\n"
        "  idf: {version: '>=5.0'}\n"
        "overrides:\n"
        "  - led_strip: {with: {ada/strip: {version: '1.0.0'}}}\n"
    )

    assert [
        (each.name, each.written, each.line, each.source, each.versions)
        for each in manifest.dependencies
    ] == [
        ("espressif/led_strip", "led_strip", 2, "service", ("^2",)),
        ("ada/tool", "Ada/Tool", 3, "git", ("v1.0",)),
        ("ada/here", "ada/here", 7, "local", ("",)),
        ("ada/own", "ada/own", 8, "local", ("*",)),
        ("ada/cond", "ada/cond", 9, "service", ("^2",)),
        ("idf", "idf", 12, "idf", (">=5.0",)),
    ]
    assert manifest.overridden == {"espressif/led_strip"}


@pytest.mark.parametrize(
    ("reference", "moves"),
    [
        ("", Moves.YES),
        ("main", Moves.YES),
        ("origin/master", Moves.YES),
        ("refs/heads/x", Moves.YES),
        ("release/v5.1", Moves.YES),
        ("feature/test", Moves.YES),
        ("HEAD", Moves.YES),
        ("stable", Moves.YES),
        ("v1.2.3", Moves.NO),
        ("1.0", Moves.NO),
        ("mdns-v1.3.2", Moves.NO),
        ("refs/tags/anything", Moves.NO),
        ("72845bc", Moves.NO),
        ("ff0dd329020a52ae8cf2fb4f6800d9f8e9cc9eeb", Moves.NO),
        ("my-fix", Moves.UNKNOWN),
    ],
)
def test_whether_a_reference_moves(reference: str, moves: Moves) -> None:
    assert references.of_reference(reference) is moves


@pytest.mark.parametrize(
    ("text", "name", "requirements", "address", "path"),
    [
        ("ada/Lib", "ada/Lib", "", "", ""),
        ("ada/Lib @ ^1.2.3", "ada/Lib", "^1.2.3", "", ""),
        ("ada/Lib@1.2.3", "ada/Lib", "1.2.3", "", ""),
        ("espressif32 @ 6.5.0", "espressif32", "6.5.0", "", ""),
        ("https://g.example/a", "https://g.example/a", "", "https://g.example/a", ""),
        ("git@g.example:a.git#v1", "git@g.example:a.git#v1", "", "git@g.example:a.git#v1", ""),
        ("f @ https://g.example/a.git#v1", "f", "", "https://g.example/a.git#v1", ""),
        ("ada/f@https://g.example/a.zip", "ada/f", "", "https://g.example/a.zip", ""),
        ("f=https://me@g.example/a.git", "f", "", "https://me@g.example/a.git", ""),
        ("symlink://../lib", "symlink://../lib", "", "", "../lib"),
        ("mine=file://lib/mine", "mine", "", "", "lib/mine"),
        ("./lib/mine", "./lib/mine", "", "", "./lib/mine"),
    ],
)
def test_specifications_of_platformio(
    text: str, name: str, requirements: str, address: str, path: str
) -> None:
    found = parse_specification(text)

    assert (found.name, found.requirements, found.address, found.path) == (
        name,
        requirements,
        address,
        path,
    )


def test_lines_of_requirements_are_read_as_pip_does() -> None:
    file = parse_requirements(
        "# nothing\n"
        "-r more.txt\n"
        "--constraint=c.txt\n"
        "-rshort.txt\n"
        "click==8.1.7 \\\n"
        "    --hash=sha256:aa \\\n"
        "    --hash=sha256:bb\n"
        "a-b_c>=1 ; python_version < '3.12' # why\n"
        "tool@git+ssh://git@g.example/tool#egg=tool\n"
        "git+https://g.example/x.git@main\n"
    )

    assert [(each.path, each.is_constraint) for each in file.includes] == [
        ("more.txt", False),
        ("c.txt", True),
        ("short.txt", False),
    ]
    assert [
        (each.line, each.name, each.version, each.is_bounded, each.has_hash, each.reference)
        for each in file.requirements
    ] == [
        (5, "click", "8.1.7", True, True, ""),
        (8, "a-b-c", "", True, False, ""),
        (9, "tool", "", False, False, ""),
        (10, "", "", False, False, "main"),
    ]
