"""The place where the checks work: a source, the cluster, the stage, and Daybook's loads and audits between them."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, make_url

from daybook.audit.interval_audit import Audited, audit
from daybook.audit.table_audit import AuditedRange, audit_whole
from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.load.extraction.extract import extract
from daybook.load.load import LoadReport, load
from daybook.load.planning.plan import plan
from daybook.model.interval import Interval
from daybook.sql.connection import connect
from daybook.sql.postgresql_errors import read_error
from daybook.stage.cleanup import RecordedStage
from daybook.strategies.registry import EXACT_INTERVALS, strategy_named
from daybook.summaries.builder.build import Built, build
from daybook.summaries.parse.lineage import read
from daybook.verify.recorder import Recorder
from daybook.warehouses.base import Warehouse

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials
    from mypy_boto3_s3 import S3Client

#: The day of the first rows of every check.
FIRST = date(2024, 1, 1)
#: An expression for `Workbench.make`: a time every three hours, from the first day on. 24 rows take three days.
EVERY_3_HOURS = f"timestamp '{FIRST}' + n * interval '3 hours'"
_DAY = timedelta(days=1)


@dataclass
class Workbench:
    """The source, the cluster and the stage of one run. Its tables are in `schema`, on both sides.

    It is the provider of connections of its own loads (`daybook.sources.base.ConnectionProvider`).
    """

    schema: str
    source: Engine
    """A PostgreSQL with a schema of the same name."""
    cluster: Engine
    warehouse: Warehouse
    stage: RecordedStage
    client: "S3Client"
    bucket: str
    recorder: Recorder = field(default_factory=Recorder)
    rows: int = 0
    """The number of rows to generate for timings."""
    patience: float = 60
    """The longest time in seconds for which a check holds a reader's transaction open."""

    def engine(self, name: str) -> Engine:
        """Return the engine of the source: all tables of the checks come from it."""
        return self.source

    def s3(self, name: str) -> "S3Client":
        """Return the client of the stage."""
        return self.client

    def google(self, name: str) -> "Credentials":
        """No check reads from Google."""
        raise NotImplementedError

    # --- SQL

    def run_in_source(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement in the source, commit it, and return its rows. `{s}` is the schema."""
        with connect(self.source, read_error) as connection, connection.cursor() as cursor:
            cursor.execute(sql.replace("{s}", self.schema), tuple(values) or None)
            rows = list(cursor.fetchall()) if cursor.description else []
            connection.commit()
            return rows

    def make(self, name: str, columns: str, values: str, rows: int = 24) -> None:
        """Create a table in the source, with rows that have the number `n` in the expressions `values`.

        Its key is `id`. If it has a column `at`, that has an index, as a cursor should.
        """
        self.run_in_source(f"CREATE TABLE {{s}}.{name} (id bigint PRIMARY KEY, {columns})")
        if re.search(r"\bat\b", columns):
            self.run_in_source(f"CREATE INDEX ON {{s}}.{name} (at)")
        self.run_in_source(f"INSERT INTO {{s}}.{name} SELECT n, {values} FROM generate_series(0, {rows - 1}) AS n")

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement on the cluster, as a transaction of its own. Return its rows. `{s}` is the schema."""
        with self.warehouse.session() as session:
            statement = sql.replace("{s}", self.schema)
            if statement.lstrip().split(None, 1)[0].upper() in ("SELECT", "WITH", "SHOW", "EXPLAIN"):
                return session.rows(statement, values)
            session.run(statement, values)
            return []

    def one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Execute a query on the cluster, and return its one value."""
        return self.run(sql, values)[0][0]

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Yield a session with an open transaction, and roll it back at the end."""
        with self.warehouse.session() as session:
            session.run("BEGIN")
            try:
                yield session
            finally:
                session.run("ROLLBACK")

    # --- Daybook

    def table(self, name: str, load: str = EXACT_INTERVALS.name, **fields: Any) -> Table:
        """Return the file of a table, by default of one that comes from the source's table of that name."""
        given: dict[str, Any] = {"description": "One row per test.", "owner": "verify-redshift", "key": ["id"]}
        if strategy_named(load).has_intervals:
            given |= {"cursor": "at", "interval": "day", "start": FIRST}
        given["source"] = {"kind": "database", "table": [self.schema, name]}
        return Table(name=f"{self.schema}.{name}", load=load, **(given | fields))

    def load(
        self, table: Table, first: date | datetime | None = None, until: date | datetime | None = None, **options: Any
    ) -> LoadReport:
        """Extract and load an interval, a range, or, without dates, the whole table."""
        if first is None and table.strategy.has_intervals:
            options.setdefault("full_refresh", True)
        planned = plan(table, first, until, **options)
        return load(extract(planned, self, self.warehouse, self.stage), self.warehouse, self.stage)

    def audit(self, table: Table, days: int) -> list[Audited]:
        """Compare the first `days` days of a table with its source."""
        start = datetime.combine(FIRST, datetime.min.time(), UTC)
        intervals = [Interval(start + number * _DAY, start + (number + 1) * _DAY) for number in range(days)]
        return audit(table, intervals, self.warehouse, self)

    def audit_whole(self, table: Table) -> list[AuditedRange]:
        """Compare a whole table with its source."""
        return audit_whole(table, self.warehouse, self)

    def summary(self, name: str, sql: str, **fields: Any) -> Summary:
        """Return the files of a summary. `{s}` in the SELECT is the schema."""
        given = {"description": "One row per test.", "owner": "verify-redshift", "key": ["id"]}
        return Summary(name=f"{self.schema}.{name}", sql=sql.replace("{s}", self.schema), **(given | fields))

    def build(self, summary: Summary, **options: Any) -> Built:
        """Build a summary."""
        return build(summary, read(summary, self.warehouse.sqlglot_dialect), self.warehouse, **options)

    # --- what the checks compare

    def both_sides(self, name: str, columns: str, key: str = "id") -> tuple[list[Any], list[Any]]:
        """Return the rows of a table in the source and on the cluster, in the order of its key."""
        sql = f"SELECT {columns} FROM {{s}}.{name} ORDER BY {key}"
        return self.run_in_source(sql), self.run(sql)

    @property
    def host(self) -> str:
        """Return the host of the cluster."""
        return make_url(self.cluster.url).host or ""


def day(number: int) -> date:
    """Return the day `number` days after the first one."""
    return FIRST + number * _DAY


def one_line(text: object) -> str:
    """Return a text on one line."""
    return " ".join(str(text).split())
