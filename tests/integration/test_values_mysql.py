"""Every value of MySQL's types is loaded unchanged into every warehouse."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.support.source_and_warehouse import Database, Endpoints

ALL_BYTES = bytes(range(256))
VARBYTE = "bytea"  # the type in the emulator
POINT = "ST_GeomFromText('POINT(1 2)', 4326)"
POINT_HEX = "e61000000101000000000000000000f03f0000000000000040"  # SRID, byte order, type, x, y


@dataclass(frozen=True)
class Case:
    """A column of the source, its values as SQL and their texts in PostgreSQL and Redshift, and Redshift's type.

    Oracle's MySQL lacks the types that are `mariadb_only`.
    """

    name: str
    type: str
    values: dict[str, str | tuple[str, str]]
    redshift: str
    mariadb_only: bool = False


#: The texts that differ on Oracle's MySQL: it has a negative zero, no fraction of the longest times, JSON with numbers
#: instead of their texts, and the axes of EPSG:4326 in their official order.
ON_MYSQL: dict[str, dict[str, str | tuple[str, str]]] = {
    "float": {"-0e0": "-0"},
    "double": {"-0e0": "-0"},
    "time": {f"'{sign}838:59:59.999999'": (f"{sign}838:59:59", f"{sign}838:59:59.000000") for sign in ("-", "")},
    "json": {"""'{"a": [1, 2.50, null], "b": "x"}'""": '{"a": [1, 2.5, null], "b": "x"}'},
    "point": {POINT: "\\xe610000001010000000000000000000040000000000000f03f"},
}


def cases_of(source: Database, cases: list[Case]) -> list[Case]:
    """Return the cases whose types the server has, with the texts of its values."""
    if source.is_mariadb:
        return cases
    return [replace(case, values=case.values | ON_MYSQL.get(case.name, {})) for case in cases if not case.mariadb_only]


def same(*values: str) -> dict[str, str | tuple[str, str]]:
    """Return values whose loaded text is their SQL, without its quotes."""
    return {value: value.strip("'") for value in values}


INTEGERS = [
    Case("bigint", "bigint", same("-9223372036854775808", "9223372036854775807"), "bigint"),
    Case("ubigint", "bigint unsigned", same("0", "18446744073709551615"), "numeric(20,0)"),
    Case("uint", "int unsigned", same("0", "4294967295"), "bigint"),
    Case("int", "int", same("-2147483648", "2147483647"), "integer"),
    Case("zerofill", "int(6) zerofill", {"42": "42"}, "bigint"),
    Case("mediumint", "mediumint", same("-8388608", "8388607"), "integer"),
    Case("umediumint", "mediumint unsigned", same("16777215"), "integer"),
    Case("smallint", "smallint", same("-32768", "32767"), "smallint"),
    Case("usmallint", "smallint unsigned", same("65535"), "integer"),
    Case("tinyint", "tinyint", same("-128", "127"), "smallint"),
    Case("utinyint", "tinyint unsigned", same("255"), "smallint"),
    Case("tinyint1", "tinyint(1)", same("0", "1", "2", "-128"), "smallint"),
    Case("bool", "boolean", same("0", "1"), "smallint"),
    Case("bit1", "bit(1)", {"b'0'": "f", "b'1'": "t"}, "boolean"),
    Case("bit10", "bit(10)", {"b'1111111111'": "1023"}, "bigint"),
    Case("bit63", "bit(63)", {f"b'{'1' * 63}'": "9223372036854775807"}, "bigint"),
    Case("bit64", "bit(64)", {f"b'{'1' * 64}'": "18446744073709551615", "b'0'": "0"}, "numeric(20,0)"),
    Case("year", "year", {"'0000'": "0", "1901": "1901", "2155": "2155"}, "smallint"),
]
NINES = "9" * 35 + "." + "9" * 30
FRACTIONS = [
    Case(
        "decimal65",
        "decimal(65,30)",
        {NINES: NINES, "-" + NINES: "-" + NINES, "-1e-30": "-0." + "0" * 29 + "1"},
        "character varying(256)",
    ),
    Case("decimal38", "decimal(38,10)", same("9" * 28 + "." + "9" * 10), "numeric(38,10)"),
    Case("decimal19", "decimal(19,0)", same("9" * 19, "-" + "9" * 19), "numeric(20,0)"),
    Case("decimal10", "decimal(10,2)", same("-99999999.99", "0.10"), "numeric(10,2)"),
    Case(
        "float",
        "float",
        {
            "3.40282346638528859e38": "3.4028235e+38",
            "1.17549435e-38": "1.1754944e-38",
            "1.4e-45": "1e-45",
            "0.1e0": "0.1",
            "16777216": "1.6777216e+07",
            "-0e0": "0",  # MariaDB has no negative zero
            "123456.78": "123456.78",
        },
        "real",
    ),
    Case(
        "double",
        "double",
        {
            "1.7976931348623157e308": "1.7976931348623157e+308",
            "-2.2250738585072014e-308": "-2.2250738585072014e-308",
            "5e-324": "5e-324",
            "0.1e0 + 0.2e0": "0.30000000000000004",
            "-0e0": "0",  # MariaDB has no negative zero
            "9007199254740993e0": "9.007199254740992e+15",
            "1e22": "1e+22",
        },
        "double precision",
    ),
    Case("double2", "double(20,2)", {"-0.93e0": "-0.93", "7e15": "7e+15"}, "double precision"),  # 0.07 - 1
]
TIMES = [
    Case("date", "date", same("'1000-01-01'", "'2021-02-28'", "'9999-12-31'"), "date"),
    Case(
        "datetime",
        "datetime(6)",
        same("'2021-03-14 02:30:00.000001'", "'2021-11-07 01:30:00'", "'9999-12-31 23:59:59.999999'"),
        "timestamp without time zone",
    ),
    Case(
        "timestamp",
        "timestamp(6) NULL",
        {
            f"'{moment}'": f"{moment}+00"
            for moment in ("1970-01-01 00:00:01", "2021-03-28 01:30:00.000001", "2038-01-19 03:14:07.999999")
        },
        "timestamp with time zone",
    ),
    Case(
        "time",
        "time(6)",
        {
            "'-838:59:59.999999'": "-838:59:59.999999",
            "'838:59:59.999999'": "838:59:59.999999",
            "'-00:00:00.5'": ("-00:00:00.5", "-00:00:00.500000"),
        },
        "character varying(64)",
    ),
]
TEXTS = [
    Case("varchar", "varchar(10)", same("''", "' x '", "'NULL'"), "character varying(40)"),
    Case("char", "char(5)", same("''", "' x'"), "character varying(20)"),
    Case("latin1", "varchar(20) CHARACTER SET latin1", same("'Zürich €'"), "character varying(80)"),
    Case("utf8mb3", "varchar(20) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin", same("'Ž日本'"), "character varying(80)"),
    Case("utf16", "varchar(20) CHARACTER SET utf16", same("'😀'"), "character varying(80)"),
    Case("sjis", "text CHARACTER SET sjis", same("'日本'"), "character varying(65535)"),
    Case("bin", "varchar(20) COLLATE utf8mb4_bin", same("'😀'"), "character varying(80)"),
    Case("enum", "enum('a','ä,\"b','')", same("'a'", "'ä,\"b'", "''"), "character varying(16)"),
    Case("set", "set('x','y')", same("''", "'x,y'"), "character varying(12)"),
    Case("json", "json", same("""'{"a": [1, 2.50, null], "b": "x"}'"""), "character varying(65535)"),
    Case("inet6", "inet6", same("'2001:db8::ff00:42:8329'"), "character varying(65535)", mariadb_only=True),
    Case("uuid", "uuid", same("'123e4567-e89b-12d3-a456-426655440000'"), "character varying(36)", mariadb_only=True),
]
BINARIES = [
    Case("binary", "binary(4)", {"x'00ff'": "\\x00ff0000"}, VARBYTE),
    Case("varbinary", "varbinary(4)", {"''": "\\x", "x'00'": "\\x00"}, VARBYTE),
    Case(
        "blob",
        "blob",
        {f"x'{ALL_BYTES.hex()}'": f"\\x{ALL_BYTES.hex()}", "''": "\\x"},
        VARBYTE,
    ),
    Case("point", "point", {POINT: f"\\x{POINT_HEX}"}, VARBYTE),
]


@pytest.mark.parametrize("cases", [INTEGERS, FRACTIONS, TIMES, TEXTS, BINARIES], ids=lambda cases: cases[0].name)
def test_every_value_is_loaded(from_mysql: Endpoints, cases: list[Case]) -> None:
    ends, cases = from_mysql, cases_of(from_mysql.source, cases)
    columns = ", ".join(f"`{case.name}` {case.type}" for case in cases)
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, {columns})")
    expected: list[tuple[Any, ...]] = []
    for case in cases:
        for sql, spelt in {**case.values, "NULL": None}.items():
            ends.source.run(f"INSERT INTO things (id, `{case.name}`) VALUES ({len(expected)}, {sql})")
            expected.append((case.name, spelt[ends.on_redshift] if isinstance(spelt, tuple) else spelt))
    table = ends.table(key=["id"])
    ends.load(table)
    names = ", ".join(ends.destination.quote(case.name) for case in cases)
    rows = ends.destination.texts(f"SELECT {names} FROM {ends.name(table)} ORDER BY id")
    position = {case.name: index for index, case in enumerate(cases)}
    assert [(name, row[position[name]]) for (name, _), row in zip(expected, rows, strict=True)] == expected
    if ends.on_redshift:
        assert {k: t for k, t in ends.destination.types(table.name).items() if k != "id"} == {
            case.name: case.redshift for case in cases
        }
