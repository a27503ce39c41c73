"""What PostgreSQL and Redshift share: psycopg2's connections, the catalogue, locks, clocks, and dbt's profile."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import URL, event

from daybook.errors import DbtUnusable
from daybook.model.table_name import TableName
from daybook.sql.connection import connect
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.sql.postgresql_errors import read_error
from daybook.warehouses.base import TABLE
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
#: Tables, views, materialized views, foreign and partitioned tables. A late-binding view has no columns there.
_SCHEMA_COLUMNS = (
    "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname IN ({schemas}) ORDER BY c.oid, a.attnum"
)


class PostgresSession(Session):
    """A session on a connection of psycopg2."""

    def as_sent(self, statement: str, values: Sequence[Any] = ()) -> str:
        """Return the statement with its values written into it."""
        with self.connection.cursor() as cursor:
            text: str = cursor.mogrify(statement, tuple(values)).decode()
            return text


class PostgresFamily(SqlWarehouse):
    """The base of the warehouses that speak PostgreSQL's protocol and share its catalogue."""

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
    #: A condition on `pg_attribute a`: the warehouse fills the column where nothing is written to it.
    filled: ClassVar[str] = "a.atthasdef"
    #: How dbt calls the adapter, its default port, and what a URL may say after its `?` that dbt takes, too.
    dbt_type: ClassVar[str]
    dbt_port: ClassVar[int]
    dbt_options: ClassVar[frozenset[str]]

    @staticmethod
    def read_error(error: BaseException) -> DatabaseError | None:
        """Return what a driver's exception says; None for any other exception."""
        return read_error(error)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a connection in autocommit, whose clock shows UTC."""
        with connect(self._engine, self.read_error) as connection:
            connection.rollback()
            connection.autocommit = True
            session = PostgresSession(connection, self.read_error)
            session.run("SET TimeZone TO 'UTC'")
            session.run("SET DateStyle TO 'ISO, MDY'")
            yield session

    def set_timeouts(self, seconds: int) -> None:
        """Let connections that are opened from now on fail when they or one of their statements take longer.

        The keepalives of the connection notice a machine that disappears while it works.
        """

        @event.listens_for(self._engine, "do_connect")
        def connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
            # libpq's limit is for each address of the host, and counts the whole handshake
            keepalives = {"keepalives_idle": seconds, "keepalives_interval": 10, "keepalives_count": 3}
            parameters.update(connect_timeout=seconds, **keepalives)

        @event.listens_for(self._engine, "connect")
        def limit(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"SET statement_timeout TO {seconds * 1000}")
            connection.commit()

    def set_timezone(self, session: Session, zone: str) -> None:
        """Show and compare instants (`timestamptz`) by the clock of an IANA zone from now on."""
        session.run("SET TimeZone TO %s", (zone,))

    @contextmanager
    def waiting_at_most(self, session: Session, milliseconds: int) -> Iterator[None]:
        """Let a statement within the block fail that takes longer than this."""
        session.run(f"SET statement_timeout TO {milliseconds}")
        yield
        session.run("SET statement_timeout TO 0")

    def lock_sql(self, table: str) -> str:
        """Return the statement that makes every other load of `table` wait until the transaction ends."""
        raise NotImplementedError

    def begin_locked(self, session: Session, table: str) -> bool:
        """Open a transaction whose first statement locks `table`. Returns False where there is no such table."""
        session.run("BEGIN")
        try:
            session.run(self.lock_sql(table))
            return True
        except DatabaseError as error:
            if not meets(error, Condition.MISSING_TABLE):
                raise
        session.run("ROLLBACK")
        session.run("BEGIN")
        return False

    def begin_snapshot(self, session: Session, *, read_only: bool = False) -> None:
        """Open a transaction whose queries all show one moment."""
        session.run(f"BEGIN ISOLATION LEVEL REPEATABLE READ{' READ ONLY' if read_only else ''}")

    def find_columns(self, session: Session, table: str) -> list[Found]:
        """Ask the catalogue for the columns of a table, in its order; none if there is no such table."""
        schema, name = map(self.folded, TableName.parse(table))
        return session.rows(
            f"SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull AND NOT ({self.filled}) "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            (schema, name),
        )

    def look_up(self, session: Session, tables: Iterable[str]) -> None:
        """Ask the catalogue for the columns of all these tables by one query, so that the session knows them."""
        wanted = {tuple(map(self.folded, TableName.parse(name))): name for name in tables}
        found: dict[str, list[Found]] = {name: [] for name in wanted.values()}
        chosen = " OR ".join(["(n.nspname = %s AND c.relname = %s)"] * len(wanted))
        for schema, table, *column in session.stream(
            "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), "
            f"a.attnotnull AND NOT ({self.filled}) FROM pg_attribute a "
            "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE ({chosen}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            [part for parts in wanted for part in parts],
        ):
            found[wanted[schema, table]].append((column[0], column[1], column[2]))
        for name, columns in found.items():
            session.remember(name, columns)

    def kind_of(self, session: Session, name: str) -> str | None:
        """Return what is called `name`: TABLE, "a view", or the like; None where nothing is."""
        found = session.one(
            "SELECT c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s",
            [self.folded(part) for part in TableName.parse(name)],
        )
        return _KINDS.get(found, "no table") if found else None

    def tables_beginning(self, session: Session, schema: str, start: str) -> list[str]:
        """Return the names, without the schema, of its tables that begin with `start`."""
        found = session.rows(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND substring(c.relname, 1, %s) = %s AND c.relkind = 'r'",
            (self.folded(schema), len(start), self.folded(start)),
        )
        return [name for (name,) in found]

    def schema_columns(self, session: Session, tables: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Return the columns of `tables`, and of whatever else is in their schemas, as column: type."""
        return self.columns_by_table(session, _SCHEMA_COLUMNS, {TableName.parse(name).schema for name in tables})

    def columns_by_table(self, session: Session, statement: str, schemas: set[str]) -> dict[str, Mapping[str, str]]:
        """Return what a `statement` about `{schemas}` gives: a row for each schema, table, column and type."""
        found: dict[str, dict[str, str]] = {}
        if schemas:
            places = ", ".join(["%s"] * len(schemas))
            for schema, table, column, type in session.stream(statement.format(schemas=places), sorted(schemas)):
                columns = found.setdefault(f"{schema}.{table}", {})
                if column is not None:
                    columns[column] = type
        return dict(found)

    def make_schema(self, session: Session, schema: str) -> None:
        """Make a schema where it is missing.

        IF NOT EXISTS would not do: a user who may not create schemas is refused even where the schema exists.
        """
        if not session.rows("SELECT 1 FROM pg_namespace WHERE nspname = %s", (self.folded(schema),)):
            super().make_schema(session, schema)

    @classmethod
    def dbt_output(cls, url: URL, password: str) -> dict[str, Any]:
        """Return the connection to `url` as an output of a dbt profile, without `schema` and `threads`.

        Raises:
            DbtUnusable: the URL has an option that dbt does not take.
        """
        options: dict[str, Any] = dict(url.query)
        host = options.pop("host", url.host)
        if unknown := sorted(set(options) - cls.dbt_options):
            raise DbtUnusable(
                f"the URL of SqlAlchemyConnector/warehouse has ?{unknown[0]}=, which dbt cannot be told: it takes "
                f"{', '.join(sorted(cls.dbt_options))}"
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
