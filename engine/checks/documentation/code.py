"""The code of a tree, as far as documents name it: where functions and options are declared.

Functions are found by their declarations in C, C++ and Python, options by ``config NAME`` of
Kconfig (kconfig-language), targets by what build tools read. Whether a name is there at all is
asked of every text file, those of others too: a name that stands anywhere is not gone.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.cancel import CancelToken
from engine.checks.documentation.document import HEADER_SUFFIXES, format_of
from engine.checks.documentation.tree import Tree, suffix_of
from engine.source.c_source import C_SUFFIXES, masked
from engine.source.tree import below

MAX_FILE_BYTES = 1 << 20
"""Bytes of a source that is read."""

_MAX_BYTES = 400 << 20  # of all sources
_MAX_SIGNATURE_CHARACTERS = 2000
_MAX_OPTION_LINES = 60

_BINARY = frozenset(
    {
        *(
            ".png",
            ".jpg",
            ".jpeg",
            ".gif",
            ".bmp",
            ".ico",
            ".webp",
            ".ttf",
            ".otf",
            ".woff",
            ".woff2",
        ),
        *(
            ".wav",
            ".mp3",
            ".mp4",
            ".pdf",
            ".zip",
            ".gz",
            ".tgz",
            ".xz",
            ".7z",
            ".bin",
            ".elf",
            ".a",
            ".o",
        ),
        *(
            ".so",
            ".dll",
            ".exe",
            ".stl",
            ".step",
            ".hex",
            ".bdf",
            ".svg",
            ".pcm",
            ".flac",
            ".espdl",
            ".drawio",
        ),
        *(
            ".map",
            ".po",
            ".lock",
            ".stl",
            ".dxf",
            ".kicad_pcb",
            ".kicad_sch",
            ".sch",
            ".brd",
            ".gbr",
        ),
    }
)
_BRACED = (C_SUFFIXES - {".s"}) | {".ino", ".pde", ".inl", ".ipp", ".tpp"}
_TESTS = re.compile(
    r"(?:^|/)(?:tests?|test_apps?|unit[-_]tests?|host_tests?|mocks?|stubs?)(?:/|$)", re.I
)
_ASIDE = re.compile(r"(?:^|/)(?:examples?|demos?|samples?)(?:/|$)", re.IGNORECASE)
_KCONFIG = re.compile(r"^[ \t]*(?:menu)?config[ \t]+([A-Z][A-Z0-9_]*)[ \t]*$", re.MULTILINE)
_KCONFIG_NEXT = re.compile(
    r"^[ \t]*(?:(?:menu)?config|menu|endmenu|if|endif|choice|endchoice|comment|mainmenu"
    r"|source|rsource|osource|orsource)\b"
)
_SHOWN_IN_MENU = frozenset(
    {*("bool", "int", "hex", "string", "tristate", "prompt", "default", "range"), "def_bool"}
)
_NO_TYPE = re.compile(
    r"(?:^|[^\w])(?:return|else|case|goto|new|delete|throw|sizeof|if|while|do)\s*$|[=(,.!?+/|-]\s*$|^\s*$"
)
_BEFORE = re.compile(r"[;{}]|\n\s*#[^\n]*(?=\n)|\n\s*\n|:(?!:)(?<!::)")
_BEGIN = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)|^([^\n;=(){}#]+)\(", re.MULTILINE)
_NO_RANK = 99
_TRAILER = re.compile(
    r"(?:\s+(?:const|override|final|noexcept|volatile|__attribute__\s*\(\([^;{]{0,200}?\)\)"
    r"|[A-Z][A-Z0-9_]{3,}\b(?:\([^;{)]{0,100}\))?))*\s*(?:->[^;{]{1,100})?(?:[;{]|=\s*(?:0|default|delete))"
)


@dataclass(frozen=True, slots=True)
class Declaration:
    """Where something is declared, and how: its words with one blank between them."""

    path: str
    line: int
    text: str


@dataclass(slots=True)
class Code:
    """What the code has of the names that were asked for.

    Args:
        words: those that stand anywhere.
        functions: declarations by name, the one of a header first of all.
        options: definitions of Kconfig by name.
        unread: files that were left out, as there was too much.
    """

    words: set[str] = field(default_factory=set)
    functions: dict[str, Declaration] = field(default_factory=dict)
    options: dict[str, list[Declaration]] = field(default_factory=dict)
    unread: int = 0


def read_code(
    tree: Tree, functions: Iterable[str], options: Iterable[str], *, cancel: CancelToken
) -> Code:
    """Look for names in the sources of a tree.

    Raises:
        CancelledError, Interrupted: as ``cancel`` says.
    """
    wanted, asked = set(functions), set(options)
    words = {*wanted, *(f"CONFIG_{each}" for each in asked)}
    encoded = {each.encode() for each in words}
    code, ranks = Code(), dict[str, int]()
    left = _MAX_BYTES
    for path in sorted(tree.files):
        cancel.check()
        if suffix_of(path) in _BINARY or format_of(path) is not None:
            continue
        try:
            data = tree.read(path, MAX_FILE_BYTES)
        except OSError:
            continue
        left -= len(data)
        if left < 0:
            code.unread += 1
            continue
        is_kconfig = _is_kconfig(path)
        if b"\0" in data[:8192] and not is_kconfig:
            continue
        found = _found(data, encoded)
        code.words |= found
        if tree.is_foreign(path):
            continue
        if is_kconfig:
            _read_options(path, data.decode("utf-8", "replace"), asked, code)
        elif found & wanted:
            _read_functions(path, data.decode("utf-8", "replace"), found & wanted, code, ranks)
    for folder in (*tree.submodules, "managed_components"):
        for file in below(tree.root / folder, skip=frozenset({".git"})):
            cancel.check()
            if left > 0 and suffix_of(file.name) in _BRACED and file.is_file(follow_symlinks=False):
                left -= file.stat(follow_symlinks=False).st_size
                code.words |= _found(_data(Path(file.path)), encoded)
    return code


def is_test(path: str) -> bool:
    """Whether a file is of a test."""
    return bool(_TESTS.search(path))


def is_example(path: str) -> bool:
    """Whether a file is of an example."""
    return bool(_ASIDE.search(path))


def signature_of(path: str, text: str, name: str) -> tuple[str, int] | None:
    """How a source declares a function, and the line on which; None where it does not.

    Args:
        path: tells the language by its ending.
        text: all of the file. Untrusted.
    """
    suffix = suffix_of(path)
    if suffix == ".py":
        found = re.search(
            rf"^[ \t]*(?:async[ \t]+)?def[ \t]+{name}[ \t]*(\([^:]{{0,2000}}\))", text, re.M
        )
        return (f"def {name}{_plain(found[1])}", _line(text, found.start())) if found else None
    if suffix not in _BRACED:
        return None
    macro = re.search(
        rf"^[ \t]*#[ \t]*define[ \t]+{name}(\([^)\n]{{0,400}}\))?", text, re.MULTILINE
    )
    if macro:
        return f"#define {name}{_plain(macro[1] or '')}", _line(text, macro.start())
    return _declared(masked(text), name)


def essence_of(signature: str) -> str:
    """What of a declaration matters to its callers: types, and how many there are.

    In C the names of parameters, ``void`` for none, defaults and the place of ``const`` do not.
    """
    if signature.startswith(("def ", "#define")):
        return signature if "(" in signature else ""
    head, _open, inner = signature.partition("(")
    kinds = []
    for each in inner.rpartition(")")[0].split(","):
        words = re.findall(r"\w+|[*&\[]", each.partition("=")[0])
        plain = [word for word in words if word not in ("const", "struct", "enum")]
        named = len(plain) > 1 and re.fullmatch(
            r"\w+", plain[-1] if plain[-1] != "[" else plain[-2]
        )
        if named:
            plain.remove(plain[-1] if plain[-1] != "[" else plain[-2])
        kinds.append(" ".join(sorted("*" if word == "[" else word for word in plain)))
    result = [
        word for word in re.findall(r"\w+|[*&]", head) if word.upper() != word or word in "*&"
    ]
    return f"{' '.join(result)}({', '.join(kinds) if kinds != ['void'] else ''})"


def option_of(text: str, name: str) -> tuple[str, int] | None:
    """How a file of Kconfig defines an option, without its help, and the line on which."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if re.fullmatch(rf"\s*(?:menu)?config\s+{name}\s*", line):
            return "\n".join(_definition(lines, number)), number + 1
    return None


