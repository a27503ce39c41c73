"""Changes that change the hash of a row, and those that do not, in every database."""

import contextlib
import hashlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from daybook.model.target import Target
from daybook.model.types import Column, parse_type
from daybook.sources.database import mysql_checksum
from daybook.sql.checksum.columns import Field, recipe_of
from daybook.sql.checksum.dialects import postgresql
from daybook.warehouses.redshift import checksum as redshift
from tests.support.source_and_warehouse import Database

#: Each column: its type at the source, and the columns in MariaDB, PostgreSQL and Redshift.
COLUMNS = {
    "a": ("varchar(30)", "varchar(30)", "varchar(30)", "varchar(120)"),
    "b": ("varchar(30)", "varchar(30)", "varchar(30)", "varchar(120)"),
    "long": ("text", "text", "text", "varchar(65535)"),
    "padded": ("char(5)", "char(5)", "char(5)", "varchar(20)"),
    "n": ("bigint", "bigint", "bigint", "bigint"),
    "price": ("decimal(10,2)", "decimal(10,2)", "numeric(10,4)", "varchar(256)"),
    "x": ("double", "double", "double precision", "double precision"),
    "f": ("real", "float", "double precision", "double precision"),
    "moment": ("timestamp(6)", "datetime(6)", "timestamp", "timestamp"),
    "day": ("date", "date", "timestamp", "date"),
    "yes": ("boolean", "bit(1)", "boolean", "boolean"),
}
ENGINES = {
    **dict.fromkeys(["mariadb", "mysql"], mysql_checksum),
    **dict.fromkeys(["postgres", "postgres_debian"], postgresql),
    "redshift": redshift,
}
#: The position of each database's type in `COLUMNS`.
POSITIONS = {"mariadb": 1, "mysql": 1, "postgres": 2, "postgres_debian": 2, "redshift": 3}
#: `make test` tries PostgreSQL with one of its two versions.
EACH = [pytest.param(name, marks=[pytest.mark.full] * (name == "postgres_debian")) for name in ENGINES]
Row = dict[str, Any]
#: Takes rows, whose unnamed columns are NULL. Returns the hashes of each row and of its key.
Numbers = Callable[..., list[tuple[int, int]]]


@pytest.fixture(scope="module", params=EACH)
def numbers(request: pytest.FixtureRequest) -> Iterator[Numbers]:
    """Each database in turn."""
    engine, server = request.param, request.getfixturevalue(request.param)
    dialect, position = ENGINES[engine], POSITIONS[engine]
    with contextlib.ExitStack() as stack:
        if engine == "redshift":
            database = Database(server.url, stack.enter_context(server.schema()))
            table = f"{database.namespace}.t"
        else:
            database, table = Database(stack.enter_context(server.database()), ""), "t"
        quote = database.quote
        columns = ", ".join(f"{quote(name)} {types[position]}" for name, types in COLUMNS.items())
        database.run(f"CREATE TABLE {table} (place int, {columns})")
        source = [Column(name, parse_type(types[0])) for name, types in COLUMNS.items()]
        kept = [
            Column(name, parse_type(types[0 if database.is_mysql else position])) for name, types in COLUMNS.items()
        ]
        recipe = recipe_of(Target("raw.t", tuple(source), ("n", "a")), {column.name: column for column in kept}, str)
        assert not recipe.left_out

        def value(field: Field) -> str:
            factor = {"f": " * 1e0", "yes": " + 0"}.get(field.name, "") if database.is_mysql else ""
            return f"({quote(field.name)}{factor})"

        hashes = f"{dialect.row_hash(recipe, value)}, {dialect.key_hash(recipe, value)}"

        def of(*rows: Row) -> list[tuple[int, int]]:
            database.run(f"DELETE FROM {table}")
            database.insert(table, [(place, *map(row.get, COLUMNS)) for place, row in enumerate(rows)])
            return database.run(f"SELECT {hashes} FROM {table} ORDER BY place")

        yield of


