"""Write the rows of a run as compressed parts on a stage, read them, find one row, and delete them."""

import hashlib
import io
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import zstandard

from daybook.errors import StageError
from daybook.stage.base import Stage
from daybook.stage.cleanup import discard
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.stage.csv_records import records, refuse_nul
from daybook.stage.filling import filled
from daybook.stage.manifest import FilesInPlace, Manifest, Part, manifest_key

PART_BYTES = 8 * 2**20
IN_FLIGHT = 4  # parts in memory at once: the uploads, and the part that is being filled
BLOCK = 2**20  # bytes of CSV per read


def write_parts(
    stage: Stage,
    prefix: str,
    chunks: Iterable[Chunk],
    *,
    table: str,
    columns: Sequence[str],
    format: CsvFormat,
    key: Sequence[str] = (),
    in_place: FilesInPlace | None = None,
    part_bytes: int = PART_BYTES,
    slices: int | None = None,
    on_progress: Callable[[Part], None] | None = None,
) -> Manifest:
    """Compress rows into parts below `prefix` as they arrive, then write the manifest.

    After an error, including one that `chunks` raises, the written parts remain, without a manifest. A note on the
    error names their prefix.

    Args:
        chunks: chunks of whole rows.
        columns: the columns in the order of the CSV.
        key: the columns that identify a row, for errors.
        in_place: files that the warehouse reads directly. They are only recorded in the manifest.
        part_bytes: the maximum size of a compressed part. Only a part of one large row exceeds it.
        slices: the number of parts that the warehouse loads at a time, or None if their number does not matter.
        on_progress: called in this thread with every part that is on the stage.

    Returns:
        The manifest. It has no parts if there are no rows.

    Raises:
        StageError: the stage fails.
        ValueRefused: a row contains a NUL byte.
    """
    parts: list[Part] = []
    uploads: deque[Future[Part]] = deque()

    def finish_oldest_upload() -> None:
        parts.append(uploads.popleft().result())
        if on_progress:
            on_progress(parts[-1])

    try:
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="stage") as pool:
            for data, rows, raw_bytes in filled(_checked(chunks, table, columns, key), part_bytes, slices):
                part_key = f"{prefix}/part-{len(parts) + len(uploads) + 1:05}.csv.zst"
                uploads.append(pool.submit(_put_part, stage, part_key, data, rows, raw_bytes))
                del data  # otherwise this thread keeps it in memory while it fills the next part
                if len(uploads) == IN_FLIGHT:
                    finish_oldest_upload()
            while uploads:
                finish_oldest_upload()
        manifest = Manifest(table, prefix, tuple(columns), format, tuple(parts), in_place)
        stage.put(manifest.key, manifest.to_json().encode())
        return manifest
    except BaseException as error:
        error.add_note(f"The staged parts of {table} remain, without a manifest, at {stage.uri(prefix)}/")
        raise


def _checked(chunks: Iterable[Chunk], table: str, columns: Sequence[str], key: Sequence[str]) -> Iterator[Chunk]:
    rows_before = 0
    for chunk in chunks:
        if chunk.data:
            refuse_nul(chunk, rows_before, table, columns, key)
            rows_before += chunk.rows
            yield chunk


def _put_part(stage: Stage, key: str, data: bytes, rows: int, raw_bytes: int) -> Part:
    stage.put(key, data)
    return Part(key, rows, raw_bytes, len(data), hashlib.sha256(data).hexdigest())


def read_manifest(stage: Stage, prefix: str) -> Manifest:
    """Read the manifest below `prefix`. Raise StageError if it does not exist: then the run did not finish."""
    return Manifest.from_json(stage.get(manifest_key(prefix)).decode("utf-8", errors="replace"))


def read_parts(stage: Stage, manifest: Manifest) -> Generator[bytes, None, None]:
    """Yield the CSV of all parts in order, in blocks of at most 1 MiB, and fetch the next part in the background.

    Each part is verified against the manifest before its first row is yielded.

    Raises:
        StageError: a part is missing or damaged. The message names it.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="stage") as pool:
        following = [pool.submit(_get_part, stage, part) for part in manifest.parts[:1]]
        for number, part in enumerate(manifest.parts, start=1):
            data = following.pop().result()
            following = [pool.submit(_get_part, stage, part) for part in manifest.parts[number : number + 1]]
            reader = zstandard.ZstdDecompressor().stream_reader(data)
            raw_bytes = 0
            while block := reader.read(BLOCK):
                raw_bytes += len(block)
                yield block
            if raw_bytes != part.raw_bytes:
                raise _damaged(stage, part, f"found {raw_bytes} bytes of CSV, expected {part.raw_bytes}")


def _get_part(stage: Stage, part: Part) -> bytes:
    data = stage.get(part.key)
    if len(data) != part.bytes:
        found = f"found {len(data)} bytes, expected {part.bytes}"
    elif hashlib.sha256(data).hexdigest() != part.sha256:
        found = f"its bytes have changed since they were written (expected SHA-256 {part.sha256})"
    else:
        return data
    raise _damaged(stage, part, found)


def _damaged(stage: Stage, part: Part, found: str) -> StageError:
    return StageError(f"{stage.uri(part.key)} is damaged: {found}. Run the load again.")


class PartsReader(io.RawIOBase):
    """The CSV of all parts as a readable file, for psycopg2's `copy_expert`.

    psycopg2 turns an error inside `read` into a QueryCanceled without a cause. `error` keeps the StageError, or the
    exception of a signal (the end of the run) that arrived there.
    """

    def __init__(self, stage: Stage, manifest: Manifest) -> None:
        self._blocks = read_parts(stage, manifest)
        self._rest = memoryview(b"")
        self.error: BaseException | None = None

    def close(self) -> None:
        self._blocks.close()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            if not self._rest:
                self._rest = memoryview(next(self._blocks, b""))
            size = min(len(buffer), len(self._rest))
            buffer[:size] = self._rest[:size]
            self._rest = self._rest[size:]
            return size
        except BaseException as error:
            self.error = error
            raise


def find_row(stage: Stage, manifest: Manifest, line: int, part: str | None = None) -> list[str]:
    """Return the fields of the record at `line`, counted from 1 as a warehouse counts. An empty NULL field is "".

    Without `part`, lines are counted over all parts, as PostgreSQL does in one COPY. It counts newlines, but in the
    first record it counts carriage returns inside quotes instead: CopyReadLineText in copyfromparse.c only detects the
    line ending at the end of the first record. With the key of a part, as in Redshift's load errors, the newlines of
    that part are counted.

    Raises:
        StageError: a part is missing or damaged, or has no such line.
    """
    parts = tuple(staged for staged in manifest.parts if part in (None, staged.key))
    with PartsReader(stage, replace(manifest, parts=parts)) as reader:
        lines = io.TextIOWrapper(io.BufferedReader(reader), encoding="utf-8", errors="replace", newline="\n")
        shift = 0 if part else None
        for last_line, record in records(lines):
            if shift is None:
                shift = 1 + sum(field.count("\r") for field in record) - last_line
            if last_line + shift >= line:
                return record
    raise StageError(f"{stage.uri(part or manifest.prefix)} has no line {line}.")


def remove(stage: Stage, manifest: Manifest) -> list[str]:
    """Delete the parts and the manifest after the commit. Return the addresses of objects that could not be deleted.

    It never raises a StageError: the load is committed, and objects that remain only take up space. They are logged as
    warnings.
    """
    # Delete the manifest first, so that a partly deleted prefix is incomplete.
    keys = [manifest.key, manifest.copy_key, *(part.key for part in manifest.parts)]
    return discard(stage, keys, "The load is committed")
