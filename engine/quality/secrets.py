"""Rates the secrets that detect-secrets finds: which block, warn or are none.

What it knows by its form (keys, tokens of services) blocks; what it guesses from a name or from
entropy warns. Neither does where the text is a placeholder, and the keys of examples, tests and
documentation, which are for everybody to read, only warn: but a token of a service's own form is
none to show anywhere. A certificate or a public key is no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from engine.quality.security_ratings import BLOCKS, NOTHING, WARNS, Rating, SecurityLevel

GUESSED = frozenset({"Base64 High Entropy String", "Hex High Entropy String", "Secret Keyword"})
"""Kinds of detect-secrets that are guesses."""

PRIVATE_KEY, BASIC_AUTH, WEB_TOKEN = "Private Key", "Basic Auth Credentials", "JSON Web Token"

_EXAMPLE_FOLDER = re.compile(
    r"examples?|demos?|docs?|documentation|samples?|tutorials?|fixtures?|mocks?|templates?"
    r"|test_?data|.*tests?|tests?[_-].*|example[_-].*|.*[_-]examples?"
)
_EXAMPLE_FILE = re.compile(
    r".*\.(?:md|rst|adoc|txt|example|sample|template|dist)|sdkconfig\.ci.*|(?:py)?test_.*|.*_test\.\w+"
)
_PLACEHOLDERS = (
    *("example", "sample", "dummy", "placeholder", "changeme", "changethis", "your", "insert"),
    *("replace", "todo", "fixme", "redacted", "default", "none", "null", "undefined", "xxxx"),
    *("password", "passwd", "passphrase", "pwd", "secret", "mypass", "mykey", "apikey", "token"),
    *("test", "demo", "foobar", "abc123", "abcd1234", "123456", "qwerty", "letmein"),
    *("admin", "user", "ssid", "anonymous"),
)
_FALSE_TOKENS = ("example", "xxxx", "placeholder", "your", "redacted", "123456789", "abcdefgh")
_FORMS = {
    "Twilio API Key": re.compile(r"(?<![A-Za-z0-9])(?:AC|SK)[a-z0-9]{32}(?![A-Za-z0-9])"),
    "AWS Access Key": re.compile(r"(?<![A-Za-z0-9+/])(?:A3T|A[A-Z]{3})[A-Z0-9]{16,17}(?![a-z])"),
}
"""Tokens as they stand alone: detect-secrets finds them within firmware as text, too."""

_TEMPLATE = re.compile(r"[<>{}$%*]|\.\.\.|!secret")
_SEPARATORS = re.compile(r"[-_ .]")
_VALUE = re.compile(
    r"""(?:pass(?:word|wd|phrase)?|pwd|secret|key|token|pass)[\w\]]{0,40}["']?[ \t]{0,20}"""
    r"""(?:=>?|:=?|,|[ \t])[ \t]{0,20}(?:["']([^"'\n]{0,200})["']|([^\s"',;]{1,200}))""",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"""["']([^"'\n]{1,400})["']""")
_CHECKSUM = re.compile(
    r"sha-?\d|md5|crc|hash|checksum|digest|commit|revision|version|integrity|uuid|guid|\b(?:rev|ref)\b",
    re.IGNORECASE,
)
_URL = re.compile(r"://([^:@/\s\"']{0,100}):([^@\s\"']{0,200})@([\w.\-\[\]:%{}$<>]{0,200})")
_LOCAL_HOST = re.compile(
    r"localhost|127\.|192\.168\.|10\.|172\.(?:1[6-9]|2\d|3[01])\.|(?:[\w-]+\.)*example\b|.*\.local\b"
)
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,60})-----")
_END = re.compile(r"-----END [A-Z0-9 ]{1,60}-----")
_KEY_TEXT = re.compile(r"[A-Za-z0-9+/=]{1,200}")
_ALPHABETS = ("abcdefghijklmnop", "0123456789abcdef", "zyxwvutsrqponmlk")
_LINES_BEFORE, _LINES_AFTER = 200, 80
_MAX_LINE_CHARACTERS = 4000
_KEY_BODY_CHARACTERS = 64


def rate(
    file: str, text: str, found: Sequence[tuple[str, int]]
) -> Iterator[tuple[str, int, Rating]]:
    """Rate what detect-secrets found in a file.

    Args:
        file: its name from the root of the repository: folders tell what it is for.
        text: of the file. Untrusted.
        found: kinds, as detect-secrets calls them, and lines, from 1.

    Yields:
        What is told: kind, line, verdict. A guess is not where something surer is.
    """
    lines = text.split("\n")
    sure = {number for kind, number in found if kind not in GUESSED}
    for kind, number in found:
        rating = _rate(file, kind, lines, number)
        if rating.level is not SecurityLevel.NOTHING and not (kind in GUESSED and number in sure):
            yield kind, number, rating