FULL: Row = {
    "a": "x", "b": "", "long": "text", "padded": "ab", "n": 5, "price": "1.50", "x": "0.1", "f": "0.5",
    "moment": "2021-02-05 10:00:00", "day": "2021-02-05", "yes": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "other"),
    [
        pytest.param({"a": ""}, {}, id="an empty text is not NULL"),
        pytest.param({"long": ""}, {}, id="an empty long text is not NULL"),
        pytest.param({"padded": ""}, {}, id="an empty char is not NULL"),
        pytest.param({"n": 0}, {}, id="zero is not NULL"),
        pytest.param({"x": "0"}, {}, id="a zero double is not NULL"),
        pytest.param({"yes": False}, {}, id="false is not NULL"),
        pytest.param({"a": "xy", "b": "z"}, {"a": "x", "b": "yz"}, id="a character in the next column"),
        pytest.param({"a": "x"}, {"b": "x"}, id="a text in the next column"),
        pytest.param({"a": "x", "b": ""}, {"a": "", "b": "x"}, id="a text changed with an empty one"),
        pytest.param({"a": "|1:x"}, {"a": "", "b": "x"}, id="a text that looks like two"),
        pytest.param({"a": "1:x|"}, {"a": "x"}, id="a text that looks like another"),
        pytest.param({"n": 12, "price": "3"}, {"n": 1, "price": "23"}, id="a digit in the next column"),
        pytest.param({"a": "a"}, {"a": "A"}, id="upper and lower case"),
        pytest.param({"a": "a"}, {"a": "á"}, id="an accent"),
        pytest.param({"a": "\u00e9"}, {"a": "e\u0301"}, id="an accent as a combining character"),
        pytest.param({"a": "x"}, {"a": "x "}, id="a blank at the end of a varchar"),
        pytest.param({"long": "x"}, {"long": "x\n"}, id="a newline at the end of a text"),
        pytest.param({"padded": "x"}, {"padded": " x"}, id="a blank before a char"),
        pytest.param({"price": "10.00"}, {"price": "1.00"}, id="ten and one"),
        pytest.param({"price": "0.01"}, {"price": "0.00"}, id="the last digit of a decimal"),
        pytest.param({"n": 9007199254740993}, {"n": 9007199254740992}, id="a bigint that no double holds"),
        pytest.param({"x": "0.30000000000000004"}, {"x": "0.3"}, id="neighbours among doubles"),
        pytest.param({"x": "5e-324"}, {"x": "0"}, id="the smallest double"),
        pytest.param({"x": "1.7976931348623157e308"}, {"x": "1.7976931348623155e308"}, id="the largest doubles"),
        pytest.param({"x": "1"}, {"x": "1.1102230246251565e-16"}, id="the two doubles that are scaled to one"),
        pytest.param({"x": "-0.5"}, {"x": "0.5"}, id="a sign"),
        pytest.param({"moment": "2021-02-05 10:00:00.000001"}, {"moment": "2021-02-05 10:00:00"}, id="a microsecond"),
        pytest.param({"moment": "2021-02-05 10:00:00"}, {"moment": "2021-02-05 01:00:00"}, id="an hour"),
        pytest.param({"day": "2021-02-05"}, {"day": "2021-02-06"}, id="a day"),
        *(pytest.param(FULL, {**FULL, name: None}, id=f"{name} is NULL") for name in FULL),
    ],
)
def test_changes_the_hash(numbers: Numbers, row: Row, other: Row) -> None:
    (one, _), (two, _) = numbers(row, other)
    assert one != two


@pytest.mark.parametrize(
    ("row", "other"),
    [
        pytest.param({"padded": "x"}, {"padded": "x   "}, id="blanks at the end of a char"),
        pytest.param({"padded": ""}, {"padded": "  "}, id="a char of blanks"),
        pytest.param({"x": "0"}, {"x": "-0"}, id="a negative zero"),
        pytest.param({"f": "0"}, {"f": "-0"}, id="a negative zero among reals"),
        pytest.param({"price": "1.50"}, {"price": "1.5"}, id="zeros at the end of a decimal"),
        pytest.param(
            {"moment": "2021-02-05 10:00:00.500"}, {"moment": "2021-02-05 10:00:00.5"}, id="zeros of a second"
        ),
        pytest.param({"f": "0.1"}, {"f": "0.10000000149011612"}, id="a real as itself, and as a double shows it"),
    ],
)
def test_does_not_change_the_hash(numbers: Numbers, row: Row, other: Row) -> None:
    (one, _), (two, _) = numbers(row, other)
    assert one == two


