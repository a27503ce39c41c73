"""The two ends of a load for tests: a source to write to, and a warehouse to inspect."""

import contextlib
import functools
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg2.extensions
import pytest
import sqlglot
from sqlalchemy import Engine, NullPool, create_engine, make_url

from daybook.definitions.table import Table
from daybook.load.extraction.extract import Extracted, extract
from daybook.load.load import LoadReport, load
from daybook.load.planning.plan import plan
from daybook.sources.base import ConnectionProvider
from daybook.stage.base import Stage
from daybook.warehouses.base import Warehouse
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.redshift import IAM_ROLE

#: The types that the driver converts to Python objects: boolean, bytea, numbers, dates, times, json, arrays, money …
_AS_SENT = psycopg2.extensions.new_type(
    (
        *(16, 17, 18, 20, 21, 23, 26, 114, 199, 700, 701, 790, 869, 1000, 1001, 1005, 1007, 1009, 1016, 1021, 1022),
        *(1082, 1083, 1114, 1115, 1182, 1184, 1185, 1186, 1231, 1266, 1700, 2950, 2951, 3802, 3904, 3906, 3908, 3910),
        *(3912, 3926),
    ),
    "AS_SENT",
    lambda value, cursor: value,
)


class Database:
    """A database that tests use directly, without Daybook. Each call is a transaction.

    The tests' own statements share connections, because a new one costs more than all else that they do. Daybook gets
    `engine`, which opens a connection each time, like the engine of a block.
    """

    def __init__(self, url: str, namespace: str) -> None:
        # PyMySQL reads all of the system's certificates before each connection, even if the server has no TLS.
        arguments = {"ssl_disabled": True} if make_url(url).get_backend_name() == "mysql" else {}
        self.engine: Engine = create_engine(url, poolclass=NullPool, connect_args=arguments)
        # A test may kill connections or restart the server: `pool_pre_ping` replaces those.
        self._own: Engine = create_engine(url, pool_pre_ping=True, pool_size=1, max_overflow=-1, connect_args=arguments)
        weakref.finalize(self, self._own.pool.dispose)
        self.url, self.namespace = url, namespace

    def close(self) -> None:
        """Close the connections of the tests' own statements. The next one inherits the server's settings again."""
        self._own.dispose()

    @property
    def is_mysql(self) -> bool:
        return self.engine.dialect.name == "mysql"

    @functools.cached_property
    def is_mariadb(self) -> bool:
        return self.is_mysql and "MariaDB" in self.run("SELECT VERSION()")[0][0]

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        """Yield a new connection of the driver, and close it at the end."""
        with _driver_connection(self.engine) as connection:
            yield connection

    def run(self, sql: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        with _driver_connection(self._own) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SET time_zone = '+00:00', sql_mode = ''" if self.is_mysql else "SET extra_float_digits TO 3"
            )
            cursor.execute(sql, values)
            rows = list(cursor.fetchall()) if cursor.description else []
            connection.commit()
            return rows

    def insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows, with a value for every column of the table. MySQL is as strict as the server's settings."""
        with _driver_connection(self._own) as connection, connection.cursor() as cursor:
            if self.is_mysql:
                cursor.execute("SET time_zone = DEFAULT, sql_mode = DEFAULT")
            places = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"INSERT INTO {table} VALUES ({places})", [tuple(row) for row in rows])
            connection.commit()

    def texts(self, sql: str, values: Sequence[Any] | None = None) -> list[tuple[str | None, ...]]:
        """Return rows of PostgreSQL or Redshift. Each value is the text that the server sends; times are in UTC."""
        with _driver_connection(self._own) as connection, connection.cursor() as cursor:
            cursor.execute("SET TimeZone TO 'UTC'")
            cursor.execute("SET extra_float_digits TO 3")
            psycopg2.extensions.register_type(_AS_SENT, cursor)
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def types(self, table: str) -> dict[str, str]:
        """Return the columns of `schema.table`, with their types as in the catalog of PostgreSQL or Redshift."""
        return dict(
            self.run(
                "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
                "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 ORDER BY a.attnum",
                table.split(".", 1),
            )  # type: ignore[arg-type]
        )

    def quote(self, *names: str) -> str:
        mark = "`" if self.is_mysql else '"'
        return ".".join(mark + name.replace(mark, mark * 2) + mark for name in names)


