"""What a recipe compares, what it leaves out, and that it stays what it was when a ledger noted it."""

import re

import pytest

from daybook.model.target import Target
from daybook.model.types import Column, Type, parse_type
from daybook.sources.database import mysql_checksum
from daybook.sql.checksum.columns import ComparedColumns, recipe_of
from daybook.sql.checksum.dialects import postgresql
from daybook.warehouses.redshift import checksum as redshift

ANSWERS = {
    "id": "bigint", "answered_at": "timestamp(0)", "score": "smallint", "note": "text", "price": "decimal(10, 2)",
    "ratio": "double precision", "seen": "timestamptz", "on_day": "date", "paid": "boolean", "name": "varchar(40)",
    "code": "char(5)", "raw": "bytea", "uid": "uuid", "extra": "jsonb", "took": "interval", "opens": "time",
}  # fmt: skip


def type_of(text: str) -> Type:
    return parse_type(text) if text not in ("inet", "text[]") else Type("native", native=text)


def recipe(source: dict[str, str], there: dict[str, str] | None = None, key: tuple[str, ...] = ()) -> ComparedColumns:
    """Of columns with these types at the source, and with the same, or others, in the warehouse."""
    columns = tuple(Column(name, type_of(text)) for name, text in source.items())
    found = {name: Column(name, type_of(text)) for name, text in {**source, **(there or {})}.items()}
    return recipe_of(Target("raw.answers", columns, key), found, str)


def test_the_fingerprint_is_for_years() -> None:
    """Ledgers keep it. If it changes, audits cannot use the checksums in them."""
    assert recipe(ANSWERS).fingerprint == "sha256-8ccb2ff7"
    assert recipe({"id": "bigint", "name": "varchar(40)"}).fingerprint == "sha256-4be4f782"


@pytest.mark.parametrize(
    ("source", "there"),
    [
        pytest.param({"id": "integer"}, {}, id="a number of another size"),
        pytest.param({"price": "decimal(30, 8)"}, {}, id="a decimal of another scale"),
        pytest.param({"name": "varchar(60)"}, {}, id="a text that is not much longer"),
        pytest.param({"seen": "timestamp(3)"}, {}, id="an instant without a zone"),
        pytest.param({"ratio": "real"}, {}, id="a real"),
        pytest.param({"extra": "json"}, {"extra": "json"}, id="json"),
        pytest.param({}, {"id": "decimal(20, 0)", "note": "varchar(9)", "uid": "varchar(36)"}, id="another warehouse"),
    ],
)
def test_the_fingerprint_does_not_mind(source: dict[str, str], there: dict[str, str]) -> None:
    assert recipe({**ANSWERS, **source}, there).fingerprint == recipe(ANSWERS).fingerprint


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({**ANSWERS, "more": "integer"}, id="a column more"),
        pytest.param(dict(reversed(ANSWERS.items())), id="another order"),
        pytest.param({**ANSWERS, "on_day": "timestamp"}, id="another form"),
        pytest.param({**ANSWERS, "name": "varchar(2000)"}, id="a text that is digested now"),
        pytest.param({**ANSWERS, "name": "char(40)"}, id="a text whose blanks do not count now"),
    ],
)
def test_the_fingerprint_minds(columns: dict[str, str]) -> None:
    assert recipe(columns).fingerprint != recipe(ANSWERS).fingerprint


@pytest.mark.parametrize(
    ("source", "there"),
    [
        ("text", "integer"),
        ("text", "date"),
        ("varchar(20)", "uuid"),
        ("text", "jsonb"),
        ("json", "jsonb"),
        ("double", "text"),
        ("double", "real"),
        ("decimal(10, 2)", "double"),
        ("timestamp", "timestamptz"),
        ("timetz", "text"),
        ("bytea", "jsonb"),
        ("text", "inet"),
        ("text[]", "inet"),
    ],
)
def test_left_out(source: str, there: str) -> None:
    made = recipe({"id": "bigint", "v": source}, {"v": there}, key=("id", "v"))
    spelt = [str(type_of(text)) for text in (source, there)]
    assert made.left_out == {
        "v": f"v is {spelt[0]} at the source and {spelt[1]} in the warehouse, which do not write values alike"
    }
    assert [field.name for field in made.fields] == ["id"]
    assert made.key == (), "without a part of it, the key tells no rows apart"


def test_a_declared_type_is_not_that_of_the_source() -> None:
    """The table file declares a text to be an integer: the source's `007` is 7 in the warehouse."""
    target = Target("raw.answers", (Column("n", Type("integer")),))
    there = {"n": Column("n", Type("integer"))}
    made = recipe_of(target, there, str, [Column("n", Type("text"))])
    assert made.left_out == {
        "n": "n is text at the source and integer in the warehouse, which do not write values alike"
    }


def test_a_column_that_the_warehouse_does_not_have() -> None:
    target = Target("raw.answers", (Column("Id", Type("integer")), Column("new", Type("date"))))
    made = recipe_of(target, {"id": Column("id", Type("bigint"))}, str.lower)
    assert [field.name for field in made.fields] == ["Id"]
    assert made.left_out == {"new": "new is date at the source, and the warehouse has no such column"}


def test_texts_that_are_long_together_are_digested() -> None:
    """A row's text stays below what a VARCHAR of Redshift takes, however many columns a table has."""
    made = recipe({f"c{number}": "varchar(1000)" for number in range(30)})
    digests = [field.digest for field in made.fields]
    assert digests == sorted(digests) and 0 < digests.count(False) * 4006 < 65535 - 33 * 30


def test_the_key_in_its_own_order() -> None:
    assert [field.name for field in recipe(ANSWERS, key=("score", "id")).key_fields] == ["score", "id"]
    assert recipe(ANSWERS).key_fields == recipe(ANSWERS).fields


@pytest.fixture(params=[mysql_checksum, postgresql, redshift], ids=lambda dialect: dialect.__name__[23:])
def hash_sql(request: pytest.FixtureRequest) -> str:
    """Return a row's hash in the SQL of each database in turn."""
    columns = {**ANSWERS, "any": "inet"} if request.param is not mysql_checksum else ANSWERS
    return str(request.param.row_hash(recipe(columns), lambda field: f'"{field.name}"'))


def test_sql_around_which_values_are_bound(hash_sql: str) -> None:
    """A percent sign that is not doubled would be taken for the place of a value."""
    assert hash_sql % () == hash_sql.replace("%%", "%")


def test_only_sha_256_is_called(hash_sql: str) -> None:
    """MySQL 9.6 removed MD5() and SHA1()."""
    assert set(re.findall(r"\b(?:md5|sha\w*)\(", hash_sql.lower())) in ({"sha2("}, {"sha256("})
