"""Texts of PostgreSQL databases in other encodings than UTF-8 arrive exactly, or the error names row and column."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg2 import sql
from sqlalchemy import make_url

from daybook.errors import ValueRefused
from tests.support.audited_tables import FIRST
from tests.support.servers.postgres import Postgres
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of

pytestmark = pytest.mark.any_warehouse

#: Bytes without a Unicode character, by encoding. Databases in SQL_ASCII store any bytes.
UNMAPPED = {
    "WIN1251": "98",
    "WIN1252": "81",
    "WIN1253": "81",
    "ISO_8859_8": "BF",
    "EUC_JP": "8FA1A1",
    "EUC_CN": "A2A1",
    "SQL_ASCII": "98",
}
MAPPED = {"WIN1251": ("CF", "П"), "LATIN1": ("E9", "é"), "EUC_KR": ("A2E8", "㉾"), "SQL_ASCII": ("C3A9", "é")}


@contextlib.contextmanager
def database(postgres: Postgres, encoding: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Endpoints]:
    """Yield a source in this encoding, with a table of two rows, and a warehouse."""
    name = sql.Identifier(f"encoded_{secrets.token_hex(4)}")
    create = sql.SQL("CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0")
    postgres.execute(create.format(name, sql.Literal(encoding)))
    try:
        url = make_url(postgres.url).set(database=name.string).render_as_string(hide_password=False)
        with ends_of(Database(url, "public"), "postgres-folder", request, folder) as ends:
            ends.source.run(
                'CREATE TABLE things (id int PRIMARY KEY, at timestamp, note text, "a %% b" varchar(20))', ()
            )
            ends.source.run("INSERT INTO things VALUES (1, '2021-02-05', 'x', 'y'), (2, '2021-02-05', NULL, '?')")
            yield ends
    finally:
        postgres.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def put(ends: Endpoints, encoding: str, digits: str) -> None:
    value = f"convert_from('\\x61{digits}'::bytea, '{encoding}')"
    ends.source.run(f"INSERT INTO things VALUES (3, '2021-02-05', 'z', {value})")


@pytest.mark.parametrize("encoding", [*UNMAPPED])
def test_a_text_without_unicode_is_refused(
    postgres: Postgres, encoding: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with database(postgres, encoding, request, tmp_path) as ends:
        by_day = {"load": "upsert", "key": ["id"], "cursor": "at", "interval": "day", "start": FIRST.date()}
        table = ends.table(**by_day)
        ends.load(table, "2021-02-05")
        put(ends, encoding, UNMAPPED[encoding])
        before = ends.state(table)
        with pytest.raises(ValueRefused) as caught:
            ends.load(table, "2021-02-05")
        digit = f"0x{UNMAPPED[encoding][:2].lower()}"
        for part in (table.name, "column 'a % b' of row id = '3'", digit, "Correct the row in the source"):
            assert part in str(caught.value)
        assert ends.state(table) == before
        for fields, words in (
            ({}, "column 'a % b' of row number 3 of the run"),
            ({"key": ["a % b"]}, f"column 'a % b' of row a % b = '0x61{UNMAPPED[encoding]}'"),
            ({"key": ["id"], "mask": {"a % b": "hash"}}, "column 'a % b' of row id = '3' contains a text that cannot"),
        ):
            with pytest.raises(ValueRefused) as caught:
                ends.load(ends.table(**fields))
            assert words in str(caught.value)
            assert (digit in str(caught.value)) == ("mask" not in fields), "a masked value is in no message"


@pytest.mark.parametrize("encoding", [*MAPPED])
def test_a_text_with_unicode_arrives(
    postgres: Postgres, encoding: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    digits, text = MAPPED[encoding]
    with database(postgres, encoding, request, tmp_path) as ends:
        put(ends, encoding, digits)
        table = ends.table(key=["id"])
        ends.load(table)
        assert [row[3] for row in ends.rows(table)] == ["y", "?", f"a{text}"]