def _rate(file: str, kind: str, lines: Sequence[str], number: int) -> Rating:
    line = lines[number - 1][:_MAX_LINE_CHARACTERS] if number <= len(lines) else ""
    if kind == PRIVATE_KEY:
        return _private_key(file, lines, number)
    if kind == BASIC_AUTH:
        return _basic_auth(file, line)
    if kind in GUESSED:
        return NOTHING if _is_false_guess(kind, lines, number, line) else WARNS
    if _is_false(line) or _is_part(kind, line):
        return NOTHING
    if kind == WEB_TOKEN and is_example(file):
        return Rating(SecurityLevel.WARNS, "of an example")
    return BLOCKS


def is_example(file: str) -> bool:
    """Whether a file is an example, a test or documentation: for everybody to read."""
    path = PurePosixPath(file.lower())
    folders = any(_EXAMPLE_FOLDER.fullmatch(each) for each in path.parts[:-1])
    return folders or bool(_EXAMPLE_FILE.fullmatch(path.name))


def is_placeholder(value: str) -> bool:
    """Whether a text stands for a secret that others put in."""
    plain = _SEPARATORS.sub("", value.lower())
    return _is_empty(value, plain) or any(level in plain for level in _PLACEHOLDERS)


def _is_dummy(value: str) -> bool:
    """Whether a text is nothing but a placeholder, perhaps with a number."""
    plain = _SEPARATORS.sub("", value.lower())
    return _is_empty(value, plain) or plain.rstrip("0123456789") in _PLACEHOLDERS


def _is_empty(value: str, plain: str) -> bool:
    return len(plain) < 4 or len(set(plain)) < 4 or bool(_TEMPLATE.search(value))


def key_body(lines: Sequence[str], number: int) -> str:
    """The text of a key that begins on a line, as far as it is there; of C, without quotes."""
    found = ""
    for line in lines[number - 1 : number - 1 + _LINES_AFTER]:
        text = line[:_MAX_LINE_CHARACTERS]
        begin = _BEGIN.search(text)
        text = text[begin.end() :] if begin else text
        end = _END.search(text)
        text = text[: end.start()] if end else text
        text = text.replace("\\n", " ").replace("\\r", " ")
        found += "".join(
            part for part in re.split(r"[\s\"'\\,;|]+", text) if _KEY_TEXT.fullmatch(part)
        )
        if end or len(found) >= _KEY_BODY_CHARACTERS:
            break
    return found[:_KEY_BODY_CHARACTERS]


def _private_key(file: str, lines: Sequence[str], number: int) -> Rating:
    line = lines[number - 1][:_MAX_LINE_CHARACTERS] if number <= len(lines) else ""
    if "PuTTY" not in line and len(key_body(lines, number)) < _KEY_BODY_CHARACTERS:
        return NOTHING  # only the words, as who reads keys has them
    return Rating(SecurityLevel.WARNS, "of an example or a test") if is_example(file) else BLOCKS


def _basic_auth(file: str, line: str) -> Rating:
    found = _URL.findall(line)
    if found and all(_is_dummy(password) or user == password for user, password, _ in found):
        return NOTHING
    if is_example(file):
        return Rating(SecurityLevel.WARNS, "of an example")
    if found and all(_LOCAL_HOST.match(host.lower()) for _, _, host in found):
        return Rating(SecurityLevel.WARNS, "of a host that only its own network reaches")
    return BLOCKS


def _is_false(line: str) -> bool:
    """Whether a token of a service's form is made up, as documentation has them."""
    return any(level in line.lower() for level in _FALSE_TOKENS)


def _is_part(kind: str, line: str) -> bool:
    """Whether what looks like a token is a part of a longer run of letters and digits."""
    form = _FORMS.get(kind)
    return form is not None and not form.search(line)


def _is_false_guess(kind: str, lines: Sequence[str], number: int, line: str) -> bool:
    """Whether a guess is wrong."""
    if kind == "Secret Keyword":
        values = [one or other for one, other in _VALUE.findall(line)] or _QUOTED.findall(line)
        return bool(values) and all(map(is_placeholder, values))
    plain = line.lower()
    if any(alphabet in plain for alphabet in _ALPHABETS):
        return True
    return bool(_CHECKSUM.search(line)) or _is_in_pem(lines, number)


def _is_in_pem(lines: Sequence[str], number: int) -> bool:
    """Whether a line is within a certificate or a key: the latter is told where it begins."""
    for line in reversed(lines[max(0, number - _LINES_BEFORE) : number]):
        text = line[:_MAX_LINE_CHARACTERS]
        begin, end = _BEGIN.search(text), _END.search(text)
        if begin:
            return True
        if end:
            return line is lines[number - 1]
    return False
