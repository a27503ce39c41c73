"""Check each load strategy: a first load, a repeated one, and one of changed rows."""

from daybook.strategies.registry import all_strategies, strategy_named
from daybook.verify.registry import Check, Unexpected, check
from daybook.verify.workbench import EVERY_3_HOURS, Workbench, day

_COLUMNS = "id, at, note, price"
#: A row of the second day that changes, one that is removed, one that is added, and one that moves to the third day.
_CHANGE = (
    "UPDATE {s}.{name} SET note = 'changed ' || note, at = at + interval '1 minute' WHERE id = 9",
    "DELETE FROM {s}.{name} WHERE id = 10",
    "INSERT INTO {s}.{name} VALUES (100, '2024-01-02 12:00', 'added', 1)",
    "UPDATE {s}.{name} SET at = '2024-01-03 23:00' WHERE id = 11",
)
_REMOVED = 10


def _check_of(name: str) -> Check:
    def find(bench: Workbench) -> str:
        return _loads(bench, name)

    kept = "" if strategy_named(name).removes_rows else ", and the row that the source has removed, which it keeps"
    return check(
        f"strategies: {name}",
        page="dg/t_updating-inserting-using-staging-tables-.html",
        expects="after a first load, a repeated load and a load of changed, added, removed and moved rows, the table "
        f"has exactly the source's rows{kept}",
    )(find)


CHECKS = [_check_of(name) for name in all_strategies()]


def _loads(bench: Workbench, strategy: str) -> str:
    name = f"by_{strategy}"
    bench.make(name, "at timestamp, note varchar(40), price numeric(8,2)", f"{EVERY_3_HOURS}, 'ö ' || n, n / 4.0")
    table = bench.table(name, strategy)
    span = (day(0), day(3)) if table.strategy.has_intervals else ()
    began = [bench.load(table, *span).seconds]
    _compare(bench, name, "after the first load")
    began.append(bench.load(table, *span).seconds)
    _compare(bench, name, "after the same load again")
    for statement in _CHANGE:
        bench.run_in_source(statement.replace("{name}", name))
    span = (day(1), day(3)) if span else ()
    began.append(bench.load(table, *span).seconds)
    _compare(bench, name, "after a load of changed rows", kept=not table.strategy.removes_rows)
    seconds = ", ".join(f"{sum(one.values()):.1f} s" for one in began)
    return f"the table was right after each of three loads ({seconds})"


def _compare(bench: Workbench, name: str, when: str, kept: bool = False) -> None:
    source, cluster = bench.both_sides(name, _COLUMNS)
    if kept and _REMOVED not in {row[0] for row in cluster}:
        raise Unexpected(f"{when}: the row {_REMOVED}, which only the source has removed, is not in the table")
    if kept:
        cluster = [row for row in cluster if row[0] != _REMOVED]
    if source != cluster:
        only = [row for row in source if row not in cluster][:3], [row for row in cluster if row not in source][:3]
        raise Unexpected(
            f"{when}: {len(source)} rows in the source, {len(cluster)} in the table; only in the source: {only[0]}; "
            f"only in the table: {only[1]}"
        )
