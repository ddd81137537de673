"""espdeck.toml: read, checked, never trusted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.manifest import FILE_NAME, BuildOptions, Manifest, load
from engine.quality_requirements import Aspect, QualityRequirements
from engine.testing.scripts import Script, ScriptStep
from engine.watch_rules import WatchRules


def test_a_tree_without_one_has_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path) == Manifest()


def test_reads_what_a_project_expects(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(
        'expect = ["ready", "^I \\\\(\\\\d+\\\\)"]\ntimeout = 2.5\nbaud = 74880\nunity = true\n'
    )

    assert load(tmp_path) == Manifest(
        expect=("ready", r"^I \(\d+\)"), timeout=2.5, baud=74880, unity=True
    )


def test_reads_what_a_project_asks_of_a_simulated_chip(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('[simulator]\nnetwork = true\nefuse = "test/efuse.bin"\n')

    assert load(tmp_path) == Manifest(network=True, efuse="test/efuse.bin")


def test_reads_how_a_project_wants_to_be_built(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('[build]\nidf = "5.5"\ncmake = { APP_REV = "7;8" }\n')

    assert load(tmp_path).build == BuildOptions(idf="5.5", cmake=("APP_REV=7;8",))


def test_reads_what_starts_builds_of_a_project(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(
        '[watch]\npush = true\ntags = "v*"\nschedule = "0 3 * * mon-fri"\n'
    )

    assert load(tmp_path).watch == WatchRules(push=True, tags="v*", schedule="0 3 * * mon-fri")


@pytest.mark.parametrize(
    ("name", "pattern", "meant"),
    [
        ("v1.0", "v*", True),
        ("firmware/v1", "firmware/*", True),
        ("a/b/v1", "*", True),
        ("V1", "v*", False),
        ("v1", "v[!1]", False),
        ("v1", "", False),
    ],
)
def test_a_pattern_means_tags_by_their_names(name: str, pattern: str, meant: bool) -> None:
    assert WatchRules(tags=pattern).has_tag(name) is meant


def test_reads_what_is_typed_to_it(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(
        "eol = 'crlf'\n[[test]]\nname = 'help'\nsend = 'help'\nexpect = 'led'\n"
    )

    assert load(tmp_path) == Manifest(
        eol="\r\n", tests=(Script("help", (ScriptStep("help", "led"),), line=2),)
    )


def test_reads_what_a_project_demands_of_its_quality(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(
        '[quality]\ncoverage = 90\nsize = 1_000_000\nrequire = ["coverage", "growth"]\n'
        'host_tests = "test/host"\nreport = "out/lcov.info"\n'
        'baseline = "v1.2"\nexclude = ["third_party/**", "*.gen.c"]\n'
    )

    assert load(tmp_path).quality == QualityRequirements(
        thresholds={Aspect.COVERAGE: 90, Aspect.SIZE: 1_000_000},
        require=(Aspect.COVERAGE, Aspect.GROWTH),
        host_tests="test/host",
        report="out/lcov.info",
        baseline="v1.2",
        exclude=("third_party/**", "*.gen.c"),
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('expect = "one"', "expect"),
        ('expect = ["("]', "expect"),
        ("timeout = true", "timeout"),
        ("timeout = 1e9", "timeout"),
        ("baud = 1", "baud"),
        ("unity = 1", "unity"),
        ("build = 1", "build must be a table"),
        ("[build]\nidf = 5.5", "build.idf"),
        ("[build]\nidf = 'latest'", "build.idf"),
        ("[build]\ncmake = ['A=1']", "build.cmake"),
        ("[build.cmake]\nA = 1", "build.cmake.A"),
        ("[build.cmake]\n'-A' = 'x'", "'-A' is not a name"),
        ('[build.cmake]\nA = "x\\n"', "one line"),
        ("[build]\nninja = 1", "build.ninja"),
        ("exepct = []", "exepct"),
        ("eol = 'lfcr'", "eol must be one of lf, cr, crlf, none"),
        ("[test]\nname = 'x'", "[[test]]"),
        ("[[test]]\nname = 'x'\nwithin = 1", "[[test]] 1 ('x')"),
        ("simulator = 1", "simulator must be a table"),
        ("simulator.netwrok = true", "simulator.netwrok"),
        ("simulator.network = 1", "network"),
        ("simulator.efuse = 1", "simulator.efuse"),
        ("quality = 1", "quality must be a table"),
        ("[quality]\ncoverge = 1", "quality.coverge"),
        ("[quality]\ncoverage = '80'", "quality.coverage must be a number"),
        ("[quality]\ncode = true", "quality.code"),
        ("[quality]\ngrowth = nan", "quality.growth"),
        ("[quality]\nsize = -1", "quality.size"),
        ("[quality]\nsize = 1e300", "quality.size"),
        ("[quality]\nrequire = 'coverage'", "quality.require must be a list of: coverage"),
        ("[quality]\nrequire = ['beauty']", "quality.require"),
        ("[quality]\nrequire = [[]]", "quality.require"),
        ("[quality]\nhost_tests = 1", "quality.host_tests must be a path"),
        ("[quality]\nhost_tests = '/etc'", "leaves the project"),
        ("[quality]\nreport = 'a/../../b'", "leaves the project"),
        ("[quality]\nexclude = 'lib/**'", "quality.exclude must be a list of at most 100 patterns"),
        ("[quality]\nexclude = [1]", "quality.exclude: '1' is not a pattern of files"),
        ("[quality]\nexclude = ['']", "quality.exclude: '' names nothing"),
        ("[quality]\nexclude = ['../lib']", "quality.exclude: '../lib' leaves the project"),
        ("[quality]\nbaseline = 3", "quality.baseline must be a commit, branch or tag"),
        ("= nonsense", FILE_NAME),
        ("#" * 70_000, "larger"),
        ("a = " + "[" * 30_000, "recursion"),
        (f"expect = {['x'] * 101}", "expect has 101 patterns, at most 100"),
        (f"expect = ['{'x' * 501}']", "longer than 500 characters"),
        ("unity = true\nexepct = []", "espdeck.toml:2: unknown key 'exepct'"),
        ("\n\ntimeout = 1e999", "espdeck.toml:3: timeout must be a number"),
        ("timeout = -inf", "espdeck.toml:1: timeout"),
        ("baud = true", "espdeck.toml:1: baud must be a number"),
        (f"baud = {10**400}", "espdeck.toml:1: baud must be a number"),
        (f"timeout = {'9' * 5000}", "espdeck.toml:1: a number with more than 1000 digits"),
        (f"[quality]\n\nsize = {10**400}", "espdeck.toml:3: quality.size must be a number"),
        ("[quality]\nsize = inf", "espdeck.toml:2: quality.size"),
        ("[quality]\ncode = 1\n[quality.x]\ny = 1", "espdeck.toml:3: unknown key 'quality.x'"),
        ("quality = { code = 1,\ncoverge = 1 }", "espdeck.toml:1: "),
        ("[build]\ncmake = { A = 1 }", "espdeck.toml:2: build.cmake.A"),
        ("[[test]]\nname = 'x'\nsend = 'a'\n\n[[test]]\nsend = 1", "espdeck.toml:5: [[test]] 2"),
        ("[[test]]\nname = 'x'\nwithin = true\nsend = 'a'", "espdeck.toml:3: [[test]] 1 ('x')"),
        ("watch = true", "espdeck.toml:1: watch must be a table"),
        ("[watch]\npush = 1", "espdeck.toml:2: watch.push must be true or false"),
        ("[watch]\n\ntags = ['v*']", "espdeck.toml:3: watch.tags must be a text"),
        ("[watch]\ntags = '" + "*a" * 60 + "'", "espdeck.toml:2: watch.tags is a pattern"),
        ("[watch]\nschedule = '0 3 * *'", "espdeck.toml:2: watch.schedule: '0 3 * *' is no"),
        ("[watch]\nschedule = '* * * * *'", "espdeck.toml:2: watch.schedule: '* * * * *' comes"),
        ("[watch]\nevery = 5", "espdeck.toml:2: unknown key 'watch.every'"),
        ("a = 1\na = 2", "espdeck.toml:2: this key is already set"),
        ("a = 1\nb = [1,\n", "espdeck.toml:2: Invalid value"),
        ("a." * 30_000 + "a = 1", "espdeck.toml:1: a key with more than 100 parts"),
        ("[" + "a." * 500 + "a]", "more than 100 parts"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)

    with pytest.raises(UsageError) as raised:
        load(tmp_path)

    assert named in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.slow
@given(data=st.binary(max_size=400))
def test_no_bytes_do_more_than_raise_a_usage_error(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tree = tmp_path_factory.mktemp("tree")
    (tree / FILE_NAME).write_bytes(data)

    try:
        assert isinstance(load(tree), Manifest)
    except UsageError as error:
        assert FILE_NAME in str(error)


def test_one_that_leads_to_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).symlink_to("/dev/zero")

    with pytest.raises(UsageError, match=r"espdeck\.toml: not a file"):
        load(tmp_path)
