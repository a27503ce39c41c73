"""The code that PostgreSQL and Redshift share: psycopg2 connections, the catalog, locks, time zones, dbt's profile."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import URL, event

from daybook.errors import DbtUnusable
from daybook.model.table_name import TableName
from daybook.sql.connection import connect
from daybook.sql.database_error import DatabaseError
from daybook.sql.network_limits import READ_TIMEOUT
from daybook.sql.postgresql_errors import read_error
from daybook.sql.postgresql_values import read_exactly
from daybook.warehouses.base import TABLE
from daybook.warehouses.missing_privileges import with_grant
from daybook.warehouses.session import Session
from daybook.warehouses.sql_warehouse import Found, SqlWarehouse

_KINDS = {
    "r": TABLE,
    "p": TABLE,  # partitioned
    "v": "a view",
    "m": "a materialized view",
    "f": "a foreign table",
    "S": "a sequence",
    "c": "a type",
}
#: Tables, views, materialized views, foreign and partitioned tables. Late-binding views have no columns here.
_SCHEMA_COLUMNS = (
    "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname IN ({schemas}) ORDER BY c.oid, a.attnum"
)


class PostgresSession(Session):
    """A session on a connection of psycopg2."""

    def as_sent(self, statement: str, values: Sequence[Any] = ()) -> str:
        """Return the statement with its bind values as literals, ready to paste."""
        with self.connection.cursor() as cursor:
            text: str = cursor.mogrify(statement, tuple(values)).decode()
            return text


class PostgresFamily(SqlWarehouse):
    """The base of the warehouses that speak PostgreSQL's protocol and share its catalog."""

    system_columns: ClassVar[frozenset[str]] = frozenset(
        (
            *("ctid", "oid", "tableoid", "xmin", "xmax", "cmin", "cmax", "user", "current_user", "session_user"),
            *("current_role", "current_catalog", "current_schema", "localtime", "localtimestamp", "sysdate"),
        )
    )
    volatile_functions: ClassVar[frozenset[str]] = frozenset(
        (
            *("now", "getdate", "sysdate", "clock_timestamp", "statement_timestamp", "transaction_timestamp"),
            *("timeofday", "random", "random_normal", "setseed", "rand", "gen_random_uuid", "uuid_generate_v1"),
            *("uuid_generate_v4", "uuidv4", "uuidv7", "nextval", "txid_current", "pg_current_xact_id"),
        )
    )
    unnamed_column: ClassVar[str | None] = "?column?"
    #: A condition on `pg_attribute a` that is true if the column has a default.
    filled: ClassVar[str] = "a.atthasdef"
    #: dbt's name of the adapter.
    dbt_type: ClassVar[str]
    #: The port if the URL has none.
    dbt_port: ClassVar[int]
    #: The options of a URL (after its `?`) that dbt supports, too.
    dbt_options: ClassVar[frozenset[str]]
    #: The options of a URL that only Daybook reads. The driver and dbt do not get them.
    own_options: ClassVar[frozenset[str]] = frozenset({READ_TIMEOUT})
    #: How many times longer a statement may take before a time limit of Daybook ends it: see `set_timeouts`.
    patience: ClassVar[int] = 1

    @staticmethod
    def read_error(error: BaseException) -> DatabaseError | None:
        """Return a driver's exception as a DatabaseError, or None for any other exception."""
        found = read_error(error)
        if found is not None:
            with_grant(found, error)
        return found

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a connection in autocommit, in UTC, that returns values without loss (`read_exactly`)."""
        with connect(self._engine, self.read_error) as connection:
            connection.rollback()
            connection.autocommit = True
            read_exactly(connection)
            session = PostgresSession(connection, self.read_error)
            session.run("SET TimeZone TO 'UTC'")
            session.run("SET DateStyle TO 'ISO, MDY'")
            yield session

    def set_timeouts(self, seconds: int) -> None:
        """Limit the time to connect, and the time of each statement, for connections that are opened from now on.

        Keepalives detect a server that disappears during a statement. `patience` makes the limit of statements longer
        where it includes the time that they wait in a queue.
        """

        @event.listens_for(self._engine, "do_connect")
        def connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
            # libpq's limit applies to each address of the host, and includes the whole handshake.
            keepalives = {"keepalives_idle": seconds, "keepalives_interval": 10, "keepalives_count": 3}
            parameters.update(connect_timeout=seconds, **keepalives)

        @event.listens_for(self._engine, "connect")
        def limit(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"SET statement_timeout TO {seconds * 1000 * self.patience}")
            connection.commit()

    def set_timezone(self, session: Session, zone: str) -> None:
        """Set the session's time zone to an IANA zone: it shows and compares instants (`timestamptz`) in that zone."""
        session.run("SET TimeZone TO %s", (zone,))

    @contextmanager
    def waiting_at_most(self, session: Session, milliseconds: int) -> Iterator[None]:
        """Limit the time of each statement in the block, with `patience`. After that, the statement fails."""
        usual = session.one("SHOW statement_timeout")
        session.run(f"SET statement_timeout TO {milliseconds * self.patience}")
        yield
        session.run(f"SET statement_timeout TO '{usual}'")

    def begin_snapshot(self, session: Session, reads: str, *, read_only: bool = False) -> None:
        """Open a transaction whose queries all read one snapshot of `reads`, a FROM item (SQL)."""
        session.run(f"BEGIN ISOLATION LEVEL REPEATABLE READ{' READ ONLY' if read_only else ''}")

    def lock_sql(self, table: str) -> str:
        """Return the statement that locks `table`, in the open transaction."""
        raise NotImplementedError

    def find_columns(self, session: Session, table: str) -> list[Found]:
        """Ask the catalog for the columns of a table, in its order; empty if the table does not exist."""
        schema, name = map(self.folded, TableName.parse(table))
        return session.rows(
            f"SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull AND NOT ({self.filled}) "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            (schema, name),
        )

    def look_up(self, session: Session, tables: Iterable[str]) -> None:
        """Ask the catalog for the columns and oids of all these tables with one query, and cache them."""
        wanted = {tuple(map(self.folded, TableName.parse(name))): name for name in tables}
        found: dict[str, list[Found]] = {name: [] for name in wanted.values()}
        chosen = " OR ".join(["(n.nspname = %s AND c.relname = %s)"] * len(wanted))
        oids: dict[str, int | None] = dict.fromkeys(found)
        for schema, table, oid, *column in session.stream(
            "SELECT n.nspname, c.relname, c.oid, a.attname, format_type(a.atttypid, a.atttypmod), "
            f"a.attnotnull AND NOT ({self.filled}) FROM pg_attribute a "
            "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE ({chosen}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            [part for parts in wanted for part in parts],
        ):
            found[wanted[schema, table]].append((column[0], column[1], column[2]))
            oids[wanted[schema, table]] = oid
        for name, columns in found.items():
            session.remember(name, columns)
            session.remember(f"{name} (oid)", oids[name])

    def kind_of(self, session: Session, name: str) -> str | None:
        """Return the kind of the object `name`: TABLE, "a view", or the like; None if there is no such object."""
        found = session.one(
            "SELECT c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s",
            [self.folded(part) for part in TableName.parse(name)],
        )
        return _KINDS.get(found, "no table") if found else None

    def identity(self, session: Session, table: str) -> str | None:
        """Return the table's oid. It changes with a dump and restore, and with a deep copy."""
        query = (
            "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s"
        )
        names = [self.folded(part) for part in TableName.parse(table)]
        found = session.remembered(f"{table} (oid)", lambda: session.one(query, names))
        return None if found is None else str(found)

    def tables_beginning(self, session: Session, schema: str, start: str) -> list[str]:
        """Return the names, without the schema, of the tables in `schema` that begin with `start`."""
        found = session.rows(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND substring(c.relname, 1, %s) = %s AND c.relkind = 'r'",
            (self.folded(schema), len(start), self.folded(start)),
        )
        return [name for (name,) in found]

    def schema_columns(self, session: Session, tables: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Return the columns of `tables`, and of all other tables in their schemas: table, then column, then type."""
        return self.columns_by_table(session, _SCHEMA_COLUMNS, {TableName.parse(name).schema for name in tables})

    def columns_by_table(self, session: Session, statement: str, schemas: set[str]) -> dict[str, Mapping[str, str]]:
        """Run a `statement` with a `{schemas}` placeholder that returns schemas, tables, columns and types.

        Returns the types by table and column.
        """
        found: dict[str, dict[str, str]] = {}
        if schemas:
            places = ", ".join(["%s"] * len(schemas))
            for schema, table, column, type in session.stream(statement.format(schemas=places), sorted(schemas)):
                columns = found.setdefault(f"{schema}.{table}", {})
                if column is not None:
                    columns[column] = type
        return dict(found)

    def make_schema(self, session: Session, schema: str) -> None:
        """Create a schema if it is missing.

        IF NOT EXISTS alone is not enough: it fails for a user who may not create schemas, even if the schema exists.
        """
        if not session.rows("SELECT 1 FROM pg_namespace WHERE nspname = %s", (self.folded(schema),)):
            super().make_schema(session, schema)

    @classmethod
    def dbt_output(cls, url: URL, password: str) -> dict[str, Any]:
        """Return the connection to `url` as an output of a dbt profile, without `schema` and `threads`.

        Raises:
            DbtUnusable: the URL has an option that dbt does not support.
        """
        options: dict[str, Any] = {name: value for name, value in url.query.items() if name not in cls.own_options}
        host = options.pop("host", url.host)
        if unknown := sorted(set(options) - cls.dbt_options):
            raise DbtUnusable(
                f"the URL of SqlAlchemyConnector/warehouse has ?{unknown[0]}=, which dbt does not support. Remove it. "
                f"Supported are {', '.join(sorted(cls.dbt_options))}"
            )
        if "connect_timeout" in options:
            options["connect_timeout"] = int(str(options["connect_timeout"]))
        return {
            "type": cls.dbt_type,
            "host": host,
            "port": url.port or cls.dbt_port,
            "user": url.username,
            "password": password,
            "dbname": url.database,
            **options,
        }
