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
    expects=f"the audit of a table with {_COLUMNS} columns of the types with the longest hashes takes at most "
    f"{_LONGEST} seconds, the first time, too",
)
def wide_checksum(bench: Workbench) -> str:
    """Audit a wide table twice. The hash of a VARBYTE has 4 KB of SQL, that of a REAL or a DOUBLE PRECISION 2 KB."""
    types = {"bytea": "'x'", "real": "0.1", "double precision": "0.1"}
    chosen = [list(types)[number % len(types)] for number in range(_COLUMNS)]
    columns = ", ".join(f"c{number} {type}" for number, type in enumerate(chosen))
    bench.make("wide", columns, ", ".join(types[type] for type in chosen), 1)
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
