"""Files that Redshift reads directly: a COPY loads the same rows as streaming, or the files are streamed."""

import dataclasses
import logging
from collections.abc import Callable
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import DaybookError, LoadFailed, ValueRefused
from daybook.load.load import load
from daybook.load.transform import transform
from daybook.stage.s3 import S3Stage
from daybook.warehouses.registry import open_warehouse
from tests.support.s3_folder import PACK, Folder
from tests.support.servers.redshift import IAM_ROLE, Redshift
from tests.support.servers.s3 import S3
from tests.support.servers.s3_regions import with_regions
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.any_warehouse

COLUMNS = {"id": "int", "day": "date", "name": "varchar(40)", "score": "double"}
HEADER = "id,day,name,score\n"
HARD = (
    '1,2024-01-01,"a,""b""\nc",0.1\n'
    '2,2024-01-02,\\N,1e300\n3,,"",\n4,2024-01-04,  x  ,-5\n5,2024-01-05,ä😀,\n6,2024-01-06,NULL,12345678.125\n'
)


@pytest.fixture
def folder(warehouse_ends: Endpoints, s3: S3, s3_bucket: str, caplog: pytest.LogCaptureFixture) -> Folder:
    """Return an empty bucket."""
    caplog.set_level(logging.INFO)
    folder = Folder(warehouse_ends, s3.client(), s3_bucket)
    warehouse_ends.keys = folder
    return folder


def table_of(folder: Folder, format: str = "csv", **fields: Any) -> Table:
    return folder.table("x/", format, **{"columns": COLUMNS, **fields})


def in_place(folder: Folder, table: Table, *dates: str) -> bool:
    """Load the table. Return True if the warehouse has read the files directly."""
    extracted = folder.ends.extract(table, *dates, full_refresh=not dates)
    load(transform(extracted, folder.ends.stage), folder.ends.warehouse, folder.ends.stage)
    assert not (extracted.manifest.parts and extracted.manifest.in_place)
    return extracted.manifest.in_place is not None


@pytest.mark.each_value
@pytest.mark.parametrize("suffix", PACK)
def test_loading_in_place_gives_the_same_rows_as_streaming(folder: Folder, suffix: str) -> None:
    folder.put(f"x/a.csv{suffix}", PACK[suffix]((HEADER + HARD).encode()))
    folder.put(f"x/b.csv{suffix}", PACK[suffix]((HEADER + "7,,,\n\n").encode()))
    table = table_of(folder)
    assert in_place(folder, table) == folder.ends.on_redshift
    expected = folder.ends.destination.texts(f"SELECT * FROM {folder.ends.name(table)} ORDER BY 1")
    streamed = table_of(folder, source={"in_place": False})
    assert not in_place(folder, streamed)
    assert folder.ends.destination.texts(f"SELECT * FROM {folder.ends.name(table)} ORDER BY 1") == expected
    assert len(expected) == 7
    assert folder.keys() == {f"x/a.csv{suffix}", f"x/b.csv{suffix}"}, "Daybook does not delete the source's files"
    assert folder.ends.staged_keys() == []


def test_a_day_in_place_is_reloaded_and_emptied(folder: Folder) -> None:
    table = folder.days(columns=COLUMNS, source={"missing": "empty"}, shrink_limit=0)
    for day in (1, 10):
        folder.put(f"x/dt=2024-01-{day:02}/a.csv", f"score,name,day,id\n1.5,a,2024-01-{day:02},{day}\n".encode())
    assert in_place(folder, table, "2024-01-01") == folder.ends.on_redshift
    assert in_place(folder, table, "2024-01-10") == folder.ends.on_redshift
    before = folder.ends.rows(table)
    assert [row[0] for row in before] == [1, 10]
    in_place(folder, table, "2024-01-01")
    assert folder.ends.rows(table) == before
    assert not in_place(folder, table, "2024-01-01", "2024-01-11"), "each row is checked against its own folder"
    assert folder.ends.rows(table) == before
    folder.delete("x/dt=2024-01-01/a.csv")
    assert not in_place(folder, table, "2024-01-01")
    assert folder.ends.rows(table) == before[1:]


