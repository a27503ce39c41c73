"""DDL at the source while a load reads: it commits the rows before the DDL or those after it, never a mix of both.

Each DDL comes twice: before the query for the rows, when the columns are already known, and after its first rows.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from daybook.audit.interval_audit import audit
from daybook.definitions.table import Table
from daybook.errors import DaybookError
from daybook.model.interval import Interval
from daybook.orchestration.local_stack.polling import wait_until
from daybook.sources.database import mysql, postgresql
from daybook.sql.database_error import DatabaseError
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

Case = tuple[Sequence[str], Sequence[str]]
#: Rows that are so long that the first ones arrive before the server has read the last ones.
FILL = (
    "INSERT INTO {table} (id, at, note, kind) SELECT n, timestamp '2021-02-05' + n * interval '1 hour', "
    "'{word} ' || n || repeat('x', 30000), '{kind}' FROM generate_series({first}, {last}) AS n"
)


def fill(table: str, word: str = "old", first: int = 0, last: int = 71, kind: str = "a") -> str:
    return FILL.format(table=table, word=word, first=first, last=last, kind=kind)


COLUMNS = "id int, at timestamp NOT NULL, note text, kind text"
TABLE = f"CREATE TABLE {{}} ({COLUMNS}, extra int DEFAULT 1, PRIMARY KEY (id))"
PLAIN = [TABLE.format("orders"), "ALTER TABLE orders ALTER note SET STORAGE EXTERNAL", fill("orders")]
#: The values are so long that the server reads the last ones after the DDL.
ENUM = [
    "CREATE TYPE mood AS ENUM ('a', 'b')",
    PLAIN[0].replace("kind text", "kind mood"),
    *(statement.replace("30000", "120000") for statement in PLAIN[1:]),
]
FRESH = [*PLAIN, TABLE.format("fresh"), fill("fresh", "new")]
PARTS = [
    f"CREATE TABLE orders ({COLUMNS}, extra int DEFAULT 1) PARTITION BY RANGE (at)",
    "CREATE TABLE orders_5 PARTITION OF orders FOR VALUES FROM ('2021-02-05') TO ('2021-02-06')",
    "CREATE TABLE orders_6 PARTITION OF orders FOR VALUES FROM ('2021-02-06') TO ('2021-02-07')",
    "CREATE TABLE orders_7 PARTITION OF orders FOR VALUES FROM ('2021-02-07') TO ('2021-02-08')",
    fill("orders"),
]
APART = [
    *PARTS[:3],
    "CREATE TABLE orders_7 (LIKE orders INCLUDING ALL)",
    fill("orders", last=47),
    fill("orders_7", first=48, last=59),
]
VIEW = [TABLE.format("base"), fill("base"), "CREATE VIEW orders AS SELECT * FROM base"]
SCHEMAS = [*PLAIN, "CREATE SCHEMA fresh", TABLE.format("fresh.orders")]

POSTGRES: dict[str, Case] = {
    "a column is added": (PLAIN, ["ALTER TABLE orders ADD COLUMN more int DEFAULT 7"]),
    "a column is dropped": (PLAIN, ["ALTER TABLE orders DROP COLUMN extra"]),
    "a column is renamed": (PLAIN, ["ALTER TABLE orders RENAME COLUMN extra TO other"]),
    "two columns swap their names": (
        PLAIN,
        [
            "ALTER TABLE orders RENAME note TO x",
            "ALTER TABLE orders RENAME kind TO note",
            "ALTER TABLE orders RENAME x TO kind",
        ],
    ),
    "a column changes its type": (PLAIN, ["ALTER TABLE orders ALTER COLUMN id TYPE bigint"]),
    "a column gets another collation": (PLAIN, ['ALTER TABLE orders ALTER COLUMN kind TYPE text COLLATE "C"']),
    "a column moves to the end": (
        PLAIN,
        [
            "ALTER TABLE orders ADD COLUMN moved text",
            "UPDATE orders SET moved = kind",
            "ALTER TABLE orders DROP COLUMN kind",
            "ALTER TABLE orders RENAME moved TO kind",
        ],
    ),
    "a generated column is added": (
        PLAIN,
        ["ALTER TABLE orders ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) STORED"],
    ),
    "an index is added": (PLAIN, ["CREATE INDEX ON orders (at)"]),
    "an index is added concurrently": (PLAIN, ["CREATE INDEX CONCURRENTLY ON orders (at)"]),
    "an index is dropped": ([*PLAIN, "CREATE INDEX orders_at ON orders (at)"], ["DROP INDEX orders_at"]),
    "the key is dropped": (PLAIN, ["ALTER TABLE orders DROP CONSTRAINT orders_pkey"]),
    "a partition is truncated": (PARTS, ["TRUNCATE orders_6"]),
    "a partition is dropped": (PARTS, ["DROP TABLE orders_6"]),
    "a partition is detached": (PARTS, ["ALTER TABLE orders DETACH PARTITION orders_6"]),
    "a partition is detached concurrently": (PARTS, ["ALTER TABLE orders DETACH PARTITION orders_6 CONCURRENTLY"]),
    "a partition is added": (
        APART[:-1],
        [
            fill("orders_7", first=48),
            "ALTER TABLE orders ATTACH PARTITION orders_7 FOR VALUES FROM ('2021-02-07') TO ('2021-02-08')",
        ],
    ),
    "a half-filled partition is added": (
        APART,
        [
            fill("orders_7", first=60),
            "ALTER TABLE orders ATTACH PARTITION orders_7 FOR VALUES FROM ('2021-02-07') TO ('2021-02-08')",
        ],
    ),
    "a partition is exchanged": (
        [*PARTS, "CREATE TABLE fresh (LIKE orders INCLUDING ALL)", fill("fresh", "new", 24, 47)],
        [
            "ALTER TABLE orders DETACH PARTITION orders_6",
            "ALTER TABLE orders ATTACH PARTITION fresh FOR VALUES FROM ('2021-02-06') TO ('2021-02-07')",
        ],
    ),
    "the table is renamed": (PLAIN, ["ALTER TABLE orders RENAME TO gone"]),
    "tables are swapped": (FRESH, ["ALTER TABLE orders RENAME TO gone", "ALTER TABLE fresh RENAME TO orders"]),
    "schemas are swapped": (
        SCHEMAS,
        [
            fill("fresh.orders", "new"),
            "ALTER SCHEMA public RENAME TO gone",
            "ALTER SCHEMA fresh RENAME TO public",
        ],
    ),
    "the table is dropped": (PLAIN, ["DROP TABLE orders"]),
    "dropped and created again": (PLAIN, ["DROP TABLE orders", TABLE.format("orders"), fill("orders", "new")]),
    "truncated": (PLAIN, ["TRUNCATE orders"]),
    "truncated and filled again": (PLAIN, ["TRUNCATE orders", fill("orders", "new")]),
    "vacuumed": (PLAIN, ["VACUUM FULL orders"]),
    "clustered": (PLAIN, ["CLUSTER orders USING orders_pkey"]),
    "made unlogged": (PLAIN, ["ALTER TABLE orders SET UNLOGGED"]),
    "row security": (PLAIN, ["ALTER TABLE orders ENABLE ROW LEVEL SECURITY"]),
    "a view is changed": (VIEW, ["CREATE OR REPLACE VIEW orders AS SELECT * FROM base WHERE id >= 30"]),
    "a view is created again": (VIEW, ["DROP VIEW orders", "CREATE VIEW orders AS SELECT * FROM base WHERE id >= 30"]),
    "the table of a view is swapped": (
        [*VIEW, TABLE.format("fresh"), fill("fresh", "new")],
        [
            "DROP VIEW orders",
            "ALTER TABLE base RENAME TO gone",
            "ALTER TABLE fresh RENAME TO base",
            "CREATE VIEW orders AS SELECT * FROM base",
        ],
    ),
    "a materialized view is refreshed": (
        [*VIEW[:2], "CREATE MATERIALIZED VIEW orders AS SELECT * FROM base"],
        ["UPDATE base SET kind = 'b'", "REFRESH MATERIALIZED VIEW orders"],
    ),
    "a value is added to an enum": (ENUM, ["ALTER TYPE mood ADD VALUE 'c' BEFORE 'a'"]),
    "a value of an enum is renamed": (ENUM, ["ALTER TYPE mood RENAME VALUE 'a' TO 'z'"]),
    "a value in an array of an enum is renamed": (
        [one.replace("kind mood", "kind mood[]").replace("'a' FROM", "'{a}' FROM") for one in ENUM],
        ["ALTER TYPE mood RENAME VALUE 'a' TO 'z'"],
    ),
    "an enum becomes a text": (ENUM, ["ALTER TABLE orders ALTER COLUMN kind TYPE text"]),
    "a type is renamed": (ENUM, ["ALTER TYPE mood RENAME TO temper"]),
}

MYSQL_FILL = (
    "INSERT INTO {table} (id, at, note, kind) WITH RECURSIVE n (id) AS (SELECT {first} UNION ALL SELECT id + 1 FROM n "
    "WHERE id < {last}) SELECT id, CAST('2021-02-05' AS datetime) + INTERVAL id HOUR, "
    "CONCAT('{word} ', id, REPEAT('x', 30000)), 'a' FROM n"
)


def mysql_fill(table: str, word: str = "old", first: int = 0, last: int = 71) -> str:
    return MYSQL_FILL.format(table=table, word=word, first=first, last=last)


MYSQL_COLUMNS = (
    "id int, at datetime NOT NULL, note mediumtext CHARACTER SET utf8mb4, kind varchar(20) CHARACTER SET latin1, "
    "extra int DEFAULT 1"
)
MYSQL_TABLE = f"CREATE TABLE {{}} ({MYSQL_COLUMNS}, PRIMARY KEY (id), KEY orders_at (at))"
MYSQL_PLAIN = [MYSQL_TABLE.format("orders"), mysql_fill("orders")]
MYSQL_FRESH = [*MYSQL_PLAIN, MYSQL_TABLE.format("fresh"), mysql_fill("fresh", "new")]
MYSQL_PARTS = [
    f"CREATE TABLE orders ({MYSQL_COLUMNS}, PRIMARY KEY (id, at), KEY orders_at (at)) "
    "PARTITION BY RANGE COLUMNS (at) (PARTITION p5 VALUES LESS THAN ('2021-02-06'), "
    "PARTITION p6 VALUES LESS THAN ('2021-02-07'), PARTITION p7 VALUES LESS THAN ('2021-02-08'))",
    mysql_fill("orders"),
]
MYSQL_VIEW = [MYSQL_TABLE.format("base"), mysql_fill("base"), "CREATE VIEW orders AS SELECT * FROM base"]
MYSQL_ENUM = [MYSQL_PLAIN[0].replace("kind varchar(20) CHARACTER SET latin1", "kind enum('a', 'b')"), MYSQL_PLAIN[1]]

MYSQL: dict[str, Case] = {
    "a column is added": (MYSQL_PLAIN, ["ALTER TABLE orders ADD COLUMN more int DEFAULT 7"]),
    "a column is added first": (MYSQL_PLAIN, ["ALTER TABLE orders ADD COLUMN more int DEFAULT 7 FIRST"]),
    "a column is dropped": (MYSQL_PLAIN, ["ALTER TABLE orders DROP COLUMN extra"]),
    "a column is renamed": (MYSQL_PLAIN, ["ALTER TABLE orders CHANGE extra other int"]),
    "columns swap their names": (
        MYSQL_PLAIN,
        ["ALTER TABLE orders CHANGE note kind mediumtext, CHANGE kind note varchar(20)"],
    ),
    "a column changes its type": (MYSQL_PLAIN, ["ALTER TABLE orders MODIFY id bigint NOT NULL"]),
    "a column changes its place": (MYSQL_PLAIN, ["ALTER TABLE orders MODIFY extra int FIRST"]),
    "another character set": (MYSQL_PLAIN, ["ALTER TABLE orders CONVERT TO CHARACTER SET utf8mb4"]),
    "another collation": (
        MYSQL_PLAIN,
        ["ALTER TABLE orders MODIFY note mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"],
    ),
    "an index is added": (MYSQL_PLAIN, ["CREATE INDEX more ON orders (extra)"]),
    "an index is dropped": (MYSQL_PLAIN, ["DROP INDEX orders_at ON orders"]),
    "the key is dropped": (MYSQL_PLAIN, ["ALTER TABLE orders DROP PRIMARY KEY"]),
    "a partition is added": (
        MYSQL_PARTS,
        ["ALTER TABLE orders ADD PARTITION (PARTITION p8 VALUES LESS THAN ('2021-02-09'))"],
    ),
    "a partition is dropped": (MYSQL_PARTS, ["ALTER TABLE orders DROP PARTITION p6"]),
    "a partition is truncated": (MYSQL_PARTS, ["ALTER TABLE orders TRUNCATE PARTITION p6"]),
    "a partition is exchanged": (
        [
            *MYSQL_PARTS,
            f"CREATE TABLE fresh ({MYSQL_COLUMNS}, PRIMARY KEY (id, at), KEY orders_at (at))",
            mysql_fill("fresh", "new", 24, 47),
        ],
        ["ALTER TABLE orders EXCHANGE PARTITION p6 WITH TABLE fresh"],
    ),
    "partitions are removed": (MYSQL_PARTS, ["ALTER TABLE orders REMOVE PARTITIONING"]),
    "the table is renamed": (MYSQL_PLAIN, ["RENAME TABLE orders TO gone"]),
    "tables are swapped": (MYSQL_FRESH, ["RENAME TABLE orders TO gone, fresh TO orders"]),
    "the table is dropped": (MYSQL_PLAIN, ["DROP TABLE orders"]),
    "dropped and created again": (
        MYSQL_PLAIN,
        ["DROP TABLE orders", MYSQL_TABLE.format("orders"), mysql_fill("orders", "new")],
    ),
    "truncated": (MYSQL_PLAIN, ["TRUNCATE TABLE orders"]),
    "truncated and filled again": (MYSQL_PLAIN, ["TRUNCATE TABLE orders", mysql_fill("orders", "new")]),
    "another engine": (MYSQL_PLAIN, ["ALTER TABLE orders ENGINE = MyISAM"]),
    "optimized": (MYSQL_PLAIN, ["OPTIMIZE TABLE orders"]),
    "rebuilt": (MYSQL_PLAIN, ["ALTER TABLE orders FORCE"]),
    "a generated column is added": (
        MYSQL_PLAIN,
        ["ALTER TABLE orders ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) STORED"],
    ),
    "a virtual column is added": (
        MYSQL_PLAIN,
        ["ALTER TABLE orders ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) VIRTUAL"],
    ),
    "values of an enum change places": (MYSQL_ENUM, ["ALTER TABLE orders MODIFY kind enum('b', 'a')"]),
    "a value of an enum is replaced": (
        MYSQL_ENUM,
        [
            "ALTER TABLE orders MODIFY kind enum('a', 'b', 'z')",
            "UPDATE orders SET kind = 'z'",
            "ALTER TABLE orders MODIFY kind enum('z', 'b')",
        ],
    ),
    "a view is changed": (MYSQL_VIEW, ["CREATE OR REPLACE VIEW orders AS SELECT * FROM base WHERE id >= 30"]),
    "a view is created again": (
        MYSQL_VIEW,
        ["DROP VIEW orders", "CREATE VIEW orders AS SELECT * FROM base WHERE id >= 30"],
    ),
    "the table of a view is swapped": (
        [*MYSQL_VIEW, MYSQL_TABLE.format("fresh"), mysql_fill("fresh", "new")],
        ["RENAME TABLE base TO gone, fresh TO base"],
    ),
}

#: The cases that `make test` runs. `make test-all` runs all of them.
SAMPLE = {
    "postgres": [
        *("a half-filled partition is added", "schemas are swapped", "tables are swapped"),
        *("a value of an enum is renamed", "truncated and filled again"),
    ],
    "mariadb": ["tables are swapped"],
    "mysql": ["dropped and created again"],
}


def _cases() -> Iterator[Any]:
    # MariaDB 11.8 cannot exchange these partitions, even if nobody reads: the statement waits for a lock of its own.
    of_mariadb = {kind: case for kind, case in MYSQL.items() if kind != "a partition is exchanged"}
    for server, cases in (("postgres", POSTGRES), ("mariadb", of_mariadb), ("mysql", MYSQL)):
        for kind in cases:
            marks = [] if kind in SAMPLE[server] else [pytest.mark.full]
            yield pytest.param(server, kind, marks=marks, id=f"{server}-{kind}")


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


@pytest.mark.parametrize(("both", "kind"), [*_cases()], indirect=["both"])
@pytest.mark.parametrize("moment", ["before the rows", "after the first rows"])
def test_the_rows_are_those_of_one_moment(
    both: Endpoints, kind: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = both.source
    made, statements = (MYSQL if source.is_mysql else POSTGRES)[kind]
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
    _call_within(monkeypatch, ddl.start, moment)
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


@pytest.mark.parametrize("both", ["postgres"], indirect=True)
def test_a_partition_that_is_attached_later_is_not_awaited(both: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools attach partitions each hour. A load that has begun to read neither reads them nor starts again."""
    made, statements = POSTGRES["a half-filled partition is added"]
    for statement in made:
        both.source.run(statement)
    table = both.table("orders", load="replace_interval", cursor="at", interval="day", start=date(2021, 2, 5))
    began = list[int]()
    ddl = Ddl(both.source, statements)
    _call_within(monkeypatch, ddl.start, "after the first rows")
    _call_within(monkeypatch, lambda: began.append(1), "before the rows")
    assert both.load(table, "2021-02-05", "2021-02-08").rows == 48
    ddl.join()
    assert began == [1]


