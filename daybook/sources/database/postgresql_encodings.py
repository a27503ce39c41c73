"""Find the text that PostgreSQL cannot convert to UTF-8. The server's error names neither its row nor its column.

Databases in another encoding than UTF-8 store bytes without a Unicode character, such as 0x98 in WIN1251, and those of
SQL_ASCII store any bytes.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from psycopg2 import errors

from daybook.errors import ValueRefused
from daybook.sql.database_error import DatabaseError

_SECONDS = 60  # the search for the row reads the rows again, one by one
_ENDED = "DB001"  # the code of the exception that ends the search

#: The server converts each text of each row by itself. The exception has the number of the row, that of the column, and
#: the bytes of the key.
_SEARCH = """
DO $daybook$
DECLARE found record; number bigint := 0; place int;
BEGIN
    FOR found IN SELECT {texts} FROM {rows} LOOP
        number := number + 1;
        BEGIN
            {checks}
        EXCEPTION WHEN untranslatable_character OR character_not_in_repertoire THEN
            RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = concat_ws(' ', number, place, {key});
        END;
    END LOOP;
END $daybook$
"""


@dataclass(frozen=True, slots=True)
class SentRows:
    """The rows of a query that failed."""

    table: str
    """The name of the table, for the error."""
    rows: str
    """The FROM item of the query, with its WHERE."""
    fields: Mapping[str, str]
    """The SQL of each column."""
    key: Sequence[str]
    """The columns that identify a row."""
    masked: Collection[str]
    """The columns whose values no message may have."""


def is_unconvertible(error: DatabaseError) -> bool:
    """Return True if the server could not convert a text to UTF-8."""
    return isinstance(error.__cause__, errors.UntranslatableCharacter | errors.CharacterNotInRepertoire)


def refused(error: DatabaseError, sent: SentRows, run: Callable[[str], object]) -> ValueRefused:
    """Return the error that names the row and the column of a text that the server could not convert.

    `run` executes a statement on the connection of the failed query.
    """
    names = list(sent.fields)
    key = [name for name in sent.key if name in sent.fields and name not in sent.masked]
    found = _search(run, _search_sql(sent.rows, list(sent.fields.values()), [names.index(name) for name in key]))
    where, column = "a row", None
    if found:
        number, place, *values = found.split(" ")
        column = names[int(place)]
        row = ", ".join(f"{name} = {_text(value)!r}" for name, value in zip(key, values, strict=False))
        where = f"column {column!r} of row {row or f'number {number} of the run'}"
    why = f": {error.message}" if column and column not in sent.masked else ""
    return ValueRefused(
        f"{sent.table}: {where} contains a text that cannot be converted to UTF-8{why}. "
        "Correct the row in the source, or remove the column from columns: in the table file."
    )


def _search_sql(rows: str, fields: Sequence[str], key: Sequence[int]) -> str:
    """Return the statement whose error names the first text of `rows` (a FROM item with its WHERE) without UTF-8."""
    checks = (f"place := {n}; PERFORM convert_to(found.c{n}, 'UTF8');" for n in range(len(fields)))
    values = [f"encode(convert_to(found.c{n}, getdatabaseencoding()), 'hex')" for n in key]
    return _SEARCH.format(
        texts=", ".join(f"({field})::text AS c{n}" for n, field in enumerate(fields)),
        rows=rows,
        checks=" ".join(checks),
        key=", ".join(values) or "NULL",
        code=_ENDED,
    )


def _search(run: Callable[[str], object], statement: str) -> str | None:
    """Return the message with which a statement of `_search_sql` ends, or None if it found nothing."""
    try:
        for one in ("ROLLBACK", f"SET statement_timeout TO '{_SECONDS}s'", statement):
            run(one)
    except DatabaseError as error:
        if getattr(error.__cause__, "pgcode", None) == _ENDED:
            return error.message
    return None


def _text(digits: str) -> str:
    data = bytes.fromhex(digits)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"0x{digits.upper()}"