def test_json_lines_in_place(folder: Folder) -> None:
    folder.put(
        "x/a.jsonl", b'{"id": 1, "day": "2024-01-01", "name": "", "more": 1}\n{"name": null, "id": 2, "score": 0.1}\n'
    )
    table = table_of(folder, "jsonl", on_new_column="ignore")
    assert in_place(folder, table) == folder.ends.on_redshift
    expected = folder.ends.rows(table)
    assert not in_place(folder, table_of(folder, "jsonl", on_new_column="ignore", source={"in_place": False}))
    assert folder.ends.rows(table) == expected
    assert [row[2:] for row in expected] == [("", None), (None, 0.1)]


STREAMED: dict[str, tuple[bytes, dict[str, Any]]] = {
    "a line that ends with CRLF": ((HEADER + "1,,a,\n").replace("\n", "\r\n").encode(), {}),
    "a byte order mark": ("\ufeff".encode() + (HEADER + "1,,a,\n").encode(), {}),
    "a header in quotes": (b'"id",day,name,score\n1,,a,\n', {}),
    "semicolons that are not declared": ((HEADER + "1,,a,\n").replace(",", ";").encode(), {}),
    "another encoding": ((HEADER + "1,,ä,\n").encode("latin-1"), {"source": {"encoding": "latin-1"}}),
    "another name": (b"no,day,name,score\n1,,a,\n", {"source": {"rename": {"no": "id"}}}),
    "another format of dates": ((HEADER + "1,31.12.2024,a,\n").encode(), {"source": {"values": {"dates": "%d.%m.%Y"}}}),
    "a decimal": ((HEADER + "1,,a,1.50\n").encode(), {"columns": {**COLUMNS, "score": "decimal(5,2)"}}),
    "a timestamp": ((HEADER + "1,2024-01-01 05:00:00,a,\n").encode(), {"columns": {**COLUMNS, "day": "timestamp"}}),
    "a mask": (
        (HEADER + "1,,a,\n").encode(),
        {"columns": {**COLUMNS, "name": "varchar(64)"}, "mask": {"name": "hash"}},
    ),
}


@pytest.mark.each_value
@pytest.mark.parametrize("what", STREAMED)
def test_values_that_a_copy_could_change_are_streamed(folder: Folder, what: str) -> None:
    data, fields = STREAMED[what]
    folder.put("x/a.csv", data)
    table = table_of(folder, **fields)
    assert not in_place(folder, table)
    assert [row[0] for row in folder.ends.rows(table)] == [1]


def test_files_that_differ_are_streamed(folder: Folder) -> None:
    folder.put("x/a.csv", (HEADER + "1,,a,\n").encode())
    folder.put("x/b.csv", b"name,id,day,score\nb,2,,\n")
    table = table_of(folder)
    assert not in_place(folder, table)
    assert [row[::2] for row in folder.ends.rows(table)] == [(1, "a"), (2, "b")]


BAD = {
    "not a number": "x,,a,\n",
    "a field less": "2,,a\n",
    "a field more": "2,,a,,\n",
    "a time in a date": "2,2024-01-01 05:00:00,a,\n",
    "an ambiguous date": "2,01/02/2024,a,\n",
    "an invalid date": "2,2024-02-30,a,\n",
    "a date in short": "2,2024-1-1,a,\n",
    "a number out of range": "2147483648,,a,\n",
    "a text too long": "2,," + "a" * 161 + ",\n",
    "no key": ",,a,\n",
    "a key twice": "1,,a,\n",
    "gzip cut off": "",
}


@pytest.mark.each_value
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_file_in_place_replaces_nothing(folder: Folder, bad: str) -> None:
    table = table_of(folder)
    folder.put("x/a.csv", (HEADER + "1,,a,\n").encode())
    in_place(folder, table)
    before = folder.ends.state(table)
    if bad == "gzip cut off":
        for name in "ab":
            packed = PACK[".gz"](
                (HEADER + f"{ord(name)},,a,\n" + "".join(f"{n},,b{n},\n" for n in range(200, 900))).encode()
            )
            folder.put(f"x/{name}.csv", packed if name == "a" else packed[:-9])
    else:
        folder.put("x/b.csv", (HEADER + BAD[bad]).encode())
    with pytest.raises(DaybookError) as caught:
        folder.ends.load(table)
    assert table.name in str(caught.value), caught.value
    if folder.ends.on_redshift and bad not in ("gzip cut off", "no key", "a key twice", "an invalid date"):
        assert isinstance(caught.value, ValueRefused)
    assert folder.ends.state(table) == before


