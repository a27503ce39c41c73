"""Fill, count and drop the build table: the table under a temporary name in which a summary is built.

Each build has its own table, such as `nps_summary__build_1f3a…`, so concurrent builds do not collide. A failed build
leaves its table for inspection. The next good build drops it.
"""

import hashlib
import logging
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial

from daybook.definitions.summary import Summary
from daybook.errors import SchemaMismatch
from daybook.model.cursor import Cursor
from daybook.model.interval import Interval, coalesce
from daybook.model.target import Target
from daybook.model.types import Column
from daybook.sql.bucketing import rows_by_interval
from daybook.sql.database_error import DatabaseError
from daybook.summaries.builder.select import SummaryQuery
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)

_MARK = "__build_"
_DIGITS = 8
_IS_OURS = re.compile("[0-9a-f]{8}")
_LONGEST_NAME = 63  # bytes; every warehouse accepts names of this length
_PATIENCE = 1000  # milliseconds to wait for a table that another build has locked


class BuildTable:
    """The build table of one build, on the session of that build."""

    def __init__(self, summary: Summary, warehouse: Warehouse, session: Session) -> None:
        self._summary, self._warehouse, self._session = summary, warehouse, session
        self.name = f"{summary.schema_name}.{_stem(summary, warehouse)}{secrets.token_hex(_DIGITS // 2)}"
        """`schema.table`."""
        self.quoted = warehouse.table(self.name)
        self.made, self.rows = False, 0
        self.began = datetime.now(UTC)

    def fill(self, select: SummaryQuery, intervals: Sequence[Interval]) -> None:
        """Create the table from the rows of the SELECT for these intervals. Without intervals: for all of its inputs.

        Raises:
            BuildFailed: the warehouse refused the SELECT.
            SchemaMismatch: the table that readers see no longer has the cursor.
            TableFileError: the layout names a column that the SELECT does not return.
        """
        session, warehouse, summary = self._session, self._warehouse, self._summary
        self._make_schema()
        warehouse.check_layout(summary.name, select.names, summary.layouts)
        table = f"TABLE {self.quoted}{warehouse.layout_sql(summary.layouts, summary.cursor)}"
        if not intervals:
            select.make(table, self.quoted, select.whole())
        cursor = self._published_cursor() if intervals else None
        for number, stretch in enumerate(coalesce(intervals, len(intervals) or 1)):
            assert cursor is not None
            within, values = cursor.within_sql(warehouse.quote(cursor.column), stretch)
            wanted = (select.of(stretch), f"WHERE {within}", values)
            if number:
                select.add(self.quoted, *wanted)
            else:
                select.make(table, self.quoted, *wanted)
        self.made = True
        if warehouse.layout and not warehouse.exists(session, summary.name):  # this table will be the summary
            for statement in warehouse.completed_layout(session, self.name, summary.layouts, summary.cursor):
                warehouse.alter(session, statement)
        warehouse.analyze(session, self.name)
        self.rows = session.one(f"SELECT count(*) FROM {self.quoted}")

    @cached_property
    def target(self) -> Target:
        """Return the summary as a load strategy's target, with the columns of this build. Call it after `fill`."""
        columns = self._warehouse.existing_columns(self._session, self.name)
        summary = self._summary
        return Target(summary.name, tuple(columns.values()), summary.key, self._cursor_of(columns))

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Return the row count of each of these intervals, which must be sorted. Empty without a cursor."""
        counts: dict[Interval, int] = {}
        cursor = self.target.cursor
        if cursor is None:
            return counts
        column = self._warehouse.quote(cursor.column)
        for stretch in coalesce(intervals, len(intervals) or 1):
            counts |= rows_by_interval(self._session.rows, self.quoted, column, cursor, stretch)
        return counts

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a lock on the table, in a transaction, so that other builds do not drop it as a leftover."""
        with self._session.undone_on_error():
            self._session.run("BEGIN")
            self._session.run(f"SELECT 1 FROM {self.quoted} LIMIT 1")
            yield
            self._session.run("COMMIT")

    def drop(self) -> None:
        """Drop the table, in the open transaction."""
        self._session.run(f"DROP TABLE IF EXISTS {self.quoted}")

    def drop_unless_used(self) -> None:
        """Drop the table outside of a transaction. If another session uses it, it stays until the next good build."""
        _drop_unless_used(self._session, self._warehouse, [self.name])

    def is_there(self) -> bool:
        """Return True if the table exists: `fill` created it, and no other session has dropped it."""
        self._session.forget()
        return self._warehouse.exists(self._session, self.name)

    def _make_schema(self) -> None:
        """Create the schema. Several builds may try at the same time: one succeeds, and the others are refused."""
        make = partial(self._warehouse.make_schema, self._session, self._summary.schema_name)
        try:
            make()
        except DatabaseError as error:
            if error.lost:
                raise
            make()  # the schema exists now, or the warehouse refuses it again

    def _published_cursor(self) -> Cursor:
        """Return the cursor, with its type in the table that readers see."""
        cursor = self._cursor_of(self._warehouse.existing_columns(self._session, self._summary.name))
        if cursor is None:
            raise SchemaMismatch(
                f"{self._summary.name} has no column {self._summary.cursor!r}, which is its cursor: the table was "
                "changed by hand. Build it with full_refresh=true"
            )
        return cursor

    def _cursor_of(self, columns: Mapping[str, Column]) -> Cursor | None:
        name = self._warehouse.folded(self._summary.cursor) if self._summary.cursor else None
        column = columns.get(name) if name else None
        return Cursor(column.name, column.type, self._summary.timezone) if column else None


def remove_leftovers(session: Session, summary: Summary, warehouse: Warehouse) -> None:
    """Drop the build tables that failed builds left. A running build holds a lock on its table, so that one stays."""
    stem, schema = _stem(summary, warehouse), summary.schema_name
    found = warehouse.tables_beginning(session, schema, stem)
    leftovers = [name for name in found if _IS_OURS.fullmatch(name[len(stem) :])]
    if leftovers:
        _drop_unless_used(session, warehouse, [f"{schema}.{name}" for name in leftovers])


def _drop_unless_used(session: Session, warehouse: Warehouse, tables: Sequence[str]) -> None:
    with warehouse.waiting_at_most(session, _PATIENCE):
        for table in tables:
            try:
                session.run(f"DROP TABLE IF EXISTS {warehouse.table(table)}")
            except DatabaseError as error:
                if error.lost:
                    raise
                logger.info("%s is kept, because another session may be using it: %s", table, error.message)


def _stem(summary: Summary, warehouse: Warehouse) -> str:
    """Return the prefix of the summary's build tables. A long name is cut and gets a hash, so the prefix is unique."""
    name, longest = summary.table_name, min(warehouse.longest_name, _LONGEST_NAME) - len(_MARK) - _DIGITS
    if len(name.encode()) > longest:
        mark = hashlib.sha256(warehouse.folded(name).encode()).hexdigest()[:_DIGITS]
        name = name.encode()[: longest - len(mark) - 1].decode(errors="ignore") + "_" + mark
    return name + _MARK
