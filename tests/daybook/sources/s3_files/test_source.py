"""Files in S3 as a source: every format and compression, folders per date, and other files that are not read."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from daybook.definitions.table_files import read_table
from daybook.errors import DaybookError, FileRefused, OutsideInterval, ShrinkGuard, SourceError, TableFileError
from daybook.load.extraction.extract import extract
from daybook.load.load import load
from daybook.load.planning.plan import plan
from tests.support.s3_folder import COLUMNS, PACK, WRITE, Folder, parquet
from tests.support.servers.s3 import S3
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.any_warehouse

NAMES = list(COLUMNS)


@pytest.fixture
def folder(warehouse_ends: Endpoints, s3: S3, s3_bucket: str) -> Iterator[Folder]:
    """Yield an empty bucket."""
    folder = Folder(warehouse_ends, s3.client(), s3_bucket)
    warehouse_ends.keys = folder
    yield folder


def rows_of(day: int, *ids: int) -> list[tuple[int, date, str, float]]:
    return [(id, date(2024, 1, day), f"n{id}", id / 8) for id in ids]


def written(format: str, day: int, *ids: int) -> bytes:
    rows: list[Any] = rows_of(day, *ids)
    return WRITE[format](NAMES, rows if format == "parquet" else [(a, str(b), c, d) for a, b, c, d in rows])


@pytest.mark.parametrize("format", WRITE)
def test_a_folder_per_date_in_every_format(folder: Folder, format: str) -> None:
    table = folder.days(format)
    for day, ids in {1: (1, 2), 2: (3,), 3: (4, 5, 6), 10: (7,), 11: (8,)}.items():
        for number in ids:
            folder.put(f"x/dt=2024-01-{day:02}/part-{number}", written(format, day, number))
    assert folder.ends.load(table, "2024-01-01").rows == 2
    assert folder.ends.load(table, "2024-01-02", "2024-01-04").rows == 4
    assert folder.ends.rows(table) == rows_of(1, 1, 2) + rows_of(2, 3) + rows_of(3, 4, 5, 6)
    assert [entry[2] for entry in folder.ends.ledger(table)] == [2, 1, 3]
    before = folder.ends.rows(table)
    folder.ends.load(table, "2024-01-02")
    assert folder.ends.rows(table) == before, "reruns are idempotent"
    assert len(folder.keys()) == 8, "no file is deleted"


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_scattered_days_read_their_own_files_only(folder: Folder, format: str) -> None:
    table, ends = folder.days(format), folder.ends
    for day in (1, 3, 4, 9):
        folder.put(f"x/dt=2024-01-{day:02}/part", written(format, day, day))
    folder.put("x/dt=2024-01-05/part", b"this is no file of any format \xff")
    planned = plan(table, intervals=[date(2024, 1, day) for day in (1, 4, 9)])
    report = load(extract(planned, folder, ends.warehouse, ends.stage), ends.warehouse, ends.stage)
    assert ends.rows(table) == rows_of(1, 1) + rows_of(4, 4) + rows_of(9, 9)
    assert [entry.rows for entry in report.entries] == [1, 1, 1]
    planned = plan(table, intervals=[date(2024, 1, 1), date(2024, 1, 8)])
    with pytest.raises(FileRefused, match="2024-01-08"):
        extract(planned, folder, ends.warehouse, ends.stage)


@pytest.mark.pairwise
@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_every_compression(folder: Folder, format: str, suffix: str) -> None:
    table = folder.table("x/", format)
    folder.put(f"x/one.{format}{suffix}", PACK[suffix](written(format, 1, *range(500))))
    folder.put(f"x/two.{format}{suffix}", PACK[suffix](written(format, 1, 500)) + PACK[suffix](b""))
    assert folder.ends.load(table).rows == 501
    assert folder.ends.rows(table) == rows_of(1, *range(501))


def test_files_of_other_folders_are_not_read(folder: Folder) -> None:
    for place in ("x/a/", "x/ab/", "x/a/deeper/", "x/a.bak/", "y/x/a/"):
        folder.put(place + "f.csv", written("csv", 1, len(place)))
    folder.put("x/ab/f.csv.bak", written("csv", 1, 100))
    folder.put("x/a/_SUCCESS", b"")
    folder.put("x/a/_committed_1", b"{}")
    folder.put("x/a/.f.csv.crc", b"crc")
    folder.put("x/a/empty.csv", b"")
    assert folder.ends.load(folder.table("x/a/")).rows == 1
    assert folder.ends.rows(folder.table("x/a/")) == rows_of(1, 4)
    assert folder.ends.load(folder.table("x/ab/f.csv")).rows == 1
    assert folder.ends.rows(folder.table("x/ab/f.csv")) == rows_of(1, 5)


def test_folders_below_the_path_are_logged(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    folder.put("x/f.csv", written("csv", 1, 1))
    folder.put("x/_temporary/f.csv", written("csv", 1, 2))
    folder.ends.load(folder.table("x/"))
    assert "are not read" not in caplog.text
    folder.put("x/deeper/f.csv", written("csv", 1, 2))
    folder.put("x/f.csv", written("csv", 1, 3))
    folder.ends.load(folder.table("x/"))
    assert "deeper/" in caplog.text and "are not read" in caplog.text


def test_one_file_per_date(folder: Folder) -> None:
    table = folder.table("x/{execution_date}.csv.gz", cursor="day", source={"missing": "empty"})
    for day in (1, 2):
        folder.put(f"x/2024-01-0{day}.csv.gz", PACK[".gz"](written("csv", day, day)))
    folder.put("x/2024-01-01.csv.gz.bak", b"not this")
    assert folder.ends.load(table, "2024-01-01", "2024-01-03").rows == 2
    assert folder.ends.load(table).rows == 2, "a full refresh finds them by their names"
    assert folder.ends.rows(table) == rows_of(1, 1) + rows_of(2, 2)


def test_a_full_refresh_reads_every_date(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    """Also those before the start of the table."""
    table = folder.days(start=date(2024, 1, 2), source={"missing": "empty"})
    for day in (1, 2, 4):
        folder.put(f"x/dt=2024-01-0{day}/f.csv", written("csv", day, day))
    for other in ("x/dt=2024-01-3/", "x/dt=__HIVE_DEFAULT_PARTITION__/", "x/other=2024-01-02/"):
        folder.put(f"{other}f.csv", b"nonsense")
    assert folder.ends.load(table).rows == 3
    assert folder.ends.rows(table) == rows_of(1, 1) + rows_of(2, 2) + rows_of(4, 4)
    assert "2024-01-3, __HIVE_DEFAULT_PARTITION__" in caplog.text and "other" not in caplog.text


def test_a_full_refresh_with_missing_files_is_refused(folder: Folder) -> None:
    folder.put("x/dt=2024-01-01/f.csv", written("csv", 1, 1))
    folder.put("x/dt=2024-01-03/f.csv", written("csv", 3, 3))
    with pytest.raises(FileRefused, match=r"dt=2024-01-02/, .*dt=2024-01-04/.* more, so nothing was loaded"):
        folder.ends.load(folder.days())


def test_no_file_is_owed_before_the_start(folder: Folder) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    for day in ("2024-01-01", "2024-01-05", yesterday.isoformat()):
        folder.put(f"x/dt={day}/_SUCCESS" if day == "2024-01-05" else f"x/dt={day}/f.csv", written("csv", 1, 1))
    table = folder.days(start=yesterday)
    with pytest.raises(OutsideInterval, match=f"dt={yesterday}"):
        folder.ends.load(table)
    folder.delete(f"x/dt={yesterday}/f.csv")
    with pytest.raises(FileRefused, match=f"no file with rows at [^,]*dt={yesterday}/, so"):
        folder.ends.load(table)
    assert folder.ends.load(folder.days(start=yesterday, source={"missing": "empty"})).rows == 1


def test_a_day_without_files(folder: Folder) -> None:
    for day in (1, 3):
        folder.put(f"x/dt=2024-01-0{day}/f.csv", written("csv", day, day))
    folder.put("x/dt=2024-01-02/_SUCCESS", b"")
    table = folder.days()
    folder.ends.load(table, "2024-01-01")
    before = folder.ends.state(table)
    with pytest.raises(FileRefused) as caught:
        folder.ends.load(table, "2024-01-01", "2024-01-04")
    assert all(
        text in str(caught.value) for text in (table.name, "/x/dt=2024-01-02/", "missing: empty", "nothing was loaded")
    )
    assert caught.value.may_be_one_interval, "so that a backfill loads the other days"
    assert folder.ends.state(table) == before
    empty = folder.days(source={"missing": "empty"})
    assert folder.ends.load(empty, "2024-01-01", "2024-01-04").rows == 2
    assert [entry[2] for entry in folder.ends.ledger(empty)] == [1, 1, 0, 1]
    folder.delete("x/dt=2024-01-03/f.csv")
    with pytest.raises(ShrinkGuard):
        folder.ends.load(empty, "2024-01-03")
    assert folder.ends.load(empty, "2024-01-03", allow_shrink=True).rows == 0
    assert folder.ends.rows(empty) == rows_of(1, 1)


def test_an_unchanged_folder_is_not_read_again(folder: Folder) -> None:
    table = folder.table("x/")
    for name in ("a", "b"):
        folder.put(f"x/{name}.csv", written("csv", 1, ord(name)))
    folder.ends.load(table)
    assert folder.ends.load(table).note.startswith("unchanged since")
    assert folder.ends.load(table, full_refresh=True).note == ""
    folder.put("x/c.csv", written("csv", 1, 1))
    assert folder.ends.load(table).rows == 3
    folder.delete("x/a.csv")
    assert folder.ends.load(table).rows == 2
    folder.put("x/b.csv", written("csv", 1, ord("d")))
    assert folder.ends.load(table).rows == 2, "another ETag"
    assert folder.ends.rows(table) == rows_of(1, 1, ord("d"))
    assert [entry[3] for entry in folder.ends.ledger(table)].count("unchanged") == 1


def test_a_row_in_the_folder_of_another_day(folder: Folder) -> None:
    folder.put("x/dt=2024-01-01/f.csv", written("csv", 1, 1))
    folder.put("x/dt=2024-01-02/f.csv", written("csv", 2, 2) + b"3,2024-01-01,moved,0\n")
    table = folder.days()
    folder.ends.load(table, "2024-01-01")
    before = folder.ends.state(table)
    for until in ("2024-01-03", None):
        with pytest.raises(DaybookError) as caught:
            folder.ends.load(table, "2024-01-01" if until else "2024-01-02", until)
        assert type(caught.value).__name__ == "OutsideInterval"
    assert folder.ends.state(table) == before


def test_hours_are_those_of_the_tables_time_zone(folder: Folder) -> None:
    columns = {"id": "int", "at": "timestamptz"}
    table = folder.table(
        "x/{execution_date}/", "jsonl", cursor="at", interval="hour", timezone="Europe/Berlin", columns=columns
    )
    folder.put("x/2024-01-01T13:00/f.jsonl", b'{"id": 1, "at": "2024-01-01T13:59:59.5+01:00"}\n')
    assert folder.ends.load(table, "2024-01-01T13:00").rows == 1
    folder.put("x/2024-01-01T14:00/f.jsonl", b'{"id": 2, "at": "2024-01-01T13:59:59.5+01:00"}\n')
    with pytest.raises(DaybookError, match=r"2024-01-01 12:59:59\.5"):
        folder.ends.load(table, "2024-01-01T14:00")


@pytest.mark.parametrize("type", ["date", "timestamp"])
def test_a_day_without_midnight(folder: Folder, type: str) -> None:
    """In Santiago, 2024-09-08 started at 01:00. A date is its midnight, which the clock did not show."""
    table = folder.table(
        "x/{execution_date}/",
        source={"missing": "empty"},
        cursor="at",
        timezone="America/Santiago",
        start=date(2024, 9, 7),
        columns={"id": "int", "at": type},
    )
    midnight = "" if type == "date" else " 00:00:00"
    for day in (7, 8, 9):
        folder.put(f"x/2024-09-0{day}/f.csv", f"id,at\n{day},2024-09-0{day}{midnight}\n".encode())
    for day in (7, 8, 9, 8, 7):
        assert folder.ends.load(table, f"2024-09-0{day}").rows == 1
    assert [id for (id,) in folder.ends.rows(table, "id")] == [7, 8, 9]
    assert folder.ends.load(table, "2024-09-07", "2024-09-10").rows == 3
    assert folder.ends.load(table).rows == 3
    folder.put("x/2024-09-07/f.csv", f"id,at\n7,2024-09-08{midnight}\n".encode())
    with pytest.raises(OutsideInterval, match="2024-09-07"):
        folder.ends.load(table, "2024-09-07")
    assert [id for (id,) in folder.ends.rows(table, "id")] == [7, 8, 9]


def test_columns_are_read_from_parquet(folder: Folder) -> None:
    moment = datetime(2024, 1, 1, 5, 6, 7, 89)
    first = {"id": [1, 2], "day": [date(2024, 1, 1)] * 2, "text": ["", None], "at": [moment, None]}
    folder.put("x/a.parquet", parquet(first, row_group_size=1))
    folder.put("x/b.parquet", parquet(dict(reversed([*first.items()])) | {"id": [3, 4]}))
    table = folder.table("x/", "parquet", columns=None)
    assert folder.ends.load(table).rows == 4
    assert folder.ends.rows(table, "id, text, at") == [
        (1, "", moment),
        (2, None, None),
        (3, "", moment),
        (4, None, None),
    ]
    assert folder.ends.destination.types(table.name)["id"] == "bigint"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"path": "x/{execution_date}/", "load": "replace"}, "the table has none"),
        ({"path": "x/", "load": "replace_interval"}, "the same for every interval"),
    ],
    ids=["a date without intervals", "intervals without a date"],
)
def test_a_path_that_does_not_fit_the_load(folder: Folder, fields: dict[str, str], error: str) -> None:
    table = folder.table(**fields, cursor="day")
    with pytest.raises(SourceError, match=error):
        folder.ends.extract(table, *([] if table.load == "replace" else ["2024-01-01"]))


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ({"path": "https://bucket/x/"}, "expected s3://bucket/folder/"),
        ({"path": "s3://bucket/*.csv"}, "give a folder"),
        ({"path": "s3://bucket/{date}/"}, "{execution_date} is the only placeholder"),
        ({"format": "jsonl", "delimiter": ";"}, "delimiter: applies only to CSV"),
        ({"format": "parquet", "values": {"nulls": ["-"]}}, "values: does not apply to Parquet"),
        ({"format": "xlsx"}, "'csv', 'jsonl' or 'parquet'"),
    ],
    ids=["not S3", "a star", "another place", "a CSV's dialect", "Parquet's values", "another format"],
)
def test_an_invalid_source_in_a_table_file(tmp_path: Any, source: dict[str, Any], error: str) -> None:
    (tmp_path / "raw").mkdir()
    given = {"kind": "s3", "path": "s3://bucket/x/", "format": "csv", **source}
    text = f"description: x\nowner: x\nload: replace\ncolumns: {{id: int}}\nsource: {given!r}\n".replace("'", '"')
    (tmp_path / "raw" / "t.yaml").write_text(text)
    with pytest.raises(TableFileError) as caught:
        read_table("raw.t", tmp_path)
    assert error in str(caught.value)


@pytest.mark.parametrize("format", WRITE)
def test_a_masked_column_is_never_loaded_in_clear(folder: Folder, format: str) -> None:
    folder.put("x/f", written(format, 1, 1, 2))
    columns = {**COLUMNS, "name": "varchar(64)"}
    table = folder.table("x/", format, columns=columns, mask={"name": "hash", "score": "drop", "day": "null"})
    folder.ends.load(table)
    digest = hashlib.sha256(b"n1").hexdigest()
    assert folder.ends.rows(table)[0] == (1, None, digest)
    assert list(folder.ends.destination.types(table.name)) == ["id", "day", "name"]


@pytest.mark.parametrize("format", WRITE)
def test_on_new_column_ignore_skips_a_new_column(folder: Folder, format: str) -> None:
    folder.put("x/f", written(format, 1, 1, 2))
    columns = {name: type for name, type in COLUMNS.items() if name != "name"}
    with pytest.raises(FileRefused, match="on_new_column: ignore"):
        folder.ends.load(folder.table("x/", format, columns=columns))
    table = folder.table("x/", format, columns=columns, on_new_column="ignore")
    folder.ends.load(table)
    assert folder.ends.rows(table) == [(row[0], row[1], row[3]) for row in rows_of(1, 1, 2)]
