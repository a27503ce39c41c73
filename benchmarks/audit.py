"""`python -m benchmarks.audit`: compare an audit with the same sums in plain SQL, and find ten changed rows.

It writes benchmarks/audit.md. With other sizes than the defaults it writes .daybook/benchmarks/audit.md, and keeps the
published figures. It runs on Linux only, because it reads the memory from /proc.
"""

import argparse
import logging
import multiprocessing
import random
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine

from benchmarks import machine, warehouse
from benchmarks.answers import A_DAY, DAY_ONE, connect, make_answers
from benchmarks.in_process import Keys, described, load_span
from benchmarks.meter import Meter
from benchmarks.page import HERE, QUICK
from benchmarks.page import table as table_of
from benchmarks.servers import Addresses, running_servers
from daybook.definitions.table import Table
from daybook.orchestration.local_stack.errors import StackError

PAGE = "audit.md"
DAYS, ROWS, ROUNDS, CHANGED = 400, 10_000_000, 5, 10
MOST_OF_SQL = 2.0  # times the slower side's own SQL
MOST_MEMORY = 50 * 10**6  # bytes above the imported flow's own
_QUICK = ("--days=20", "--rounds=1", "--rows=100000")
_FIRST = date.fromisoformat(DAY_ONE)
_FIELDS = "id, created_at, score, user_id, comment, modified"
#: A query that a person would write by hand. It does not distinguish NULLs, or where a value ends.
_SOURCE = (
    "SELECT date(created_at), count(*), "
    "sum(cast(conv(left(sha2(concat_ws('|', {fields}), 256), 15), 16, 10) AS unsigned)) FROM {table} GROUP BY 1"
)
_WAREHOUSE = (
    "SELECT created_at::date, count(*), "
    "sum(('x' || left(encode(sha256(convert_to(concat_ws('|', {fields}), 'UTF8')), 'hex'), 15))::bit(60)::bigint) "
    "FROM {table} GROUP BY 1"
)


@dataclass(frozen=True)
class Found:
    """The cost of bisecting one huge interval: first the checksums, then the queries on both sides to find the rows."""

    rows: int
    changed: int
    seconds_of_sums: float
    seconds: float
    queries: int
    bytes: int


@dataclass(frozen=True)
class Measured:
    """The seconds of each turn, and the peak memory of each audit above the memory of its process before."""

    source: list[float]
    warehouse: list[float]
    audit: list[float]
    peaks: list[int]

    @property
    def ratio(self) -> float:
        slower = max(statistics.median(self.source), statistics.median(self.warehouse))
        return statistics.median(self.audit) / slower


def answers(rows: int) -> Table:
    """Return the daily table with that number of rows."""
    return described(f"raw_data.answers_{rows}", f"answers_{rows}", "replace_interval")


