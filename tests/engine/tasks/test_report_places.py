"""Places that a report names, against the source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tasks.report_places import check_places

DRIVER = """\
#include "driver.h"

static int level;

int driver_read(int pin)
{
    int raw = adc_read(pin);
    if (raw < 0) {
        return raw;
    }
    level = raw * 3 / 4;
    return level;
}

void driver_stop(void)
{
    level = 0;
}
"""
FILES = {
    "main/driver.c": DRIVER,
    "a/same.c": "int a;\n",
    "b/same.c": "int b;\n",
    "long/x.c": "\n" * 200 + "int only_here = 1;\n",
    "Kconfig": "menu\n",
}


def checked(report: str) -> str:
    return check_places(report, sorted(FILES), FILES.get).text


@pytest.mark.parametrize(
    "report",
    [
        "At main/driver.c:11 `level = raw * 3 / 4` rounds.",
        "`driver.c:9`: `adc_read` fails.",
        "`driver.c:12` is in `driver_read`, the only one that returns it.",
        "`driver.c:12` is in `driver_read(int pin)`.",
        "driver.c:7-9 has no check of `pin`.",
        "`raw` (`driver.c:7`) is not checked, and `driver_stop` does not wait for it.",
        "`driver.c:3` is shared: `driver_stop()` sets it too.",
        "`driver.c:12` is not tested: when `stop`, then 0.",
        "same.c:9 may be either.",
        "main/driver.c:9 `  ` has nothing quoted",
        "driver.c:9:5: error: `raw`",
        "See http://host.com:80 and 12:30, v1.2.c, `Kconfig:1`.",
        "The name `only_here` belongs to another file than `driver.c:3`.",
        "```c\ndriver.c:99 stands in code\n```",
    ],
)
def test_what_is_right_or_cannot_be_told_stays(report: str) -> None:
    found = check_places(report, sorted(FILES), FILES.get)
    assert (found.text, found.mended, found.marked) == (report, 0, ())


@pytest.mark.parametrize(
    ("report", "wanted"),
    [
        (
            "`driver.c:25`: `level = raw * 3 / 4;` rounds",
            "`driver.c:11`: `level = raw * 3 / 4;` rounds",
        ),
        ("main/driver.c:2 calls `adc_read(pin)`", "main/driver.c:7 calls `adc_read(pin)`"),
        ("`x.c:1` sets `int only_here  = 1`", "`x.c:201` sets `int only_here  = 1`"),
        ("driver.c:1-3 has `return raw;`", "driver.c:9-11 has `return raw;`"),
        ("`adc_read` of driver.c:99 fails", "`adc_read` of driver.c:7 fails"),
        (
            "driver.c:99: `adc_read`, x.c:1: `only_here`",
            "driver.c:7: `adc_read`, x.c:1: `only_here`",
        ),
    ],
)
def test_what_is_wrong_is_mended_by_the_code_that_is_quoted(report: str, wanted: str) -> None:
    found = check_places(report, sorted(FILES), FILES.get)
    assert found.text == wanted
    assert (found.mended, found.marked) == (1, ())


def test_what_cannot_be_mended_is_marked() -> None:
    assert checked("`driver.c:99` leaks") == "`driver.c:99` (no such line) leaks"
    assert checked("gone.c:3 leaks") == "gone.c:3 (not in the repository) leaks"
    found = check_places("driver.c:99, driver.c:0 and driver.c:1", sorted(FILES), FILES.get)
    assert (found.places, found.marked) == (3, ("driver.c:99", "driver.c:0"))


@given(st.text(alphabet="driver.c:19`- \n/x(raw)", max_size=400))
def test_any_text_is_checked(report: str) -> None:
    assert checked(report).count("\n") == report.count("\n")