@contextlib.contextmanager
def _driver_connection(engine: Engine) -> Iterator[Any]:
    pooled = engine.raw_connection()
    try:
        yield pooled.driver_connection
    finally:
        pooled.close()


@dataclass
class Endpoints:
    """One source, one warehouse with its stage, and the loads between them."""

    source: Database | None
    """None if the rows do not come from a database. Then each table sets `source=`."""
    destination: Database
    warehouse: Warehouse
    stage: Stage
    staged_keys: Callable[[], list[str]] = field(repr=False)
    """Return the keys of the staged objects."""
    keys: ConnectionProvider | None = None
    """The provider of connections to S3 or Google. None: this object connects to its own source."""

    def engine(self, name: str) -> Engine:
        """Return the engine of the source, as the block `production` does."""
        assert name == "production" and self.source is not None, f"no block {name} here"
        return self.source.engine

    @property
    def on_redshift(self) -> bool:
        return self.destination.engine.dialect.name == "redshift"

    def table(self, name: str = "things", **fields: Any) -> Table:
        """Return a table file that loads the source's table `name` into a warehouse table of the same name."""
        given = {"description": "x", "owner": "tests", "load": "replace", **fields}
        if self.source:
            given.setdefault("source", {"kind": "database", "table": [self.source.namespace, name]})
        return Table(name=f"{self.destination.namespace}.{name}", **given)

    def extract(self, table: Table, first: str | None = None, until: str | None = None, **options: Any) -> Extracted:
        """Extract an interval, a range, or the whole table."""
        if first is None and table.load != "replace":
            options.setdefault("full_refresh", True)
        planned = plan(table, _when(first), _when(until), **options)
        return extract(planned, self.keys or self, self.warehouse, self.stage)

    def load(self, table: Table, first: str | None = None, until: str | None = None, **options: Any) -> LoadReport:
        """Extract and load an interval, a range, or the whole table."""
        return load(self.extract(table, first, until, **options), self.warehouse, self.stage)

    def name(self, table: Table) -> str:
        """Return the quoted name of the table in the warehouse."""
        return self.destination.quote(*table.name.split(".", 1))

    def rows(self, table: Table, columns: str = "*", order: str = "1") -> list[tuple[Any, ...]]:
        """Return the rows of the table in the warehouse."""
        return self.destination.run(f"SELECT {columns} FROM {self.name(table)} ORDER BY {order}")

    def ledger(self, table: Table) -> list[tuple[datetime | None, datetime, int, str]]:
        """Return (start, end, rows, strategy) of the table's ledger entries, in the order of writing."""
        return self.destination.run(
            "SELECT interval_start, interval_end, rows_loaded, strategy FROM daybook.ledger WHERE table_name = %s "
            "ORDER BY loaded_at, interval_start",
            (table.name,),
        )

    def state(self, table: Table) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Return the rows of the table and of its ledger, which a failed load must not change."""
        return self.rows(table), self.ledger(table)


def _when(text: str | None) -> date | datetime | None:
    if text is None:
        return None
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def warehouse_of(database: Database) -> Warehouse:
    """Return the warehouse in a test's database."""
    role = IAM_ROLE if database.engine.dialect.name == "redshift" else None
    return open_warehouse(database.engine, copy_iam_role=role)


#: The first words of statements that sqlglot's redshift dialect does not parse in detail.
TAKEN_WHOLE = ("LOCK", "SHOW")  # SQLAlchemy sends SHOW when it connects


def parse_as_redshift(statement: str) -> None:
    """Fail unless sqlglot's redshift dialect parses the statement."""
    for parsed in sqlglot.parse(statement, dialect="redshift"):
        if isinstance(parsed, sqlglot.exp.Command):
            assert statement.split()[0].upper() in TAKEN_WHOLE, statement


#: For values that a source refuses before the load: one warehouse is enough to show that it keeps its rows.
ON_ONE_WAREHOUSE = pytest.mark.parametrize("warehouse_ends", ["postgres-folder"], indirect=True)
