"""How many rows a load will probably have, by the ledger; and how a pace is told."""

from datetime import UTC, datetime

import pytest

from daybook.load.planning.plan import plan
from daybook.load.planning.row_estimate import expected_rows
from daybook.progress import duration, rate, to_go
from tests.support.source_and_warehouse import Endpoints, _when

NOON = datetime(2021, 2, 5, 12, tzinfo=UTC)


def test_what_is_expected_follows_the_loads_before(from_mysql: Endpoints) -> None:
    ends = from_mysql
    ends.source.run("CREATE TABLE things (id int, at datetime, KEY (at))")
    ends.source.insert("things", [(n, datetime(2021, 2, 5 + n // 10)) for n in range(25)])
    table = ends.table(load="replace_interval", key="id", cursor="at", interval="day", start="2021-02-05")

    def expected(first: str | None, until: str | None = None) -> int | None:
        planned = plan(table, _when(first), _when(until), full_refresh=first is None)
        with ends.warehouse.session() as session:
            return expected_rows(session, ends.warehouse, planned)

    assert (expected("2021-02-05"), expected(None)) == (None, None), "there is no ledger yet"
    ends.load(table, "2021-02-05", "2021-02-08")
    assert (expected("2021-02-08"), expected("2021-02-08", "2021-02-18")) == (8, 83), "10, 10 and 5 in three days"
    assert expected(None) is None
    ends.load(table)
    assert (expected(None), expected("2021-02-08")) == (25, 8)


@pytest.mark.parametrize(
    ("done", "wanted", "said"),
    [
        (250, 1000, "about 30 s to go, until 12:00 UTC"),
        (10, 1000, "about 16 min to go, until 12:16 UTC"),
        (1, 1000, "about 2.8 h to go, until 14:46 UTC"),
        (0, 1000, None),
        (1000, 1000, None),
        (1001, 1000, None),
    ],
    ids=["seconds", "minutes", "hours", "nothing is done yet", "all is done", "more than was wanted"],
)
def test_when_it_will_be_done(done: int, wanted: int, said: str | None) -> None:
    assert to_go(done, wanted, 10, NOON) == said


def test_how_fast_and_how_long() -> None:
    assert [rate(rows, 10) for rows in (0, 55, 100, 12345678)] == [
        "0.0 rows/s",
        "5.5 rows/s",
        "10 rows/s",
        "1,234,568 rows/s",
    ]
    assert [duration(seconds) for seconds in (0.4, 89, 91, 5399, 9000)] == ["0 s", "89 s", "2 min", "90 min", "2.5 h"]
