"""A bad answer of a web server never replaces good data. Each is refused, and the error has the reason."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import DaybookError, FileRefused, SourceError, SourceLost, ValueRefused
from daybook.sources.csv_url.download import ATTEMPTS
from tests.support.servers.web import Answer, Web, serving_web
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of
from tests.support.web_files import GOOD, ROWS, loaded, table

pytestmark = pytest.mark.any_warehouse

COMPRESSED = gzip.compress(GOOD)
BOMB = gzip.compress(b"name,gender\n" + b"a,b\n" * 1_000_000)


@dataclass(frozen=True)
class Bad:
    """A server's answer, and a part of the expected error."""

    answer: Answer
    error: str
    kind: type[DaybookError] = FileRefused
    requests: int = 1
    source: dict[str, Any] = field(default_factory=dict)


def _body(body: bytes, error: str, **more: Any) -> Bad:
    return Bad(Answer(body), error, **more)


BAD = {
    "cut off": Bad(Answer(GOOD, sends=20), "peer closed connection", SourceLost, ATTEMPTS),
    "chunks that break off": Bad(Answer(GOOD, sends=20, chunked=True), "peer closed", SourceLost, ATTEMPTS),
    "no answer": Bad(Answer(hangs_up=True), "Server disconnected", SourceLost, ATTEMPTS),
    "a .gz cut off": _body(COMPRESSED[:-9], "the gzip file is cut off before its end"),
    "a .gz damaged": _body(COMPRESSED[:-6] + b"\0" * 6, "the gzip file is damaged"),
    "gzip that is not gzip": Bad(
        Answer(GOOD, headers={"Content-Encoding": "gzip"}), "declared Content-Encoding gzip, but sent something else"
    ),
    "a compression that was not requested": Bad(
        Answer(GOOD, headers={"Content-Encoding": "br"}), "Content-Encoding br"
    ),
    "another compression than declared": _body(
        GOOD, "declares compression: gzip, but the file is not compressed", source={"compression": "gzip"}
    ),
    "a zip": _body(b"PK\x03\x04" + bytes(50), "an archive or a workbook"),
    "a page, by its type": Bad(Answer(GOOD, headers={"Content-Type": "text/html; charset=utf-8"}), "sent a web page"),
    "a page, by its content": _body(b"<!DOCTYPE html><title>Sign in</title>", "the file is not a CSV but a web page"),
    "a page, compressed": _body(gzip.compress(b"\n\n<HTML>"), "the file is not a CSV but a web page"),
    "JSON": _body(b'{"error": "gone"}', "the header lacks name, gender"),
    "empty": _body(b"", "the file is empty"),
    "empty, compressed": _body(gzip.compress(b""), "the file is empty"),
    "a column gone": _body(b"name\nIan\n", "the header lacks gender"),
    "a column renamed": _body(b"name,genders\nIan,m\n", "rename: {genders: gender}"),
    "a column more": _body(b"name,gender,age\nIan,m,1\n", "has age, which columns: in the table file does not list"),
    "a column twice": _body(b"name,name,gender\nIan,Ian,m\n", "has name more than once"),
    "a column without a name": _body(b"name,gender,\nIan,m,\n", "has no name for column 3"),
    "no header": _body(b"Ian,m\nZoe,f\n", "It is 'Ian, m'"),
    "a field too many": _body(GOOD + b"Ann,f,x\n", "line 5 has 3 fields"),
    "a field too few": _body(GOOD + b"Ann\n", "line 5 has 1 field"),
    "a quote not closed": _body(GOOD + b'"Ann,f\n', "ends inside of the row that starts in line 5"),
    "another encoding": _body(GOOD.decode().encode("cp1252"), "byte 14 (0xeb, in line 2) is not utf-8"),
    "a NUL": _body(GOOD + b"A\0n,f\n", "line 5 contains a NUL"),
    "a text that is too long": _body(GOOD + b"Ann,female or so\n", "line 5, column gender", kind=ValueRefused),
    "too long, by its length": Bad(
        Answer(GOOD * 1000), "the file has more than 1,000 bytes, the limit of max_bytes", source={"max_bytes": 1000}
    ),
    "too long, in chunks": Bad(
        Answer(GOOD * 1000, chunked=True),
        "the file has more than 1,000 bytes, the limit of max_bytes",
        source={"max_bytes": 1000},
    ),
    "a bomb": _body(BOMB, "the decompressed file has more than 100,000 bytes", source={"max_bytes": 100_000}),
    "401": Bad(Answer(b"", 401), "the server answered 401", SourceError),
    "403": Bad(Answer(b"", 403), "the server answered 403 Forbidden", SourceError),
    "404": Bad(Answer(b"", 404), "the server answered 404 Not Found", SourceError),
    "204": Bad(Answer(b"", 204), "the server answered 204", SourceError),
    "304 without a condition": Bad(
        Answer(b"", 304), "the server answered 304", SourceError, source={"encoding": "utf-8"}
    ),
    "500": Bad(Answer(b"", 500), "500 Internal Server Error, after 4 tries", SourceLost, ATTEMPTS),
    "429": Bad(Answer(b"", 429), "429 Too Many Requests, after 4 tries", SourceLost, ATTEMPTS),
    "429 for an hour": Bad(Answer(b"", 429, {"Retry-After": "3600"}), "asks to retry in 3600 seconds", SourceLost),
    "a redirect without an end": Bad(
        Answer(status=302, headers={"Location": "/file.csv"}), "redirects more than 5 times", SourceError, 6
    ),
    "a redirect to a file": Bad(
        Answer(status=302, headers={"Location": "file:///etc/passwd"}), "only http and https are allowed", SourceError
    ),
    "a redirect to a cloud's credentials": Bad(
        Answer(
            status=302, headers={"Location": "http://169.254.0.1/latest/meta-data"}
        ),  # link-local, but without a server
        "Link-local addresses are never allowed",
        SourceError,
    ),
}


@pytest.fixture(scope="module", params=["postgres-folder"])
def good(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoints, Table]]:
    """Yield a warehouse with the table, loaded once for all tests, since none of them may change it."""
    with ends_of(None, request.param, request, tmp_path_factory.mktemp("good")) as ends, serving_web() as web:
        yield ends, loaded(ends, web)


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_answer_never_replaces_good_data(good: tuple[Endpoints, Table], web: Web, bad: Bad) -> None:
    ends, existing = good
    before = ends.state(existing)
    web.offers(bad.answer)
    made = table(ends, web.url("/file.csv?token=secret"), **bad.source)
    with pytest.raises(bad.kind) as caught:
        ends.load(made)
    message = str(caught.value)
    assert type(caught.value) is bad.kind and bad.error in message, message
    assert made.name in message and "secret" not in message
    assert bad.kind is ValueRefused or "/file.csv?…" in message
    assert ends.state(existing) == before and ends.rows(existing) == ROWS
    assert len(web.asked) == bad.requests


def test_a_server_that_is_down(good: tuple[Endpoints, Table], web: Web) -> None:
    ends, existing = good
    before = ends.state(existing)
    web.close()
    with pytest.raises(SourceLost, match="refused, after 4 tries"):
        ends.load(table(ends, web.url()))
    assert ends.state(existing) == before


def test_a_table_without_columns_cannot_be_read(good: tuple[Endpoints, Table], web: Web) -> None:
    source = {"kind": "csv", "url": web.url(), "allow_private": True}
    with pytest.raises(SourceError, match="declare its columns with their types"):
        good[0].load(good[0].table("name_gender", source=source))
    assert not web.asked
