"""The page on which the monitor shows how tables stand."""

from datetime import UTC, datetime

from daybook.model.interval_grid import Grid
from daybook.monitoring.freshness import Freshness, State
from daybook.orchestration.artifacts.freshness import page

SIXTH, SEVENTH, EIGHTH = (datetime(2021, 2, day, 9, tzinfo=UTC) for day in (6, 7, 8))
DAY = (Grid("day").containing(SEVENTH),)


def test_the_late_ones_come_first() -> None:
    fresh = Freshness(
        "raw.a", "x", "UTC", State.FRESH, "2021-02-07", due_at=EIGHTH, loaded_until=EIGHTH, loaded_at=EIGHTH
    )
    late = Freshness("raw.b", "x", "Europe/Berlin", State.LATE, "2021-02-07", DAY, EIGHTH, EIGHTH, loaded_until=SEVENTH)
    never = Freshness("raw.c", "x", "UTC", State.NEVER)
    owed = Freshness("raw.d", "x", "UTC", State.NEVER, "2021-02-07", due_at=EIGHTH, since=SIXTH)
    assert page([fresh, late, never, owed]).splitlines() == [
        "**2 of 4 tables are late**",
        "",
        "Times are on each table's own clock.",
        "",
        "| table | state | due | loaded until | last load |",
        "|---|---|---|---|---|",
        "| `raw.b` | 🟧 late: 2021-02-07 is missing | 2021-02-08 10:00 Europe/Berlin | 2021-02-07 10:00 |  |",
        "| `raw.d` | 🟧 never loaded: 2021-02-07 is missing | 2021-02-06 09:00 UTC |  |  |",
        "| `raw.a` | 🟩 fresh | 2021-02-08 09:00 UTC | 2021-02-08 09:00 | 2021-02-08 09:00 |",
        "| `raw.c` | ⬜ never loaded |  |  |  |",
    ]


def test_none_is_late_and_none_is_due() -> None:
    assert page([Freshness("raw.a", "x", "UTC", State.FRESH)]).startswith("**No table is late**")
    assert 'due: "10:00"' in page([])
