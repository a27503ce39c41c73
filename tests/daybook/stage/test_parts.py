"""Parts return exactly the rows that were written, or fail."""

import csv
import io
import random
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daybook.errors import StageError
from daybook.stage.base import Stage, new_prefix
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.stage.folder import FolderStage
from daybook.stage.manifest import Manifest, Part
from daybook.stage.parts import IN_FLIGHT, PartsReader, read_manifest, read_parts, remove, write_parts
from tests.support.csv_rows import chunk, csv_row, staged

HARD_TEXT = st.text(st.sampled_from('a"\n\r,\\ é表😀') | st.characters(exclude_characters="\0", codec="utf-8"))
ROWS = st.lists(st.tuples(st.none() | HARD_TEXT, st.none() | HARD_TEXT), min_size=1, max_size=20)


def noise(number: int, size: int) -> bytes:
    """Return a row, different for each number, that compresses to half of its size."""
    return b'"%d","%s"\n' % (number, random.Random(number).randbytes(size // 2).hex().encode())


def read(stage: Stage, manifest: Manifest) -> bytes:
    return b"".join(read_parts(stage, manifest))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=settings().max_examples // 3)
@given(chunks=st.lists(ROWS), part_bytes=st.sampled_from([1, 100, 300, 2**20]))
def test_rows_come_back_from_parts_of_whole_rows(stage: Stage, chunks: list[list], part_bytes: int) -> None:
    manifest = staged(stage, *(chunk(*rows) for rows in chunks), part_bytes=part_bytes)

    assert read(stage, manifest) == b"".join(csv_row(row) for rows in chunks for row in rows)
    assert manifest.rows == sum(len(rows) for rows in chunks)
    for part in manifest.parts:
        alone = read(stage, replace(manifest, parts=(part,)))
        # newline="\n" keeps carriage returns, and the csv module needs lines that end with "\n" alone.
        assert part.rows == len(list(csv.reader(io.TextIOWrapper(io.BytesIO(alone), "utf-8", newline="\n"))))
        assert part.rows == 1 or part.bytes <= part_bytes
        assert (part.raw_bytes, part.bytes) == (len(alone), len(stage.get(part.key)))


@pytest.mark.parametrize(
    "rows",
    [
        [noise(number, 3_000) for number in range(2_000)],
        [csv_row([str(number), "same " * 600]) for number in range(2_000)],
        [csv_row([str(number), '"\n' * 1_000]) for number in range(2_000)],
    ],
    ids=["noise", "repetition", "quotes and newlines"],
)
def test_parts_are_bounded_and_well_filled(tmp_path: Path, rows: list[bytes]) -> None:
    bound = 2**20
    in_one_chunk = staged(FolderStage(tmp_path), Chunk(b"".join(rows), len(rows)), part_bytes=bound)
    row_by_row = staged(FolderStage(tmp_path), *(Chunk(row, 1) for row in rows), part_bytes=bound)
    for manifest in in_one_chunk, row_by_row:
        assert read(FolderStage(tmp_path), manifest) == b"".join(rows)
        assert manifest.rows == len(rows)
        assert all(part.bytes <= bound for part in manifest.parts)
        assert len(manifest.parts) <= 2 * manifest.bytes // bound + 1


def test_a_row_that_is_larger_than_a_part_is_a_part_of_its_own(stage: Stage) -> None:
    small, huge = chunk(["1", "x"], ["2", "y"]), Chunk(noise(1, 50_000), 1)
    manifest = staged(stage, small, huge, small, part_bytes=10_000)
    assert [part.rows for part in manifest.parts] == [2, 1, 2]
    assert read(stage, manifest) == small.data + huge.data + small.data


def test_without_rows_there_is_a_manifest_without_parts(stage: Stage) -> None:
    manifest = staged(stage, Chunk(b"", 0))
    assert (manifest.parts, manifest.rows, manifest.bytes, manifest.raw_bytes) == ((), 0, 0, 0)
    assert read_manifest(stage, manifest.prefix) == manifest
    assert read(stage, manifest) == b""


def test_the_manifest_describes_what_was_written(stage: Stage) -> None:
    prefix, seen = new_prefix("raw_data.nps", "run"), []
    format = CsvFormat(null="\x01null", bytes_prefix="", empty_bytes="00ff")
    written = write_parts(
        stage, prefix, [chunk(["1", "é"]), chunk(["2", "x"])],
        table="raw_data.nps", columns=["id", "Straße"], format=format, part_bytes=1, on_progress=seen.append,
    )  # fmt: skip
    assert read_manifest(stage, prefix) == written
    assert (written.table, written.prefix, written.columns, written.format) == (
        "raw_data.nps", prefix, ("id", "Straße"), format,
    )  # fmt: skip
    assert [part.key for part in written.parts] == [f"{prefix}/part-0000{n}.csv.zst" for n in (1, 2)]
    assert tuple(seen) == written.parts
    assert (written.rows, written.raw_bytes) == (2, 16 + 1)
    assert written.bytes == sum(len(stage.get(part.key)) for part in written.parts)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"table": "t"', '{"parts": [{"key": "k"}], "format": {}}', "\x00"])
def test_a_damaged_manifest_is_refused(stage: Stage, text: str) -> None:
    stage.put("run/manifest.json", text.encode())
    with pytest.raises(StageError, match=r"manifest is damaged .*Run the load again"):
        read_manifest(stage, "run")


def test_other_zstd_tools_can_read_parts(stage: Stage) -> None:
    manifest = staged(stage, chunk(["1", "x"]))
    frame = stage.get(manifest.parts[0].key)
    assert zstandard.decompress(frame, max_output_size=100) == b'"1","x"\n'


def flip_a_bit(stage: Stage, first: Part, second: Part) -> None:
    data = bytearray(stage.get(second.key))
    data[len(data) // 2] ^= 1
    stage.put(second.key, bytes(data))


def truncate(stage: Stage, first: Part, second: Part) -> None:
    stage.put(second.key, stage.get(second.key)[:-1])


def empty(stage: Stage, first: Part, second: Part) -> None:
    stage.put(second.key, b"")


def extend(stage: Stage, first: Part, second: Part) -> None:
    stage.put(second.key, stage.get(second.key) + b"\n")


def swap(stage: Stage, first: Part, second: Part) -> None:
    stage.put(second.key, stage.get(first.key))


def lose(stage: Stage, first: Part, second: Part) -> None:
    stage.delete(second.key)


@pytest.mark.parametrize("damage", [flip_a_bit, truncate, empty, extend, swap, lose])
def test_a_damaged_part_is_refused_before_its_first_row(
    stage: Stage, damage: Callable[[Stage, Part, Part], None]
) -> None:
    first, second = chunk(["1", "x"]), chunk(["2", "y"])
    manifest = staged(stage, first, second, part_bytes=1)
    damage(stage, *manifest.parts)
    blocks = read_parts(stage, manifest)
    assert next(blocks) == first.data
    with pytest.raises(StageError, match="part-00002") as refused:
        next(blocks)
    assert "Run the load again" in str(refused.value)


def test_a_part_of_another_size_than_in_the_manifest_is_refused(stage: Stage) -> None:
    manifest = staged(stage, chunk(["1", "x"]))
    (part,) = manifest.parts
    with pytest.raises(StageError, match=r"part-00001.* is damaged: found 8 bytes of CSV, expected 9"):
        read(stage, replace(manifest, parts=(replace(part, raw_bytes=9),)))


def test_the_reader_is_a_file_with_the_rows(stage: Stage) -> None:
    rows = [chunk([str(number), "x" * 1_000]) for number in range(500)]
    manifest = staged(stage, *rows, part_bytes=10_000)
    assert len(manifest.parts) > 3
    whole = b"".join(row.data for row in rows)
    for size in (1_000, 8_192, 10**9):
        with PartsReader(stage, manifest) as reader:
            assert b"".join(iter(lambda: reader.read(size), b"")) == whole  # noqa: B023
            assert reader.error is None


def test_the_reader_keeps_its_error(stage: Stage) -> None:
    manifest = staged(stage, chunk(["1", "x"]))
    lose(stage, *manifest.parts * 2)
    with PartsReader(stage, manifest) as reader:
        with pytest.raises(StageError) as raised:
            reader.read(10)
        assert reader.error is raised.value


def test_the_reader_keeps_a_signal_that_arrives_while_it_reads(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver would report it as a refused row."""
    signal = KeyboardInterrupt()

    def interrupted(*_: object) -> Iterator[bytes]:
        yield b"1,"
        raise signal

    monkeypatch.setattr("daybook.stage.parts.read_parts", interrupted)
    with PartsReader(stage, staged(stage, chunk(["1", "x"]))) as reader:
        assert reader.read(10) == b"1,"
        with pytest.raises(KeyboardInterrupt):
            reader.read(10)
        assert reader.error is signal


def test_after_the_commit_nothing_is_left(stage: Stage) -> None:
    manifest = staged(stage, chunk(["1", "x"]), chunk(["2", "y"]), part_bytes=1)
    stage.delete(manifest.parts[0].key)
    assert remove(stage, manifest) == []
    assert remove(stage, manifest) == []
    for key in (manifest.key, manifest.parts[1].key):
        with pytest.raises(StageError, match="exist"):
            stage.get(key)


def test_parts_are_uploaded_concurrently(tmp_path: Path) -> None:
    class WaitsForCompany(FolderStage):
        company = threading.Barrier(2, timeout=60)

        def put(self, key: str, data: bytes) -> None:
            if "part-" in key:
                self.company.wait()
            super().put(key, data)

    manifest = staged(WaitsForCompany(tmp_path), *[chunk(["1", "x"])] * 6, part_bytes=1)
    assert len(manifest.parts) == 6


def test_memory_does_not_grow_with_the_rows(stage: Stage) -> None:
    part_bytes, rows = 2**20, 256

    def chunks() -> Iterator[Chunk]:
        for number in range(rows):
            yield Chunk(noise(number, 256 * 2**10), 1)

    stage.put("warm/up", b"so that the client's own memory is not measured")
    tracemalloc.start()
    manifest = write_parts(
        stage, "run", chunks(), table="t", columns=["id", "x"], format=CsvFormat(), part_bytes=part_bytes
    )
    _, writing = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    size = sum(len(block) for block in read_parts(stage, manifest))
    _, reading = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == manifest.raw_bytes > 64 * part_bytes
    assert len(manifest.parts) > 5 * IN_FLIGHT, (writing, reading)
    # On S3, botocore makes one more copy of a part, with its headers.
    assert writing < 2.5 * IN_FLIGHT * part_bytes
    assert reading < 6 * part_bytes
