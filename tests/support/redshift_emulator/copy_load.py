"""Run COPY from S3 in the client's own session and transaction."""

import itertools
import sys
import time
from collections.abc import Iterable, Sequence

from tests.support.redshift_emulator.connection import Connection
from tests.support.redshift_emulator.copy_files import file_rows
from tests.support.redshift_emulator.copy_objects import s3_objects
from tests.support.redshift_emulator.copy_options import CopyOptions, parse_copy
from tests.support.redshift_emulator.copy_values import Column, LoadError, convert
from tests.support.redshift_emulator.errors import ConnectionLost, RedshiftError, internal
from tests.support.redshift_emulator.lexer import Token, literal
from tests.support.redshift_emulator.wire import Backend, c_string, pack_fields

CHUNK = 1 << 18
LARGEST_ROW = 4 * 1024 * 1024
MOST_ERRORS_LOGGED = 100
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
COLUMNS = """
SELECT a.attname, t.typname, a.atttypmod, a.attnotnull, a.attidentity, quote_ident(a.attname)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass({table}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""

query_ids = itertools.count(int(time.time()))
Rejected = list[tuple[str, int, LoadError]]  # the file, the line and the error


def run_copy(connection: Connection, tokens: list[Token], drop: bool) -> bool:
    """Run the COPY statement `tokens`, and send the answer except ReadyForQuery. Return True if it succeeded.

    With `drop`, the client's connection is lost in the middle of the data. Raises ConnectionLost then, and
    RedshiftError if the COPY fails before it begins.
    """
    copy = parse_copy(tokens)
    backend = connection.backend
    columns, quoted = _target(backend, copy)
    objects = s3_objects(copy, connection.settings, connection.user)
    first = next(objects, None)
    alone, dry = backend.status == "I", "NOLOAD" in copy
    if dry and not alone:
        raise RedshiftError("0A000", "NOLOAD inside a transaction block is not implemented in the emulator")
    if alone:
        backend.query("BEGIN")
    error = backend.query(f"LOCK TABLE {copy.table} IN SHARE ROW EXCLUSIVE MODE")[1]
    if error:
        if alone:
            backend.query("ROLLBACK")
        connection.send_error(error)
        return False
    backend.send(b"Q", c_string(f"COPY {copy.table} ({', '.join(quoted)}) FROM STDIN"))
    rejected: Rejected = []
    loaded = _load(connection, copy, columns, itertools.chain([first] if first else [], objects), rejected, drop)
    if alone:
        error = backend.query("COMMIT" if loaded is not None and not dry else "ROLLBACK")[1]
        if error and loaded is not None:
            connection.send_error(error)
            return False
    if loaded is None:
        return False
    backend.query(f"SELECT set_config('redshift_standin.copy_count', '{loaded}', false)")
    notices = [f"completed, {loaded} record(s) loaded successfully."]
    if rejected:
        notices.append(
            f"completed, {len(rejected)} record(s) could not be loaded.  "
            "Check 'stl_load_errors' system table for details."
        )
    for notice in notices:
        text = f"Load into table '{copy.table}' {notice}"
        connection.send(b"N", pack_fields({"S": "INFO", "C": "00000", "M": text}))
    connection.send(b"C", c_string("COPY"))
    return True


def _target(backend: Backend, copy: CopyOptions) -> tuple[list[Column], list[str]]:
    """Return the columns to load, and their quoted names."""
    rows, error = backend.query(COLUMNS.format(table=literal(copy.table)))
    if error:
        raise RedshiftError(error["C"], error["M"], error.get("D"))
    if not rows:
        raise RedshiftError("XX000", f"Cannot COPY into nonexistent table {copy.table.split('.')[-1]}")
    by_name = {row[0]: row for row in rows}
    for name in copy.columns or []:
        if name not in by_name:
            raise RedshiftError("42703", f'column "{name}" of relation "{copy.table}" does not exist')
    if copy.columns:
        used = [by_name[name] for name in copy.columns]
    else:
        used = [row for row in rows if row[4] != "a" or "EXPLICIT_IDS" in copy]
    if any(row[4] == "a" for row in used) and "EXPLICIT_IDS" not in copy:
        raise RedshiftError("42601", "cannot COPY into an IDENTITY column without EXPLICIT_IDS")
    columns = [Column(row[0] or "", row[1] or "", int(row[2] or -1), row[3] == "t") for row in used]
    return columns, [row[5] or "" for row in used]


def _load(
    connection: Connection,
    copy: CopyOptions,
    columns: Sequence[Column],
    objects: Iterable[tuple[str, bytes]],
    rejected: Rejected,
    drop: bool,
) -> int | None:
    """Feed the rows to PostgreSQL's COPY. Return their number, or None after an error, which is sent to the client."""
    backend = connection.backend
    kind, body = backend.read()
    while kind in (b"N", b"S"):
        kind, body = backend.read()
    if kind != b"G":
        connection.send_error(body)
        backend.finish()
        return None
    refusal: RedshiftError | None = None
    loaded = 0
    try:
        loaded = _feed(backend, copy, columns, objects, rejected, drop)
    except LoadError:
        table = copy.table.rpartition(".")[2].strip('"')
        refusal = internal(
            f"Load into table '{table}' failed.  Check 'sys_load_error_detail' system table for details."
        )
    except RedshiftError as error:
        refusal = error
    if rejected:
        _log(connection, copy.table, rejected)
    keep = refusal is None and "NOLOAD" not in copy
    backend.send(b"c" if keep else b"f", b"" if keep else c_string("load failed"))
    failure = backend.finish()
    if refusal:
        fields = {"S": "ERROR", "C": refusal.code, "M": refusal.message}
        connection.send_error({**fields, "D": refusal.detail} if refusal.detail else fields)
        return None
    if failure and keep:
        connection.send_error(failure)
        return None
    return loaded


