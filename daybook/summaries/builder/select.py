"""A summary's SELECT as it is sent: its placeholders filled in, its columns cast, and nothing else about it changed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from daybook.definitions.summary import Summary
from daybook.errors import BuildFailed, TableFileError
from daybook.model.interval import Interval
from daybook.model.table_name import TableName
from daybook.model.timezones import find_zone, happens_twice, local_boundary
from daybook.model.types import Type
from daybook.sql.database_error import Condition, DatabaseError
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: Before and after every time that a warehouse holds: a whole build reads all of its inputs.
FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31)

_ANY_TEXT = Type("text")

T = TypeVar("T")


class SummaryQuery:
    """The SELECT of a summary, on a session. `text` is the one statement of its file, without what ends it."""

    def __init__(self, summary: Summary, text: str, warehouse: Warehouse, session: Session) -> None:
        self._summary, self._text, self._warehouse, self._session = summary, text, warehouse, session
        self.names = self._checked_names()
        """The columns that it gives, by the word of the database, which does not run it for that."""

    def whole(self) -> str:
        """The SELECT over all of its inputs."""
        return self.between(FIRST, LAST)

    def of(self, stretch: Sequence[Interval]) -> str:
        """The SELECT over what the rows of these neighbouring intervals are made of."""
        return self.between(*input_range(self._summary, Interval(stretch[0].start, stretch[-1].end)))

    def between(self, start: datetime, end: datetime) -> str:
        """The SELECT with the input's range, on the clock of the summary's zone, for `{start}` and `{end}`."""
        text = self._text
        if self._summary.interval:  # in any other summary they are no placeholders, but part of a text
            for name, moment in (("{start}", start), ("{end}", end)):
                text = text.replace(name, f"TIMESTAMP '{moment.isoformat(' ')}'")
        return text.replace("%", "%%") + "\n"  # values are bound around it, and its last line may be a comment

    def make(self, table: str, name: str, select: str, behind: str = "", values: Sequence[Any] = ()) -> None:
        """Make a `table` (`TABLE x`, `TEMP TABLE x`), called `name`, of what `select` gives, its columns cast.

        Raises BuildFailed as `run` does; also for a text that is longer than its column, which a cast would cut.
        """
        if not any(self._is_sized_text(type) for type in self._summary.declared_types.values()):
            self.run(f"CREATE {table} AS", select, behind, values)
            return
        self.run(f"CREATE {table} AS", select, f"{behind} LIMIT 0", values)
        self.add(name, select, behind, values)

    def add(self, name: str, select: str, behind: str = "", values: Sequence[Any] = ()) -> None:
        """Add what `select` gives to the table `name` that `make` has made. Raises BuildFailed as `make` does."""
        self.run(f"INSERT INTO {name}", select, behind, values, uncut=True)

    def run(self, into: str, select: str, behind: str = "", values: Sequence[Any] = (), *, uncut: bool = False) -> None:
        """Run a statement that begins with `into` and takes what `select` gives, its columns cast as the file says.

        `uncut` leaves it to the column that is written to how long a text may be: where a cast cuts one in silence, an
        INSERT is refused. Raises BuildFailed, with the line of the file, where the warehouse's database cannot.
        """
        statement = f"{into} {self._cast(select, uncut)} {behind}"
        self._sent(statement, select, lambda sent: self._session.run(sent, values))

    def rows(self, most: int) -> list[tuple[Any, ...]]:
        """The first rows that it gives, up to so many. Raises BuildFailed as `run` does."""
        select = self.whole()
        return self._sent(f"{self._cast(select)} LIMIT {most}", select, self._session.rows)

    def explain(self) -> None:
        """Let the database plan the SELECT, and not run it. Raises BuildFailed as `run` does."""
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
            told = ", ".join(f"{name}: {type}" for name, type in self._summary.columns.items())
            hint += f". Correct what does not fit in {self._summary.table_name}.yaml, columns: {told}; or the SELECT"
        return BuildFailed(f"{self._summary.name}{where}: {error.message}{hint}")

    def _checked_names(self) -> list[str]:
        """Raises TableFileError: two columns share a name, or one has none; the file names one that is not there.

        The table's own name is looked at here too: one that is too long would be cut, and mean another table.
        """
        select = self.whole()
        statement = f"SELECT * FROM ({select}) AS daybook_select LIMIT 0"
        names = self._sent(statement, select, self._session.names)
        summary = self._summary
        fold, longest, title = self._warehouse.folded, self._warehouse.longest_name, self._warehouse.title
        problems = [
            f"{name!r} has {len(name.encode())} bytes, and {title} cuts names at {longest}: shorten it"
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
                f"{field} names {name!r}, which the SELECT does not give" for name in wanted if fold(name) not in names
            ]
        if problems:
            raise TableFileError(f"{summary.name}: {'; '.join(problems)}. It gives {', '.join(names)}")
        return names


@contextmanager
def local_clock(warehouse: Warehouse, session: Session, summary: Summary) -> Iterator[None]:
    """Let the session's clock show the summary's zone within the block, and UTC after it.

    By that clock an instant (timestamptz) has its date, and is compared with `{start}` and `{end}`.
    """
    if summary.timezone == "UTC":
        yield
        return
    warehouse.set_timezone(session, summary.timezone)
    yield
    warehouse.set_timezone(session, "UTC")  # after an error, the session or its transaction is given up


def input_range(summary: Summary, stretch: Interval) -> tuple[datetime, datetime]:
    """What the rows of these neighbouring intervals are made of: they, and `lookback` intervals before.

    Returns two times without a zone, as the clock of the summary's `timezone` shows them. Where the clock shows one of
    them twice, they reach as far beyond as it takes, since nobody knows which of the two a warehouse understands.
    """
    grid, zone = summary.grid, find_zone(summary.timezone)
    assert grid is not None
    first, end = grid.containing(stretch.start), stretch.end
    for _ in range(summary.lookback):
        first = grid.previous(first)
    while happens_twice(first.start.astimezone(zone)):
        first = grid.previous(first)
    while happens_twice(end.astimezone(zone)):
        end = grid.containing(end).end
    return local_boundary(first.start, summary.timezone), local_boundary(end, summary.timezone)


def _twice(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