@pytest.mark.parametrize("both", ["postgres"], indirect=True)
@pytest.mark.parametrize("counts", [False, True])
def test_schemas_are_swapped_in_an_audit(both: Endpoints, counts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new table has the same rows, but the snapshot shows none of them."""
    for statement in SCHEMAS:
        both.source.run(statement)
    table = both.table("orders", load="replace_interval", cursor="at", interval="day", start=date(2021, 2, 5))
    both.load(table, "2021-02-05", "2021-02-08")
    ddl = Ddl(both.source, [fill("fresh.orders"), *POSTGRES["schemas are swapped"][1][1:]])
    reader, name = postgresql.PostgreSQLTable, "counts" if counts else "side"
    original = getattr(reader, name)

    def after_ddl(self: Any, *args: Any) -> Any:
        ddl.start()
        return original(self, *args)

    monkeypatch.setattr(reader, name, after_ddl)
    days = [Interval(datetime(2021, 2, day, tzinfo=UTC), datetime(2021, 2, day + 1, tzinfo=UTC)) for day in (5, 6, 7)]
    if counts:
        with pytest.raises(DatabaseError, match="DDL changed a table"), table.source.open(table, both) as opened:
            opened.counts(days)
    else:
        try:
            assert [found.verdict for found in audit(table, days, both.warehouse, both)] == ["equal"] * 3
        except DaybookError as error:
            assert "orders" in str(error)
    ddl.join()


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


def _call_within(monkeypatch: pytest.MonkeyPatch, call: Callable[[], None], moment: str) -> None:
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
