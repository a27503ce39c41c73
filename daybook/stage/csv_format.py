"""The CSV that travels from a source over the stage into a warehouse: UTF-8, commas, quotes doubled, no header."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a value looks in the staged CSV. The warehouse says what it wants, the source writes it so."""

    null: str = ""
    """An *unquoted* field with this text is NULL: "" for PostgreSQL, a run-unique control character on Redshift."""
    bytes_prefix: str = "\\x"
    """Binary values are hex digits behind this: PostgreSQL's bytea wants it, Redshift's VARBYTE wants it empty."""
    empty_bytes: str = ""
    """What stands behind the prefix for a binary value of no bytes, where a field without digits would be NULL: hex
    digits unique to the run, which the warehouse turns back into no bytes. "" where the empty field is one already."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some whole rows of CSV, at best about 1 MiB of them: a source yields these, the stage writes them."""

    data: bytes
    """Every row ends with a newline (b"\\n"); newlines may also stand inside quotes."""
    rows: int
    """How many rows, not lines, `data` holds."""
