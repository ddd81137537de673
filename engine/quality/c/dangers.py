"""Rules for dangerous calls in C and C++: which block and which warn.

flawfinder finds names; whether a call of one is a danger, its arguments say. :data:`DANGER_RULES`
decides for every name that flawfinder gives a risk of 4 or 5, with the reason. The measure is a
reviewer of firmware: a format or a length that somebody else may choose blocks; what is bounded,
constant, or dangerous only where several people share a machine, does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.quality.c import call_rules as call_rules
from engine.quality.c.call_rules import Call, CallRule
from engine.quality.c.names import Names
from engine.quality.c.scope import Scope
from engine.quality.c.source import NameUse, Source
from engine.quality.security_ratings import BLOCKS, NOTHING, Rating, SecurityLevel


@dataclass(frozen=True, slots=True)
class DangerRule:
    """How calls of some functions are rated.

    Args:
        names: the functions, as flawfinder calls them.
        rate: says what becomes of a call.
        reason: why, for people.
        in_macros: whether the definition of a macro is judged too: no argument could help it.
        is_common: whether programs give this name to functions of their own as well.
    """

    names: str
    rate: CallRule
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

DANGER_RULES: Sequence[DangerRule] = (
    DangerRule(
        "gets _getts",
        call_rules.always(SecurityLevel.BLOCKS),
        "the length of what is read has no limit",
        in_macros=True,
    ),
    DangerRule(
        _COPIES,
        call_rules.copy,
        "the source says how much is copied: blocks unless the source is constant, has no more "
        "room than the target, or its length is looked at before",
    ),
    DangerRule(
        _BOUNDED_COPIES,
        call_rules.always(SecurityLevel.WARNS),
        "bounded, though the end may be cut off",
    ),
    DangerRule(
        "sprintf vsprintf _stprintf _vstprintf",
        call_rules.sprintf,
        "the length of what is written has no limit: blocks unless format and texts are constant "
        "or fit",
    ),
    DangerRule(
        "swprintf vswprintf",
        call_rules.constant_format(3),
        "bounded by its second argument; a format that others choose reads and writes memory",
    ),
    DangerRule(
        "printf vprintf vwprintf vfwprintf _vtprintf wprintf",
        call_rules.constant_format(1),
        "a format that others choose reads and writes memory",
    ),
    DangerRule(
        "fprintf vfprintf _ftprintf _vftprintf fwprintf fvwprintf syslog",
        call_rules.constant_format(2),
        "a format that others choose reads and writes memory",
    ),
    DangerRule(
        "snprintf vsnprintf _snprintf _sntprintf _vsntprintf",
        call_rules.constant_format(3),
        "a format that others choose reads and writes memory",
    ),
    DangerRule(
        "scanf vscanf wscanf _tscanf vwscanf",
        call_rules.scanf(1),
        "a text that is read without a width runs over its room",
    ),
    DangerRule(
        "fscanf sscanf vsscanf vfscanf _ftscanf fwscanf vfwscanf vswscanf",
        call_rules.scanf(2),
        "a text that is read without a width runs over its room",
    ),
    DangerRule(
        "strncat lstrcatn wcsncat _tcsncat _mbsnbcat",
        call_rules.strncat,
        "sizeof the target as bound runs over it as soon as something is in it",
    ),
    DangerRule(
        "streadd strecpy",
        call_rules.always(SecurityLevel.BLOCKS),
        "the target needs four times the source",
    ),
    DangerRule(
        "MultiByteToWideChar",
        call_rules.always(SecurityLevel.BLOCKS),
        "flawfinder says it only where bytes are given for characters",
    ),
    DangerRule(
        "access chown chgrp chmod readlink",
        call_rules.always(SecurityLevel.WARNS),
        "a race with another user of the file system; a chip has none",
        is_common=True,
    ),
    DangerRule(
        "mktemp",
        call_rules.always(SecurityLevel.WARNS),
        "a race with another user of the file system",
    ),
    DangerRule(
        "execl execlp execle execv execvp popen WinExec ShellExecute system",
        call_rules.command,
        "a command that is put together may be one that others choose",
        is_common=True,
    ),
    DangerRule(
        "crypt crypt_r",
        call_rules.always(SecurityLevel.BLOCKS),
        "a hash that can be broken in hours",
        is_common=True,
    ),
    DangerRule(
        "EVP_des_ecb EVP_des_cbc EVP_des_cfb EVP_des_ofb EVP_desx_cbc "
        "EVP_rc4_40 EVP_rc2_40_cbc EVP_rc2_64_cbc",
        call_rules.always(SecurityLevel.BLOCKS),
        "a cipher that is broken",
    ),
    DangerRule(
        "RpcImpersonateClient ImpersonateLoggedOnUser CoImpersonateClient "
        "ImpersonateNamedPipeClient ImpersonateDdeClientWindow ImpersonateSecurityContext "
        "SetThreadToken",
        call_rules.always(SecurityLevel.WARNS),
        "matters where its result is not looked at, on Windows",
    ),
    DangerRule(
        "SetSecurityDescriptorDacl",
        call_rules.always(SecurityLevel.BLOCKS),
        "lets everybody in, on Windows",
    ),
    DangerRule(
        "getlogin cuserid",
        call_rules.always(SecurityLevel.WARNS),
        "a name that can be forged; a chip has no users",
    ),
    DangerRule(
        "getpw",
        call_rules.always(SecurityLevel.BLOCKS),
        "the length of what is written has no limit",
    ),
    DangerRule("getpass", call_rules.always(SecurityLevel.WARNS), "obsolete, and for a terminal"),
    DangerRule(
        "random",
        call_rules.random,
        "no generator for keys; Arduino's, which takes bounds, is the chip's own",
        is_common=True,
    ),
)
"""Every rule, in no order."""

_BY_NAME: Mapping[str, DangerRule] = {
    name: each for each in DANGER_RULES for name in each.names.split()
}


def rule_for(name: str) -> DangerRule | None:
    """The rule for a function, None where there is none."""
    return _BY_NAME.get(name)


def rate(
    names: Names, source: Source, name: str, line: int, column: int, *, default: SecurityLevel
) -> tuple[Rating, int]:
    """Rate a call that flawfinder found.

    Args:
        names: of the tree.
        source: the file.
        name: what is called.
        line: of the name, as flawfinder counts.
        column: from 1.
        default: level of a call without a rule.

    Returns:
        The rating, and the line on which the name stands.
    """
    index = source.find(name, line, column)
    if index is None:
        return NOTHING, line  # within a string or a comment that flawfinder does not see as one
    line = source.tokens[index].line
    use = source.use(index)
    rule = rule_for(name)
    if use is NameUse.OTHER or (use is NameUse.MACRO and (rule is None or not rule.in_macros)):
        return NOTHING, line
    if rule is None:
        return Rating(default), line
    if rule.is_common and any(each.name == name for each in source.functions):
        return NOTHING, line
    arguments = source.arguments(index)
    if arguments is None:
        return BLOCKS, line
    call = Call(Scope(names, source, index), name, tuple(map(tuple, arguments)))
    return rule.rate(call), line
