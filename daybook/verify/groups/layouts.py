"""Check that tables get the distribution key, the sort key and the encodings of their files."""

from datetime import timedelta
from typing import Any

from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.verify.registry import Unexpected, check
from daybook.verify.workbench import EVERY_3_HOURS, Workbench, day

_LAYOUT: dict[str, Any] = {"distkey": "customer", "sortkey": ["at", "id"], "encode": {"note": "zstd"}}
_COLUMNS, _VALUES = "at timestamp, customer int, note text", f"{EVERY_3_HOURS}, n % 5, n"


@check(
    "layouts: a new table",
    page="dg/r_CREATE_TABLE_NEW.html",
    expects="the first load creates the table with the DISTKEY, the SORTKEY and the ENCODE of its file",
)
def new_table(bench: Workbench) -> str:
    """Load a table with a layout."""
    bench.make("laid_out", _COLUMNS, _VALUES)
    table = bench.table("laid_out", redshift=_LAYOUT)
    bench.load(table, day(0), day(3))
    _require(bench, table)
    return _shown(bench, table)


@check(
    "layouts: a changed file",
    page="dg/r_ALTER_TABLE.html",
    expects="the statements that `daybook layout --apply` runs give a loaded table the layout of its file",
)
def changed_file(bench: Workbench) -> str:
    """Load a table, give its file a layout, and apply that."""
    bench.make("laid_out_later", _COLUMNS, _VALUES)
    bench.load(bench.table("laid_out_later"), day(0), day(3))
    table = bench.table("laid_out_later", redshift=_LAYOUT)
    with bench.warehouse.session() as session:
        statements = bench.warehouse.layout_changes(session, table.name, table.layouts)
        for statement in statements:
            bench.warehouse.alter(session, statement)
    _require(bench, table)
    bench.load(table, day(0), day(0) + timedelta(days=1))
    return "; ".join(statements)


@check(
    "layouts: a summary's keys",
    page="dg/r_CREATE_TABLE_AS.html",
    expects="a build makes the summary with the layout of its file, and keeps it if a key's column gets another type",
)
def summary_keys(bench: Workbench) -> str:
    """Build a summary, then build it with other types of the columns of its keys."""
    bench.make("keyed", "at timestamp, customer int", f"{EVERY_3_HOURS}, n % 5")
    bench.load(bench.table("keyed"), day(0), day(3))
    layout = {"distkey": "customer", "sortkey": ["at"]}
    select = "SELECT id, customer, at FROM {s}.keyed"
    first = bench.summary("keyed_summary", select, redshift=layout)
    bench.build(first)
    _require(bench, first)
    select = "SELECT id, cast(customer AS bigint) AS customer, cast(at AS date) AS at FROM {s}.keyed"
    later = bench.summary("keyed_summary", select, redshift=layout)
    bench.build(later)
    _require(bench, later)
    return _shown(bench, later)


def _require(bench: Workbench, table: Table | Summary) -> None:
    with bench.warehouse.session() as session:
        changes = bench.warehouse.layout_changes(session, table.name, table.layouts)
    if changes:
        raise Unexpected(f"the layout is {_shown(bench, table)}; to get that of the file: {'; '.join(changes)}")


def _shown(bench: Workbench, table: Table | Summary) -> str:
    with bench.warehouse.session() as session:
        found = bench.warehouse.layout_of(session, table.name)
    return ", ".join(f"{option} {value}" for option, value in found.items())
