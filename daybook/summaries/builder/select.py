"""Send a summary's SELECT to the warehouse. Daybook only fills in its placeholders and casts its columns."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from daybook.definitions.summary import Summary
from daybook.errors import BuildFailed, TableFileError
from daybook.model.interval import Interval
from daybook.model.table_name import TableName
from daybook.model.timezones import find_zone, local_start
from daybook.model.types import Type
from daybook.sql.database_error import Condition, DatabaseError
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: The range of a whole build, which reads all of its inputs: it includes every time that a warehouse can store.
FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31)

_ANY_TEXT = Type("text")

T = TypeVar("T")


class SummaryQuery:
    """The SELECT of a summary, on a session. `text` is the statement in its file, without the final semicolon."""

    def __init__(self, summary: Summary, text: str, warehouse: Warehouse, session: Session) -> None:
        self._summary, self._text, self._warehouse, self._session = summary, text, warehouse, session
        self.names = self._checked_names()
        """The columns that it returns, as the database reports them. The database does not run the SELECT for that."""

    def whole(self) -> str:
        """Return the SELECT over all of its inputs."""
        return self.between(FIRST, LAST)

    def of(self, stretch: Sequence[Interval]) -> str:
        """Return the SELECT over the input range of these neighbouring intervals (`input_range`)."""
        return self.between(*input_range(self._summary, Interval(stretch[0].start, stretch[-1].end)))

    def between(self, start: datetime, end: datetime) -> str:
        """Return the SELECT with `start` and `end`, in local time of the summary's zone, in place of its placeholders.

        The text is escaped for a statement with bound values.
        """
        text = self._text
        if self._summary.interval:  # without an interval, {start} and {end} are ordinary text
            for name, moment in (("{start}", start), ("{end}", end)):
                text = text.replace(name, f"TIMESTAMP '{moment.isoformat(' ')}'")
        return text.replace("%", "%%") + "\n"  # its last line may be a comment

    def make(self, table: str, name: str, select: str, behind: str = "", values: Sequence[Any] = ()) -> None:
        """Create a table from the rows of `select`, with its columns cast.

        Args:
            table: the table to create, as in `CREATE`: `TABLE x` or `TEMP TABLE x`.
            name: its quoted name.
            select: the SELECT, from `whole`, `of` or `between`.
            behind: a clause to put behind it, such as a WHERE.
            values: the values to bind in `behind`.

        Raises:
            BuildFailed: as `run`. Also if a text is longer than its column, because a cast would cut it silently.
        """
        if not any(self._is_sized_text(type) for type in self._summary.declared_types.values()):
            self.run(f"CREATE {table} AS", select, behind, values)
            return
        self.run(f"CREATE {table} AS", select, f"{behind} LIMIT 0", values)
        self.add(name, select, behind, values)

    def add(self, name: str, select: str, behind: str = "", values: Sequence[Any] = ()) -> None:
        """Insert the rows of `select` into the table `name` that `make` created. Raises BuildFailed as `make` does."""
        self.run(f"INSERT INTO {name}", select, behind, values, uncut=True)

    def run(self, into: str, select: str, behind: str = "", values: Sequence[Any] = (), *, uncut: bool = False) -> None:
        """Run a statement that begins with `into` and takes the rows of `select`, with its columns cast as declared.

        `uncut` casts texts without a length. A cast with a length would cut a long text silently, but the database
        refuses to insert it into a column that is too short.

        Raises:
            BuildFailed: the warehouse refused the statement. Has the line of the file, if the database reports it.
        """
        statement = f"{into} {self._cast(select, uncut)} {behind}"
        self._sent(statement, select, lambda sent: self._session.run(sent, values))

    def rows(self, most: int) -> list[tuple[Any, ...]]:
        """Return its first rows, at most `most`. Raises BuildFailed as `run` does."""
        select = self.whole()
        return self._sent(f"{self._cast(select)} LIMIT {most}", select, self._session.rows)

    def explain(self) -> None:
        """Have the database plan the SELECT without running it. Raises BuildFailed as `run` does."""
        self.run("EXPLAIN", self.whole())

    def _field(self, name: str, type: Type | None, uncut: bool) -> str:
        quoted = self._warehouse.quote(name)
        if type and uncut and self._is_sized_text(type):
            type = _ANY_TEXT
        return f"CAST({quoted} AS {self._warehouse.type_sql(type)}) AS {quoted}" if type else quoted

    def _is_sized_text(self, type: Type) -> bool:
        spelled, longest = self._warehouse.spelled(type), self._warehouse.spelled(_ANY_TEXT)
        return spelled.kind in ("varchar", "char") and spelled.size is not None and spelled != longest

    def _cast(self, select: str, uncut: bool = False) -> str:
        folded = self._warehouse.folded
        types = {folded(name): type for name, type in self._summary.declared_types.items()}
        fields = ", ".join(self._field(name, types.get(name), uncut) for name in self.names)
        return f"SELECT {fields} FROM ({select}) AS daybook_select"

    def _sent(self, statement: str, select: str, send: Callable[[str], T]) -> T:
        try:
            with local_clock(self._warehouse, self._session, self._summary):
                return send(statement)
        except DatabaseError as error:
            raise self._explained(error, statement, select) or error from None

    def _explained(self, error: DatabaseError, statement: str, select: str) -> BuildFailed | None:
        if error.transient:
            return None
        where, position = "", error.position
        before = statement[: statement.find(select)].replace("%%", "%")
        if position and position > len(before):
            line = select.replace("%%", "%")[: position - len(before)].count("\n") + 1
            where = f", line {line} of {self._summary.table_name}.sql"
        hint = f" ({error.hint})" if error.hint else ""
        if self._summary.columns and Condition.BAD_VALUE in error.conditions:
            declared = ", ".join(f"{name}: {type}" for name, type in self._summary.columns.items())
            yaml = f"{self._summary.table_name}.yaml"
            hint += f". A value does not fit its column. Correct the type in {yaml}, columns: {declared}; or the SELECT"
        return BuildFailed(f"{self._summary.name}{where}: {error.message}{hint}")

    def _checked_names(self) -> list[str]:
        """Return the names of the columns that the SELECT returns.

        Raises:
            TableFileError: two columns have the same name, one has none, the file names a column that the SELECT does
                not return, or the table's name is too long. The database would cut a long name to that of another
                table.
        """
        select = self.whole()
        statement = f"SELECT * FROM ({select}) AS daybook_select LIMIT 0"
        names = self._sent(statement, select, self._session.names)
        summary = self._summary
        fold, longest, title = self._warehouse.folded, self._warehouse.longest_name, self._warehouse.title
        problems = [
            f"{name!r} has {len(name.encode())} bytes, but {title} cuts names at {longest}: shorten it"
            for name in TableName.parse(summary.name)
            if len(name.encode()) > longest
        ]
        problems += [f"two columns are called {name!r}: rename one with AS" for name in _twice(names)]
        unnamed = self._warehouse.unnamed_column
        if unnamed in names:
            problems.append(f"column {names.index(unnamed) + 1} has no name: give it one with AS")
        named = {"key": summary.key, "cursor": [summary.cursor] if summary.cursor else [], "columns": summary.columns}
        for field, wanted in named.items():
            problems += [
                f"{field} names {name!r}, but the SELECT does not return it"
                for name in wanted
                if fold(name) not in names
            ]
        if problems:
            raise TableFileError(f"{summary.name}: {'; '.join(problems)}. It returns {', '.join(names)}")
        return names


@contextmanager
def local_clock(warehouse: Warehouse, session: Session, summary: Summary) -> Iterator[None]:
    """Set the session's time zone to the summary's zone within the block, and to UTC after it.

    The database uses that zone for the date of an instant (timestamptz), and to compare it with `{start}` and `{end}`.
    """
    if summary.timezone == "UTC":
        yield
        return
    warehouse.set_timezone(session, summary.timezone)
    yield
    warehouse.set_timezone(session, "UTC")  # not needed after an error: the session or its transaction is abandoned


def input_range(summary: Summary, stretch: Interval) -> tuple[datetime, datetime]:
    """Return the input range for the rows of a range of intervals: the range and `lookback` intervals before it.

    Returns the start and the exclusive end, as local times of the summary's `timezone` without an offset. If a local
    time occurs twice (when clocks are set back) or never (when they are set forward), the range is extended to the next
    interval: a warehouse may choose either of two instants.
    """
    grid, zone = summary.grid, find_zone(summary.timezone)
    assert grid is not None
    first, end = grid.containing(stretch.start), stretch.end
    for _ in range(summary.lookback):
        first = grid.previous(first)
    while not _is_shown_once(first.start, zone):
        first = grid.previous(first)
    while not _is_shown_once(end, zone):
        end = grid.containing(end).end
    return local_start(first.start, summary.timezone), local_start(end, summary.timezone)


def _is_shown_once(boundary: datetime, zone: ZoneInfo) -> bool:
    """Return True if the local time of this instant means no other instant, however a database interprets it."""
    local = local_start(boundary, zone.key)
    return all(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) == boundary for fold in (0, 1))


def _twice(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
