"""Which dangerous calls in C and C++ a person would not let pass.

flawfinder finds names; whether a call of one is a danger, its arguments say. :data:`RULINGS`
decides for every name that flawfinder gives a risk of 4 or 5, with the reason. The measure is a
reviewer of firmware: a format or a length that somebody else may choose blocks; what is bounded,
constant, or dangerous only where several people share a machine, does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.quality.c import call_rules as judges
from engine.quality.c.call_rules import Call, Judge
from engine.quality.c.names import Names
from engine.quality.c.place import Place
from engine.quality.c.source import Source, Use
from engine.quality.security_levels import BLOCKS, NOTHING, Verdict, Word


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided of some functions.

    Args:
        names: the functions, as flawfinder calls them.
        judge: says what becomes of a call.
        reason: why, for people.
        in_macros: whether the definition of a macro is judged too: no argument could help it.
        is_common: whether programs give this name to functions of their own as well.
    """

    names: str
    judge: Judge
    reason: str
    in_macros: bool = False
    is_common: bool = False


_COPIES = (
    "strcpy strcpyA strcpyW StrCpy StrCpyA lstrcpyA lstrcpyW _tccpy _mbccpy _ftcscpy lstrcpy "
    "wcscpy _tcscpy _mbscpy strcat lstrcat wcscat _tcscat _mbscat StrCat StrCatA StrcatW lstrcatA "
    "lstrcatW strCatBuff StrCatBuffA StrCatBuffW StrCatChainW _tccat _mbccat _ftcscat"
)
_BOUNDED_COPIES = (
    "_mbsncpy StrCpyN StrCpyNA StrCpyNW StrNCpy strcpynA StrNCpyA StrNCpyW lstrcpynA lstrcpynW "
    "StrCatN StrCatNA StrCatNW StrNCat StrNCatA StrNCatW lstrncat lstrcatnA lstrcatnW"
)

RULINGS: Sequence[Ruling] = (
    Ruling(
        "gets _getts", judges.always(Word.BLOCKS), "nothing bounds what is read", in_macros=True
    ),
    Ruling(
        _COPIES,
        judges.copy,
        "the source says how much is copied: blocks unless the source is constant, has no more "
        "room than the target, or its length is looked at before",
    ),
    Ruling(_BOUNDED_COPIES, judges.always(Word.WARNS), "bounded, though the end may be cut off"),
    Ruling(
        "sprintf vsprintf _stprintf _vstprintf",
        judges.sprintf,
        "nothing bounds what is written: blocks unless format and texts are constant or fit",
    ),
    Ruling(
        "swprintf vswprintf",
        judges.constant_format(3),
        "bounded by its second argument; a format that others choose reads and writes memory",
    ),
    Ruling(
        "printf vprintf vwprintf vfwprintf _vtprintf wprintf",
        judges.constant_format(1),
        "a format that others choose reads and writes memory",
    ),
    Ruling(
        "fprintf vfprintf _ftprintf _vftprintf fwprintf fvwprintf syslog",
        judges.constant_format(2),
        "a format that others choose reads and writes memory",
    ),
    Ruling(
        "snprintf vsnprintf _snprintf _sntprintf _vsntprintf",
        judges.constant_format(3),
        "a format that others choose reads and writes memory",
    ),
    Ruling(
        "scanf vscanf wscanf _tscanf vwscanf",
        judges.scanf(1),
        "a text that is read without a width runs over its room",
    ),
    Ruling(
        "fscanf sscanf vsscanf vfscanf _ftscanf fwscanf vfwscanf vswscanf",
        judges.scanf(2),
        "a text that is read without a width runs over its room",
    ),
    Ruling(
        "strncat lstrcatn wcsncat _tcsncat _mbsnbcat",
        judges.strncat,
        "sizeof the target as bound runs over it as soon as something is in it",
    ),
    Ruling("streadd strecpy", judges.always(Word.BLOCKS), "the target needs four times the source"),
    Ruling(
        "MultiByteToWideChar",
        judges.always(Word.BLOCKS),
        "flawfinder says it only where bytes are given for characters",
    ),
    Ruling(
        "access chown chgrp chmod readlink",
        judges.always(Word.WARNS),
        "a race with another user of the file system; a chip has none",
        is_common=True,
    ),
    Ruling("mktemp", judges.always(Word.WARNS), "a race with another user of the file system"),
    Ruling(
        "execl execlp execle execv execvp popen WinExec ShellExecute system",
        judges.command,
        "a command that is put together may be one that others choose",
        is_common=True,
    ),
    Ruling(
        "crypt crypt_r",
        judges.always(Word.BLOCKS),
        "a hash that is guessed in hours",
        is_common=True,
    ),
    Ruling(
        "EVP_des_ecb EVP_des_cbc EVP_des_cfb EVP_des_ofb EVP_desx_cbc "
        "EVP_rc4_40 EVP_rc2_40_cbc EVP_rc2_64_cbc",
        judges.always(Word.BLOCKS),
        "a cipher that is broken",
    ),
    Ruling(
        "RpcImpersonateClient ImpersonateLoggedOnUser CoImpersonateClient "
        "ImpersonateNamedPipeClient ImpersonateDdeClientWindow ImpersonateSecurityContext "
        "SetThreadToken",
        judges.always(Word.WARNS),
        "matters where its result is not looked at, on Windows",
    ),
    Ruling(
        "SetSecurityDescriptorDacl", judges.always(Word.BLOCKS), "lets everybody in, on Windows"
    ),
    Ruling(
        "getlogin cuserid",
        judges.always(Word.WARNS),
        "a name that can be forged; a chip has no users",
    ),
    Ruling("getpw", judges.always(Word.BLOCKS), "nothing bounds what is written"),
    Ruling("getpass", judges.always(Word.WARNS), "obsolete, and for a terminal"),
    Ruling(
        "random",
        judges.random,
        "no generator for keys; Arduino's, which takes bounds, is the chip's own",
        is_common=True,
    ),
)
"""Every decision, in no order."""

_BY_NAME: Mapping[str, Ruling] = {name: each for each in RULINGS for name in each.names.split()}


def ruling_of(name: str) -> Ruling | None:
    """The decision on a function, None where there is none."""
    return _BY_NAME.get(name)


def judge(
    names: Names, source: Source, name: str, line: int, column: int, *, unruled: Word
) -> tuple[Verdict, int]:
    """What becomes of a call that flawfinder found.

    Args:
        names: of the tree.
        source: the file.
        name: what is called.
        line: of the name, as flawfinder counts.
        column: from 1.
        unruled: what becomes of a call that no ruling is about.

    Returns:
        The verdict, and the line on which the name stands.
    """
    index = source.find(name, line, column)
    if index is None:
        return NOTHING, line  # within a string or a comment that flawfinder does not see as one
    line = source.tokens[index].line
    use = source.use(index)
    ruling = ruling_of(name)
    if use is Use.OTHER or (use is Use.MACRO and (ruling is None or not ruling.in_macros)):
        return NOTHING, line
    if ruling is None:
        return Verdict(unruled), line
    if ruling.is_common and any(each.name == name for each in source.functions):
        return NOTHING, line
    arguments = source.arguments(index)
    if arguments is None:
        return BLOCKS, line
    call = Call(Place(names, source, index), name, tuple(map(tuple, arguments)))
    return ruling.judge(call), line