@pytest.mark.parametrize("numbers", ["postgres", "redshift"], indirect=True)
def test_reals_in_a_double(numbers: Numbers) -> None:
    """PostgreSQL sends the largest and the smallest reals as these texts. Other doubles are no error, but differ."""
    largest, as_sent, smallest, sent, *others = numbers(
        *({"f": text} for text in ("3.4028234663852886e38", "3.4028235e38", "1.401298464324817e-45", "1e-45")),
        *({"f": text} for text in ("1e39", "-1e300", "1e-46", "1e-320")),
    )
    assert largest == as_sent and smallest == sent and len({largest, smallest, *others}) == 6


def test_a_hash_has_sixty_bits(numbers: Numbers) -> None:
    found = [number for number, _ in numbers(*({**FULL, "n": n} for n in range(100)))]
    assert len(set(found)) == 100 and all(0 <= number < 2**60 for number in found) and max(found) >= 2**59


def test_the_key_has_its_own_hash(numbers: Numbers) -> None:
    """It changes with each column of the key, but not with the rest of the row."""
    (row, key), (changed, same), (_, other), (_, another) = numbers(
        FULL, {**FULL, "x": "7"}, {**FULL, "n": 6}, {**FULL, "a": "X"}
    )
    assert row != changed and key == same and len({key, other, another}) == 3


#: Rows, and their texts: see daybook.sql.checksum.columns.
SPELLED: list[tuple[Row, str]] = [
    (
        FULL,
        "|1:x|0:|982d9e3eb996f559e633f4d194def376|2:ab|5|1.5|900719925474099.1125899906842624s|4503599627370496.0s"
        "|2021-02-05 10:00:00|2021-02-05|1",
    ),
    ({}, "|" * len(COLUMNS)),
    (
        {"a": "\U0001f600|\u00e9", "x": "-1e300", "f": "1e-45", "price": "-12345.67"},
        "|7:\U0001f600|\u00e9|||||-12345.67|-6724873095247260:996|4503599627370496:-149|||",
    ),
    ({"x": "2.5", "moment": "9999-12-31 23:59:59.999999"}, "|||||||2.2251799813685248||9999-12-31 23:59:59.999999||"),
]


def test_every_database_computes_the_hash_that_is_written_here(numbers: Numbers) -> None:
    """Ledgers keep sums of these hashes for years, so no change of a dialect may change them."""
    digests = [hashlib.sha256(text.encode()).hexdigest() for _, text in SPELLED]
    assert [number for number, _ in numbers(*(row for row, _ in SPELLED))] == [int(hex[:15], 16) for hex in digests]


#: Where the spelling of a double changes, where its exponent does, and the neighbours on both sides.
POWERS = [2.0**e for e in (-1074, -1073, -1023, -1022, -1021, -149, -54, -53, -52, -1, 0, 1, 52, 53, 54, 511, 1023)]
EDGES = [math.nextafter(power, to) for power in POWERS for to in (0, power, math.inf)]


def in_binary(x: float) -> str:
    """Return a double as text, as the checksum has it."""
    if x == 0:
        return "0"
    if not 2**-53 <= abs(x) < 2**53:
        mantissa, exponent = math.frexp(x)
        return f"{int(mantissa * 2**53)}:{exponent - 1}"
    scaled = x if abs(x) >= 1 else x * 2**53
    whole = math.trunc(scaled)
    return f"{whole}.{int((scaled - whole) * 2**52)}{'' if scaled == x else 's'}"


def test_doubles_at_the_limits(numbers: Numbers) -> None:
    values = [*EDGES, *(-x for x in EDGES), 0.1, -2 / 3, 1e22, math.pi, 1.7976931348623157e308]
    texts = ["|" * 7 + in_binary(x) + "|" * 4 for x in values]
    hashes = [int(hashlib.sha256(text.encode()).hexdigest()[:15], 16) for text in texts]
    expected = dict(zip(values, hashes, strict=True))
    found = numbers(*({"x": repr(x)} for x in values))
    assert {x: number for x, (number, _) in zip(values, found, strict=True)} == expected
