"""What a program of ESP-IDF burns into a chip's eFuses when it starts, by its configuration.

Read from ESP-IDF 6: the bootloader (``bootloader_utility.c``, ``flash_encrypt.c``,
``secure_boot*.c`` and ``*_secure_features.c`` of ``bootloader_support``), the start of the app
(``esp_efuse_startup.c``, ``esp_security/src/init.c``) and ``nvs_sec_provider.c``. Older names of
options are those of ``bootloader/sdkconfig.rename``.

Not here, because it only happens on a chip that is prepared by hand: an ECDSA key that forces the
hardware's random number, and the anti-rollback of bootloaders, which the ROM does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.formats.untrusted import Fields
from engine.images import sdkconfig
from engine.images.image import Security

CONFIG_JSON = Path("config", "sdkconfig.json")
"""What ESP-IDF writes into the build folder: every option without its ``CONFIG_``."""

DEVELOPMENT = "flash encryption (development mode)"
"""What the first start burns of a project whose files are flashed encrypted, at least."""

_RENAMED = {
    "FLASH_ENCRYPTION_ENABLED": "SECURE_FLASH_ENC_ENABLED",
    "FLASH_ENCRYPTION_INSECURE": "SECURE_FLASH_ENCRYPTION_MODE_DEVELOPMENT",
    "SECURE_BOOT_ENABLED": "SECURE_BOOT_V1_ENABLED",
    "APP_ANTI_ROLLBACK": "BOOTLOADER_APP_ANTI_ROLLBACK",
    "APP_SECURE_VERSION": "BOOTLOADER_APP_SECURE_VERSION",
    "EFUSE_SECURE_VERSION_EMULATE": "BOOTLOADER_EFUSE_SECURE_VERSION_EMULATE",
    "DISABLE_BASIC_ROM_CONSOLE": "ESP32_DISABLE_BASIC_ROM_CONSOLE",
}

_SIGNED = (
    "SECURE_BOOT",
    "SECURE_BOOT_V1_ENABLED",
    "SECURE_BOOT_V2_ENABLED",
    "SECURE_SIGNED_APPS_NO_SECURE_BOOT",
)
_SIGNED_BY_BUILD = "SECURE_BOOT_BUILD_SIGNED_BINARIES"

_MAX_VERSION = 10  # digits
# Either option puts eFuse operations into memory.
_SIMULATED = ("EFUSE_VIRTUAL", "BOOTLOADER_EFUSE_SECURE_VERSION_EMULATE")


@dataclass(frozen=True, slots=True)
class _Burn:
    """One thing that is burnt.

    Args:
        text: for people; ``{version}`` is the secure version of the program.
        when: options that are on, all of them.
        unless: options of which none is on.
    """

    text: str
    when: tuple[str, ...]
    unless: tuple[str, ...] = ()


_ENCRYPTED = "SECURE_FLASH_ENC_ENABLED"
_RELEASE = "SECURE_FLASH_ENCRYPTION_MODE_RELEASE"
_ENCRYPTED_BEFORE = "SECURE_FLASH_REQUIRE_ALREADY_ENABLED"
_BOOT_BEFORE = "SECURE_BOOT_REQUIRE_ALREADY_ENABLED"

_BURNS = (
    _Burn("flash encryption (release mode)", (_ENCRYPTED, _RELEASE), (_ENCRYPTED_BEFORE,)),
    _Burn(DEVELOPMENT, (_ENCRYPTED,), (_RELEASE, _ENCRYPTED_BEFORE)),
    _Burn("Secure Boot v1", ("SECURE_BOOT_V1_ENABLED",), (_BOOT_BEFORE,)),
    _Burn("Secure Boot v2", ("SECURE_BOOT_V2_ENABLED",), (_BOOT_BEFORE,)),
    _Burn(
        "Secure Boot",
        ("SECURE_BOOT",),
        ("SECURE_BOOT_V1_ENABLED", "SECURE_BOOT_V2_ENABLED", _BOOT_BEFORE),
    ),
    _Burn(
        "loss of a Secure Boot key whenever a signature fails",
        ("SECURE_BOOT", "SECURE_BOOT_ENABLE_AGGRESSIVE_KEY_REVOKE"),
        (_BOOT_BEFORE,),
    ),
    _Burn("JTAG off", ("SECURE_BOOT",), (_BOOT_BEFORE, "SECURE_BOOT_ALLOW_JTAG", _ENCRYPTED)),
    _Burn("JTAG off", (_ENCRYPTED,), (_ENCRYPTED_BEFORE, "SECURE_BOOT_ALLOW_JTAG")),
    _Burn(
        "serial download off: no flasher reaches the chip again",
        ("SECURE_DISABLE_ROM_DL_MODE",),
    ),
    _Burn("Secure Download Mode", ("SECURE_ENABLE_SECURE_ROM_DL_MODE",)),
    _Burn("a key for NVS encryption", ("NVS_ENCRYPTION", "NVS_SEC_KEY_PROTECT_USING_HMAC")),
    _Burn(
        "secure version {version}: programs of a lower one never start again",
        ("BOOTLOADER_APP_ANTI_ROLLBACK", "BOOTLOADER_APP_SECURE_VERSION"),
    ),
    _Burn("pseudo rounds of XTS-AES", (_ENCRYPTED, "SECURE_FLASH_PSEUDO_ROUND_FUNC")),
    _Burn("boot messages of the ROM off", ("BOOT_ROM_LOG_ALWAYS_OFF",)),
    _Burn("boot messages of the ROM by a pin", ("BOOT_ROM_LOG_ON_GPIO_HIGH",)),
    _Burn("boot messages of the ROM by a pin", ("BOOT_ROM_LOG_ON_GPIO_LOW",)),
    _Burn("BASIC console of the ROM off", ("ESP32_DISABLE_BASIC_ROM_CONSOLE",)),
    _Burn(
        "constant time of the ECC accelerator", ("ESP_CRYPTO_FORCE_ECC_CONSTANT_TIME_POINT_MUL",)
    ),
    _Burn("192-bit curves of the ECDSA accelerator", ("ESP_ECDSA_ENABLE_P192_CURVE",)),
)


def security_of(build_dir: Path) -> Security | None:
    """What the configuration of a finished build says; None where it left none.

    Args:
        build_dir: the build folder. Untrusted.

    Raises:
        ToolError: what it left makes no sense.
    """
    try:
        if (build_dir / CONFIG_JSON).is_file():
            return security(Fields.read(build_dir / CONFIG_JSON).values())
        found = sdkconfig.read(build_dir / "sdkconfig")
    except OSError:
        return None
    return security({name.removeprefix("CONFIG_"): value for name, value in found.items()})


def security(options: Mapping[str, str]) -> Security:
    """What a configuration says of protection.

    Args:
        options: each without its ``CONFIG_``, its value as ``sdkconfig`` has it.
    """
    known = {_RENAMED.get(name, name): value for name, value in options.items()}
    known |= {name: value for name, value in options.items() if name not in _RENAMED}

    def is_on(name: str) -> bool:
        return known.get(name, "n").strip('"') not in ("n", "0", "")

    def is_burnt(burn: _Burn) -> bool:
        return all(map(is_on, burn.when)) and not any(map(is_on, burn.unless))

    simulated = any(map(is_on, _SIMULATED))
    version = known.get("BOOTLOADER_APP_SECURE_VERSION", "")[:_MAX_VERSION]
    burns = [burn.text.format(version=version) for burn in _BURNS if is_burnt(burn)]
    mode = "release" if is_on(_RELEASE) else "development"
    return Security(
        burns=() if simulated else tuple(dict.fromkeys(burns)),
        encryption=mode if is_on(_ENCRYPTED) else "",
        signed=any(map(is_on, _SIGNED)) and known.get(_SIGNED_BY_BUILD, "y") != "n",
        simulated=simulated,
    )
