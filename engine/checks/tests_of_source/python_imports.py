"""Which modules of a project a Python file imports or names."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

_MAX_CHARACTERS = 1 << 20
_MAX_IMPORTS = 2000
_MAX_SAME_NAME = 200  # files of one name, of which the nearest is looked for
_FILE = "<test>"
warnings.filterwarnings("ignore", module=_FILE)
_SCRIPT = re.compile(r"[\w./-]{1,200}\.py")
_MODULE_NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+){1,8}")


@dataclass(frozen=True, slots=True)
class Imported:
    """A module as it is imported.

    Args:
        module: its name with dots, without those of a relative import.
        names: what is taken from it; each may be a module as well.
        level: dots before it: 0 for an absolute import.
    """

    module: str
    names: tuple[str, ...] = ()
    level: int = 0


@dataclass(frozen=True, slots=True)
class Mentions:
    """What a file imports, and what its strings name: scripts, and modules with dots."""

    imports: tuple[Imported, ...] = ()
    scripts: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()


def mentions_of(text: str) -> Mentions:
    """What a Python file mentions; nothing where it is no Python of this version.

    Args:
        text: untrusted.
    """
    try:
        tree = ast.parse(text[:_MAX_CHARACTERS], _FILE)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Mentions()
    imports: list[Imported] = []
    scripts: set[str] = set()
    modules: set[str] = set()
    for node in ast.walk(tree):
        if len(imports) >= _MAX_IMPORTS:
            break
        if isinstance(node, ast.Import):
            imports += (Imported(each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(each.name for each in node.names)
            imports.append(Imported(node.module or "", names, node.level))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if _SCRIPT.fullmatch(node.value):
                scripts.add(node.value.lstrip("./"))
            elif _MODULE_NAME.fullmatch(node.value):
                modules.add(node.value)  # of importlib, mock.patch and python -m
    return Mentions(tuple(imports), frozenset(scripts), frozenset(modules))


class Modules:
    """The modules of a project by their names.

    Args:
        files: paths of its Python files.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._by_end: dict[str, list[str]] = {}
        self._folders: set[str] = set()
        self._first: set[str] = set()
        for path in files:
            parts = path.removesuffix(".py").split("/")
            if parts[-1] == "__init__":
                parts.pop()
            for begin in range(max(0, len(parts) - 8), len(parts)):
                known = self._by_end.setdefault(".".join(parts[begin:]), [])
                if len(known) < _MAX_SAME_NAME:
                    known.append(path)
                for end in range(begin + 1, len(parts)):
                    self._folders.add(".".join(parts[begin:end]))
        packages = {path.rpartition("/")[0] for path in files if path.endswith("/__init__.py")}
        for package in packages:
            above, _slash, name = package.rpartition("/")
            if above not in packages:
                self._first.add(name)

    def is_own_package(self, name: str) -> bool:
        """Whether the first part of a module's name is a package of the project."""
        return name.partition(".")[0] in self._first

    def files_of(self, module: str, importer: str) -> list[str]:
        """The files that a module can be; those nearest to who imports it."""
        found = self._by_end.get(module, [])
        if len(found) < 2:
            return found
        best = max(_common(each, importer) for each in found)
        return [each for each in found if _common(each, importer) == best]

    def of(self, imported: Imported, importer: str) -> tuple[list[str], list[str]]:
        """The files of the project that an import loads, and its own modules that are gone."""
        base = imported.module
        if imported.level:
            folders = importer.split("/")[: -imported.level]
            if len(importer.split("/")) < imported.level:
                return [], []
            return self._below(folders, imported)
        files: list[str] = []
        gone: list[str] = []
        own = self.files_of(base, importer)
        for name in imported.names:
            files += self.files_of(f"{base}.{name}", importer)
        # Of a package, what is taken from it tells more than its __init__.
        files = files or list(own)
        if not files and self.is_own_package(base) and base not in self._folders:
            gone.append(base)
        return files, gone

    def _below(self, folders: list[str], imported: Imported) -> tuple[list[str], list[str]]:
        base = [*folders, *filter(None, imported.module.split("."))]
        files: list[str] = []
        for name in ("", *imported.names):
            path = "/".join([*base, *filter(None, [name])])
            known = self._by_end.get(".".join(filter(None, [*base, name]))[-500:], [])
            files += (each for each in known if each in (f"{path}.py", f"{path}/__init__.py"))
        return files, []


def _common(one: str, other: str) -> int:
    """How many folders two paths share from the root."""
    number = 0
    for left, right in zip(one.split("/")[:-1], other.split("/")[:-1], strict=False):
        if left != right:
            break
        number += 1
    return number
