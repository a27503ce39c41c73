"""Inputs that a SELECT does not filter by their cursor everywhere: a load of them can change any interval."""

import pytest

from daybook.definitions.summary import Summary
from daybook.model.interval_grid import Unit
from daybook.summaries.parse.interval_filters import IntervalFilters
from daybook.summaries.parse.lineage import read
from daybook.summaries.parse.output_columns import qualified

TABLES = {
    "raw.a": {"id": "int", "at": "timestamp", "seen": "timestamp", "n": "int"},
    "raw.b": {"id": "int", "at": "timestamp", "modified": "timestamp", "n": "int"},
    "raw.day": {"day": "date", "n": "int"},
}
CURSORS = {"raw.a": "at", "raw.b": "at", "raw.day": "day"}
IN_A = "a.at >= {start} and a.at < {end}"
IN_B = "b.at >= {start} and b.at < {end}"

#: The SELECT, and the inputs that it does not filter.
CASES: dict[str, tuple[str, set[str]]] = {
    "one table": ("select * from raw.a where at >= {start} and at < {end}", set()),
    "between": ("select * from raw.a where at between {start} and {end}", set()),
    "the other way round": ("select * from raw.a where {start} <= at and {end} > at", set()),
    "in brackets": ("select * from raw.a where ((at >= {start}) and (n > 1 and (at < {end})))", set()),
    "no filter": ("select * from raw.a", {"raw.a"}),
    "another column": ("select * from raw.a where seen >= {start} and seen < {end}", {"raw.a"}),
    "one side": ("select * from raw.a where at < {end}", {"raw.a"}),
    "the other side": ("select * from raw.a where at >= {start}", {"raw.a"}),
    "or": ("select * from raw.a where at >= {start} and at < {end} or n = 1", {"raw.a"}),
    "not": ("select * from raw.a where not (at >= {start} and at < {end})", {"raw.a"}),
    "in the list of columns": ("select case when at >= {start} and at < {end} then 1 end as x from raw.a", {"raw.a"}),
    "a date": ("select * from raw.a where cast(at as date) >= {start} and at::date < {end}", set()),
    "a truncated time": ("select * from raw.a where date_trunc('day', at) between {start} and {end}", set()),
    "a time truncated too far": (
        "select * from raw.a where date_trunc('month', at) >= {start} and date_trunc('month', at) < {end}",
        {"raw.a"},
    ),
    "a shifted cursor": (
        "select * from raw.a where at - interval '1 day' >= {start} and at - interval '1 day' < {end}",
        {"raw.a"},
    ),
    "a shifted range": ("select * from raw.a where at >= {start} - interval '7 days' and at < {end}", {"raw.a"}),
    "the zone of the summary": (
        "select * from raw.a where at at time zone 'UTC' >= {start} and at at time zone 'UTC' < {end}",
        set(),
    ),
    "functions of a date": ("select * from raw.a where date(at) >= {start} and trunc(at) < {end}", set()),
    "functions of a zone": (
        "select * from raw.a where timezone('UTC', at) >= {start} and convert_timezone('UTC', 'UTC', at) < {end}",
        set(),
    ),
    "functions of another zone": (
        "select * from raw.a where timezone('Asia/Tokyo', at) >= {start} and timezone('Asia/Tokyo', at) < {end}",
        {"raw.a"},
    ),
    "a function that Daybook does not know": (
        "select * from raw.a where next_day(at, 'Tue') >= {start} and next_day(at, 'Tue') < {end}",
        {"raw.a"},
    ),
    "another zone": (
        "select * from raw.a where at at time zone 'UTC' at time zone 'Asia/Tokyo' >= {start} and at < {end}",
        {"raw.a"},
    ),
    "two tables, one filter": (f"select a.* from raw.a a join raw.b b on b.id = a.id where {IN_A}", {"raw.b"}),
    "two tables, two filters": (f"select a.* from raw.a a join raw.b b on b.id = a.id where {IN_A} and {IN_B}", set()),
    "a filter of the wrong one": (f"select a.* from raw.a a join raw.b b on b.id = a.id where {IN_B}", {"raw.a"}),
    "a column that only one has": (
        "select a.* from raw.a a join raw.day d on d.n = a.n where day >= {start} and day < {end}",
        {"raw.a"},
    ),
    "names of tables as aliases": (
        "select raw.a.n from raw.a, raw.b where raw.a.at >= {start} and raw.a.at < {end}",
        {"raw.b"},
    ),
    "crossed aliases": (
        "select a.n from raw.b a join raw.a b on a.id = b.id where a.at >= {start} and a.at < {end}",
        {"raw.a"},
    ),
    "a table twice, one filter": (f"select a.* from raw.a a join raw.a x on x.id = a.n where {IN_A}", {"raw.a"}),
    "a table twice, two filters": (
        f"select a.* from raw.a a join raw.a x on x.id = a.n where {IN_A} and x.at >= {{start}} and x.at < {{end}}",
        set(),
    ),
    "a join by the cursor": (f"select a.* from raw.a a join raw.b b on b.at = a.at where {IN_A}", set()),
    "a left join by the cursor": (f"select a.* from raw.a a left join raw.b b on b.at = a.at where {IN_A}", set()),
    "a left join, filtered on the right": (
        f"select a.* from raw.a a left join raw.b b on b.at = a.at and {IN_B}",
        {"raw.a"},
    ),
    "a left join whose ON filters the left": (
        f"select a.* from raw.a a left join raw.b b on b.id = a.id and {IN_A} and {IN_B}",
        {"raw.a"},
    ),
    "a right join whose ON filters both": (
        f"select a.* from raw.a a right join raw.b b on b.id = a.id and {IN_A} and {IN_B}",
        {"raw.b"},
    ),
    "a full join whose ON filters both": (
        f"select a.* from raw.a a full join raw.b b on b.id = a.id and {IN_A} and {IN_B}",
        {"raw.a", "raw.b"},
    ),
    "an inner join whose ON filters both": (
        f"select a.* from raw.a a join raw.b b on b.id = a.id and {IN_A} and {IN_B}",
        set(),
    ),
    "using": ("select at, a.n from raw.a a join raw.b b using (at) where at >= {start} and at < {end}", set()),
    "a full join with using": (
        "select at, a.n from raw.a a full join raw.b b using (at) where at >= {start} and at < {end}",
        set(),
    ),
    "coalesce of columns that are not equal": (
        "select a.n from raw.a a full join raw.b b on a.id = b.id "
        "where coalesce(a.at, b.at) >= {start} and coalesce(a.at, b.at) < {end}",
        {"raw.b"},
    ),
    "a subquery": ("select * from (select at as t, n from raw.a) x where t >= {start} and t < {end}", set()),
    "a subquery under the name of the cursor": (
        "select * from (select seen as at, n from raw.a) x where at >= {start} and at < {end}",
        {"raw.a"},
    ),
    "a subquery with a list of names": (
        "select * from (select seen, at from raw.a) x (at, t) where at >= {start} and at < {end}",
        {"raw.a"},
    ),
    "a with that is filtered outside": (
        "with x as (select * from raw.a) select * from x where at >= {start} and at < {end}",
        set(),
    ),
    "a with that is filtered in one of two places": (
        "with x as (select * from raw.a) "
        "select x.n from x join x y on y.id = x.id where x.at >= {start} and x.at < {end}",
        {"raw.a"},
    ),
    "a with that is filtered inside": (
        "with x as (select * from raw.a where at >= {start} and at < {end}) select x.n from x join x y on y.id = x.id",
        set(),
    ),
    "a window over all rows": (
        "select * from (select at, row_number() over (partition by id order by at) as r from raw.a) x "
        "where at >= {start} and at < {end}",
        {"raw.a"},
    ),
    "a window over the filtered rows": (
        "select at, row_number() over (partition by id order by at) as r from raw.a where at >= {start} and at < {end}",
        set(),
    ),
    "a limit": (
        "select * from (select * from raw.a order by n limit 5) x where at >= {start} and at < {end}",
        {"raw.a"},
    ),
    "distinct on": (
        "select * from (select distinct on (id) id, at from raw.a order by id, at) x "
        "where at >= {start} and at < {end}",
        {"raw.a"},
    ),
    "a group": (
        "select * from (select at, count(*) as c from raw.a group by at) x where at >= {start} and at < {end}",
        set(),
    ),
    "the last of a group": (
        "select * from (select id, max(at) as at from raw.a group by id) x where at >= {start} and at < {end}",
        {"raw.a"},
    ),
    "a union": (
        "select at from raw.a where at >= {start} and at < {end} union all select at from raw.b",
        {"raw.b"},
    ),
    "a union without duplicates": (
        "select * from (select at from raw.a union select at from raw.b) x where at >= {start} and at < {end}",
        set(),
    ),
    "except": ("select at from raw.a where at >= {start} and at < {end} except select at from raw.b", {"raw.b"}),
    "intersect": ("select at from raw.a intersect select at from raw.b", {"raw.a", "raw.b"}),
    "joins in brackets": (f"select a.n from (raw.a a join raw.b b on a.id = b.id) where {IN_A}", {"raw.b"}),
    "a natural join": (f"select * from raw.a a natural join raw.b where {IN_A}", set()),
    "a comparison of rows": ("select n from raw.a where (at, n) >= ({start}, 1) and at < {end}", {"raw.a"}),
    "a filter of an aggregate": (
        "select count(*) filter (where at >= {start} and at < {end}) as x from raw.a",
        {"raw.a"},
    ),
    "a union that is filtered outside": (
        "select * from (select at, n from raw.a union all select at, n from raw.b) x "
        "where at >= {start} and at < {end}",
        set(),
    ),
    "a union of other columns": (
        "select * from (select at, n from raw.a union all select modified, n from raw.b) x "
        "where at >= {start} and at < {end}",
        {"raw.b"},
    ),
    "in": (f"select a.* from raw.a a where {IN_A} and a.id in (select id from raw.b)", {"raw.b"}),
    "in, filtered": (f"select a.* from raw.a a where {IN_A} and a.id in (select id from raw.b b where {IN_B})", set()),
    "exists by the cursor": (
        f"select a.* from raw.a a where {IN_A} and exists (select 1 from raw.b b where b.at = a.at)",
        set(),
    ),
    "a scalar subquery": (f"select a.at, (select max(n) from raw.b) as n from raw.a a where {IN_A}", {"raw.b"}),
    "a lateral join": (
        f"select a.at, x.n from raw.a a cross join lateral (select max(b.n) as n from raw.b b where b.id = a.id) x "
        f"where {IN_A}",
        {"raw.b"},
    ),
    "a recursive with": (
        "with recursive x as (select id, at, n from raw.a where at >= {start} and at < {end} "
        "union all select b.id, b.at, b.n from raw.b b join x on x.n = b.id) select * from x",
        {"raw.b"},
    ),
    "coalesce": ("select * from raw.a where coalesce(at, seen) >= {start} and coalesce(at, seen) < {end}", set()),
}


