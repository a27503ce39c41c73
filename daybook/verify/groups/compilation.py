"""Measure how long Redshift compiles the long statements of Daybook: it compiles each new one before it runs it."""

import time

from daybook.strategies.registry import WHOLE_TABLE
from daybook.verify.registry import Unexpected, check
from daybook.verify.workbench import Workbench

_LONGEST = 60  # seconds
_BRANCHES = 500
_COLUMNS = 40
_PAGE = "dg/c-query-performance.html"


@check(
    "compilation: a long CASE chain",
    page=_PAGE,
    expects=f"a CASE with {_BRANCHES} branches takes at most {_LONGEST} seconds, the first time, too",
)
def case_chain(bench: Workbench) -> str:
    """Run a CASE with many branches twice."""
    bench.run('CREATE TABLE "{s}"."branches" (id int, value varchar(20))')
    bench.run("INSERT INTO \"{s}\".\"branches\" VALUES (1, '1'), (2, '2')")
    branches = " ".join(f"WHEN value LIKE '{number}%%' AND id = {number} THEN {number}" for number in range(_BRANCHES))
    sql = f'SELECT sum(CASE {branches} ELSE -1 END) FROM "{bench.schema}"."branches"'
    seconds = list[float]()
    with bench.warehouse.session() as session:
        session.run("SET enable_result_cache_for_session TO off")
        for _ in range(2):
            began = time.monotonic()
            session.rows(sql)
            seconds.append(time.monotonic() - began)
    return _judged(f"{len(sql):,} characters", seconds)


@check(
    "compilation: the checksum of a wide table",
    page=_PAGE,
    expects=f"the audit of a table with {_COLUMNS} numbers with a fraction takes at most {_LONGEST} seconds",
)
def wide_checksum(bench: Workbench) -> str:
    """Audit a wide table twice. The SQL of the hash of a DOUBLE PRECISION is the longest of all types."""
    columns = ", ".join(f"c{number} double precision" for number in range(_COLUMNS))
    bench.run_in_source(f"CREATE TABLE {{s}}.wide (id int PRIMARY KEY, {columns})")
    bench.run_in_source(f"INSERT INTO {{s}}.wide VALUES (1, {', '.join(['0.1'] * _COLUMNS)})")
    table = bench.table("wide", WHOLE_TABLE.name)
    bench.load(table)
    seconds, longest = list[float](), 0
    for _ in range(2):
        mark = bench.recorder.mark
        bench.audit_whole(table)
        statement = max(bench.recorder.since(mark), key=lambda one: one.length)
        seconds.append(statement.seconds)
        longest = statement.length
    return _judged(f"{longest:,} characters, {longest // _COLUMNS:,} for each column", seconds)


def _judged(size: str, seconds: list[float]) -> str:
    first, second = seconds
    found = f"{size}: {first:.1f} s the first time, {second:.1f} s the second time"
    if first > _LONGEST:
        raise Unexpected(found)
    return found
