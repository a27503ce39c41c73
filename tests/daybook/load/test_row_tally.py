"""How many rows a load wrote, from the counts of its statements, and what its report says about it."""

from typing import Any

import pytest

from daybook.load.load import LoadReport
from daybook.load.row_tally import RowTally


class Counting:
    """A session whose statements touch the given numbers of rows."""

    def __init__(self, *touched: int) -> None:
        self._touched = list(touched)

    def run(self, statement: str, values: Any = ()) -> int:
        return self._touched.pop(0)


@pytest.mark.parametrize(
    ("touched", "inserted", "rows"), [((2, 5), 5, 13), ((0, 0), 0, 10), ((2, -1), None, None), ((-1, 5), 5, None)]
)
def test_the_rows_of_a_load_are_counted(touched: tuple[int, int], inserted: int | None, rows: int | None) -> None:
    tally = RowTally(Counting(*touched), "t", 10)  # type: ignore[arg-type]
    tally.run("DELETE FROM t WHERE x")
    tally.run("INSERT INTO t (x) SELECT x FROM s")
    assert (tally.inserted, tally.rows) == (inserted, rows)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "1,129 rows"),
        (1129, "1,129 rows"),
        (0, "1,129 rows (0 new or changed, 1,129 already in the table)"),
        (29, "1,129 rows (29 new or changed, 1,100 already in the table)"),
    ],
)
def test_a_report_says_how_many_rows_were_written(written: int | None, said: str) -> None:
    assert LoadReport("t", "x", "upsert", rows=1129, written=written).counted_rows == said