def filters(sql: str, unit: Unit = "day", dialect: str = "postgres") -> IntervalFilters:
    summary = Summary(name="mart.x", description="x", owner="x", sql=sql, key=["x"], interval=unit, cursor="x")
    lineage = read(summary, dialect)
    tree = qualified(lineage, TABLES)
    assert tree is not None
    return IntervalFilters(tree, {name: CURSORS[name] for name in lineage.inputs}, unit)


@pytest.mark.parametrize("dialect", ["postgres", "redshift"])
@pytest.mark.parametrize(("sql", "expected"), CASES.values(), ids=CASES)
def test_inputs_that_are_not_filtered(sql: str, expected: set[str], dialect: str) -> None:
    assert filters(sql, dialect=dialect).unfiltered == expected


@pytest.mark.parametrize(("unit", "expected"), [("hour", {"raw.a"}), ("day", set()), ("week", set()), ("month", set())])
def test_a_date_of_the_cursor_is_not_an_hour(unit: Unit, expected: set[str]) -> None:
    sql = "select * from raw.a where cast(at as date) >= {start} and cast(at as date) < {end}"
    assert filters(sql, unit).unfiltered == expected


def test_a_table_with_unknown_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLES, "raw.a", {})
    assert not filters("select n from raw.a where at >= {start} and at < {end}").unfiltered


@pytest.mark.parametrize("dates", ["at::date", "date(at)", "trunc(at)"])
def test_a_date_filters_no_hours(dates: str) -> None:
    sql = f"select * from raw.a where {dates} >= {{start}} and {dates} < {{end}}"
    assert filters(sql, "hour").unfiltered == {"raw.a"}
    assert not filters(sql, "day").unfiltered


def test_only_coalesce_reads_rows_without_a_cursor() -> None:
    assert filters(CASES["coalesce"][0]).with_nulls == {"at"}
    assert not filters(CASES["using"][0]).with_nulls
