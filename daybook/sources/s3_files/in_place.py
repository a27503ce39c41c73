"""Decide if a warehouse can read files directly: only if all have the same form, and one that COPY can read.

Other files are streamed, with everything that the table file declares about them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from daybook.sources.s3_files.bucket import Bucket, Object
from daybook.sources.text.compression import compression_of, unpacked
from daybook.stage.manifest import FilesInPlace

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec
    from daybook.sources.s3_files import Config

_HEAD = 2**16  # the maximum length of the first line in bytes
_COMPRESSIONS = ("gzip", "bzip2", "zstd", None)


def files_in_place(
    table: "TableSpec", config: "Config", bucket: Bucket, files: Sequence[Object], names: Sequence[str]
) -> FilesInPlace | None:
    """Return the files for a warehouse that reads them directly, or None if their rows must be streamed.

    It only reads the first line of each file. `names` are the columns to load.

    Raises:
        FileRefused: a file has changed or is deleted, or cannot be decompressed.
    """
    if config.values != type(config).model_fields["values"].default or config.encoding not in (None, "utf-8"):
        return None
    alike = {_alike(table, config, bucket, file, names) for file in files}
    if len(alike) != 1 or (first := alike.pop()) is None:
        return None
    compression, columns = first
    uris = tuple(bucket.uri(file.key) for file in files)
    size, delimiter = sum(file.size for file in files), config.delimiter or ","
    assert config.format != "parquet"
    header, region = config.header, bucket.region()
    return FilesInPlace(uris, size, columns, config.format, compression, delimiter, header, region)


def _alike(
    table: "TableSpec", config: "Config", bucket: Bucket, file: Object, names: Sequence[str]
) -> tuple[str | None, tuple[str, ...]] | None:
    """Return the compression and the order of the columns, which all files must share, or None to stream them."""
    with bucket.open(file) as stream:
        compression = compression_of(stream)
        line = unpacked(stream, what=f"{table.name}, {bucket.uri(file.key)}").readline(_HEAD)
    text = line.decode("utf-8", errors="replace")
    if compression not in _COMPRESSIONS or text[-1:] != "\n" or text[-2:] == "\r\n" or text.startswith("\ufeff"):
        return None
    columns = _of_csv(config, text[:-1], names) if config.format == "csv" else _of_json(table, text, names)
    return (compression, columns) if columns else None


def _of_csv(config: "Config", line: str, names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the columns in the order of the header, or None for quoted or renamed names or a special dialect."""
    odd = config.model_fields_set & {"quote", "escape", "rename"}
    if odd or not (config.delimiter or ",").isascii():
        return None
    columns = tuple(line.split(config.delimiter or ",")) if config.header else tuple(names)
    return columns if sorted(columns) == sorted(names) else None


def _of_json(table: "TableSpec", line: str, names: Sequence[str]) -> tuple[str, ...] | None:
    """Return all columns if COPY can load them: it matches lower-case names, and silently ignores unknown keys."""
    plain = line.startswith("{") and table.on_new_column == "ignore" and all(name == name.lower() for name in names)
    return tuple(names) if plain else None
