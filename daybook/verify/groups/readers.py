"""Check that loads do not make readers wait, and that no reader sees a half load."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from daybook.strategies.registry import WHOLE_TABLE, all_strategies
from daybook.verify.registry import Unexpected, check
from daybook.verify.workbench import Workbench, day

_ROWS = 1000
_LONGEST_WAIT = 5.0  # seconds of one short SELECT, once Redshift has compiled it
_PAUSE = 0.02  # seconds between two looks of the reader


@dataclass
class _Reader:
    """A session that counts the rows of a table, their oldest and newest version, again and again."""

    seen: set[tuple[object, ...]] = field(default_factory=set)
    longest: float = 0.0
    failure: Exception | None = None


@check(
    "readers: a transaction held open",
    page="dg/c_write_readwrite.html",
    expects="a load commits while a reader holds its transaction open, another reader in a loop waits at most "
    f"{_LONGEST_WAIT:.0f} seconds, and it sees all old rows or all new rows",
)
def held_open(bench: Workbench) -> str:
    """Load with each strategy, and build a summary, between readers."""
    found, wrong = list[str](), list[str]()
    for name in all_strategies():
        table = f"read_{name}"
        bench.make(table, "at timestamp, version int", f"timestamp '{day(0)}', 1", _ROWS)
        file = bench.table(table, name)
        days = (day(0),) if file.strategy.has_intervals else ()
        bench.load(file, *days)
        bench.run_in_source(f"UPDATE {{s}}.{table} SET version = 2, at = at + interval '1 second'")
        _between(bench, name, table, partial(bench.load, file, *days), found, wrong)
    bench.build(bench.summary("read_summary", f"SELECT id, version FROM {{s}}.read_{WHOLE_TABLE.name}"))
    later = bench.summary("read_summary", f"SELECT id, version + 1 AS version FROM {{s}}.read_{WHOLE_TABLE.name}")
    _between(bench, "a summary", "read_summary", lambda: bench.build(later), found, wrong)
    if wrong:
        raise Unexpected("; ".join(wrong))
    return "; ".join(found)


def _between(
    bench: Workbench, what: str, table: str, work: Callable[[], object], found: list[str], wrong: list[str]
) -> None:
    """Run `work`, which writes the table, while two readers read it. Append what was found, and what is wrong."""
    count = f'SELECT count(*), min(version), max(version) FROM "{{s}}"."{table}"'
    before = bench.run(count)[0]
    with _reading(bench, count) as reader, ThreadPoolExecutor(1) as pool:
        with bench.transaction() as held:
            held.rows(count.replace("{s}", bench.schema))
            began = time.monotonic()
            writing = pool.submit(work)
            waited = not wait([writing], bench.patience).done
        failure = writing.exception()
        seconds = time.monotonic() - began
    after = bench.run(count)[0]
    if waited:
        wrong.append(f"{what}: it had not ended after {bench.patience:.0f} s, when the reader ended its transaction")
    if reader.longest > _LONGEST_WAIT:
        wrong.append(f"{what}: a reader waited for {reader.longest:.1f} s")
    if half := reader.seen - {before, after}:
        wrong.append(f"{what}: a reader saw {sorted(map(str, half))[:3]}, neither {before} nor {after}")
    wrong.extend(f"{what}: {type(error).__name__}: {error}" for error in (failure, reader.failure) if error)
    found.append(f"{what}: {seconds:.1f} s, longest read {reader.longest:.2f} s")


@contextmanager
def _reading(bench: Workbench, sql: str) -> Iterator[_Reader]:
    """Read in a thread, on one connection, while the block runs."""
    reader, stop, ready = _Reader(), threading.Event(), threading.Event()
    statement = sql.replace("{s}", bench.schema)

    def read() -> None:
        try:
            with bench.warehouse.session() as session:
                session.run("SET enable_result_cache_for_session TO off")  # a cached answer waits for nothing
                session.rows(statement)  # compiles it
                ready.set()
                while not stop.is_set():
                    began = time.monotonic()
                    reader.seen.add(session.rows(statement)[0])
                    reader.longest = max(reader.longest, time.monotonic() - began)
                    time.sleep(_PAUSE)
        except Exception as error:
            reader.failure = error
        finally:
            ready.set()

    thread = threading.Thread(target=read)
    thread.start()
    ready.wait()
    try:
        yield reader
    finally:
        stop.set()
        thread.join()
