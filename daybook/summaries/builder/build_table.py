"""The table under a temporary name in which a summary is built: filled, looked at, removed.

Each build has one of its own, `nps_summary__build_1f3a…`, so that two builds at once do not meet. A build that fails
leaves it behind, to be looked at; the next good build removes it.
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
_LONGEST_NAME = 63  # bytes, which every warehouse takes
_PATIENCE = 1000  # milliseconds to wait for a table that another build is at


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
        """Make the table of what the SELECT gives: of these intervals, or, where there are none, of all of it.

        Raises BuildFailed and TableFileError as `Select` does.
        """
        session, warehouse = self._session, self._warehouse
        self._make_schema()
        if not intervals:
            select.make(f"TABLE {self.quoted}", self.quoted, select.whole())
        cursor = self._standing_cursor() if intervals else None
        for number, stretch in enumerate(coalesce(intervals, len(intervals) or 1)):
            assert cursor is not None
            within, values = cursor.within_sql(warehouse.quote(cursor.column), stretch)
            wanted = (select.of(stretch), f"WHERE {within}", values)
            if number:
                select.add(self.quoted, *wanted)
            else:
                select.make(f"TABLE {self.quoted}", self.quoted, *wanted)
        self.made = True
        warehouse.analyze(session, self.name)
        self.rows = session.one(f"SELECT count(*) FROM {self.quoted}")

    @cached_property
    def target(self) -> Target:
        """The summary as the strategies of a load know it, with the columns that this build has, once it is filled."""
        columns = self._warehouse.existing_columns(self._session, self.name)
        return Target(self._summary.name, tuple(columns.values()), self._summary.key, self._cursor_of(columns))

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """How many rows of it lie in each of these intervals, which are in order."""
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
        """A transaction with a lock on it, by which other builds see that somebody is at it."""
        with self._session.undone_on_error():
            self._session.run("BEGIN")
            self._session.run(f"SELECT 1 FROM {self.quoted} LIMIT 1")
            yield
            self._session.run("COMMIT")

    def drop(self) -> None:
        """Remove it, in the transaction that is open."""
        self._session.run(f"DROP TABLE IF EXISTS {self.quoted}")

    def is_there(self) -> bool:
        """Return True if it has been made, and no other session has removed it."""
        self._session.forget()
        return self._warehouse.exists(self._session, self.name)

    def _make_schema(self) -> None:
        """Builds side by side may all want to; one of them does, and the others are refused."""
        make = partial(self._warehouse.make_schema, self._session, self._summary.schema_name)
        try:
            make()
        except DatabaseError as error:
            if error.lost:
                raise
            make()  # it is there by now, or it is refused again

    def _standing_cursor(self) -> Cursor:
        """The cursor, with the type that it has in the table that readers see."""
        cursor = self._cursor_of(self._warehouse.existing_columns(self._session, self._summary.name))
        if cursor is None:
            raise SchemaMismatch(
                f"{self._summary.name} has no column {self._summary.cursor!r}, its cursor: somebody has changed the "
                "table. Build it with full_refresh=true"
            )
        return cursor

    def _cursor_of(self, columns: Mapping[str, Column]) -> Cursor | None:
        name = self._warehouse.folded(self._summary.cursor) if self._summary.cursor else None
        column = columns.get(name) if name else None
        return Cursor(column.name, column.type, self._summary.timezone) if column else None


def remove_leftovers(session: Session, summary: Summary, warehouse: Warehouse) -> None:
    """Remove what failed builds have left. The table of a running build, which locks it, stays."""
    stem, schema = _stem(summary, warehouse), summary.schema_name
    found = warehouse.tables_beginning(session, schema, stem)
    leftovers = [name for name in found if _IS_OURS.fullmatch(name[len(stem) :])]
    if not leftovers:
        return
    with warehouse.waiting_at_most(session, _PATIENCE):
        for name in leftovers:
            try:
                session.run(f"DROP TABLE IF EXISTS {warehouse.quote(schema, name)}")
            except DatabaseError as error:
                if error.lost:
                    raise
                logger.info("%s.%s stays: a build may be running in it: %s", schema, name, error.message)


def _stem(summary: Summary, warehouse: Warehouse) -> str:
    """What the names of its build tables begin with, and those of no other summary: a long name is cut, and marked."""
    name, longest = summary.table_name, min(warehouse.longest_name, _LONGEST_NAME) - len(_MARK) - _DIGITS
    if len(name.encode()) > longest:
        mark = hashlib.sha256(warehouse.folded(name).encode()).hexdigest()[:_DIGITS]
        name = name.encode()[: longest - len(mark) - 1].decode(errors="ignore") + "_" + mark
    return name + _MARK
