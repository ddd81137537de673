"""Files ``.build-test-rules.yml``: for which chips a repository says that its apps are built.

Format: idf-build-apps, "Manifest File". Keys are folders from the root of the repository; the rule
of the nearest folder above an app counts, and begins anew for each. A condition about something
that is not known here (``SOC_WIFI_SUPPORTED``, ``IDF_VERSION``) leaves a chip undecided.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.enums import TARGETS
from engine.formats.untrusted import yaml_mapping
from engine.source.files import SourceFiles, is_own

FILE_NAME = ".build-test-rules.yml"

_MAX_FILES = 200
_MAX_FILE_CHARACTERS = 256 << 10
_MAX_CLAUSES = 50
_MAX_CONDITION_CHARACTERS = 2000
_ANCHOR_PLACEHOLDER = ".common_components: &common_components\n"
"""idf-build-apps gives this name a meaning, of which nothing depends here."""

_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda one, other: bool(one in other),
    ast.NotIn: lambda one, other: bool(one not in other),
}


@dataclass(frozen=True, slots=True)
class TargetRules:
    """What the rules say of each target: built, not built, or nothing."""

    enabled: tuple[str, ...] = ()
    disabled: frozenset[str] = frozenset()

    @property
    def complete(self) -> bool:
        """Whether nothing is left open."""
        return len(self.enabled) + len(self.disabled) == len(TARGETS)


@dataclass(frozen=True, slots=True)
class _Rule:
    enable: tuple[ast.expr, ...]
    disable: tuple[ast.expr, ...]

    @property
    def by_configuration(self) -> bool:
        """Whether a condition asks for the name of the configuration."""
        return any(
            isinstance(node, ast.Name) and node.id == "CONFIG_NAME"
            for clause in (*self.enable, *self.disable)
            for node in ast.walk(clause)
        )


@dataclass(frozen=True, slots=True)
class BuildRules:
    """The rules of a repository, by folder."""

    rules: Mapping[str, _Rule] = field(default_factory=dict)

    def of(self, app: str, configurations: Sequence[str] = ("",)) -> TargetRules:
        """What is said of an app: built is what is built in one of some configurations.

        Args:
            app: its folder.
            configurations: their names, empty for the plain build.
        """
        rule = self._nearest(app)
        if rule is None:
            return TargetRules()
        enabled, disabled = [], set()
        for target in TARGETS:
            built = _any(_is_built(rule, target, name or "default") for name in configurations)
            if built:
                enabled.append(target)
            elif built is False:
                disabled.add(target)
        return TargetRules(tuple(enabled), frozenset(disabled))

    def by_configuration(self, app: str) -> bool:
        """Whether an app's configurations are told apart."""
        rule = self._nearest(app)
        return rule is not None and rule.by_configuration

    def _nearest(self, app: str) -> _Rule | None:
        folder = app
        while True:
            if folder in self.rules:
                return self.rules[folder]
            if not folder:
                return None
            folder = folder.rpartition("/")[0]


def read(files: SourceFiles) -> BuildRules:
    """Every rule of a repository; a file that makes no sense has none."""
    names = [name for name in files.names if name.rpartition("/")[2] == FILE_NAME and is_own(name)]
    rules: dict[str, _Rule] = {}
    for name in names[:_MAX_FILES]:
        for folder, rule in yaml_mapping(
            _ANCHOR_PLACEHOLDER + files.text(name), _MAX_FILE_CHARACTERS
        ).items():
            if isinstance(folder, str) and isinstance(rule, dict) and not folder.startswith("."):
                rules[folder.strip("/")] = _Rule(
                    _clauses(rule, "enable"), _clauses(rule, "disable")
                )
    return BuildRules(rules)


def _is_built(rule: _Rule, target: str, configuration: str) -> bool | None:
    names = {"IDF_TARGET": target, "CONFIG_NAME": configuration}
    if _any(_value(clause, names) for clause in rule.disable):
        return False
    return _any(_value(clause, names) for clause in rule.enable) if rule.enable else None


def _clauses(rule: Mapping[object, object], key: str) -> tuple[ast.expr, ...]:
    """The conditions of a rule; ``key+`` adds to what ``<<`` brought, ``key-`` takes from it."""
    conditions = _conditions(rule.get(key))
    conditions |= _conditions(rule.get(f"{key}+"))
    for each in _conditions(rule.get(f"{key}-")):
        conditions.pop(each, None)
    # A condition that is none leaves all undecided, as one about unknown things does.
    return tuple(_parse(each) or ast.Name("unknown") for each in conditions.values())


def _conditions(listed: object) -> dict[str, str]:
    """Conditions by what makes them equal."""
    found = {}
    for clause in listed[:_MAX_CLAUSES] if isinstance(listed, list) else ():
        condition = clause.get("if") if isinstance(clause, dict) else None
        if isinstance(condition, str):
            found[condition.replace(" ", "")] = condition[:_MAX_CONDITION_CHARACTERS]
    return found


def _parse(condition: str) -> ast.expr | None:
    """The conditions are written as Python's are."""
    try:
        return ast.parse(condition.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr, names: Mapping[str, str]) -> bool | None:
    """What a condition comes to; None where that is not known."""
    if isinstance(node, ast.BoolOp):
        values = [_value(each, names) for each in node.values]
        if isinstance(node.op, ast.Or):
            return _any(values)
        decided = _any(None if value is None else not value for value in values)
        return None if decided is None else not decided
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        compare = _COMPARE.get(type(node.ops[0]))
        left, right = _constant(node.left, names), _constant(node.comparators[0], names)
        if compare is None or left is None or right is None:
            return None
        try:
            return bool(compare(left, right))
        except TypeError:
            return None
    return None


def _constant(node: ast.expr, names: Mapping[str, str]) -> object:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List | ast.Tuple):
        return tuple(_constant(each, names) for each in node.elts)
    return None


def _any(values: Iterable[bool | None]) -> bool | None:
    """True if one is, else None if one is not known."""
    found = list(values)
    return True if True in found else None if None in found else False
