"""`too_long:` shortens a text between two characters or loads NULL, and each load counts and reports it."""

import csv
import io
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybook.errors import SourceError, StageError, ValueRefused
from daybook.load.extraction.long_texts import LongTexts, _Limit
from daybook.orchestration.artifacts.audit import markdown
from daybook.stage.csv_format import Chunk, CsvFormat
from tests.support.audited_tables import audited, table_of
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import MYSQL, POSTGRESQL

ON_REDSHIFT = pytest.mark.parametrize("ends", ["redshift-s3"], indirect=True)
FORMAT = CsvFormat(null="\x1eNULL")
TEXT = st.text(st.sampled_from('aé€😀",\n\r|'), max_size=12)
ROWS = st.lists(st.tuples(st.integers(0, 99), TEXT | st.none(), TEXT, TEXT | st.none()), max_size=6)


def as_csv(rows: list[tuple[object, ...]]) -> Chunk:
    def field(value: object) -> str:
        if value is None:
            return FORMAT.null
        return str(value) if isinstance(value, int) else '"' + str(value).replace('"', '""') + '"'

    return Chunk("".join(",".join(map(field, row)) + "\n" for row in rows).encode(), len(rows))


def shortened(text: str, most: int, in_bytes: bool) -> str:
    return text.encode()[:most].decode(errors="ignore") if in_bytes else text[:most]


@given(ROWS, st.integers(0, 8), st.booleans())
def test_only_long_values_of_these_columns_change(rows: list[tuple[object, ...]], most: int, in_bytes: bool) -> None:
    texts = LongTexts({1: _Limit("a", "truncate", most, in_bytes), 3: _Limit("b", "null", most, in_bytes)})
    chunks = list(texts.fitted([as_csv(rows), as_csv(rows)], FORMAT))
    wanted, counts = list[tuple[object, ...]](), Counter[str]()
    for number, first, second, third in rows:
        cut = None if first is None else shortened(str(first), most, in_bytes)
        left = None if third is None or shortened(str(third), most, in_bytes) != third else third
        counts.update({"a": 2 * (cut != first), "b": 2 * (left != third)})
        wanted.append((number, cut, second, left))
    assert chunks == [as_csv(wanted)] * 2
    assert len(list(csv.reader(io.StringIO(chunks[0].data.decode(), newline="")))) == len(rows)
    assert +texts.counts == +counts
    assert len(texts.notices("raw.t 2021-02-05")) == len(+counts)


def test_no_byte_of_a_chunk_is_dropped() -> None:
    texts = LongTexts({0: _Limit("a", "truncate", 1, True)})
    for data in (b'"long",x"y"\n', b'"long",1', b'"long"z,1\n'):
        with pytest.raises(StageError, match="A chunk is not CSV"):
            list(texts.fitted([Chunk(data, 1)], FORMAT))


@pytest.mark.parametrize("source", [*MYSQL[:1], *POSTGRESQL[:1]], indirect=True)
@ON_REDSHIFT
def test_a_text_that_is_too_long_stops_the_table_until_the_file_says_what_to_do(
    ends: Endpoints, caplog: pytest.LogCaptureFixture
) -> None:
    name = "longtext" if ends.source.is_mysql else "text"
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, at timestamp NULL, a {name}, b {name}, c {name})")
    ends.source.run("CREATE INDEX things_at ON things (at)")
    long = '😀"\n' + "é" * 40_000  # 80,006 bytes
    rows = [(1, "2021-02-05", long, long, "x"), (2, "2021-02-05", "a" * 65_535, "b" * 65_536, None)]
    ends.source.insert("things", rows)
    table = table_of(ends)
    refused = r"row id=1, column a: .*, or set too_long: \{a: truncate\} or \{a: null\} there"
    with pytest.raises(ValueRefused, match=refused):
        ends.load(table, "2021-02-05")
    table = table_of(ends, too_long={"a": "truncate", "b": None, "c": "fail"})
    report = ends.load(table, "2021-02-05")
    assert ends.rows(table, "id, a, b, c") == [
        (1, '😀"\n' + "é" * 32_764, None, "x"),  # 65,534 bytes: the next é has two
        (2, "a" * 65_535, None, None),
    ]
    label = f"{table.name} 2021-02-05"
    assert report.notices == (
        f"{label}: 1 value of a longer than 65,535 bytes is cut there, as too_long: in the table file says",
        f"{label}: 2 values of b longer than 65,535 bytes are loaded as NULL, as too_long: in the table file says",
    )
    assert all(notice in caplog.text for notice in report.notices)
    (found,) = audited(ends, table, 1)
    assert str(found.verdict) == "equal" and set(found.recipe.left_out) == {"a", "b"}
    assert "in the table file lets a load shorten its values" in markdown(table, [found], "")


