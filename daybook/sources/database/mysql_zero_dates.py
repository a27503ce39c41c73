"""Zero dates of MySQL and MariaDB in the cursor: 0000-00-00, and dates with month 0 or day 0 such as 2021-00-10.

No warehouse can store them. With `zero_dates: fail`, a load that reads one fails. With `zero_dates: null`, they are
NULL, so they belong to no interval, and only a full refresh loads their rows.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from daybook.model.cursor import Cursor
from daybook.model.interval import Interval
from daybook.sources.base import MOST_COUNTED, counted, outside_calendar, without_cursor
from daybook.sql.bucketing import Query

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

_FIRST_YEAR = 1900  # the warning covers partial zero dates from this year on: each year takes twelve index lookups


def zero_sql(column: str) -> str:
    """Return the SQL condition for a zero date. `column` is quoted."""
    return f"(MONTH({column}) = 0 OR DAYOFMONTH({column}) = 0)"


def as_null_sql(column: str) -> str:
    """Return the SQL of a date or time in which zero dates are NULL."""
    return f"IF({zero_sql(column)}, NULL, {column})"


class RealDates(Cursor):
    """A cursor whose zero dates are NULL: such a row belongs to no interval, although 2021-00-10 sorts into one."""

    __slots__ = ()

    def within_sql(self, column: str, intervals: Iterable[Interval]) -> tuple[str, list[date | datetime]]:
        """Return the condition of `Cursor.within_sql` for rows without a zero date, and its bind values."""
        condition, values = super().within_sql(column, intervals)
        return f"({condition} AND NOT {zero_sql(column)})", values


def rows_without_interval(
    query: Query, table: "TableSpec", name: str, column: str, described: Sequence[Any], nulls: bool, year: int
) -> list[str]:
    """Return warnings about rows that no interval contains. The queries need an index that starts with the cursor.

    Args:
        query: runs a query.
        table: the table file.
        name: the quoted table.
        column: the quoted cursor.
        described: the cursor's row of `mysql_types.DESCRIBED`.
        nulls: True if zero dates are loaded as NULL. Otherwise loads of the intervals that contain 2021-00-10 fail.
        year: the current year.
    """
    warnings = []

    def rows_where(condition: str) -> int:
        ((rows,),) = query(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM {name} WHERE {condition} LIMIT {MOST_COUNTED}) AS f", ()
        )
        return int(rows)

    # a NOT NULL column has no NULL, but in MySQL the condition IS NULL finds its zero dates
    if described[3] == "YES" and (rows := rows_where(f"{column} IS NULL")):
        warnings.append(without_cursor(table, rows))
    zero = f"{column} = '0000-00-00'"
    if nulls and described[1].lower() != "timestamp":
        ((oldest,),) = query(f"SELECT MIN({column}) FROM {name} WHERE {column} >= '{_FIRST_YEAR}-00-00'", ())
        if oldest is not None:
            zero += f" OR {_partial_sql(column, range(int(str(oldest)[:4]), year + 2))}"
    if rows := rows_where(zero):
        warnings.append(_zero_dates(table, nulls, rows))
    far = f"{column} >= '0000-01-01' AND {column} < '0002-01-01' OR {column} >= '9999-01-01'"
    if described[1].lower() != "timestamp" and (rows := rows_where(far)):
        warnings.append(outside_calendar(table, rows))
    return warnings


def _partial_sql(column: str, years: Iterable[int]) -> str:
    """Return the condition for partial zero dates of these years, as ranges that an index finds."""
    ranges = []
    for year in years:
        starts = [(f"{year}-00-00", f"{year}-01-01")]
        starts += [(f"{year}-{month:02}-00", f"{year}-{month:02}-01") for month in range(2, 13)]
        ranges += [f"({column} >= '{start}' AND {column} < '{end}')" for start, end in starts]
    return " OR ".join(ranges) or "FALSE"


def _zero_dates(table: "TableSpec", nulls: bool, rows: int) -> str:
    refresh = "a full refresh loads them with NULL" if nulls else "a full refresh fails"
    remedy = "" if nulls else ", or set zero_dates: null under source: in the table file to load them as NULL"
    return (
        f"{table.name}: the source has rows in which the cursor {table.cursor} is a zero date, such as 0000-00-00 "
        f"({counted(rows)}). They belong to no interval: loads of intervals leave them out, and {refresh}. Set the "
        f"column in these rows of the source{remedy}"
    )
