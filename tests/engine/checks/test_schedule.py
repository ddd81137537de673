"""When checks are due, by a clock that the test holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.checks.registry import FoundCheck
from engine.checks.schedule import CheckPlan, plan_of
from engine.settings import CheckSchedule, CheckSettings

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
CHECK = FoundCheck("doc_check", "documentation", 10.0)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_one_that_never_ran_is_due() -> None:
    assert CheckPlan(True, 10).is_due(None, NOW)


def test_it_is_due_when_its_interval_has_passed() -> None:
    plan = CheckPlan(True, 10)
    assert not plan.is_due(NOW - minutes(9), NOW)
    assert plan.is_due(NOW - minutes(10), NOW)
    assert plan.next_at(NOW - minutes(4), NOW) == NOW + minutes(6)


def test_what_was_missed_is_due_at_once() -> None:
    assert CheckPlan(True, 10).next_at(NOW - timedelta(days=7), NOW) == NOW


def test_a_last_run_in_the_future_does_not_stop_it() -> None:
    assert CheckPlan(True, 10).is_due(NOW + timedelta(days=400), NOW)


def test_one_that_is_off_never_runs() -> None:
    assert CheckPlan(False, 10).next_at(None, NOW) is None
    assert not CheckPlan(False, 10).is_due(None, NOW)


def test_a_project_says_more_than_the_check_and_the_check_more_than_its_default() -> None:
    settings = {
        "doc_check": CheckSettings(
            interval=20,
            projects={"blink": CheckSchedule(interval=5), "old": CheckSchedule(enabled=False)},
        )
    }
    assert plan_of(CHECK, {}, "blink") == CheckPlan(True, 10)
    assert plan_of(CHECK, settings, "other") == CheckPlan(True, 20)
    assert plan_of(CHECK, settings, "blink") == CheckPlan(True, 5)
    assert plan_of(CHECK, settings, "old") == CheckPlan(False, 20)


def test_a_project_may_have_what_is_off_for_others() -> None:
    settings = {
        "doc_check": CheckSettings(enabled=False, projects={"a": CheckSchedule(enabled=True)})
    }
    assert [plan_of(CHECK, settings, name).enabled for name in ("a", "b")] == [True, False]


@given(interval=st.floats(0.1, 10_000), ago=st.floats(0, 100_000))
def test_the_next_run_is_never_in_the_past_and_never_later_than_an_interval(
    interval: float, ago: float
) -> None:
    next_at = CheckPlan(True, interval).next_at(NOW - minutes(ago), NOW)
    assert next_at is not None
    assert NOW <= next_at <= NOW + minutes(interval)
