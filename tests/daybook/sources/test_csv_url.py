"""A CSV at a URL: full loads, retries of a server that fails temporarily, and unchanged files."""

import gzip
import hashlib
import tracemalloc
from email.utils import formatdate
from pathlib import Path
from time import time

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from daybook.definitions.table import Table
from daybook.errors import ShrinkGuard, SourceError
from daybook.project import tables_folder
from daybook.sources.csv_url.download import ATTEMPTS
from daybook.sources.text.value_formats import ValueFormats
from tests.support.servers.web import Answer, Web
from tests.support.source_and_warehouse import Endpoints
from tests.support.web_files import GOOD, ROWS, loaded, table

pytestmark = pytest.mark.any_warehouse

LONG_AGO = "Fri, 05 Feb 2021 10:00:00 GMT"
MORE = GOOD + b"Ann,f\n"

GOOD_ANSWERS = {
    "with its length": Answer(GOOD),
    "in chunks": Answer(GOOD, chunked=True),
    "without a length": Answer(GOOD, tells_length=False),
    "as plain text": Answer(GOOD, headers={"Content-Type": "text/plain; charset=utf-8"}),
    "without a type": Answer(GOOD, headers={"Content-Type": "application/octet-stream"}),
    "a .gz": Answer(gzip.compress(GOOD), headers={"Content-Type": "application/gzip"}),
    "Content-Encoding gzip": Answer(gzip.compress(GOOD), headers={"Content-Encoding": "gzip"}),
    "a .gz in Content-Encoding gzip": Answer(gzip.compress(gzip.compress(GOOD)), headers={"Content-Encoding": "gzip"}),
    "in the charset of its type": Answer(
        GOOD.decode().encode("cp1252"), headers={"Content-Type": "text/csv; charset=cp1252"}
    ),
    "with semicolons and a mark": Answer(b"\xef\xbb\xbf" + GOOD.replace(b",", b";").replace(b"\n", b"\r\n")),
}


@pytest.mark.parametrize("answer", GOOD_ANSWERS.values(), ids=GOOD_ANSWERS)
def test_a_file_is_loaded(warehouse_ends: Endpoints, web: Web, answer: Answer) -> None:
    web.offers(answer)
    made = table(warehouse_ends, web.url())
    report = warehouse_ends.load(made)
    assert warehouse_ends.rows(made) == ROWS
    assert (report.rows, [entry[2:] for entry in warehouse_ends.ledger(made)]) == (3, [(3, "replace")])
    assert len(web.asked) == 1 and not warehouse_ends.staged_keys()


def test_values_arrive_as_their_types(warehouse_ends: Endpoints, web: Web) -> None:
    web.offers("Tag;Betrag;gültig;Wort\n05.02.2021;1.234,50;yes;a;b\n".replace("a;b", '"a;""b"""').encode("cp1252"))
    columns = {"day": "date", "amount": "decimal(9,2)", "valid": "boolean", "word": "varchar(20)"}
    rename = {"Tag": "day", "Betrag": "amount", "gültig": "valid", "Wort": "word"}
    values = {"dates": "%d.%m.%Y", "decimal_point": ",", "thousands": "."}
    made = table(warehouse_ends, web.url(), columns, encoding="cp1252", rename=rename, values=values)
    warehouse_ends.load(made)
    assert warehouse_ends.destination.texts(f"SELECT * FROM {warehouse_ends.name(made)}") in (
        [("2021-02-05", "1234.50", "t", 'a;"b"')],
        [("2021-02-05", "1234.50", "True", 'a;"b"')],
    )


UNCHANGED = {
    "an ETag": ({"ETag": '"1"'}, "If-None-Match"),
    "a weak ETag": ({"ETag": 'W/"1"'}, "If-None-Match"),
    "Last-Modified": ({"Last-Modified": LONG_AGO}, "If-Modified-Since"),
    "both": ({"ETag": '"1"', "Last-Modified": LONG_AGO}, "If-None-Match"),
    "nothing but its bytes": ({}, None),
    "a Last-Modified of just now": ({"Last-Modified": ""}, None),
    "an ETag that is too long": ({"ETag": f'"{"x" * 2000}"'}, None),
}