def changed_share(path: str, before: str, after: str) -> tuple[int, float]:
    """How many lines of code differ, and what share of the file they are (0 to 1).

    Blanks, comments and the order of lines do not count.
    """
    old, new = Counter(_lines(path, before)), Counter(_lines(path, after))
    changed = max((old - new).total(), (new - old).total())
    return changed, changed / max(1, old.total(), new.total())


def targets_of(owner: str) -> tuple[tuple[str, ...], str]:
    """Patterns of the files and of the line that define a build tool's target ``NAME``."""
    return _TARGETS[owner]


_TARGETS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "pio": (("*.ini",), r"^\[env:NAME\]"),
    "make": (
        ("*Makefile*", "*makefile", "*.mk", "*.make"),
        r"^(\.PHONY:.*[ \t])?NAME([ \t][^=]*)?:([^=]|$)",
    ),
    "idf.py": (
        ("*.cmake", "*CMakeLists.txt", "*idf_ext.py", "*_ext.py"),
        r"(add_custom_target\(|['\"])[ \t]*NAME\b",
    ),
}


def _found(data: bytes, names: set[bytes]) -> set[str]:
    """Which of some names stand in a file as whole words."""
    words = set(data.translate(_WORDS).split())
    if len(words) < len(names):
        return {each.decode() for each in words if each in names}
    return {each.decode() for each in names & words}


