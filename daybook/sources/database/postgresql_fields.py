"""The SQL of one field of a line of CSV in PostgreSQL."""

from daybook.model.types import Column
from daybook.stage.csv_format import CsvFormat


def quote(name: str) -> str:
    """Return a quoted name. A `%` is doubled, because every statement has bind values."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def clear_text_sql(name: str, text: str) -> str:
    """Return the SQL of a value as text. The cast strips the trailing blanks of a CHAR, as MySQL does.

    `name` is the quoted column, `text` its type by format_type.
    """
    return f"{name}::numeric::text" if text == "money" else f"{name}::text"


def field_sql(described: Column, text: str, sent: Column, format: CsvFormat) -> str:
    """Return the SQL of one field. Its bind value is `empty`, of `format`.

    Args:
        described: the column in the source.
        text: its type by format_type.
        sent: the column, with its mask, and with the type that the warehouse loads it as.
        format: the format of the values.
    """
    name = quote(sent.name)
    if sent.mask == "null":
        return f"NULL AS {name}"
    if sent.mask == "hash":
        return f"encode(sha256(convert_to({clear_text_sql(name, text)}, 'UTF8')), 'hex') AS {name}"
    if described.type.kind == "bytes" and format.bytes_prefix != "\\x":
        digits = f"encode({name}, 'hex')"
        if format.empty_bytes and sent.type.kind == "bytes":
            digits = f"CASE WHEN octet_length({name}) = 0 THEN %(empty)s ELSE {digits} END"
        return f"{digits} AS {name}"
    if text == "money":  # its text has the currency of lc_monetary
        return f"{name}::numeric AS {name}"
    return name
