"""The schedules of table files: every form that people write, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from daybook.definitions.schedule import AuditSchedule, Schedule


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("0 6 * * *", "0 6 * * *"),
        ("0  6 * * MON-FRI", "0 6 * * MON-FRI"),
        ("15m", "every 15m"),
        ("PT90M", "every 90m"),
        ("P1D", "every 1d"),
        ({"every": "6h"}, "every 6h"),
        ({"after": "raw_data.a"}, "after raw_data.a"),
        ({"after": ["raw_data.a", "raw_data.b"]}, "after raw_data.a, raw_data.b"),
    ],
)
def test_a_schedule_is_written_in_several_ways(written: Any, text: str) -> None:
    assert Schedule.model_validate(written).text == text


def test_a_schedule_has_options() -> None:
    found = Schedule.model_validate({"every": "6h", "timezone": "Europe/Berlin", "paused": True})
    assert (found.every, found.timezone, found.paused) == (timedelta(hours=6), "Europe/Berlin", True)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("0 26 * * *", "Bad hour"),
        ("0 6 * *", "five fields"),
        ("0 0 6 * * *", "five fields"),
        ("0 6 31 2 *", "not a cron text"),
        ("@daily", "not an interval"),
        ("30s", "not an interval"),
        ("PT30S", "too short"),
        ("0m", "too short"),
        (5, "expected a cron text"),
        ({}, "nothing is given"),
        ({"cron": "0 6 * * *", "every": "1h"}, "cron and every are both given"),
        ({"after": "orders"}, "schema.table"),
        ({"cron": "0 6 * * *", "timezone": "Nowhere"}, "Unknown time zone"),
    ],
)
def test_a_wrong_schedule_is_refused(written: Any, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Schedule.model_validate(written)


def test_an_audit_is_weekly_or_has_a_cron() -> None:
    assert AuditSchedule.model_validate("weekly") == AuditSchedule()
    assert AuditSchedule.model_validate("0 4 * * 0").cron == "0 4 * * 0"
    assert AuditSchedule.model_validate({"last": 30}).last == 30
    with pytest.raises(ValidationError, match="expected weekly"):
        AuditSchedule.model_validate("monthly")
