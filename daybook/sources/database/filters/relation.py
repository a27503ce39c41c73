"""The rows that a source reads, as the FROM item of all of its statements."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from daybook.errors import SourceError
from daybook.model.interval import Interval
from daybook.sources.base import MOST_COUNTED, Span
from daybook.sources.database.filters.fragment import Fragment, Refused
from daybook.sql.bucketing import Query
from daybook.sql.database_error import DatabaseError

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec
    from daybook.sources.database import Config

#: The whole table.
EVERYTHING = Span()


@dataclass(frozen=True)
class Relation:
    """A table, or the rows of a query, and the condition that they must meet. A `%` in its SQL is doubled."""

    table: str
    """The quoted table. Empty for a query."""
    query: Fragment | None
    condition: Fragment | None
    bounds: Callable[[Span], tuple[str, str]]
    """Returns the SQL of the bounds of a span, or of the widest ones for the whole table."""
    columns: tuple[str, ...]
    """The quoted columns, by name: `*` leaves out the invisible columns of MySQL and MariaDB. At first, the columns of
    a table are unknown, and 1 takes their place."""

    @classmethod
    def of(
        cls, config: "Config", table: "TableSpec", dialect: str, name: str, bounds: Callable[[Span], tuple[str, str]]
    ) -> "Relation":
        """Return the relation of a table file. `name` is the quoted table, `dialect` is sqlglot's name.

        Raises:
            SourceError: `where` or `query` is not SQL of this dialect, or does more than it may.
        """
        read = dict[str, Fragment]()
        if config.is_filtered:
            # sqlglot takes long to import
            from daybook.sources.database.filters.fragment_parser import parse_query, parse_where

            for field, text, parse in (("query", config.query, parse_query), ("where", config.where, parse_where)):
                try:
                    if text is not None:
                        read[field] = parse(text, dialect)
                except Refused as problem:
                    raise SourceError(f"{table.name}: {field}: under source: in the table file: {problem}") from None
        query = read.get("query")
        return cls(name, query, read.get("where"), bounds, ("*",) if query else ("1",))

    def with_columns(self, columns: Sequence[str]) -> "Relation":
        """Return the relation after its quoted columns are known."""
        return replace(self, columns=tuple(columns))

    @property
    def reads_one_table(self) -> bool:
        """Return True if it reads its table and no other."""
        return self.query is None and not (self.condition and self.condition.has_subquery)

    @property
    def _depends_on_span(self) -> bool:
        """Return True if its SQL has the bounds of a span."""
        return self.query is not None and self.query.has_placeholders

    def sql(self, span: Span = EVERYTHING) -> str:
        """Return the FROM item. The caller adds the condition on the cursor: a query may have more rows."""
        rows = self._unfiltered(span)
        if self.condition is None:
            return rows
        return f"(SELECT {', '.join(self.columns)} FROM {rows} WHERE {self._condition}) AS filtered"

    def within(self, rows: Callable[[Span], str]) -> Callable[[datetime, datetime], str] | None:
        """Return `ComparisonSide.within` for the FROM items that `rows` returns for a span."""
        return (lambda start, end: rows(Span(start, end))) if self._depends_on_span else None

    def left_out(self, query: Query) -> int:
        """Return the number of rows that the condition leaves out, at most MOST_COUNTED."""
        if self.condition is None:
            return 0
        lost = f"SELECT 1 FROM {self._unfiltered(EVERYTHING)} WHERE {self._condition} IS NOT TRUE LIMIT {MOST_COUNTED}"
        return int(query(f"SELECT COUNT(*) FROM ({lost}) AS left_out", ())[0][0])

    def _unfiltered(self, span: Span) -> str:
        return f"({self.query.sql(*self.bounds(span))}\n) AS q" if self.query else self.table

    @property
    def _condition(self) -> str:
        assert self.condition is not None
        return f"({self.condition.sql('', '')}\n)"


def span_of(intervals: Sequence[Interval]) -> Span:
    """Return the span of these intervals."""
    if not intervals:
        return EVERYTHING
    return Span(min(one.start for one in intervals), max(one.end for one in intervals))


def not_accepted(table: "TableSpec", config: "Config", error: DatabaseError) -> SourceError:
    """Return the error for a condition or a query that the database itself does not accept."""
    fields = " or ".join(f"{field}:" for field in ("query", "where") if getattr(config, field) is not None)
    return SourceError(
        f"{table.name}: the source does not accept {fields} in the table file: {error.message}. Correct it, or GRANT "
        f"SELECT ON the tables that it reads to the user of block {config.block!r}"
    )
