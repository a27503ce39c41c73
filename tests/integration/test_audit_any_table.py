"""Tables of random values: MySQL, PostgreSQL and the Redshift emulator compute the same checksum of each."""

import contextlib
import datetime
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration.test_values_text import HARD
from tests.support.checksum_sums import Sums, sums
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import SOURCES, ends_of, source_database

# An example is a load of many rows. Shrinking it would take many more loads.
TABLES = settings(
    max_examples=4,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
FIRST, LAST = datetime.datetime(1000, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
HARD_TEXT = st.integers(0, len(HARD) - 1).map(lambda number: HARD[number])
LATIN = st.text(st.characters(codec="cp1252", exclude_characters="\0"), max_size=30)
#: Where a double's spelling changes, and where its exponent does: powers of two, and their neighbours.
EDGES = st.sampled_from([-1074, -1073, -1023, -1022, -1021, -127, -54, -53, -52, -1, 0, 1, 52, 53, 54, 511, 1022, 1023])
POWERS = st.builds(
    lambda exponent, step, sign: sign * max(5e-324, _neighbour(2.0**exponent, step)),
    EDGES | st.integers(-1074, 1023),
    st.integers(-2, 2),
    st.sampled_from([1, -1]),
)


def _neighbour(number: float, steps: int) -> float:
    """Return the double that is this many doubles above `number`, which is positive."""
    (bits,) = struct.unpack("<q", struct.pack("<d", number))
    return struct.unpack("<d", struct.pack("<q", max(1, min(bits + steps, 0x7FEFFFFFFFFFFFFF))))[0]


SINGLES = st.floats(allow_nan=False, allow_infinity=False, width=32)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False) | POWERS
#: (the column in MariaDB, in PostgreSQL, its values)
COLUMNS: list[tuple[str, str, st.SearchStrategy[Any]]] = [
    ("smallint", "smallint", st.integers(-(2**15), 2**15 - 1)),
    ("bigint", "bigint", st.integers(-(2**63), 2**63 - 1)),
    ("decimal(38,9)", "decimal(38,9)", st.decimals(-(10**28), 10**28, places=9)),
    ("decimal(30,0)", "decimal(30,0)", st.integers(-(10**30) + 1, 10**30 - 1)),
    ("decimal(65,30)", "decimal(65,30)", st.decimals(-(10**34), 10**34, places=30)),
    ("decimal(5,2)", "decimal(5,2)", st.decimals(-999, 999, places=2)),
    ("bit(1)", "boolean", st.booleans()),
    ("float", "real", SINGLES),
    ("double", "double precision", DOUBLES),
    ("date", "date", st.dates(FIRST.date(), LAST.date())),
    ("datetime(6)", "timestamp", st.datetimes(FIRST, LAST)),
    ("datetime", "timestamp(0)", st.datetimes(FIRST, LAST).map(lambda moment: moment.replace(microsecond=0))),
    ("timestamp(6) NULL", "timestamptz", st.datetimes(datetime.datetime(1970, 1, 2), datetime.datetime(2038, 1, 1))),
    ("time(6)", "time", st.times()),
    ("time(6)", "interval", st.times()),
    ("varchar(100) COLLATE utf8mb4_bin", "varchar(100)", TEXT | HARD_TEXT.map(lambda text: text[:100])),
    ("varchar(30) CHARACTER SET latin1", "varchar(30)", LATIN),
    ("varchar(40) CHARACTER SET utf16", "varchar(40)", TEXT),
    ("text", "text", TEXT | HARD_TEXT),
    ("char(40)", "char(40)", TEXT.map(lambda text: text.rstrip(" "))),
    ("varbinary(40)", "bytea", st.binary(max_size=40)),
]
ROW = st.tuples(*(st.none() | values for _, _, values in COLUMNS))


@pytest.mark.servers
@pytest.mark.parametrize(
    "warehouses",
    [
        ["postgres-folder", "redshift-s3", "redshift-s3", "postgres-folder"],
        pytest.param(["redshift-s3", "postgres-folder", "postgres-folder", "redshift-s3"], marks=pytest.mark.full),
    ],
    ids=["one way", "the other way"],
)
def test_any_table(warehouses: list[str], request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Load from each server into one of the warehouses. Both ends of the four loads have the same checksum."""
    with contextlib.ExitStack() as stack:
        pairs = list[Endpoints]()
        for source, kind in zip(SOURCES, warehouses, strict=True):
            database = stack.enter_context(source_database(source, request))
            columns = ", ".join(f"c{n} {types[not database.is_mysql]}" for n, types in enumerate(COLUMNS))
            database.run(f"CREATE TABLE things (id int PRIMARY KEY, {columns})")
            pairs.append(stack.enter_context(ends_of(database, kind, request, tmp_path / source)))

        @TABLES
        @given(st.lists(ROW, min_size=40, max_size=80))
        def one_sum(rows: list[tuple[Any, ...]]) -> None:
            found = dict[str, Sums]()
            for server, ends in zip(SOURCES, pairs, strict=True):
                ends.source.run("DELETE FROM things")
                ends.source.insert("things", [(number, *map(as_text, row)) for number, row in enumerate(rows)])
                ends.load(table := ends.table(key=["id"], shrink_limit=0))
                found[f"{server} to {ends.warehouse.title}"] = sums(ends, table)
            assert {rows for both in found.values() for rows, _ in (both.source, both.warehouse)} == {len(rows)}
            assert not any(both.recipe.left_out for both in found.values())
            totals = {name: (both.source[1], both.warehouse[1]) for name, both in found.items()}
            assert len({total for pair in totals.values() for total in pair}) == 1, (totals, wrong_columns(pairs))

        one_sum()


def wrong_columns(pairs: list[Endpoints]) -> list[str]:
    """Return the columns whose checksums are not all equal."""
    wrong = []
    for n, (mariadb, _, _) in enumerate(COLUMNS):
        found = [sums(ends, ends.table(key=["id"]), (f"c{n}",)) for ends in pairs]
        if len({both for one in found for both in (one.source, one.warehouse)}) > 1:
            wrong.append(mariadb)
    return wrong


def as_text(value: Any) -> Any:
    """Return a float as its shortest text, which every server parses as the same double."""
    return repr(value) if isinstance(value, float) else value
