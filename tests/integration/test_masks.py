"""What is private never leaves its source: hashed, emptied or dropped, the same from every source."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table
from daybook.errors import SourceError, ValueRefused
from daybook.model.masks import masked
from daybook.model.types import Column, Type
from daybook.sources.base import Span
from daybook.sources.text.typed_csv import TextRows
from daybook.sources.text.value_formats import ValueFormats
from daybook.stage.csv_format import CsvFormat
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import EVERY_WAREHOUSE

CLEAR = ["zoë@example.com", "😀 \U0001f98a", "", 'a "quoted", line\nand more', " blank ", "Ångström"]


def sha(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def staged_bytes(ends: Endpoints, prefix: str) -> bytes:
    """Everything that the stage has of one run, unpacked."""
    data = b""
    for key in ends.staged_keys():
        name = key.rsplit("/", 1)[-1]
        raw = ends.stage.get(f"{prefix}/{name}")
        data += zstandard.ZstdDecompressor().decompressobj().decompress(raw) if name.endswith(".zst") else raw
    return data


def people(ends: Endpoints) -> None:
    wide = "text CHARACTER SET utf8mb4" if ends.source.is_mysql else "text"
    ends.source.run(
        f"CREATE TABLE things (id int PRIMARY KEY, email {wide}, phone varchar(20), ssn varchar(20), n int)"
    )
    ends.source.insert("things", [(n, text, f"phone-{n}", f"ssn-{n}", n) for n, text in enumerate(CLEAR)])
    ends.source.run("INSERT INTO things VALUES (99, NULL, 'phone-99', 'ssn-99', NULL)")


def test_each_mask_on_every_source_and_warehouse(ends: Endpoints, caplog: pytest.LogCaptureFixture) -> None:
    people(ends)
    caplog.set_level("DEBUG")
    table = ends.table(key=["id"], mask={"email": "hash", "phone": None, "ssn": "drop"})
    extracted = ends.extract(table)
    staged = staged_bytes(ends, extracted.manifest.prefix)
    assert staged.count(b"\n") > len(CLEAR)
    for clear in ("zoë@example.com", "😀", "Ångström", "phone-", "ssn-"):
        assert clear.encode() not in staged
        assert clear not in caplog.text
    ends.load(table)
    assert list(ends.destination.types(table.name)) == ["id", "email", "phone", "n"]
    assert ends.rows(table, "id, email, phone") == [
        *((n, sha(text), None) for n, text in enumerate(CLEAR)),
        (99, None, None),
    ]
    length = "character varying(256)" if ends.on_redshift else "character varying(64)"
    assert ends.destination.types(table.name)["email"] == length
    before = ends.state(table)[0]
    ends.load(table)
    assert ends.state(table)[0] == before


def sourceless(source: Database) -> Endpoints:
    """Ends without a warehouse, for what is asked of the source alone."""
    return Endpoints(source, None, None, None, lambda: [])  # type: ignore[arg-type]


def test_the_clear_value_is_in_no_query(source: Database) -> None:
    """What the source is asked for: each private column stands inside its hash, or not at all."""
    ends = sourceless(source)
    people(ends)
    table = make_table(source, mask={"email": "hash", "phone": None, "ssn": "drop"})
    with table.source.open(table, ends) as opened:
        columns = masked(table, opened.columns())
        if source.is_mysql:
            statement, _ = opened._select(columns, Span(), CsvFormat())
            hidden = "SHA2(CONVERT(CONVERT(`email` USING utf8mb4) USING binary), 256)"
            assert statement.replace(hidden, "").count("email") == 1  # IF(`email` IS NULL, …
            assert "phone" not in statement
        else:
            statement = opened._statement(columns, Span(), CsvFormat())
            hidden = "encode(sha256(convert_to(\"email\"::text, 'UTF8')), 'hex') AS \"email\""
            assert statement.replace(hidden, "").count("email") == 1  # FORCE_QUOTE ("email")
            assert statement.replace('NULL AS "phone"', "").count("phone") == 1
    assert hidden in statement and "ssn" not in statement


#: A kind of value: its column in MariaDB and in PostgreSQL, the texts that are put in, and those that are hashed.
SPELLED = {
    "text": ("text CHARACTER SET utf8mb4", "text", ["ä", "😀", "O'Neil", "a\\b", ""]),
    "latin1": ("varchar(20) CHARACTER SET latin1", "varchar(20)", ["ä", "€", "ÿ"]),
    "char": ("char(10)", "char(10)", ["ab", "c"]),
    "smallint": ("tinyint", "smallint", ["-5", "0", "127"]),
    "integer": ("int(8) unsigned zerofill", "bigint", ["42", "0", "4294967295"]),
    "bigint": ("bigint", "bigint", ["-9223372036854775808", "7"]),
    "decimal": ("decimal(10,2)", "numeric(10,2)", ["5.10", "-0.50", "12345678.90", "0.00"]),
    "date": ("date", "date", ["2021-02-05", "1970-01-01", "9999-12-31"]),
}


@pytest.mark.parametrize("kind", SPELLED)
def test_a_value_has_one_hash_wherever_it_comes_from(source: Database, kind: str) -> None:
    mariadb, postgres, texts = SPELLED[kind]
    source.run(f"CREATE TABLE things (id int PRIMARY KEY, v {mariadb if source.is_mysql else postgres})")
    for n, text in enumerate(texts):
        source.run("INSERT INTO things VALUES (%s, %s)", (n, text))
    table = make_table(source, mask={"v": "hash"})
    with table.source.open(table, sourceless(source)) as opened:
        chunks = opened.rows(masked(table, opened.columns()), Span(), CsvFormat())
        data = b"".join(chunk.data for chunk in chunks).decode()
    found = dict(line.split(",") for line in data.splitlines())
    assert {int(n): value.strip('"') for n, value in found.items()} == {n: sha(text) for n, text in enumerate(texts)}
    assert [line.split(",")[1].strip('"') for line in text_source(texts)] == [sha(text) for text in texts]


def make_table(source: Database, **fields: Any) -> Table:
    config = {"kind": "database", "table": [source.namespace, "things"]}
    given = {"name": "raw.things", "description": "x", "owner": "x", "load": "replace", "key": ["id"]}
    return Table.model_validate({**given, "source": config, **fields})


def text_source(texts: list[str]) -> list[str]:
    """The lines that a source of texts sends for these values."""
    columns = [Column("id", Type("integer")), Column("v", Type("varchar", 64), mask="hash")]
    table = Table.model_construct(name="raw.things", key=("id",))
    rows = TextRows(table, columns, ValueFormats(nulls=("\\N",)), CsvFormat())
    data = b"".join(chunk.data for chunk in rows.chunks((f"line {n}", (str(n), text)) for n, text in enumerate(texts)))
    return data.decode().splitlines()


def test_a_source_of_texts_masks_and_never_shows_what_is_masked() -> None:
    columns = [
        Column("email", Type("varchar", 64), mask="hash"),
        Column("phone", Type("integer"), mask="null"),
        Column("n", Type("integer")),
    ]
    table = Table.model_construct(name="raw.things", key=("email",))
    rows = TextRows(table, columns, ValueFormats(), CsvFormat())
    (chunk,) = rows.chunks([("line 1", ("a@b.c", "no number at all", "1")), ("line 2", ("", "5", "2"))])
    assert chunk.data.decode().splitlines() == [f'"{sha("a@b.c")}",,1', ",,2"]
    with pytest.raises(ValueRefused) as caught:
        list(rows.chunks([("line 3", ("a@b.c", "555", "x"))]))
    assert "line 3" in str(caught.value) and "a@b.c" not in str(caught.value) and "555" not in str(caught.value)
    with pytest.raises(ValueRefused) as caught:
        list(rows.chunks([("line 4", ("secret \ud800", "555", "1"))]))
    assert "line 4" in str(caught.value) and "secret" not in str(caught.value)


DATABASE = {"kind": "database", "table": "prod.people"}
GOOD: dict[str, Any] = {
    "name": "raw.people",
    "description": "x",
    "owner": "x",
    "source": DATABASE,
    "load": "upsert",
    "key": ["id"],
    "cursor": "modified",
    "interval": "day",
    "deleted": "gone",
}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"mask": {"modified": "hash"}}, "the cursor", id="the cursor, hashed"),
        pytest.param({"mask": {"modified": None}}, "the cursor", id="the cursor, nulled"),
        pytest.param({"mask": {"modified": "drop"}}, "the cursor", id="the cursor, dropped"),
        pytest.param({"mask": {"gone": "null"}}, "the flag of deleted rows", id="the flag of deleted rows"),
        pytest.param({"mask": {"id": "drop"}}, "use hash", id="a key, dropped"),
        pytest.param({"mask": {"id": None}}, "use hash", id="a key, nulled"),
        pytest.param({"mask": {"email": "hsh"}}, "'hash', 'null' or 'drop'", id="a mask that there is not"),
        pytest.param(
            {"mask": {"emial": "hash"}, "columns": {"id": "int", "modified": "date", "gone": "int", "email": "text"}},
            "which is not among columns; did you mean 'email'?",
            id="a column that columns does not list",
        ),
        pytest.param(
            {"mask": {"email": "hash"}, "columns": {"id": "int", "modified": "date", "gone": "int", "email": "bigint"}},
            "declares email as bigint; declare it as varchar(64)",
            id="a hash in a number",
        ),
        pytest.param(
            {
                "mask": {"email": "hash"},
                "columns": {"id": "int", "modified": "date", "gone": "int", "email": "varchar(63)"},
            },
            "a hash has 64 characters",
            id="a hash in too few characters",
        ),
    ],
)
def test_a_mask_that_makes_no_sense(fields: dict[str, Any], said: str) -> None:
    Table.model_validate({**GOOD, "mask": {"id": "hash"}})
    with pytest.raises(ValueError) as caught:
        Table.model_validate({**GOOD, **fields})
    assert said in str(caught.value)


def test_a_null_of_yaml_is_a_mask(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    written = json.dumps({name: value for name, value in GOOD.items() if name != "name"})
    (tmp_path / "raw" / "people.yaml").write_text(written[:-1] + ', "mask": {a: null, b: "null", c: drop, d: hash}}')
    assert read_table("raw.people", tmp_path).mask == {"a": "null", "b": "null", "c": "drop", "d": "hash"}


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        pytest.param({"emial": "hash"}, "did you mean 'email'", id="hash"),
        pytest.param({"emial": None}, "did you mean 'email'", id="null"),
        pytest.param({"emial": "drop"}, "did you mean 'email'", id="drop"),
        pytest.param({"weight": "hash"}, "weight is double", id="a hash of a double"),
        pytest.param({"seen": "hash"}, "hashes would differ. Use null or drop", id="a hash of a time"),
    ],
)
def test_what_the_source_cannot_mask_is_refused_before_a_row_is_read(
    from_postgres: Endpoints, mask: dict[str, str | None], said: str
) -> None:
    ends = from_postgres
    ends.source.run("CREATE TABLE things (id int, email text, weight double precision, seen timestamp)")
    with pytest.raises(SourceError) as caught:
        ends.load(ends.table(mask=mask))
    assert said in str(caught.value)
    assert ends.staged_keys() == []


@pytest.mark.parametrize("ends", EVERY_WAREHOUSE, indirect=True)
def test_a_hashed_key_still_tells_rows_apart(ends: Endpoints) -> None:
    clock = "datetime(6)" if ends.source.is_mysql else "timestamp"
    ends.source.run(f"CREATE TABLE things (email varchar(50) PRIMARY KEY, modified {clock}, n int)")
    ends.source.insert("things", [("a@b.c", "2021-02-05 10:00:00", 1), ("d@e.f", "2021-02-05 11:00:00", 2)])
    table = ends.table(load="upsert", key=["email"], cursor="modified", interval="day", mask={"email": "hash"})
    ends.load(table, "2021-02-05")
    ends.source.run("UPDATE things SET n = 3, modified = '2021-02-06 10:00:00' WHERE email = 'a@b.c'")
    ends.load(table, "2021-02-06")
    assert ends.rows(table, "email, n", "n") == [(sha("d@e.f"), 2), (sha("a@b.c"), 3)]


@pytest.mark.parametrize("text", ["varchar(64)", "varchar", "text", "char(64)", "varchar(200)"])
def test_a_declared_type_that_keeps_a_hash(from_mysql: Endpoints, text: str) -> None:
    ends = from_mysql
    people(ends)
    columns = {"id": "integer", "email": text, "ssn": "varchar(20)"}
    table = ends.table(key=["id"], columns=columns, mask={"email": "hash", "ssn": "drop"})
    ends.load(table)
    assert ends.rows(table) == [*((n, sha(clear)) for n, clear in enumerate(CLEAR)), (99, None)]
