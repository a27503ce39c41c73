"""Write rows in the format of sources."""

from collections.abc import Sequence

from daybook.stage.base import Stage, new_prefix
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.stage.manifest import Manifest
from daybook.stage.parts import write_parts

Row = Sequence[str | None]


def csv_row(values: Row) -> bytes:
    """Return one row of CSV. Every value has quotes, except NULL, which is empty."""
    fields = ("" if value is None else '"' + value.replace('"', '""') + '"' for value in values)
    return (",".join(fields) + "\n").encode()


def chunk(*rows: Row) -> Chunk:
    """Return the rows as one chunk."""
    return Chunk(b"".join(csv_row(row) for row in rows), len(rows))


def staged(stage: Stage, *chunks: Chunk, part_bytes: int = 2**20) -> Manifest:
    """Write chunks of rows (id, comment) below a new prefix."""
    return write_parts(
        stage,
        new_prefix("raw_data.nps", "run"),
        chunks,
        table="raw_data.nps",
        columns=["id", "comment"],
        format=CsvFormat(),
        key=["id"],
        part_bytes=part_bytes,
    )
