"""A summary's SELECT as it is sent: its placeholders filled in, its columns cast, and nothing else about it changed."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from daybook.columns import Type
from daybook.errors import BuildFailed, TableFileError
from daybook.interval import Interval
from daybook.localtime import local_boundary
from daybook.summary.form import Summary
from daybook.transient import first_line, is_transient
from daybook.warehouses import Warehouse
from daybook.warehouses.session import Session

#: Before and after every time that a warehouse holds: a whole build reads all of its inputs.
FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31)


T = TypeVar("T")


class Select:
    """The SELECT of a summary, on a session. `text` is the one statement of its file, without what ends it."""

    def __init__(self, summary: Summary, text: str, warehouse: Warehouse, session: Session) -> None:
        self._summary, self._text, self._warehouse, self._session = summary, text, warehouse, session
        self.names = self._checked_names()
        """The columns that it gives, by the word of the database, which does not run it for that."""

    def whole(self) -> str:
        """The SELECT over all of its inputs."""
        return select_sql(self._text)

    def of(self, stretch: Sequence[Interval]) -> str:
        """The SELECT over what the rows of these neighbouring intervals are made of."""
        return select_sql(self._text, *input_range(self._summary, Interval(stretch[0].start, stretch[-1].end)))

    def run(self, into: str, select: str, behind: str = "", values: Sequence[Any] = ()) -> None:
        """Run a statement that begins with `into` and takes what `select` gives, its columns cast as the file says.

        Raises BuildFailed, with the line of the file, where the warehouse's database cannot.
        """
        self._sent(f"{into} {self._cast(select)} {behind}", select, lambda sent: self._session.run(sent, values))

    def rows(self, most: int) -> list[tuple[Any, ...]]:
        """The first rows that it gives, up to so many. Raises BuildFailed as `run` does."""
        select = self.whole()
        return self._sent(f"{self._cast(select)} LIMIT {most}", select, self._session.rows)

    def explain(self) -> None:
        """Let the database plan the SELECT, and not run it. Raises BuildFailed as `run` does."""
        self.run("EXPLAIN", self.whole())

    def _field(self, name: str, type: Type | None) -> str:
        quoted = self._warehouse.quote(name)
        return f"CAST({quoted} AS {self._warehouse.type_sql(type)}) AS {quoted}" if type else quoted

    def _cast(self, select: str) -> str:
        types = self._summary.declared_types
        fields = ", ".join(self._field(name, types.get(name)) for name in self.names)
        return f"SELECT {fields} FROM ({select}) AS daybook_select"

    def _sent(self, statement: str, select: str, send: Callable[[str], T]) -> T:
        try:
            return send(statement)
        except self._session.connection.Error as error:
            raise self._explained(error, statement, select) or error from None

    def _explained(self, error: Any, statement: str, select: str) -> BuildFailed | None:
        if is_transient(error):
            return None
        where, position = "", error.diag.statement_position
        before = statement[: statement.find(select)].replace("%%", "%")
        if position and int(position) > len(before):
            line = select.replace("%%", "%")[: int(position) - len(before)].count("\n") + 1
            where = f", line {line} of {self._summary.table_name}.sql"
        hint = f" ({error.diag.message_hint})" if error.diag.message_hint else ""
        return BuildFailed(f"{self._summary.name}{where}: {first_line(error)}{hint}")

    def _checked_names(self) -> list[str]:
        """Raises TableFileError: two columns share a name, or one has none; the file names one that is not there."""
        select = self.whole()
        statement = f"SELECT * FROM ({select}) AS daybook_select LIMIT 0"
        names = self._sent(statement, select, self._session.names)
        summary = self._summary
        problems = [f"two columns are called {name!r}: rename one with AS" for name in _twice(names)]
        if "?column?" in names:
            problems.append(f"column {names.index('?column?') + 1} has no name: give it one with AS")
        named = {"key": summary.key, "cursor": [summary.cursor] if summary.cursor else [], "columns": summary.columns}
        for field, wanted in named.items():
            problems += [
                f"{field} names {name!r}, which the SELECT does not give" for name in wanted if name not in names
            ]
        if problems:
            raise TableFileError(f"{summary.name}: {'; '.join(problems)}. It gives {', '.join(names)}")
        return names


def select_sql(text: str, start: datetime = FIRST, end: datetime = LAST) -> str:
    """The SELECT of a summary with the input's range for `{start}` and `{end}`. It may stand in brackets."""
    for name, moment in (("{start}", start), ("{end}", end)):
        text = text.replace(name, f"TIMESTAMP '{moment.isoformat(' ')}'")
    return text.replace("%", "%%") + "\n"  # values are bound around it, and its last line may be a comment


def input_range(summary: Summary, stretch: Interval) -> tuple[datetime, datetime]:
    """What the rows of these neighbouring intervals are made of: they, and `lookback` intervals before.

    Returns two times without a zone, as the clock of the summary's `timezone` shows them.
    """
    assert summary.grid is not None
    first = summary.grid.containing(stretch.start)
    for _ in range(summary.lookback):
        first = summary.grid.previous(first)
    return local_boundary(first.start, summary.timezone), local_boundary(stretch.end, summary.timezone)


def _twice(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