def _feed(
    backend: Backend,
    copy: CopyOptions,
    columns: Sequence[Column],
    objects: Iterable[tuple[str, bytes]],
    rejected: Rejected,
    drop: bool,
) -> int:
    """Send the rows of `objects` to PostgreSQL, and return their number. Raises LoadError if too many are refused."""
    allowed = max(1, int(copy.given.get("MAXERROR", 0))) if "IGNOREALLERRORS" not in copy else sys.maxsize
    lines: list[str] = []
    count = size = 0

    def send() -> None:
        if "NOLOAD" not in copy:
            backend.send(b"d", "".join(lines).encode())
        if drop:
            raise ConnectionLost
        lines.clear()

    for url, data in objects:
        number = 0
        try:
            for number, fields in file_rows(data, copy, columns):
                try:
                    line = _line(fields, columns, copy)
                except LoadError as error:
                    rejected.append((url, number, error))
                    if len(rejected) >= allowed:
                        raise TooManyErrors from error
                    continue
                lines.append(line)
                count, size = count + 1, size + len(line)
                if size > CHUNK:
                    send()
                    size = 0
        except LoadError as error:  # of the file: the end of a row cannot be determined
            if not isinstance(error, TooManyErrors):
                rejected.append((url, number + 1, error))
            raise
    send()
    return count


class TooManyErrors(LoadError):
    """More rows were refused than MAXERROR allows. Each of them is recorded already."""

    def __init__(self) -> None:
        super().__init__(0, "too many errors")


def _line(fields: list[bytes | None], columns: Sequence[Column], copy: CopyOptions) -> str:
    """Return a row as a line for PostgreSQL's COPY."""
    if len(fields) > len(columns):
        raise LoadError(1202, "Extra column(s) found")
    if len(fields) < len(columns):
        if "FILLRECORD" not in copy:
            raise LoadError(1201, "Delimiter not found")
        fields = fields + [b"" if column.type == "varchar" else None for column in columns[len(fields) :]]
    if sum(len(field or b"") for field in fields) > LARGEST_ROW:
        raise LoadError(1216, f"Input line exceeds the maximum row size of {LARGEST_ROW} bytes")
    values = []
    for field, column in zip(fields, columns, strict=True):
        try:
            value = convert(field, column, copy)
            if value is None and column.not_null:
                raise LoadError(1213, "Missing data for not-null field")
        except LoadError as error:
            error.column, error.raw = column, field or b""
            raise
        values.append(_escaped(value))
    return "\t".join(values) + "\n"


def _escaped(value: str | None) -> str:
    if value is None:
        return "\\N"
    return value if value.isprintable() and "\\" not in value else value.translate(ESCAPES)


def _log(connection: Connection, table: str, rejected: Rejected) -> None:
    """Write the refused rows to stl_load_errors in a separate session, so that they survive the load's rollback."""
    settings, query = connection.settings, next(query_ids)
    admin = Backend(
        settings.postgres_port,
        settings.postgres_superuser,
        settings.postgres_password,
        connection.database,
        {"options": "-c standard_conforming_strings=off -c escape_string_warning=off"},  # literal() needs these
    )
    try:
        for url, line, error in rejected[:MOST_ERRORS_LOGGED]:
            column, kind = (error.column.name, error.column.type) if error.column else ("", "")
            raw = error.raw.decode("utf-8", "replace").replace("\0", "")[:1024]
            texts = [literal(text) for text in (table, url, column, kind, error.reason, raw)]
            failure = admin.query(
                "INSERT INTO redshift_standin.load_errors VALUES "
                f"({query}, {texts[0]}, {texts[1]}, now(), {line}, {texts[2]}, {texts[3]}, {error.code}, "
                f"{texts[4]}, {texts[5]})"
            )[1]
            if failure:
                print("stl_load_errors:", failure, file=sys.stderr, flush=True)
    finally:
        admin.close()
