"""The SQL of one field of a line of CSV in MySQL and MariaDB."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from daybook.model.types import Column
from daybook.sources.database.mysql_charsets import reason_sql, unmapped_sql
from daybook.sources.database.mysql_types import BINARY, CHARSET, DATES, SIGNED
from daybook.sources.database.mysql_zero_dates import zero_sql
from daybook.stage.csv_format import NOT_SENT, CsvFormat


def quote(name: str) -> str:
    """Return a quoted name. A `%` is doubled, because every statement has bind values."""
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


def field_sql(column: str, described: Sequence[Any], sent: Column, format: CsvFormat, zero_dates: str) -> str:
    """Return the SQL of one field. Its bind values are `null`, `binary`, and `empty`: the strings of `format`.

    It uses IF, not IFNULL: the server also returns NULL for a value that it cannot build, which IFNULL would hide.

    Args:
        column: the quoted name.
        described: the column's row of `mysql_types.DESCRIBED`.
        sent: the column, with its mask, and with the type that the warehouse loads it as.
        format: the format of the values.
        zero_dates: the field of the table file.
    """
    data_type = described[1].lower()
    null, unmapped = f"{column} IS NULL", None
    if sent.mask == "null":
        return "%(null)s"
    if data_type in BINARY:
        digits = f"HEX({column})"
        if format.empty_bytes and sent.type.kind == "bytes":
            digits = f"IF(LENGTH({column}) = 0, %(empty)s, {digits})"
        value = f"CONCAT('\"', %(binary)s, {digits}, '\"')"
    elif data_type in SIGNED or data_type in ("decimal", "double"):
        value = f"({column} + 0)" if sent.mask else column  # hash the number without the zeros of ZEROFILL
    elif data_type in DATES:
        value = column
        if zero_dates == "null":
            null = f"{column} IS NULL OR {zero_sql(column)}"
    elif data_type == "float":
        value = f"({column} * 1e0)"  # the text of a FLOAT has only six digits; + 0e0 would lose the sign of -0
    elif data_type in ("bit", "year"):
        value = f"({column} + 0)"
    elif data_type == "time":
        value = f"CONCAT('\"', {column}, '\"')"
    else:
        text = f"CAST({column} AS CHAR)" if data_type in ("json", "uuid", "inet4", "inet6") else column
        # double the quotes in bytes: searching with a collation takes a sixth of the whole query
        encoded = f"CONVERT(CONVERT({text} USING utf8mb4) USING binary)"
        value = encoded if sent.mask else f"CONCAT('\"', REPLACE({encoded}, '\"', '\"\"'), '\"')"
        unmapped = unmapped_sql(column, described[CHARSET])
    if sent.mask == "hash":
        value = f"CONCAT('\"', SHA2({value}, 256), '\"')"
    if unmapped:
        reason = reason_sql(column, described[CHARSET], masked=bool(sent.mask))
        value = f"IF({unmapped}, CONCAT('\"', X'{NOT_SENT.encode().hex()}', {reason}, '\"'), {value})"
    return f"IF({null}, %(null)s, {value})"


def literal(bound: date | datetime) -> str:
    """Return a bound as text: an instant without its zone, since the session's time zone is UTC."""
    return bound.replace(tzinfo=None).isoformat(" ") if isinstance(bound, datetime) else bound.isoformat()
