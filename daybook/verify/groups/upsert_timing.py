"""Measure a load of one day into a table with many generated rows."""

from daybook.strategies.registry import all_strategies
from daybook.verify.registry import NotChecked, Unexpected, check
from daybook.verify.workbench import Workbench, day

_DAYS = 1000
_FIRST_ROWS = 1000  # a multiple of _DAYS
_CHANGED = 10_000  # rows of the day that the source sends, at most
_TABLE = "generated"


@check("upsert timing: a day of a large table", page="dg/c_best-practices-upsert.html")
def one_day(bench: Workbench) -> str:
    """Generate rows on the cluster by doubling, then load a day of changed rows twice with `upsert`."""
    if not bench.rows:
        raise NotChecked("--rows is 0")
    strategy = next(one for one in all_strategies().values() if one.keeps_newest_of_key)
    table = bench.table(_TABLE, strategy.name)
    bench.make(
        _TABLE,
        "at timestamp, note varchar(100), price numeric(12,2)",
        f"timestamp '{day(0)}' + n % {_DAYS} * interval '1 day', 'row ' || n, n",
        _FIRST_ROWS,
    )
    bench.load(table)
    total = _grown(bench, _FIRST_ROWS)
    number = _DAYS // 2
    count = max(1, min(_CHANGED, total // _DAYS))
    bench.run_in_source(f"DELETE FROM {{s}}.{_TABLE}")
    bench.run_in_source(
        f"INSERT INTO {{s}}.{_TABLE} SELECT {number}::bigint + n * {_DAYS}, timestamp '{day(number)}' + interval "
        f"'1 hour', 'changed', n FROM generate_series(0, {count - 1}) AS n"
    )
    reports = [bench.load(table, day(number)) for _ in range(2)]
    changed = bench.one(f'SELECT count(*) FROM "{{s}}"."{_TABLE}" WHERE note = \'changed\'')
    rows = bench.one(f'SELECT count(*) FROM "{{s}}"."{_TABLE}"')
    if (changed, rows) != (count, total):
        raise Unexpected(f"{changed:,} of {rows:,} rows were changed, expected {count:,} of {total:,}")
    seconds = [f"{one.seconds['load']:.1f} s" for one in reports]
    return f"{count:,} rows into {total:,} rows: load {seconds[0]}, the same again {seconds[1]}"


def _grown(bench: Workbench, rows: int) -> int:
    """Double the rows on the cluster until there are as many as wanted. Return their number.

    The day of a row is its ID modulo _DAYS. Each step moves the IDs by a multiple of that.
    """
    while rows < bench.rows:
        bench.run(
            f'INSERT INTO "{{s}}"."{_TABLE}" (id, at, note, price) SELECT id + {rows}, at, note, price '
            f'FROM "{{s}}"."{_TABLE}" WHERE id < {bench.rows - rows}'
        )
        rows += min(rows, bench.rows - rows)
    return rows
