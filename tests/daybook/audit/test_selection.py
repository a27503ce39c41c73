"""The intervals of an audit, from its parameters."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from daybook.audit.selection import intervals_of
from daybook.definitions.table import Table
from daybook.errors import AuditRefused

TODAY = datetime.now(UTC).date()


def days(**fields: Any) -> Table:
    source = {"kind": "database", "table": "prod.nps"}
    given = {"source": source, "load": "replace_interval", "cursor": "at", "interval": "day", **fields}
    return Table(name="raw_data.nps", description="x", owner="tests", **given)


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({}, date(2021, 2, 5), TODAY - timedelta(days=1)),
        ({"start": date(2021, 3, 1)}, date(2021, 3, 1), TODAY - timedelta(days=1)),
        ({"end": date(2021, 3, 1)}, date(2021, 2, 5), date(2021, 2, 28)),
        ({"start": date(2021, 2, 6), "end": date(2021, 2, 7)}, date(2021, 2, 6), date(2021, 2, 6)),
        ({"last": 90}, TODAY - timedelta(days=90), TODAY - timedelta(days=1)),
        ({"last": 1}, TODAY - timedelta(days=1), TODAY - timedelta(days=1)),
        ({"last": 1_000_000}, date(2021, 2, 5), TODAY - timedelta(days=1)),
    ],
    ids=["all", "from", "until", "one day", "the last 90", "the last one", "more than there are"],
)
def test_a_range(given: dict[str, Any], first: date, last: date) -> None:
    intervals = intervals_of(days(start=date(2021, 2, 5)), **given)
    assert (intervals[0].start.date(), intervals[-1].start.date()) == (first, last)
    assert len(intervals) == (last - first).days + 1


@pytest.mark.parametrize(
    ("fields", "given", "words"),
    [
        ({}, {}, "no start:, so give start or last"),
        ({"start": TODAY}, {"last": 5}, "no interval has ended yet: the table starts on"),
        ({"start": TODAY}, {}, "no interval has ended yet: the table starts on"),
        (
            {"start": date(2021, 2, 5)},
            {"start": date(2021, 2, 1)},
            "before the table's start: begin at 2021-02-05$",
        ),
        ({"start": date(2021, 2, 5)}, {"end": TODAY + timedelta(days=9)}, "ends in the future"),
        ({"start": date(2021, 2, 5)}, {"end": TODAY, "last": 5}, "give either last, or start and end$"),
        ({"load": "replace"}, {}, "each load replaces it whole.*no key to compare it by, either: add key:"),
        ({"load": "replace", "key": ["id"]}, {}, "each load replaces it whole.*ranges of its key, set whole=true"),
        ({"load": "replace", "source": {"kind": "csv", "url": "https://x.example/y.csv"}}, {}, "of kind csv"),
    ],
    ids=[
        "no start",
        "none of the last",
        "nothing yet",
        "too early",
        "too late",
        "two ways",
        "loaded whole",
        "by its key",
        "no database",
    ],
)
def test_an_invalid_range_is_refused(fields: dict[str, Any], given: dict[str, Any], words: str) -> None:
    with pytest.raises(AuditRefused, match=f"raw_data.nps.*{words}"):
        intervals_of(days(**fields), **given)