_WORDS = bytes(
    byte if (chr(byte).isalnum() and byte < 128) or byte == ord("_") else ord(" ")
    for byte in range(256)
)


def _data(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.stat().st_size <= MAX_FILE_BYTES else b""
    except OSError:
        return b""


def _is_kconfig(path: str) -> bool:
    return (
        posixpath.basename(path).startswith(("Kconfig", "kconfig"))
        or suffix_of(path) == ".projbuild"
    )


def _read_options(path: str, text: str, asked: set[str], code: Code) -> None:
    for found in _KCONFIG.finditer(text):
        code.words.add(f"CONFIG_{found[1]}")
    lines = text.splitlines()
    for number, line in enumerate(lines):
        defined = re.fullmatch(r"\s*(?:menu)?config\s+([A-Z]\w*)\s*", line)
        if defined and defined[1] in asked:
            body = "\n".join(_definition(lines, number))
            code.options.setdefault(defined[1], []).append(Declaration(path, number + 1, body))


def _definition(lines: list[str], number: int) -> Iterator[str]:
    """What a reader sees of an option: type, prompt, defaults and range, a line each.

    On what it depends differs with each new chip.
    """
    for line in lines[number + 1 : number + _MAX_OPTION_LINES]:
        words = line.split()
        if _KCONFIG_NEXT.match(line) or (words and words[0] in ("help", "---help---")):
            return
        if words and words[0] in _SHOWN_IN_MENU:
            yield " ".join(words).partition(" #")[0]


def _read_functions(
    path: str, text: str, names: set[str], code: Code, ranks: dict[str, int]
) -> None:
    suffix = suffix_of(path)
    rank = (suffix not in HEADER_SUFFIXES) + 2 * is_example(path) + 4 * is_test(path)
    if suffix in _BRACED:
        names = names & set(_begun(text, indented=suffix not in (".c", ".ino", ".pde")))
    hidden = None
    for name in names:
        if ranks.get(name, _NO_RANK) <= rank:
            continue
        if suffix in _BRACED and f"define {name}" not in text:
            hidden = masked(text) if hidden is None else hidden
            found = _declared(hidden, name)
        else:
            found = signature_of(path, text, name)
        if found:
            code.functions[name] = Declaration(path, found[1], found[0])
            ranks[name] = rank


def _begun(text: str, *, indented: bool) -> Iterator[str]:
    """Words of a C source that may be declared where they stand: before a line's first bracket.

    Args:
        indented: whether that may be an indented line; in a C file those are calls.
    """
    for found in _BEGIN.finditer(text):
        if found[1]:
            yield found[1]
        elif indented or not found[0][0].isspace():
            words = found[2].replace("*", " ").replace("&", " ").replace(":", " ").split()
            if words:
                yield words[-1]


def _declared(text: str, name: str) -> tuple[str, int] | None:
    """A declaration or definition in C whose comments and strings are hidden."""
    for found in re.finditer(rf"(?<![\w.>]){name}\s*\(", text):
        start = found.start()
        head = text[max(0, start - 300) : start]
        cuts = list(_BEFORE.finditer(head))
        head = head[cuts[-1].end() :] if cuts else head
        if _NO_TYPE.search(re.sub(r"(?:\w+::)+\s*$", "", head)):
            continue
        end = _closing(text, found.end() - 1)
        if end and _TRAILER.match(text, end):
            kept = re.sub(
                r"^.*\]\]|\b(?:extern|static|inline|virtual|explicit|IRAM_ATTR)\b|__attribute__\S*",
                " ",
                head,
            )
            shown = _plain(f"{kept} {name}{text[found.end() - 1 : end]}")
            return re.sub(r"^[^\w]*", "", shown), _line(text, start)
    return None


def _closing(text: str, start: int) -> int:
    """Just behind the bracket that closes the one at ``start``; 0 where that is far away."""
    depth = 0
    for at in range(start, min(len(text), start + _MAX_SIGNATURE_CHARACTERS)):
        if text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
            if depth == 0:
                return at + 1
        elif text[at] in ";{":
            return 0
    return 0


def _plain(text: str) -> str:
    """Words and signs with blanks only where they are needed, so that layout does not count."""
    words = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"\s*([(),*&])\s*", r"\1", words)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _lines(path: str, text: str) -> Iterator[str]:
    if suffix_of(path) in _BRACED:
        text = masked_comments(text)
    mark = "//" if suffix_of(path) in (".js", ".ts", ".rs", ".go", ".toit") else "#"
    for line in text.splitlines():
        plain = "".join(line.split())
        if plain and not (plain.startswith(mark) and suffix_of(path) not in _BRACED):
            yield plain


def masked_comments(text: str) -> str:
    """C source without its comments; strings stay."""
    return _C_COMMENT.sub(lambda found: found[0] if found[0][0] in "\"'" else " ", text)


_C_COMMENT = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n]){0,32}'""", re.DOTALL
)
