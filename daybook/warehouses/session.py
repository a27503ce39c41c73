"""A connection to a warehouse that runs statements one by one, without implicit transactions."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from daybook.sql.batches import batched
from daybook.sql.database_error import ErrorReader, translated

T = TypeVar("T")

#: The first words of statements after which the cache is stale: those that change tables, and those that begin or end a
#: transaction, after which this session may see the changes of another one.
_CHANGING = frozenset({"ALTER", "BEGIN", "COMMIT", "CREATE", "DROP", "ROLLBACK"})
_NOT_CHANGING = ("CREATE TEMP", "CREATE UNIQUE INDEX")


class Session:
    """One connection, in autocommit: `BEGIN`, `COMMIT` and `ROLLBACK` are statements like any other.

    In a statement, `%s` is the placeholder of a bind value, and `%%` is a percent sign. A warehouse whose driver has
    other placeholders overrides `_executed`. Every failure of the database is a `DatabaseError`.
    """

    def __init__(self, connection: Any, read_error: ErrorReader) -> None:
        self.connection = connection
        self._read_error = read_error
        self._known: dict[str, Any] = {}

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement with its bind values. Return the number of affected rows, or -1 if it is unknown."""
        with self._executed(statement, values) as cursor:
            count: int = cursor.rowcount
        if statement.split(None, 1)[0].upper() in _CHANGING and not statement.startswith(_NOT_CHANGING):
            self.forget()
        return count

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a query with its bind values, and return its rows."""
        return list(self.stream(statement, values))

    def stream(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Execute a query with its bind values, and yield its rows, without a second copy of them in memory."""
        with self._executed(statement, values) as cursor:
            yield from cursor

    def names(self, statement: str) -> list[str]:
        """Execute a query, and return the names of its columns."""
        with self._executed(statement, ()) as cursor:
            return [column[0] for column in cursor.description]

    def one(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Execute a query and return the first value of its first row, or None if it returns no row."""
        rows = self.rows(statement, values)
        return rows[0][0] if rows else None

    def remembered(self, key: str, ask: Callable[[], T]) -> T:
        """Return the cached value of `key`. If there is none, call `ask` and cache its result.

        The cache is cleared after a statement that changes tables, and at both ends of a transaction.
        """
        if key not in self._known:
            self._known[key] = ask()
        found: T = self._known[key]
        return found

    def remember(self, key: str, found: object) -> None:
        """Cache a value as `key`."""
        self._known[key] = found

    def forget(self) -> None:
        """Clear the cache, because another session may have changed a table."""
        self._known.clear()

    def insert(self, table: str, columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> int:
        """Insert rows, `PER_STATEMENT` at a time, and return their number. Memory use does not grow with it.

        `table` and `columns` are quoted. Each row has a value for every column.
        """
        names, count = list(columns), 0
        row_sql = f"({', '.join(['%s'] * len(names))})"
        for batch in batched(rows):
            values = [value for row in batch for value in row]
            self.run(f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([row_sql] * len(batch))}", values)
            count += len(batch)
        return count

    def apart(self) -> "Session":
        """Return the session that reads Daybook's own tables: this one, unless its transaction must not read them.

        Some warehouses return another one in a transaction that holds the lock of a table. So read what you need before
        you append to these tables: the other session does not see uncommitted rows, and its query may wait behind a
        statement that waits for this transaction.
        """
        return self

    def answer(self, statement: str, values: Sequence[Any] = ()) -> tuple[int, int, Any]:
        """Execute a query that should return one value.

        Returns:
            The numbers of rows and columns in the result, and the value. It is None unless both numbers are 1.
        """
        with self._executed(statement, values) as cursor:
            rows, columns = cursor.rowcount, len(cursor.description)
            return rows, columns, cursor.fetchone()[0] if (rows, columns) == (1, 1) else None

    def as_sent(self, statement: str, values: Sequence[Any] = ()) -> str:
        """Return the statement with its bind values as literals, ready to paste."""
        raise NotImplementedError

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Roll back the open transaction if an exception leaves the block."""
        try:
            yield
        except BaseException:
            try:
                self.run("ROLLBACK")
            except Exception:  # the connection itself may have failed
                self.connection.close()
            raise

    @contextmanager
    def _executed(self, statement: str, values: Sequence[Any]) -> Iterator[Any]:
        """Execute a statement, and yield a cursor with `rowcount` and `description` that iterates over its rows."""
        with translated(self._read_error), self.connection.cursor() as cursor:
            cursor.execute(statement, tuple(values))
            yield cursor
