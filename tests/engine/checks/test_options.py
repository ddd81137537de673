"""What checks declare as their settings."""

from __future__ import annotations

from engine.checks.options import check_options
from engine.checks.registry import FoundCheck


def test_every_check_of_espdecks_own_is_known_with_its_interval() -> None:
    options = check_options()
    assert {name: (known or {})["interval"] for name, known in options.items()} == {
        "board_check": 10.0,
        "dependency_check": 60.0,
        "doc_check": 10.0,
        "git_check": 5.0,
        "remote_check": 5.0,
        "schedule_check": 1.0,
        "test_check": 5.0,
    }
    assert (options["board_check"] or {})["prove_power"] is False


def test_what_the_documentation_index_is_told_elsewhere_is_no_setting_of_a_check() -> None:
    own = FoundCheck("look", "", 5.0, {"limit": 1, "index_enabled": True})
    assert check_options([own]) == {"look": {"interval": 5.0, "limit": 1}}


def test_a_check_that_cannot_be_asked_has_no_settings_that_are_known() -> None:
    assert check_options([FoundCheck("look", "", 0.0, problem="it ended early")]) == {"look": None}