def load(addresses: Addresses, rows: int) -> None:
    """Generate the rows and load them with Daybook, so that the ledger has each day's checksum."""
    make_answers(addresses.source, f"answers_{rows}", 0, rows - 1)
    load_span(addresses, answers(rows), addresses.source, _FIRST, _FIRST + timedelta(days=-(-rows // A_DAY)))
    warehouse.run(addresses.warehouse, f"VACUUM ANALYZE raw_data.answers_{rows}", "CHECKPOINT")


def audited(source: str, there: str, rows: int) -> tuple[float, int]:
    """Audit all days in this new process. Return the seconds, and the peak bytes of memory above the imported flow."""
    import flows.reconcile  # noqa: F401  a worker's process has this in memory anyway
    from daybook.audit.interval_audit import audit
    from daybook.audit.verdict import Verdict
    from daybook.warehouses.registry import open_warehouse

    logging.disable(logging.INFO)
    table = answers(rows)
    assert table.grid is not None
    days = table.grid.between(_FIRST, _FIRST + timedelta(days=-(-rows // A_DAY)))
    target, meter = open_warehouse(create_engine(there)), Meter()
    with meter.leg("audit"):
        found = audit(table, days, target, Keys(source))
    if {one.verdict for one in found} != {Verdict.EQUAL}:
        raise SystemExit(f"the audit finds {[one for one in found if one.verdict != Verdict.EQUAL][:3]}")
    (leg,) = meter.legs
    return leg.seconds, leg.peak or 0


def bisected(addresses: Addresses, rows: int) -> Found:
    """Change ten rows in the source, and find them among all rows, in an audit of one interval."""
    from daybook.audit.comparison import open_comparison
    from daybook.audit.row_diff import differences
    from daybook.model.interval import Interval
    from daybook.warehouses.registry import open_warehouse

    ids = sorted(random.Random(8).sample(range(rows), CHANGED))
    with closing(connect(addresses.source)) as connection, connection.cursor() as cursor:
        cursor.execute(f"UPDATE answers_{rows} SET score = 10 - score + (score = 5) WHERE id IN %s", (ids,))
    first = datetime(_FIRST.year, _FIRST.month, _FIRST.day, tzinfo=UTC)
    all_of_it = Interval(first, first + timedelta(days=-(-rows // A_DAY)))
    target = open_warehouse(create_engine(addresses.warehouse))
    with open_comparison(answers(rows), target, Keys(addresses.source), 3600) as sides:
        began = time.perf_counter()
        source, there = sides.both.ask(lambda side: side.sums([all_of_it])[all_of_it])
        summed = time.perf_counter()
        found = differences(sides.both, all_of_it, source, there)
        ended = time.perf_counter()
    if (found.added, found.removed, found.changed, found.exact) != (0, 0, CHANGED, True):
        raise SystemExit(f"ten rows were changed, and the audit says {found}")
    return Found(rows, found.changed, summed - began, ended - summed, found.queries, found.bytes)


def measure(addresses: Addresses, rows: int, rounds: int) -> Measured:
    """Measure the SQL of both sides and the audit, in turns."""
    measured = Measured([], [], [], [])
    name, fresh = f"answers_{rows}", multiprocessing.get_context("spawn")
    for number in range(rounds):
        measured.source.append(_seconds_at_source(addresses, _SOURCE.format(fields=_FIELDS, table=name)))
        measured.warehouse.append(
            _seconds_there(addresses, _WAREHOUSE.format(fields=_FIELDS, table=f"raw_data.{name}"))
        )
        with ProcessPoolExecutor(1, mp_context=fresh) as process:
            seconds, peak = process.submit(audited, addresses.source, addresses.warehouse, rows).result()
        measured.audit.append(seconds)
        measured.peaks.append(peak)
        figures = [f"{of[-1]:.1f} s" for of in (measured.source, measured.warehouse, measured.audit)]
        print(f"turn {number + 1}: source, warehouse, audit: {', '.join(figures)}, {peak / 1e6:.0f} MB", flush=True)
    return measured


def _seconds_at_source(addresses: Addresses, statement: str) -> float:
    with closing(connect(addresses.source)) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(statement)
        cursor.fetchall()
        return time.perf_counter() - began


def _seconds_there(addresses: Addresses, statement: str) -> float:
    began = time.perf_counter()
    warehouse.run(addresses.warehouse, statement)
    return time.perf_counter() - began


def targets(measured: Measured) -> list[tuple[str, str, bool]]:
    """Return each target, the measured value, and whether it is met."""
    ratio, peak = measured.ratio, max(measured.peaks)
    return [
        (f"at most {MOST_OF_SQL:.0f} × the slower side's own SQL", f"{ratio:.2f} ×", ratio <= MOST_OF_SQL),
        (f"at most {MOST_MEMORY // 10**6} MB above the flow", f"{peak / 1e6:.0f} MB", peak <= MOST_MEMORY),
    ]


def page(made: list[str], rows: int, measured: Measured, found: Found | None) -> Iterator[str]:
    """Yield the lines of the page."""
    yield from ("# The cost of an audit", "", *(f"- {line}" for line in made), "")
    met = [(text, figure, "met" if is_met else "**missed**") for text, figure, is_met in targets(measured)]
    yield from table_of(("target", "measured", ""), ":--|--:|:--", met)
    yield from ("", f"## {-(-rows // A_DAY)} days, {rows:,} rows, six columns: MariaDB → PostgreSQL", "")
    ways = {
        "MariaDB's own SQL": measured.source,
        "PostgreSQL's own SQL": measured.warehouse,
        "the audit, of both": measured.audit,
    }
    yield from table_of(
        ("", "seconds (median)", "of all turns"),
        ":--|--:|:--",
        [(name, f"{statistics.median(s):.2f}", ", ".join(f"{one:.2f}" for one in s)) for name, s in ways.items()],
    )
    if found:
        yield from ("", f"## {found.changed} changed rows among {found.rows:,}", "")
        yield (
            f"Audited as one interval: {found.seconds_of_sums:.1f} s for the checksums of both sides, then "
            f"**{found.queries} queries** on both sides together, which returned **{found.bytes:,} bytes** in "
            f"{found.seconds:.1f} s: the number of differing rows, and the keys of five."
        )
    yield _HOW.rstrip()


_HOW = """
## Method

- Daybook loads the rows, with a folder as the stage, so the ledger has each day's checksum. The servers are those of
  the tests, with PostgreSQL without `fsync`, and share the machine with the benchmark.
- Each side's own SQL is `count(*), sum(hash)` grouped by day, where the hash is the first 60 bits of the SHA-256 of
  `concat_ws` of the six columns. The two sides run one after the other. The audit queries both at the same time, with
  one statement for up to 2,500,000 rows, reads the ledger, and compares.
- They take turns, and the table shows medians. Each audit runs in a separate process that has imported the flow. Its
  memory is the peak (`VmHWM`) above that.
- The changed rows are spread over the table, which is audited as one interval. This is the worst case for the
  bisection, because each query reads the whole table. An audit by days reads only the differing days again.
"""


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit", description="Measure the audit.")
    parser.add_argument("--days", type=int, default=DAYS, help=f"the number of days to audit, with {A_DAY:,} rows each")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="the number of turns")
    parser.add_argument(
        "--rows", type=int, default=ROWS, help="the number of rows among which to find ten changed ones; 0 to skip that"
    )
    parser.add_argument("--quick", action="store_true", help=f"the same as {' '.join(_QUICK)}")
    given: Any = parser.parse_args()
    if given.quick:
        given = parser.parse_args(_QUICK)
    machine.check()
    full = (given.days, given.rows) == (DAYS, ROWS) and given.rounds >= 3
    made = machine.made(" ".join(["python -m benchmarks.audit", *sys.argv[1:]]))
    rows, found = given.days * A_DAY, None
    try:
        with running_servers() as servers:
            made.append(machine.versions(servers.addresses))
            for size in {rows, given.rows} - {0}:
                print(f"loading {size:,} rows", flush=True)
                load(servers.addresses, size)
            measured = measure(servers.addresses, rows, given.rounds)
            if given.rows:
                found = bisected(servers.addresses, given.rows)
                print(f"{found.changed} changed of {found.rows:,}: {found.queries} queries, {found.bytes:,} bytes")
    except (StackError, pytest.fail.Exception) as error:  # a server did not start
        sys.exit(str(error))
    folder = HERE if full else QUICK
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text("\n".join(page(made, rows, measured, found)) + "\n", encoding="utf-8")
    for text, figure, is_met in targets(measured):
        print(f"{'met   ' if is_met else 'MISSED'}  {figure:>7}  {text}")
    print(f"\nWritten: {folder / PAGE}")


if __name__ == "__main__":
    main()