def test_a_file_that_is_deleted_before_the_warehouse_reads_it(folder: Folder) -> None:
    for name in "ab":
        folder.put(f"x/{name}.csv", (HEADER + f"{ord(name)},,a,\n").encode())
    table = table_of(folder)
    in_place(folder, table)
    before = folder.ends.state(table)
    extracted = folder.ends.extract(table, full_refresh=True)
    folder.delete("x/b.csv")
    if not folder.ends.on_redshift:  # the rows are already staged
        assert load(extracted, folder.ends.warehouse, folder.ends.stage).rows == 2
        return
    with pytest.raises(LoadFailed, match="NoSuchKey"):
        load(extracted, folder.ends.warehouse, folder.ends.stage)
    assert folder.ends.state(table) == before


ON_REDSHIFT = pytest.mark.parametrize("warehouse_ends", ["redshift-s3"], indirect=True)


@ON_REDSHIFT
@pytest.mark.parametrize(("region", "direct"), [("eu-west-1", True), ("us-west-2", False)])
def test_files_in_another_region_than_the_stage_are_streamed(
    warehouse_ends: Endpoints,
    redshift: Redshift,
    redshift_statements: Callable[[], list[str]],
    s3: S3,
    s3_bucket: str,
    region: str,
    direct: bool,
) -> None:
    """A COPY reads its list and its files in one region, which may be another one than the cluster's."""
    regions = {s3.bucket: "eu-west-1", s3_bucket: region}
    estate = {name: {"region": place} for name, place in regions.items()}
    with with_regions(s3, regions) as elsewhere, redshift.estate(region="us-east-1", buckets=estate):
        stage = S3Stage(elsewhere.client(), s3.bucket, str(warehouse_ends.stage).rpartition("/")[2])
        ends = dataclasses.replace(warehouse_ends, stage=stage)
        ends.keys = folder = Folder(ends, elsewhere.client(), s3_bucket)
        folder.put("x/a.csv", (HEADER + "1,2024-01-01,a,0.5\n").encode())
        table = table_of(folder)
        assert in_place(folder, table) is direct
    assert [row[0] for row in ends.rows(table)] == [1]
    copies = [one for one in redshift_statements() if one.startswith("COPY")]
    assert copies and all(one.endswith("REGION 'eu-west-1'") for one in copies)


@ON_REDSHIFT
def test_files_are_streamed_if_copy_has_access_keys(
    warehouse_ends: Endpoints, redshift: Redshift, s3: S3, s3_bucket: str
) -> None:
    """The stage's keys may not read the source's bucket."""
    warehouse = open_warehouse(warehouse_ends.destination.engine, copy_iam_role="access_keys")
    ends = dataclasses.replace(warehouse_ends, warehouse=warehouse)
    ends.keys = folder = Folder(ends, s3.client(), s3_bucket)
    folder.put("x/a.csv", (HEADER + "1,2024-01-01,a,0.5\n").encode())
    readers = {s3.bucket: {"readers": [s3.access_key]}, s3_bucket: {"readers": []}}
    with redshift.estate(buckets=readers):
        assert not in_place(folder, table_of(folder))
    assert [row[0] for row in ends.rows(table_of(folder))] == [1]


@ON_REDSHIFT
def test_a_role_that_may_not_read_the_files(
    warehouse_ends: Endpoints, redshift: Redshift, s3: S3, s3_bucket: str
) -> None:
    ends = warehouse_ends
    ends.keys = folder = Folder(ends, s3.client(), s3_bucket)
    folder.put("x/a.csv", (HEADER + "1,2024-01-01,a,0.5\n").encode())
    with redshift.estate(buckets={s3_bucket: {"readers": []}}), pytest.raises(LoadFailed) as caught:
        in_place(folder, table_of(folder))
    assert f"arn:aws:s3:::{s3_bucket}/*" in str(caught.value) and IAM_ROLE in str(caught.value)
    assert folder.keys() == {"x/a.csv"}
