"""Every value of PostgreSQL's types is loaded unchanged into every warehouse."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.support.source_and_warehouse import Endpoints

TEXT = "character varying(65535)"
ALL_BYTES = "\\x" + bytes(range(256)).hex()

TYPES = """
CREATE TYPE mood AS ENUM ('sad', 'so-so', '');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN score AS smallint CHECK (VALUE BETWEEN 0 AND 10);
CREATE DOMAIN price AS numeric(12,4);
CREATE DOMAIN net_price AS price;
CREATE DOMAIN humour AS mood;
"""


@dataclass(frozen=True)
class Case:
    """A column, its values as PostgreSQL writes them, its types in both warehouses, and values only for PostgreSQL."""

    type: str
    values: tuple[str, ...]
    redshift: str
    postgres: str = ""
    only_postgres: tuple[str, ...] = ()


NUMBERS = [
    Case("bigint", ("-9223372036854775808", "9223372036854775807"), "bigint"),
    Case("integer", ("-2147483648", "2147483647"), "integer"),
    Case("smallint", ("-32768", "32767"), "smallint"),
    Case("oid", ("4294967295",), TEXT),
    Case("boolean", ("t", "f"), "boolean"),
    Case("score", ("0", "10"), "smallint", "smallint"),
    Case("numeric", ("1" + "0" * 60 + "." + "1" * 40, "NaN", "0.10", "-Infinity"), "character varying(256)"),
    Case("numeric(38,37)", ("-9." + "9" * 37,), "numeric(38,37)", only_postgres=("NaN",)),
    Case("numeric(19,0)", ("9" * 19,), "numeric(20,0)"),
    Case("numeric(3,5)", ("0.00123",), "numeric(5,5)"),
    Case("numeric(5,-2)", ("1234500",), TEXT),
    Case("price", ("12345678.1234",), "numeric(12,4)", "numeric(12,4)"),
    Case("net_price", ("-0.0001",), "numeric(12,4)", "numeric(12,4)"),
    Case("real", ("3.4028235e+38", "1e-45", "-0", "0.1", "1.1754944e-38"), "real", only_postgres=("NaN", "-Infinity")),
    Case(
        "double precision",
        ("1.7976931348623157e+308", "5e-324", "-0", "0.30000000000000004"),
        "double precision",
        only_postgres=("NaN", "Infinity"),
    ),
    Case("money", ("-92233720368547758.08", "0.10"), "character varying(256)", "numeric"),
]
TIMES = [
    Case("date", ("0001-01-01", "2021-02-28", "9999-12-31"), "date", only_postgres=("infinity", "0044-03-15 BC")),
    Case(
        "timestamp without time zone",
        ("2021-03-14 02:30:00.000001", "1900-01-01 00:00:00"),
        "timestamp without time zone",
        only_postgres=("infinity", "-infinity", "4713-01-01 00:00:00 BC"),
    ),
    Case(
        "timestamp with time zone",
        ("2021-03-28 01:30:00.123456+00", "2021-11-07 06:30:00+00"),
        "timestamp with time zone",
        only_postgres=("infinity", "294276-12-31 23:59:59.999999+00"),
    ),
    Case(
        "timestamp(3) without time zone",
        ("2021-03-14 02:30:00.123",),
        "timestamp without time zone",
        "timestamp without time zone",
    ),
    Case(
        "time without time zone", ("00:00:00", "23:59:59.999999"), "time without time zone", only_postgres=("24:00:00",)
    ),
    Case("time with time zone", ("02:30:00.000001+05:30",), "time with time zone"),
    Case("interval", ("1 year 2 mons -3 days +04:05:06.789", "-838:59:59.999999"), "character varying(64)"),
    Case("interval day to second(2)", ("3 days 04:05:06.78",), TEXT),
]
TEXTS = [
    Case("text", ("", " x ", "NULL", "\\N", "\\.", 'a"b,c\nd\r\te\\', "😀", "\x1e\x01\x7f"), TEXT),
    Case("character varying(7)", ("", "  x  ", "😀😀😀😀😀😀😀"), "character varying(28)"),
    Case("character(4)", ("x   ", "    ", " x  "), "character varying(16)"),
    Case("bpchar", ("x  ", "longer than one"), TEXT, "text"),
    Case('"char"', ("x",), TEXT),
    Case("name", ("x",), TEXT),
    Case("mood", ("so-so", ""), TEXT, "text"),
    Case("humour", ("sad",), TEXT, "text"),
    Case("pair", ('(1,"a ""b"", c")', "(,)"), TEXT, "text"),
    Case("mood[]", ('{sad,""}',), TEXT, "text"),
    Case("regclass", ("pg_class",), TEXT, "text"),
]
OTHERS = [
    Case("text[]", ('{a,"b,c","d\\"e",NULL,"NULL",""}', "{}", "[0:1]={x,y}"), TEXT),
    Case("integer[]", ("{{1,2},{3,NULL}}",), TEXT),
    Case("timestamp with time zone[]", ('{"2021-03-28 01:30:00+00",infinity}',), TEXT),
    Case("uuid", ("123e4567-e89b-12d3-a456-426655440000",), "character varying(36)"),
    Case("json", ('{"b": 1.50,  "b": [null, "\\u00e9"]}', '""', "null"), TEXT),
    Case(
        "jsonb",
        ('{"a": 1.50, "b": [null, "é😀", 12345678901234567890.123456789]}', '""', "null"),
        "super",
    ),
    Case("bytea", (ALL_BYTES, "\\x00", "\\x"), "bytea"),
    Case("inet", ("2001:db8::1/64", "10.0.0.1"), TEXT),
    Case("cidr", ("10.0.0.0/8",), TEXT),
    Case("macaddr", ("08:00:2b:01:02:03",), TEXT),
    Case("bit(3)", ("101",), TEXT),
    Case("bit varying(5)", ("", "10110"), TEXT),
    Case("int4range", ("[1,10)", "empty", "(,)"), TEXT),
    Case("tstzrange", ('["2021-01-01 00:00:00+00",)',), TEXT),
    Case("int4multirange", ("{[1,3),[5,7)}",), TEXT),
    Case("point", ("(1.5,-0)",), TEXT),
    Case("tsvector", ("'a':1 'b,c':2",), TEXT),
]


def as_value(text: str) -> Any:
    """Return the value of JSON, in which 1.50 is 1.5."""
    return json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize("cases", [NUMBERS, TIMES, TEXTS, OTHERS], ids=lambda cases: cases[0].type)
def test_arrives(from_postgres: Endpoints, cases: list[Case]) -> None:
    ends = from_postgres
    columns = ", ".join(f"c{number} {case.type}" for number, case in enumerate(cases))
    ends.source.run(f"{TYPES}; CREATE TABLE things (id int PRIMARY KEY, {columns})")
    expected: list[tuple[str, Any]] = []
    for number, case in enumerate(cases):
        for value in (*case.values, *(() if ends.on_redshift else case.only_postgres), None):
            # the text of money is in the currency of the server's lc_monetary
            place = f"%s::text::numeric::{case.type}" if case.type == "money" else f"%s::text::{case.type}"
            ends.source.run(f"INSERT INTO things (id, c{number}) VALUES ({len(expected)}, {place})", (value,))
            expected.append((f"c{number}", value))
    table = ends.table(key=["id"])
    ends.load(table)
    names = ", ".join(f"c{number}" for number in range(len(cases)))
    rows = ends.destination.texts(f"SELECT {names} FROM {ends.name(table)} ORDER BY id")
    found = [(name, row[int(name[1:])]) for (name, _), row in zip(expected, rows, strict=True)]
    if ends.on_redshift:  # a SUPER keeps the value, not its text
        supers = {f"c{number}" for number, case in enumerate(cases) if case.redshift == "super"}
        for pairs in (found, expected):
            pairs[:] = [(name, as_value(value) if name in supers and value else value) for name, value in pairs]
    assert found == expected
    types = ends.destination.types(table.name)
    assert {case.type: types[f"c{number}"] for number, case in enumerate(cases)} == {
        case.type: case.redshift if ends.on_redshift else case.postgres or case.type for case in cases
    }