@pytest.mark.parametrize("source", MYSQL[1:], indirect=True)
@ON_REDSHIFT
def test_json_is_a_super_by_choice(ends: Endpoints) -> None:
    """MySQL's JSON becomes a VARCHAR, which ends at 65,535 bytes. A SUPER has 16 MB."""
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, doc json)")
    ends.source.run("""INSERT INTO things VALUES (1, CONCAT('{"a": "', REPEAT('x', 70000), '"}')), (2, '[]')""")
    table = ends.table(key=["id"])
    with pytest.raises(ValueRefused, match=r"column doc.*Declare doc as jsonb under columns:"):
        ends.load(table)
    left = ends.table("left", source={"kind": "database", "table": "things"}, too_long={"doc": "null"})
    assert len(ends.load(left).notices) == 1
    assert ends.rows(left, "id, doc") == [(1, None), (2, "[]")]
    with pytest.raises(SourceError, match="too_long: doc is json, and a part of a JSON value is not JSON; use null"):
        ends.load(ends.table("cut", source=left.source, too_long={"doc": "truncate"}))
    whole = ends.table("whole", source=left.source, columns={"id": "integer", "doc": "super"})
    ends.load(whole)
    assert ends.rows(whole, "id, json_size(doc)") == [(1, 70_008), (2, 2)]


@pytest.mark.parametrize("source", POSTGRESQL[:1], indirect=True)
@ON_REDSHIFT
def test_an_array_that_is_too_long_can_only_be_left_out(ends: Endpoints) -> None:
    """Redshift has no arrays, so it keeps their text."""
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, words text[])")
    ends.source.run("INSERT INTO things VALUES (1, array_fill('x'::text, ARRAY[40000])), (2, '{y}')")
    with pytest.raises(
        ValueRefused, match=r"column words.*Fix the value at the source, or set too_long: \{words: null"
    ):
        ends.load(ends.table(key=["id"]))
    with pytest.raises(SourceError, match=r"words is text\[\], and a part of such a value has no meaning; use null"):
        ends.load(ends.table(key=["id"], too_long={"words": "truncate"}))
    table = ends.table(key=["id"], too_long={"words": "null"})
    assert len(ends.load(table).notices) == 1
    assert ends.rows(table) == [(1, None), (2, "{y}")]


@pytest.mark.parametrize("source", POSTGRESQL[:1], indirect=True)
@pytest.mark.parametrize("ends", ["postgres-folder", "redshift-s3"], indirect=True)
def test_a_shorter_column_of_the_warehouse_is_the_limit(ends: Endpoints) -> None:
    """Its length is in characters in PostgreSQL, and in bytes in Redshift."""
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, a varchar(9), b text)")
    ends.source.run("INSERT INTO things VALUES (1, 'ééééé', 'ééééé')")
    table = ends.table(key=["id"], too_long={"a": "truncate", "b": "truncate"})
    if not ends.on_redshift:
        ends.destination.run("CREATE SCHEMA raw")
    ends.destination.run(f"CREATE TABLE {ends.name(table)} (id int, a varchar(3), b varchar(5))")
    report = ends.load(table)
    assert ends.rows(table) == ([(1, "é", "éé")] if ends.on_redshift else [(1, "ééé", "ééééé")])
    assert len(report.notices) == (2 if ends.on_redshift else 1)
    with pytest.raises(SourceError, match=r"too_long has 'aa', but the source has no such column.*a"):
        ends.load(ends.table(key=["id"], too_long={"aa": "null"}))
    with pytest.raises(SourceError, match="too_long: id is integer, and only texts, JSON and types"):
        ends.load(ends.table(too_long={"id": "null"}))
