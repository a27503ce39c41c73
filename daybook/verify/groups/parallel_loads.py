"""Load many tables at the same time, and count the conflicts and the COPYs."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from daybook.sql.database_error import DatabaseError
from daybook.verify.recorder import Statement
from daybook.verify.registry import Unexpected, check
from daybook.verify.workbench import EVERY_3_HOURS, Workbench, day

TABLES = 12
_SAME = 4  # loads of one table
_HISTORY = "SELECT count(*) FROM sys_query_history WHERE query_type = 'COPY' AND query_text LIKE %s"


@check(
    "parallel loads: conflicts",
    page="dg/c_serial_isolation-serializable-isolation-troubleshooting.html",
    expects=f"{TABLES} loads of {TABLES} tables at the same time take one COPY each, and no transaction conflicts with "
    "another one",
)
def conflicts(bench: Workbench) -> str:
    """Load two days of each table: the first load creates the tables, the second one is measured."""
    names = [f"parallel_{number}" for number in range(TABLES)]
    for name in names:
        bench.make(name, "at timestamp", EVERY_3_HOURS)
    _load_all(bench, names, 0)
    logged, mark, began = _copies_logged(bench), bench.recorder.mark, time.monotonic()
    failures = _load_all(bench, names, 1)
    seconds = time.monotonic() - began
    statements = bench.recorder.since(mark)
    copies = sum(one.sql.startswith("COPY") for one in statements)
    count = sum(map(_is_conflict, statements))
    log = "sys_query_history cannot be read"
    if logged is not None:
        log = f"{(_copies_logged(bench) or 0) - logged} by sys_query_history"
    found = f"{seconds:.1f} s, {copies} COPYs ({log}), {count} conflicts, {len(failures)} failed loads"
    if failures or count or copies != TABLES:
        raise Unexpected("; ".join([found, *failures[:2]]))
    return found


@check(
    "parallel loads: the same day",
    page="dg/c_serial_isolation.html",
    expects=f"{_SAME} loads of the same day of a new table without a key, at the same time, leave each row once; so do "
    "the same loads again",
)
def same_day(bench: Workbench) -> str:
    """Load a day several times at once, as runs that were started twice do. Only Daybook's lock keeps them apart."""
    bench.make("same_day", "at timestamp", EVERY_3_HOURS)
    for when in ("the first loads", "the same loads again"):
        failures = _load_all(bench, ["same_day"] * _SAME, 0, key=[])
        rows, ids = bench.run("SELECT count(*), count(DISTINCT id) FROM {s}.same_day")[0]
        if failures or (rows, ids) != (8, 8):
            raise Unexpected("; ".join([f"after {when}: {rows} rows with {ids} IDs, expected 8", *failures[:2]]))
    return "8 rows, each once"


def _load_all(bench: Workbench, names: list[str], number: int, **fields: Any) -> list[str]:
    """Load a day of each table at the same time. Return the reasons of the loads that failed."""

    def load(name: str) -> str | None:
        try:
            bench.load(bench.table(name, **fields), day(number))
        except Exception as error:
            return f"{name}: {type(error).__name__}: {error}"
        return None

    with ThreadPoolExecutor(len(names)) as pool:
        return [reason for reason in pool.map(load, names) if reason]


def _is_conflict(one: Statement) -> bool:
    """Return True for error 1023, and for the text of a conflict under snapshot isolation."""
    error = (one.error or "").lower()
    return "1023" in error or "conflict" in error


def _copies_logged(bench: Workbench) -> int | None:
    """Return the number of this run's COPYs in the system's log; None if it cannot be read."""
    try:
        count: int = bench.one(_HISTORY, (f"%{bench.schema}%",))
    except DatabaseError:
        return None
    return count
