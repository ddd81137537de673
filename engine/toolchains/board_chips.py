"""Which chip a board has, by the name that PlatformIO and Arduino give it.

A name that has a chip in it tells itself; the table holds those that do not, or that would tell a
wrong one. Names are those of ``platform-espressif32`` and of the ESP32 core for Arduino, and of
boards that their makers sell under them.
"""

from __future__ import annotations

import re

from engine.enums import CHIPS

_BOARDS = {
    "esp32": """
        alksesp32 az-delivery-devkit-v4 bpi-bit cnrs_aw2eth connaxio_espoir d-duino-32
        deneyapkart deneyapkart1A denky32 denky_d4 d1_mini32 d1_uno32 dpu_esp32
        esp-wrover-kit esp320 espea32 espectro32 espino32 etboard featheresp32 firebeetle32
        fm-devkit frogboard healthypi4 heltec_wifi_kit_32 heltec_wifi_kit_32_v2
        heltec_wifi_lora_32 heltec_wifi_lora_32_V2 heltec_wireless_stick
        heltec_wireless_stick_lite honeylemon hornbill32dev hornbill32minima imbrios-logsens-v1p1
        inex_openkb intorobot iotaap_magnolia iotbusio iotbusproteus ioxesp32 ioxesp32ps kb32-ft
        kits-edu labplus_mpython lilygo-t-display lionbit lolin32 lolin32-lite lolin32_lite
        lolin_d32 lolin_d32_pro d32 d32_pro lopy lopy4 m5stack-atom m5stack-core-esp32
        m5stack-core-esp32-16M m5stack-core2 m5stack-coreink m5stack-fire m5stack-grey
        m5stack-station m5stack-timer-cam m5stack_atom m5stack_core m5stack_core2 m5stack_coreink
        m5stack_fire m5stack_paper m5stack_station m5stack_timer_cam m5stack_stamp_pico
        m5stack_stickc m5stack_stickc_plus m5stack_stickc_plus2 m5stamp-pico m5stick-c
        m5stick-c-plus magicbit mgbot-iotik32a mgbot-iotik32b mhetesp32devkit mhetesp32minikit
        microduino-core-esp32 nano32 nina_w10 node32s nodemcu-32s nodemcu32s nscreen-32
        odroid_esp32 onehorse32dev oroca_edubot pico32 piranha_esp32 pocket_32 pycom_gpy qchip
        quantum roboheart_hercules s_odi_ultra sensesiot_weizen sg-o_airMon
        sparkfun_esp32s2_thing_plus_c sparkfun_lora_gateway_1-channel tinypico trueverit-iot-driver
        trueverit-iot-driver-mk2 trueverit-iot-driver-mk3 ttgo-lora32-v1 ttgo-lora32-v2
        ttgo-lora32-v21 ttgo-lora32-v21new ttgo-t-beam tbeam ttgo-t-watch twatch ttgo-t1
        ttgo-t7-v13-mini32 ttgo-t7-v14-mini32 turta_iot_node um_tinypico unphone7 upesy_wroom
        upesy_wrover vintlabs-devkit-v1 watchy wemos_d1_mini32 wemos_d1_uno32 wemosbat wesp32
        widora-air wifiduino32 wipy3 wt32-eth01 xinabox_cw02
    """,
    "esp32s2": """
        bee_motion deneyapmini deneyapminiv2 featheresp32-s2 lolin_s2_mini lolin_s2_pico micros2
        nodemcu-32s2 um_feathers2 um_feathers2_neo um_feathers2neo um_rmp um_tinys2
    """,
    "esp32s3": """
        adafruit_qualia_s3_rgb666 arduino_nano_esp32 nano_nora atd147_s3 aventen_s3_sync
        bee_data_logger bee_motion_s3 bee_s3 bpi_leaf_s3
        cytron_maker_feather_aiot_s3 deneyapkart1Av2 edgebox-esp-100
        heltec_wifi_kit_32_V3 heltec_wifi_lora_32_V3 heltec_wifi_lora_32_V4 heltec_wireless_paper
        heltec_wireless_stick_lite_V3 heltec_wireless_stick_V3 heltec_wireless_tracker
        heltec_vision_master_e213 heltec_vision_master_e290 heltec_vision_master_t190 lilka_v2
        lilygo-t-display-s3 lilygo_t_display_s3 lilygo-t3-s3 lilygo_t3s3 lionbits3
        lolin_s3 lolin_s3_mini lolin_s3_pro m5stack-atoms3 m5stack_atoms3 m5stack-cores3
        m5stack_cores3 m5stack-stamps3 m5stack_stamp_s3 m5stack_dial m5stack_dinmeter
        m5stack_cardputer m5stack_capsule m5stack_airq motorgo_mini_1 namino_arancio namino_rosso
        nebulas3 t-deck tamc_termod_s3 tbeams3 tbeam-s3 twatchs3 um_feathers3 um_feathers3_neo
        um_nanos3 um_omgs3 um_pros3 um_rgbtouch_mini um_tinys3 unphone8 unphone9
        wifiduino32s3 sensecap_indicator
    """,
    "esp32c3": """
        bee_motion_mini deneyapkartg lolin_c3_mini lolin_c3_pico m5stack_stamp_c3 m5stack-stampc3
        ttgo-t-oi-plus wifiduino32c3 um_tinyc3
    """,
    "esp32c6": "um_tinyc6 dfrobot_beetle_esp32_c6 m5stack_nanoc6 m5stack-nanoc6 wesp32c6",
    "esp32p4": "m5stack_tab5 m5stack-tab5",
}
_CHIP_OF = {name.lower(): chip for chip, names in _BOARDS.items() for name in names.split()}
_VARIANT = re.compile(r"esp32[-_]?([a-z]\d{1,2})(?![0-9])")
# "esp32dev", "esp32-evb", "board-esp32"; digits behind it are often a panel's, whose chip varies.
_PLAIN = re.compile(r"(?<![a-z0-9])esp32(?:[a-z]|[-_][a-z]|$)")


def chip_of(board: str) -> str:
    """The chip of a board, empty where its name does not tell.

    Args:
        board: such as ``seeed_xiao_esp32c3`` or ``XIAO_ESP32C3``. Untrusted.
    """
    name = board.strip()[:100].lower()
    if name in _CHIP_OF:
        return _CHIP_OF[name]
    variant = _VARIANT.search(name)
    if variant:
        chip = f"esp32{variant[1]}"
        return chip if chip in CHIPS else ""
    return "esp32" if _PLAIN.search(name) else ""
