"""DDL that runs at the source while a load reads. The load commits the rows before the DDL or those after it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import DaybookError
from daybook.orchestration.local_stack.polling import wait_until
from daybook.sources.database import mysql, postgresql
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

#: The statements that create the table `orders`, and the DDL.
Case = tuple[Sequence[str], Sequence[str]]
#: Each DDL comes twice: once the load knows the columns, and once it has the first rows.
by_moment = pytest.mark.parametrize("moment", ["before the rows", "after the first rows"])


def params(server: str, cases: Sequence[str], sample: Sequence[str]) -> list[Any]:
    """Return parameters (server, name of a case). Those that are not in `sample` run in `make test-all` only."""
    return [
        pytest.param(server, kind, marks=[] if kind in sample else [pytest.mark.full], id=f"{server}-{kind}")
        for kind in cases
    ]


class Ddl:
    """Statements that run in a thread while a load reads. `start` returns once they are done, or wait for the load."""

    def __init__(self, source: Database, statements: Sequence[str]) -> None:
        self._source, self._statements = source, statements
        self._thread = threading.Thread(target=self._run)
        self.error: BaseException | None = None

    def start(self) -> None:
        if self._thread.ident is not None:  # a retry of the load
            return
        self._thread.start()
        assert wait_until(lambda: not self._thread.is_alive() or self._waits(), 30)

    def join(self) -> None:
        self._thread.join(60)
        assert self.error is None, self.error

    def _run(self) -> None:
        try:
            if self._source.is_mysql:
                for statement in self._statements:
                    self._source.run(statement)
                return
            alone = ("VACUUM", "CONCURRENTLY", "CLUSTER", "ADD VALUE")
            with self._source.connection() as connection, connection.cursor() as cursor:
                connection.autocommit = any(word in one for one in self._statements for word in alone)
                for statement in self._statements:
                    cursor.execute(statement)
                if not connection.autocommit:
                    connection.commit()
        except BaseException as error:
            self.error = error

    def _waits(self) -> bool:
        if self._source.is_mysql:
            query = (
                "SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table%' AND db = DATABASE()"
            )
        else:
            query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(self._source.run(query))


@pytest.fixture
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with (
        source_database(request.param, request) as database,
        ends_of(database, "postgres-folder", request, tmp_path) as both,
    ):
        yield both


def check_rows_of_one_moment(both: Endpoints, case: Case, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load three days while the DDL of `case` runs, and once more. Check that no load mixes rows of two moments."""
    source = both.source
    assert source is not None
    made, statements = case
    for statement in made:
        source.run(statement)
    table = both.table(
        "orders",
        load="replace_interval",
        cursor="at",
        interval="day",
        start=date(2021, 2, 5),
        shrink_limit=0,
        on_new_column="ignore",
    )
    ddl = Ddl(source, statements)
    before = _texts(source)
    call_within(monkeypatch, ddl.start, moment)
    error: DaybookError | None = None
    try:
        both.load(table, "2021-02-05", "2021-02-08")
    except DaybookError as caught:
        error = caught
    ddl.join()
    after = _texts(source)
    if error is None:
        loaded = _loaded(both, table)
        assert loaded in (before, _as_columns_of(loaded, after)), _different(loaded, before, after)
    else:
        assert "orders" in str(error)
    # The next load has the rows after the DDL, or says why not.
    monkeypatch.undo()
    try:
        both.load(table, "2021-02-05", "2021-02-08", allow_shrink=True)
    except DaybookError as caught:
        assert "orders" in str(caught)
        return
    loaded = _loaded(both, table)
    assert loaded == _as_columns_of(loaded, after)


#: Rows as {column: text}, by id. None: there is no table.
Rows = dict[int, dict[str, str]] | None


def _dicts(rows: Sequence[dict[str, Any]]) -> dict[int, dict[str, str]]:
    return {int(row["id"]): {name: str(value)[:12] for name, value in row.items()} for row in rows}


def _fetch(database: Database, query: str) -> list[dict[str, Any]]:
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _texts(source: Database) -> Rows:
    try:
        return _dicts(_fetch(source, "SELECT * FROM orders"))
    except Exception as error:
        assert "orders" in str(error)
        return None


def _loaded(ends: Endpoints, table: Table) -> Rows:
    return _dicts(_fetch(ends.destination, f"SELECT * FROM {ends.name(table)}"))


def _as_columns_of(loaded: Rows, rows: Rows) -> Rows:
    """Return the rows with the columns that the warehouse has: it keeps those that the source had at first."""
    if not loaded or rows is None:
        return rows
    names = next(iter(loaded.values()))
    return {key: {name: row.get(name, "None") for name in names} for key, row in rows.items()}


def _different(loaded: Rows, before: Rows, after: Rows) -> str:
    return f"{len(loaded or ())} rows; {len(before or ())} before and {len(after or ())} after the DDL"


def call_within(monkeypatch: pytest.MonkeyPatch, call: Callable[[], None], moment: str) -> None:
    """Call a function when a load of MySQL or PostgreSQL is about to query its rows, or has its first ones."""
    for reader in (mysql.MySQLTable, postgresql.PostgreSQLTable):
        _wrap(monkeypatch, reader, call, moment == "before the rows")


def _wrap(monkeypatch: pytest.MonkeyPatch, reader: Any, call: Callable[[], None], first: bool) -> None:
    original = reader.rows

    def rows(self: Any, *args: Any) -> Iterator[Any]:
        if first:
            call()
        for number, chunk in enumerate(original(self, *args)):
            if not first and number == 0:
                call()
            yield chunk

    monkeypatch.setattr(reader, "rows", rows)
