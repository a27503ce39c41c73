"""Measure a load of one day into a table with many generated rows."""

from datetime import timedelta

from daybook.strategies.registry import all_strategies
from daybook.verify.registry import NotChecked, Unexpected, check
from daybook.verify.workbench import FIRST, Workbench

_DAYS = 1000
_BASE = FIRST - timedelta(days=_DAYS)
_TABLE = "generated"


@check("upsert timing: a day of a large table", page="dg/c_best-practices-upsert.html")
def one_day(bench: Workbench) -> str:
    """Generate rows on the cluster by doubling, then load a day of changed rows twice by their key.

    The rows are in the order of their days, as in a table that has grown by a load each day.
    """
    per_day = bench.rows // _DAYS
    if not per_day:
        raise NotChecked(f"--rows is less than {_DAYS:,}")
    strategy = next(one for one in all_strategies().values() if one.keeps_newest_of_key)
    table = bench.table(_TABLE, strategy.name, start=_BASE)
    values = f"timestamp '{_BASE}' + n / {per_day} * interval '1 day', 'row ' || n, n"
    bench.make(_TABLE, "at timestamp, note varchar(100), price numeric(12,2)", values, min(per_day, _DAYS))
    bench.load(table)
    total = _grown(bench, min(per_day, _DAYS), per_day)
    number = _DAYS // 2
    bench.run_in_source(f"DELETE FROM {{s}}.{_TABLE}")
    bench.run_in_source(
        f"INSERT INTO {{s}}.{_TABLE} SELECT n, timestamp '{_BASE}' + interval '{number} days 1 hour', 'changed', n "
        f"FROM generate_series({number * per_day}, {(number + 1) * per_day - 1}) AS n"
    )
    reports = [bench.load(table, _BASE + timedelta(days=number)) for _ in range(2)]
    changed, rows = bench.run(f"SELECT count(CASE WHEN note = 'changed' THEN 1 END), count(*) FROM {{s}}.{_TABLE}")[0]
    if (changed, rows) != (per_day, total):
        raise Unexpected(f"{changed:,} of {rows:,} rows were changed, expected {per_day:,} of {total:,}")
    seconds = [f"{one.seconds['load']:.1f} s" for one in reports]
    return f"{per_day:,} rows into {total:,} rows: load {seconds[0]}, the same again {seconds[1]}"


def _grown(bench: Workbench, rows: int, per_day: int) -> int:
    """Double the rows on the cluster until they cover all days. Return their number."""
    total = per_day * _DAYS
    while rows < total:
        added = min(rows, total - rows)
        bench.run(
            f'INSERT INTO "{{s}}"."{_TABLE}" (id, at, note, price) '
            f"SELECT id + {rows}, DATEADD(day, ((id + {rows}) / {per_day})::int, '{_BASE}'::timestamp), note, price "
            f'FROM "{{s}}"."{_TABLE}" WHERE id < {added}'
        )
        rows += added
    return rows