@pytest.mark.parametrize("headers, condition", UNCHANGED.values(), ids=UNCHANGED)
def test_an_unchanged_file_is_not_loaded_again(
    warehouse_ends: Endpoints, web: Web, headers: dict[str, str], condition: str | None
) -> None:
    now = {name: formatdate(time(), usegmt=True) for name, text in headers.items() if not text}
    web.offers(Answer(GOOD, headers={**headers, **now}))
    made = table(warehouse_ends, web.url())
    warehouse_ends.load(made)
    report = warehouse_ends.load(made)
    warehouse_ends.load(made)
    assert report.note.startswith("unchanged since")
    assert [entry[2:] for entry in warehouse_ends.ledger(made)] == [(3, "replace"), (3, "unchanged"), (3, "unchanged")]
    assert warehouse_ends.rows(made) == ROWS and len(web.asked) == 3, "one request a run"
    conditions = [name for name in web.asked[-1].headers if name.startswith("If-")]
    assert conditions == ([condition] if condition else [])


@pytest.mark.parametrize("headers", [{"ETag": '"2"'}, {"Last-Modified": "Sat, 06 Feb 2021 10:00:00 GMT"}, {}], ids=str)
def test_a_changed_file_is_loaded(warehouse_ends: Endpoints, web: Web, headers: dict[str, str]) -> None:
    web.offers(Answer(GOOD, headers={"ETag": '"1"', "Last-Modified": LONG_AGO}), Answer(MORE, headers=headers))
    made = table(warehouse_ends, web.url())
    warehouse_ends.load(made)
    warehouse_ends.load(made)
    assert warehouse_ends.rows(made) == sorted([("Ann", "f"), *ROWS]) and len(web.asked) == 2


def test_a_full_refresh_reads_an_unchanged_file(warehouse_ends: Endpoints, web: Web) -> None:
    web.offers(Answer(GOOD, headers={"ETag": '"1"'}))
    made = table(warehouse_ends, web.url())
    warehouse_ends.load(made)
    warehouse_ends.destination.run(f"DELETE FROM {warehouse_ends.name(made)}")
    warehouse_ends.load(made, full_refresh=True)
    assert warehouse_ends.rows(made) == ROWS


LOSSES = {
    "emptied": ["DELETE FROM {table}"],
    "dropped": ["DROP TABLE {table}"],
    "replaced": [
        *("CREATE TABLE {table}_2 AS SELECT * FROM {table} LIMIT 1", "DROP TABLE {table}"),
        "ALTER TABLE {table}_2 RENAME TO {name}",
    ],
}


@pytest.mark.parametrize("statements", LOSSES.values(), ids=LOSSES)
def test_an_unchanged_file_is_loaded_into_a_table_that_has_lost_its_rows(
    warehouse_ends: Endpoints, web: Web, statements: list[str]
) -> None:
    web.offers(Answer(GOOD, headers={"ETag": '"1"'}))
    made = table(warehouse_ends, web.url())
    warehouse_ends.load(made)
    for statement in statements:
        warehouse_ends.destination.run(statement.format(table=made.name, name=made.name.split(".")[1]))
    assert not warehouse_ends.load(made).note
    assert warehouse_ends.rows(made) == ROWS


def test_a_changed_table_file_reads_an_unchanged_file(warehouse_ends: Endpoints, web: Web) -> None:
    web.offers(Answer(GOOD, headers={"ETag": '"1"'}))
    warehouse_ends.load(table(warehouse_ends, web.url()))
    other = table(warehouse_ends, web.url(), values={"nulls": ["", "m"]})
    warehouse_ends.load(other)
    assert ("Ian", None) in warehouse_ends.rows(other)


TEMPORARY = {
    "503": Answer(b"", 503),
    "500 with a page": Answer(b"<html>", 500, {"Content-Type": "text/html"}),
    "429": Answer(b"", 429, {"Retry-After": "0"}),
    "cut off": Answer(GOOD, sends=9),
    "chunks that break off": Answer(GOOD, sends=9, chunked=True),
    "no answer": Answer(hangs_up=True),
}


@pytest.mark.parametrize("answer", TEMPORARY.values(), ids=TEMPORARY)
def test_a_temporary_failure_is_retried(warehouse_ends: Endpoints, web: Web, answer: Answer) -> None:
    web.offers(answer, GOOD)
    made = table(warehouse_ends, web.url())
    warehouse_ends.load(made)
    assert warehouse_ends.rows(made) == ROWS and len(web.asked) == 2


def test_retry_after_sets_the_wait(warehouse_ends: Endpoints, web: Web) -> None:
    web.offers(
        Answer(b"", 429, {"Retry-After": "1"}), Answer(b"", 503, {"Retry-After": formatdate(0, usegmt=True)}), GOOD
    )
    warehouse_ends.load(table(warehouse_ends, web.url()))
    first, second, _ = [asked.at for asked in web.asked]
    assert second - first >= 1


