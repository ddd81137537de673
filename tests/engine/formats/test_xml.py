"""XML of others: one encoding, no declarations, bounded depth, and linear work."""

from __future__ import annotations

import pytest

from engine.errors import ToolError
from engine.formats import xml

BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"> ]><a>&b;</a>'
DEFAULTS = f"<!DOCTYPE a [<!ATTLIST b c CDATA '{'x' * 1000}'>]><a>{'<b/>' * 1000}</a>"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (BOMB.encode(), "declares entities"),
        (DEFAULTS.encode(), "declares entities or other things"),
        (b"<!DOCTYPE a [ %x; ]><a/>", "declares"),
        (BOMB.encode("utf-16"), "is not UTF-8"),
        (BOMB.encode("utf-16-le"), "is not UTF-8"),
        (BOMB.encode("cp037"), "is not UTF-8"),
        (b'<?xml version="1.0" encoding="utf-16"?><a/>', "unknown encoding 'utf-16'"),
        (b'<?xml version="1.0" encoding="UTF-7"?><a/>', "unknown encoding 'UTF-7'"),
        (b"<a>\xff</a>", "is not UTF-8"),
        (b"<a>&b;</a>", "undefined entity"),
        (b"<a>" * 5000, "more than 1000 elements in each other"),
        (b"<a><b/><b/><b/></a>", "more than 3 elements"),
        (b"<a b='1' b='2'/>", "duplicate attribute"),
        (b"", "no element found"),
    ],
)
def test_what_is_not_accepted_is_told_in_a_line(data: bytes, said: str) -> None:
    with pytest.raises(ToolError, match=f"^x: .*{said}") as raised:
        xml.text_of(data, "x", 3 if b"<b/>" in data and len(data) < 50 else 100_000)
    assert "\n" not in str(raised.value)


def test_a_document_type_that_only_names_itself_is_not_loaded() -> None:
    document = '<!DOCTYPE coverage SYSTEM "http://127.0.0.1:9/c.dtd"><coverage/>'
    assert xml.text_of(document.encode(), "x", 10) == document


@pytest.mark.parametrize("start", ["", "\ufeff", "\ufeff<?xml version='1.0' encoding='UTF-8'?>"])
def test_a_library_gets_text_without_a_declaration(start: str) -> None:
    assert xml.text_of(f"{start}<a>\xe4</a>".encode(), "x", 10) == "<a>\xe4</a>"


@pytest.mark.parametrize("count", [500, 1000, 2000])
def test_each_element_is_told_once(count: int) -> None:
    told: list[str] = []
    element = f"<b c='{'x' * count}'>text</b>"
    xml.read(
        f"<a>{element * count}</a>".encode(),
        "x",
        lambda tag, attributes, text: told.append(tag + text[:4] + str(len(attributes))),
    )
    assert len(told) == count + 1
