"""Bad files in S3: each is refused by its name, and the table stays unchanged."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import boto3
import pyarrow
import pytest
from botocore.config import Config

from daybook.errors import DaybookError, FileRefused, SourceError, SourceLost, ValueRefused
from tests.support.s3_folder import PACK, Folder, parquet
from tests.support.servers.gate import gate
from tests.support.servers.s3 import S3
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.any_warehouse

COLUMNS = {"id": "int", "day": "date", "name": "varchar(4)", "score": "decimal(5,2)", "doc": "json"}
DAY = date(2024, 1, 1)
LINE = b'{"id": 1, "day": "2024-01-01", "name": "a", "score": 1.50, "doc": {"a": 1.10}}\n'
HEADER, ROW = b"id,day,name,score,doc\n", b'1,2024-01-01,a,1.50,"{""a"": 1.10}"\n'
GOOD: dict[str, Any] = {"id": [1], "day": [DAY], "name": ["a"], "score": [Decimal("1.50")], "doc": ["{}"]}


@pytest.fixture
def folder(warehouse_ends: Endpoints, s3: S3, s3_bucket: str) -> Folder:
    """Return an empty bucket."""
    folder = Folder(warehouse_ends, s3.client(), s3_bucket)
    warehouse_ends.keys = folder
    return folder


def csv(*lines: bytes) -> bytes:
    return b"".join((HEADER, *lines))


def with_columns(**columns: Any) -> bytes:
    return parquet({**GOOD, **columns})


BAD: dict[str, tuple[str, bytes, list[str]]] = {
    "csv: another header": ("csv", b"id,day,nmae,score,doc\n" + ROW, ["nmae", "rename"]),
    "csv: a column less": ("csv", b"id,day,name,score\n1,2024-01-01,a,1\n", ["lacks doc"]),
    "csv: a field less": ("csv", csv(ROW, b"2,2024-01-01,b,1\n"), ["line 3", "4 fields"]),
    "csv: a quote that is not closed": ("csv", csv(b'1,2024-01-01,"a,1,\n'), ["line 2"]),
    "csv: a page with status 200": ("csv", b"<html><body>Moved</body></html>", ["page"]),
    "csv: not UTF-8": ("csv", csv("1,2024-01-01,ä,1,\n".encode("latin-1")), ["not utf-8"]),
    "csv: gzip cut off": ("csv", PACK[".gz"](csv(ROW * 100))[:-9], ["cut off"]),
    "csv: zstd cut off": ("csv", PACK[".zst"](csv(ROW * 100))[:-9], ["cut off"]),
    "csv: bzip2 damaged": ("csv", PACK[".bz2"](csv(ROW * 100))[:20] + bytes(99), ["bzip2"]),
    "csv: not a number": ("csv", csv(b"x,2024-01-01,a,1,\n"), ["line 2", "column id", "not an integer"]),
    "csv: an ambiguous date": ("csv", csv(b"1,01/02/2024,a,1,\n"), ["column day", "values:"]),
    "csv: a text too long": ("csv", csv(b"1,2024-01-01,aaaaa,1,\n"), ["column name", "only 4 fit"]),
    "csv: too many digits": ("csv", csv(b"1,2024-01-01,a,1.005,\n"), ["column score", "2 digits"]),
    "jsonl: cut off": ("jsonl", LINE + LINE[:30], ["line 2", "no", "JSON"]),
    "jsonl: gzip cut off": ("jsonl", PACK[".gz"](LINE * 100)[:-9], ["cut off"]),
    "jsonl: a list": ("jsonl", LINE + b"[1, 2]\n", ["line 2", "it is not an object"]),
    "jsonl: two on a line": ("jsonl", LINE.strip() + LINE, ["line 1", "Extra data"]),
    "jsonl: one over many lines": ("jsonl", b'{\n"id": 1\n}\n', ["line 1"]),
    "jsonl: a key twice": ("jsonl", b'{"id": 1, "id": 2}\n', ["line 1", "'id' twice"]),
    "jsonl: an unknown key": ("jsonl", b'{"id": 1, "nam": 2}\n', ["'nam'", "did you mean 'name'"]),
    "jsonl: NaN": ("jsonl", b'{"id": 1, "score": NaN}\n', ["NaN"]),
    "jsonl: an object in a number": ("jsonl", b'{"id": 1, "score": {"a": 1}}\n', ["line 1", "score", "json"]),
    "jsonl: true in a number": ("jsonl", b'{"id": true}\n', ["column id", "'true'"]),
    "jsonl: half a character": ("jsonl", b'{"id": 1, "name": "\\ud800"}\n', ["line 1", "not UTF-8"]),
    "jsonl: no UTF-8": ("jsonl", '{"id": 1, "name": "ä"}\n'.encode("latin-1"), ["line 1", "not UTF-8"]),
    "jsonl: a NUL": ("jsonl", b'{"id": 1, "name": "\\u0000"}\n', ["column name", "NUL"]),
    "jsonl: out of range": ("jsonl", b'{"id": 2147483648}\n', ["column id", "range"]),
    "jsonl: too many digits": ("jsonl", b'{"id": 1, "score": 1.005}\n', ["row id='1'", "column score", "2 digits"]),
    "jsonl: nested too deep": ("jsonl", b'{"id": 1, "doc": ' + b"[" * 99999 + b"}\n", ["line 1"]),
    "parquet: cut off": ("parquet", parquet(GOOD)[:-9], ["Parquet"]),
    "parquet: a CSV": ("parquet", csv(ROW), ["Parquet"]),
    "parquet: damaged within": ("parquet", b"PAR1" + bytes(60) + parquet(GOOD)[64:], ["Replace the file, or"]),
    "parquet: a column less": ("parquet", parquet({"id": [1]}), ["no column 'day'"]),
    "parquet: a column more": ("parquet", with_columns(more=[1]), ["'more'", "on_new_column"]),
    "parquet: a double in a decimal": ("parquet", with_columns(score=[1.5]), ["'score' is double", "decimal(5, 2)"]),
    "parquet: a moment in a date": (
        "parquet",
        with_columns(day=[datetime(2024, 1, 1, 5)]),
        ["'day' is timestamp", "date"],
    ),
    "parquet: a scale too large": ("parquet", with_columns(score=[Decimal("1.005")]), ["decimal(4, 3)"]),
    "parquet: a type without a name": (
        "parquet",
        with_columns(id=pyarrow.array([1], pyarrow.duration("s"))),
        ["'id'", "duration[s]"],
    ),
    "parquet: out of range": ("parquet", with_columns(id=[2**31]), ["row 1", "column id", "range"]),
    "parquet: a text too long": ("parquet", with_columns(name=["aaaaa"]), ["row 1", "row id='1'", "column name"]),
}


@pytest.mark.each_value
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_file_replaces_nothing(folder: Folder, bad: str) -> None:
    format, data, parts = BAD[bad]
    table = folder.table("x/", format, columns=COLUMNS)
    folder.put("x/1", {"csv": csv(ROW), "jsonl": LINE, "parquet": parquet(GOOD)}[format])
    assert folder.ends.load(table).rows == 1
    before = folder.ends.state(table)
    folder.put("x/2", data)
    with pytest.raises((FileRefused, ValueRefused)) as caught:
        folder.ends.load(table)
    message = str(caught.value)
    assert table.name in message and f"s3://{folder.bucket}/x/2" in message, message
    for text in parts:
        assert text in message, message
    assert folder.ends.state(table) == before


def test_values_keep_their_text(folder: Folder) -> None:
    columns = {"id": "bigint", "name": "varchar(20)", "score": "decimal(38,20)", "doc": "json"}
    table = folder.table("x/", "jsonl", columns=columns)
    lines = [
        '{"id": 9223372036854775807, "name": "", "score": 0.10000000000000000001, "doc": {"n": 1.10, "b": [true]}}',
        '{"id": "2", "name": "\\u00e4\\ud83d\\ude00", "score": 1e-3, "doc": "text"}',
        "",
        '{"id": 3}',
    ]
    folder.put("x/a.jsonl", "\ufeff".encode() + "\r\n".join(lines).encode())
    folder.ends.load(table)
    found = {row[0]: row[1:] for row in folder.ends.destination.texts(f"SELECT * FROM {folder.ends.name(table)}")}
    assert found["9223372036854775807"] == ("", "0.10000000000000000001", '{"n": 1.10, "b": [true]}')
    assert found["2"] == ("ä😀", "0.00100000000000000000", '"text"')
    assert found["3"] == (None, None, None)


@dataclass
class Other:
    """The credentials of another account, or wrong ones."""

    client: Any

    def s3(self, name: str) -> Any:
        return self.client


def other(s3: S3, **changes: Any) -> Any:
    given = {
        "endpoint_url": s3.endpoint,
        "aws_access_key_id": s3.access_key,
        "aws_secret_access_key": s3.secret_key,
        "region_name": s3.region,
        "config": Config(retries={"max_attempts": 1}, connect_timeout=2, read_timeout=2),
    }
    return boto3.client("s3", **{**given, **changes})


@pytest.mark.parametrize(
    ("change", "kind", "error"),
    [
        ({"aws_secret_access_key": "wrong"}, SourceError, "block 'aws'"),
        ({"endpoint_url": "http://user:secret@127.0.0.1:9"}, SourceLost, "endpoint"),
        ({}, SourceError, "The bucket does not exist"),
    ],
    ids=["another's key", "no server", "no such bucket"],
)
def test_a_bucket_that_cannot_be_read(
    folder: Folder, s3: S3, change: dict[str, str], kind: type[DaybookError], error: str
) -> None:
    table = folder.table("x/")
    folder.put("x/a.csv", b"id,day,name,score\n")
    if not change:
        table = folder.ends.table(
            source={"kind": "s3", "path": "s3://no-such-bucket/x/", "format": "csv"}, columns=COLUMNS
        )
    folder.ends.keys = Other(other(s3, **change))  # type: ignore[assignment]
    with pytest.raises(kind) as caught:
        folder.ends.load(table)
    assert type(caught.value) is kind
    assert error in str(caught.value) and table.name in str(caught.value)
    assert "secret" not in str(caught.value).replace("secret key", "") and "wrong" not in str(caught.value)


@pytest.mark.parametrize("what", ["changed", "removed"])
def test_a_file_that_is_changed_between_listing_and_reading(folder: Folder, s3: S3, what: str) -> None:
    table = folder.table("x/", columns=COLUMNS)
    for name in "ab":
        folder.put(f"x/{name}.csv", csv(ROW.replace(b"1,", b"%d," % ord(name), 1)))
    folder.ends.load(table)
    before = folder.ends.state(table)

    def interfere(**_: Any) -> None:
        if what == "changed":
            folder.put("x/b.csv", csv(b"5,2024-01-01,,,\n"))
        else:
            folder.delete("x/b.csv")

    client = other(s3)
    client.meta.events.register("before-call.s3.GetObject", interfere)
    folder.ends.keys = Other(client)  # type: ignore[assignment]
    with pytest.raises(FileRefused, match=r"x/b\.csv: the file was changed or deleted during the run"):
        folder.ends.load(table, full_refresh=True)
    assert folder.ends.state(table) == before


def test_reading_continues_after_a_broken_connection(folder: Folder, s3: S3) -> None:
    rows = b"".join(ROW.replace(b"1,", b"%d," % number, 1) for number in range(100_000))
    folder.put("x/a.csv", csv(rows))
    host, _, port = s3.endpoint.removeprefix("http://").partition(":")
    with gate(host, int(port)) as between:
        folder.ends.keys = Other(other(s3, endpoint_url=f"http://127.0.0.1:{between.port}"))  # type: ignore[assignment]
        between.hold(bytes=2_000_000, hang_up=True)
        assert folder.ends.load(folder.table("x/", columns=COLUMNS)).rows == 100_000
        assert between.reached.is_set()
