"""The CSV that a source writes to the stage and a warehouse loads: UTF-8, commas, doubled quotes, no header."""

from dataclasses import dataclass

#: The start of a field that the source cannot send. The rest of the field is the reason. The stage refuses its row, as
#: it refuses each row with a NUL.
NOT_SENT = "\0\0\0"


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """The format of values in the staged CSV. The warehouse chooses it, and the source writes it."""

    null: str = ""
    """An *unquoted* field with this text is NULL: "" for PostgreSQL, a run-unique control character for Redshift."""
    bytes_prefix: str = "\\x"
    """The prefix of the hex digits of a binary value: PostgreSQL's bytea needs `\\x`, Redshift's VARBYTE nothing."""
    empty_bytes: str = ""
    """The hex digits of an empty binary value, for a warehouse that would load a field without digits as NULL. They are
    unique to the run, and the warehouse replaces them with an empty value. "" if the warehouse needs no digits."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole rows of CSV, ideally about 1 MiB. A source yields chunks, and the stage writes them."""

    data: bytes
    """The rows. Each ends with a newline (b"\\n"). Quoted fields may contain newlines, too."""
    rows: int
    """The number of rows, not lines, in `data`."""
