"""A connection to a warehouse that runs statements one by one, and ends transactions only when it is told to."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from daybook.sql.batches import batched
from daybook.sql.connection import connect
from daybook.sql.postgresql_errors import read_error

#: PostgreSQL's and Redshift's codes for a table and for a schema that do not exist.
NO_SUCH_TABLE = {"42P01", "3F000"}


class Session:
    """One connection, in autocommit: `BEGIN`, `COMMIT` and `ROLLBACK` are statements like any other."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement with its values bound. Returns the number of rows that it touched (-1: unknown)."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, tuple(values))
            count: int = cursor.rowcount
            return count

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Execute a query with its values bound, and return its rows."""
        return list(self.stream(statement, values))

    def stream(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Execute a query with its values bound, and yield its rows: of many, no second copy is made."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, tuple(values))
            yield from cursor

    def names(self, statement: str) -> list[str]:
        """Execute a query, and return the names of the columns that it gives."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, ())
            return [column.name for column in cursor.description]

    def one(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Execute a query that returns one value, and return it (None where it returns no row)."""
        rows = self.rows(statement, values)
        return rows[0][0] if rows else None

    def insert(self, table: str, columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> int:
        """Insert rows, `PER_STATEMENT` at a time, and return how many there were. Memory stays flat.

        `table` and `columns` are quoted; each row has a value for every column.
        """
        names, count = list(columns), 0
        row_sql = f"({', '.join(['%s'] * len(names))})"
        for batch in batched(rows):
            values = [value for row in batch for value in row]
            self.run(f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([row_sql] * len(batch))}", values)
            count += len(batch)
        return count

    def begin_with(self, lock: str) -> bool:
        """Open a transaction whose first statement is `lock`, which locks a table. Says whether there is that table.

        Where there is not, the transaction is open all the same.
        """
        self.run("BEGIN")
        try:
            self.run(lock)
            return True
        except self.connection.ProgrammingError as error:
            if error.pgcode not in NO_SUCH_TABLE:
                raise
        self.run("ROLLBACK")
        self.run("BEGIN")
        return False

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Where the block is left by an exception, leave the transaction that is open, too."""
        try:
            yield
        except BaseException:
            try:
                self.run("ROLLBACK")
            except Exception:  # the connection may be why the block was left
                self.connection.close()
            raise


@contextmanager
def open_session(engine: Engine) -> Iterator[Session]:
    """A session on a connection of its own, closed at the end. Raises as `daybook.sql.connection.connect` does."""
    with connect(engine, read_error) as connection:
        connection.rollback()
        connection.autocommit = True
        yield Session(connection)