def test_redirects_are_followed(warehouse_ends: Endpoints, web: Web) -> None:
    for hop in range(ATTEMPTS + 1):
        web.offers(Answer(status=302, headers={"Location": f"/{hop + 1}"}), path=f"/{hop}")
    web.offers(GOOD, path=f"/{ATTEMPTS + 1}")
    made = table(warehouse_ends, web.url("/0"))
    warehouse_ends.load(made)
    assert warehouse_ends.rows(made) == ROWS


def test_a_file_with_only_a_header_is_only_accepted_by_the_first_load(warehouse_ends: Endpoints, web: Web) -> None:
    web.offers(b"name,gender\n", GOOD, b"name,gender\n")
    made = table(warehouse_ends, web.url())
    assert warehouse_ends.load(made).rows == 0
    warehouse_ends.load(made)
    with pytest.raises(ShrinkGuard, match="the source has 0 rows"):
        warehouse_ends.load(made)
    assert warehouse_ends.rows(made) == ROWS
    warehouse_ends.load(made, allow_shrink=True)
    assert warehouse_ends.rows(made) == []


def test_the_memory_does_not_grow_with_the_file(warehouse_ends: Endpoints, web: Web, tmp_path: Path) -> None:
    web.offers(gzip.compress(b"name,gender\n" + (b"a long name " * 50 + b",f\n") * 70_000, 1))
    made = table(warehouse_ends, web.url(), {"name": "varchar(1000)", "gender": "varchar(8)"})
    tracemalloc.start()
    try:
        warehouse_ends.extract(made)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 * 2**20, f"{peak / 2**20:.0f} MiB for a file of 40"


def test_columns_are_masked_dropped_and_ignored(warehouse_ends: Endpoints, web: Web) -> None:
    web.offers(b"phone,name,age,email,gender\n030 1,Ian,40,ian@example.com,m\n,Zoe,41,,f\n")
    columns = {"name": "varchar(64)", "gender": "varchar(8)", "email": "varchar(64)", "phone": "varchar(20)"}
    source = {"kind": "csv", "url": web.url(), "allow_private": True}
    mask = {"email": "hash", "gender": "null", "phone": "drop"}
    made = warehouse_ends.table("people", source=source, columns=columns, mask=mask, on_new_column="ignore")
    warehouse_ends.load(made)
    digest = hashlib.sha256(b"ian@example.com").hexdigest()
    assert list(warehouse_ends.destination.types(made.name)) == ["name", "gender", "email"]
    assert warehouse_ends.rows(made) == [("Ian", None, digest), ("Zoe", None, None)]


def test_a_file_has_no_intervals(warehouse_ends: Endpoints, web: Web) -> None:
    fields = {"cursor": "day", "interval": "day", "load": "replace_interval", "start": "2021-02-05"}
    source = {"kind": "csv", "url": web.url(), "allow_private": True}
    made = warehouse_ends.table("days", source=source, columns={"day": "date"}, **fields)
    with pytest.raises(SourceError, match="replaces the whole table: use load: replace"):
        warehouse_ends.load(made, "2021-02-05")
    assert not web.asked


@pytest.mark.parametrize(
    "url, why",
    [
        ("ftp://example.com/a.csv", "expected https"),
        ("file:///etc/passwd", "expected https"),
        ("example.com/a.csv", "expected https"),
        ("https://", "expected https"),
        ("https://me:secret@example.com/a.csv", "a table file must not contain a password"),
        ("https://example.com:port/a.csv", "not a URL: "),
    ],
)
def test_an_invalid_url_in_a_table_file_is_refused(warehouse_ends: Endpoints, url: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        table(warehouse_ends, url)


def test_the_copy_of_a_file_is_deleted(
    warehouse_ends: Endpoints, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = loaded(warehouse_ends, web)
    assert warehouse_ends.rows(made) == ROWS and not list(tmp_path.glob("daybook-*"))


def test_the_page_documents_every_field() -> None:
    page = (tables_folder().parent / "docs" / "guides" / "csv-files.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    source = Table(name="raw_data.exchange_rates", **YAML(typ="safe", pure=True).load(example)).source
    assert source.values.decimal_point == ","
    assert all(f"`{field}`" in page for field in {*type(source).model_fields, *ValueFormats.model_fields} - {"kind"})
