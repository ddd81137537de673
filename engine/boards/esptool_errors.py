"""What esptool and espefuse complain of, as one line: what happened, and what to do.

Their words are documented by example only; read are those of ``loader.py``, ``cmds.py`` and
``util.py`` of esptool 5, and of esptool 3 and 4 where theirs differ.
"""

from __future__ import annotations

import re

from engine.boards import esptool_child, ports
from engine.errors import BoardError, BoardGoneError, BoardSilentError, FlashDiffersError

BOOT = "hold BOOT, press RESET, let go of BOOT, and try again"
"""How a person gets a chip into its bootloader."""

_SLOWER = "a slower connection (flash --baud 115200, or the setting flash_baud)"

# What keeps esptool from a first answer, {0} is the pattern's group.
_SILENT = (
    (
        r"Wrong boot mode detected \((0x[0-9a-fA-F]{1,8})\)",
        f"the chip starts its program instead of its bootloader (boot mode {{0}}); {BOOT}",
    ),
    (
        r"Download mode successfully detected",
        "the bootloader runs and does not hear this machine; look at the wire from TX here to RX "
        "of the chip, and that nothing else drives it",
    ),
    (
        r"Invalid head of packet|Guru Meditation|Packet content transfer stopped",
        f"something else than the bootloader talks there; is it the right port? {BOOT}",
    ),
    ("", f"no answer; {BOOT}"),
)

# What happens to a board that has answered.
_KNOWN = (
    (
        r"Failed to set baud rate (\d{1,9})",
        "the port cannot do {0} baud; try " + _SLOWER,
    ),
    (
        r"Could not auto-detect Flash size|Unable to verify flash chip connection",
        "the chip does not reach its flash; look at its wires, its supply, and what holds its "
        "strapping pins",
    ),
    (
        r"\(length \d{1,12}\) at offset \w{1,12} will not fit in (\d{1,12}) bytes of flash",
        "the image does not fit: the flash has {0} bytes; set the flash size of the project to "
        "that (CONFIG_ESPTOOLPY_FLASHSIZE) and choose a smaller partition table",
    ),
    (
        r"goes past (\d{1,6}[KM]B) by",
        "that reaches past the end of the flash, which has {0}",
    ),
    (
        r"'([^'\n]{1,400})' is not an? (ESP\S{1,20}) image",
        "{0} is not a program for {1}: damaged, or built for another chip; build it again",
    ),
    (
        r"requires chip revision ((?:in range )?v?[\d.]{1,8}(?: - v?[\d.]{1,8}| or \w{1,8})?)"
        r" \(this chip is revision v?([\d.]{1,8})\)",
        "the image is for chip revision {0}, the board has v{1}; set the lowest revision of the "
        "project (menuconfig, Chip revision), or take another board",
    ),
    (
        r"Failed to autodetect chip type|Unsupported detection protocol",
        "this esptool does not know the chip; pip install -U esptool",
    ),
    (
        r"MD5 of file does not match",
        "the flash did not keep what was written; it may be worn out, locked, or smaller than "
        "it says",
    ),
    (
        r"Serial data stream stopped|No serial data received|Invalid head of packet"
        r"|Packet content transfer stopped|Invalid SLIP escape|No more data to read"
        r"|generator raised StopIteration|The chip stopped responding|Timed out waiting for packet"
        r"|Failed to start stub flasher|Response doesn't match request|Write timeout"
        r"|Failed to write to target RAM|Checksum error|Bad data checksum|Inflate error"
        r"|Deflate (?:failed|Adler32) error|Read more than expected|Digest mismatch"
        r"|Corrupt data, expected",
        "the chip stopped answering, or its answers came garbled; try another cable, no hub, or "
        + _SLOWER,
    ),
    (
        r"Guru Meditation Error detected",
        "the chip crashed while its flash was accessed; look at its power supply, and try again",
    ),
)


def problem(tool: str, port: str, text: str) -> BoardError:
    """What the tool complained of, in a line.

    Args:
        tool: its name.
        port: the board's.
        text: all that it printed, or the end of it.

    Returns:
        The error; its class says whether the board vanished, is silent, or holds something else.
    """
    refused = re.search(rf"^{esptool_child.REFUSED}(.{{1,2000}})$", text, re.M)
    if refused:
        return BoardError(f"{port}: {refused[1].strip()}")
    complaint = _complaint(text)
    if "Failed to connect to" in complaint:
        return BoardSilentError(f"{port}: {_meaning(_SILENT, complaint)}")
    known = ports.explain(port, complaint)
    if known and (str(known) == ports.vanished(port) or "Connected to " in text):
        # Once it has talked to a board, a port that cannot be opened again is one that went.
        return BoardGoneError(ports.vanished(port))
    if known:
        return known
    if "verification failed" in complaint.lower() or "verify failed" in complaint.lower():
        return FlashDiffersError(f"{port}: the flash holds something else")
    if meaning := _meaning(_KNOWN, complaint):
        return BoardError(f"{port}: {meaning}")
    fatal = re.findall(r"(?:A fatal error occurred|[Ee]rror): (.+)", complaint)
    lines = [line for line in complaint.splitlines() if line.strip()]
    return BoardError(f"{port}: {tool}: {(fatal or lines or ['no reason given'])[-1].strip()}")


def _complaint(text: str) -> str:
    """What follows the words with which esptool begins to complain; all, where it has none.

    What was printed before is no error: texts there may be names of files, or warnings.
    """
    begins = [text.rfind(words) for words in ("A fatal error occurred: ", "A serial exception")]
    return text[max(0, *begins) :]


def _meaning(table: tuple[tuple[str, str], ...], complaint: str) -> str:
    for pattern, meaning in table:
        if found := re.search(pattern, complaint):
            return meaning.format(*found.groups())
    return ""
