"""A new schedule starts paused if a person had paused those of all its tables, and only then."""

from types import SimpleNamespace
from typing import Any

import pytest

from daybook.orchestration.deploy.pauses import Pauses
from daybook.orchestration.deploy.wanted import PAUSED_SLUG, SLUG, Wanted, WantedSchedule


def stored(*tables: str, active: bool = True, slug: str = SLUG, paused: bool = False) -> Any:
    schedules = [SimpleNamespace(slug=slug, active=active)] if slug else []
    return SimpleNamespace(parameters={"tables": list(tables)}, schedules=schedules, paused=paused)


@pytest.mark.parametrize(
    ("found", "stays_paused"),
    [
        ([stored("a", "b", active=False)], True),
        ([stored("a", "b", paused=True)], True),
        ([stored("a", active=False), stored("b", active=False)], True),
        ([stored("a", active=False)], True),  # b had no schedule
        ([stored("a", active=False), stored("b")], False),  # b was loaded, and goes on
        ([stored("a", "b", active=False), stored("b")], False),
        ([stored("a", "b")], False),
        ([stored("a", "b", active=False, slug=PAUSED_SLUG)], False),  # by `paused: true`, which is gone
        ([stored("a", "b", slug="")], False),
        ([stored("c", active=False)], False),
        ([], False),
    ],
)
def test_the_pause_of_all_tables_is_kept(found: list[Any], stays_paused: bool) -> None:
    wanted = Wanted("load", "production-0700", "x", (), {"tables": ["a", "b"]}, WantedSchedule("UTC", "0 7 * * *"))
    kept = Pauses.of(found).kept(wanted, None)
    assert kept.schedule and kept.schedule.stays_paused == stays_paused
    assert kept.schedule.active != stays_paused
    assert Pauses.of(found).kept(wanted, stored("a", "b")) == wanted, (
        "Prefect keeps the pause of a schedule that is there"
    )


def test_a_deployment_without_a_schedule_or_tables_stays_as_it_is() -> None:
    pauses = Pauses.of([stored("a", active=False)])
    for wanted in (
        Wanted("load", "a", "x", (), {"tables": ["a"]}),
        Wanted("monitor", "daily", "x", (), {}, WantedSchedule("UTC", "0 7 * * *")),
    ):
        assert pauses.kept(wanted, None) == wanted
