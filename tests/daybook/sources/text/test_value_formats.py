"""Formats of values in texts: each value survives PostgreSQL's COPY unchanged, or is refused with the reason."""

import io
import json
import math
import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg2
import psycopg2.extras
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from daybook.definitions.table import Table
from daybook.errors import ValueRefused
from daybook.model.types import Column, parse_type
from daybook.sources.text.typed_csv import TextRows
from daybook.sources.text.value_formats import ValueFormats
from daybook.stage.csv_format import CsvFormat
from tests.support.servers.postgres import Postgres

TABLE = Table(
    name="raw.things",
    description="x",
    owner="tests",
    load="replace",
    key="id",
    source={"kind": "database", "table": "t"},
)


@pytest.fixture(scope="module")
def session(postgres: Postgres) -> Iterator[Any]:
    """Yield a cursor of a database that only this module uses."""
    with postgres.database() as url:
        connection = psycopg2.connect(url.replace("+psycopg2", ""))
        psycopg2.extras.register_uuid(None, connection)
        with connection.cursor() as cursor:
            cursor.execute("SET TimeZone TO 'UTC'; SET extra_float_digits TO 3")
            yield cursor
        connection.close()


def staged(type: str, texts: list[str | None], **values: Any) -> bytes:
    """Return the CSV of texts in a column `value`, after an id."""
    columns = [Column("id", parse_type("int")), Column("value", parse_type(type))]
    rows = TextRows(TABLE, columns, ValueFormats(**values), CsvFormat())
    pairs = ((f"line {number}", (str(number), text)) for number, text in enumerate(texts))
    return b"".join(chunk.data for chunk in rows.chunks(pairs))


def through(session: Any, type: str, texts: list[str | None], **values: Any) -> list[Any]:
    """Return the values that PostgreSQL's driver reads after a COPY of these texts into a column of this type."""
    data = staged(type, texts, **values)
    session.execute(f"DROP TABLE IF EXISTS things; CREATE TEMP TABLE things (id int, value {type})")
    session.copy_expert("COPY things FROM STDIN WITH (FORMAT csv)", io.BytesIO(data))
    session.execute("SELECT value FROM things ORDER BY id")
    return [value for (value,) in session.fetchall()]


def read(type: str, text: str, **values: Any) -> str | None:
    return ValueFormats(**values).parser(parse_type(type))(text)


_moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
_zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def _numbers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2**bits), 2**bits - 1)


#: Type in PostgreSQL: its values.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "smallint": _numbers(15),
    "integer": _numbers(31),
    "bigint": _numbers(63),
    "numeric": st.decimals(allow_nan=False, allow_infinity=False),
    "numeric(38,9)": st.decimals(-(10**28), 10**28, places=9),
    "numeric(5,5)": st.decimals(Decimal("-0.99999"), Decimal("0.99999"), places=5),
    "double precision": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "date": st.dates(),
    "timestamp": _moments,
    "timestamptz": st.builds(lambda moment, zone: moment.replace(tzinfo=zone), _moments, _zones),
    "time": st.times(),
    "uuid": st.uuids(),
    "text": _texts,
    "varchar(20)": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
}


@pytest.mark.parametrize("type", VALUES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_value_survives_a_copy(type: str, data: st.DataObject, session: Any) -> None:
    values = data.draw(st.lists(VALUES[type], min_size=1, max_size=20))
    texts = [str(value) for value in values]
    assert through(session, type, [*texts, None], nulls=[]) == [*values, None]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.floats(width=32, allow_nan=False), min_size=1))
def test_every_real_survives_a_copy(values: list[float], session: Any) -> None:
    back = through(session, "real", [repr(value) for value in values])
    assert [struct.pack("f", value) for value in back] == [struct.pack("f", value) for value in values]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.binary(), min_size=1))
def test_all_bytes_survive_a_copy(values: list[bytes], session: Any) -> None:
    back = through(session, "bytea", ["\\x" + value.hex() for value in values])
    assert [bytes(value) for value in back] == values


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=_json)
def test_json_survives_a_copy_unchanged(value: Any, session: Any) -> None:
    written = json.dumps(value, ensure_ascii=False)
    assert through(session, "json", [written]) == [value]
    assert session.execute("SELECT value::text FROM things") is None and session.fetchone() == (written,)


def test_nan_and_infinity_survive_a_copy(session: Any) -> None:
    back = through(session, "double precision", ["nan", "-NaN", "inf", "+Infinity", "-inf"])
    assert [str(value) for value in back] == ["nan", "nan", "inf", "inf", "-inf"]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12))
@example(Decimal("-1234567.890"))
def test_numbers_of_other_countries(number: Decimal) -> None:
    for thousands, point in ((".", ","), ("'", "."), (" ", ","), ("\u202f", ","), (",", ".")):
        spelled = f"{number:,.3f}".replace(",", "T").replace(".", point).replace("T", thousands)
        assert Decimal(read("decimal(30,3)", spelled, decimal_point=point, thousands=thousands) or "") == number


@given(moment=_moments.filter(lambda moment: moment.year >= 1000))
@example(datetime(2021, 2, 5, 12, 0))
def test_dates_of_other_countries(moment: datetime) -> None:
    for pattern in ("%d.%m.%Y %H:%M:%S.%f", "%m/%d/%Y %I:%M:%S.%f %p", "%Y%m%d %H%M%S%f"):
        assert read("timestamp", moment.strftime(pattern), timestamps=pattern) == moment.isoformat(" ")
    for pattern in ("%d.%m.%Y", "%m/%d/%Y", "%d %b %Y", "%Y%j"):
        assert read("date", moment.strftime(pattern), dates=pattern) == moment.date().isoformat()


@pytest.mark.parametrize(
    "type, text, nulls, value",
    [
        ("text", "", [""], None),
        ("text", "", [], ""),
        ("text", "NA", ["NA"], None),
        ("text", " NA", ["NA"], " NA"),
        ("text", "NULL", [""], "NULL"),
        ("int", "", [], None),
        ("int", "  ", ["NA"], None),
        ("date", "-", ["-"], None),
    ],
)
def test_nulls_are_those_of_the_table_file(type: str, text: str, nulls: list[str], value: str | None) -> None:
    assert read(type, text, nulls=nulls) == value


REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("int", "5.0", {}, "not an integer"),
    ("int", "٥", {}, "not an integer"),
    ("int", "2147483648", {}, "range of integer"),
    ("smallint", "-32769", {}, "range of smallint"),
    ("bigint", "9" * 5000, {}, "range of bigint"),
    ("int", "1,000", {}, "not an integer"),
    ("int", "1,5", {"thousands": ","}, "not between thousands"),
    ("int", "10,00", {"thousands": ","}, "not between thousands"),
    ("int", "1,0000", {"thousands": ","}, "not between thousands"),
    ("int", "1000,000", {"thousands": ","}, "not between thousands"),
    ("decimal(9,3)", "1.5", {"decimal_point": ",", "thousands": "."}, "not between thousands"),
    ("decimal(9,3)", "1.5", {"decimal_point": ","}, "it has a point"),
    ("decimal(9,3)", "1,5", {}, "not a number"),
    ("decimal(9,2)", "1.005", {}, "more than 2 digits after the point"),
    ("decimal(5,2)", "1234.5", {}, "more than 3 digits before the point"),
    ("decimal", "NaN", {}, "not a number"),
    ("decimal", "1e1000000", {}, "range of a decimal"),
    ("decimal", "1e-1000000", {}, "range of a decimal"),
    ("real", "1e39", {}, "range of real"),
    ("real", "1e-60", {}, "range of real"),
    ("double", "-1e309", {}, "range of double"),
    ("double", "1e-400", {}, "range of double"),
    ("double", "+-inf", {}, "not a number"),
    ("double", "1_000", {}, "not a number"),
    ("boolean", "2", {}, "not true or false"),
    ("date", "05.02.2021", {}, "isoformat"),
    ("date", "2021-02-30", {}, "day is out of range"),
    ("date", "2021-02-05 10:00", {"dates": "%Y-%m-%d %H:%M"}, "a time of day, which a date would lose"),
    ("timestamp", "2021-02-05T10:00:00Z", {}, "a time zone, which a timestamp would lose"),
    ("timestamp", "2021-02-05T10:00:00.1234567", {}, "more than 6 fractional digits"),
    ("timestamp(3)", "2021-02-05T10:00:00.1234", {}, "more than 3 fractional digits"),
    ("timestamp(0)", "05.02.2021 10:00:00.5", {"timestamps": "%d.%m.%Y %H:%M:%S.%f"}, "more than 0 fractional digits"),
    ("timestamptz", "2021-02-05T10:00:00", {}, "no time zone, so it is not an instant"),
    ("timestamptz", "0001-01-01T00:00:00+05:00", {}, "outside of the years 1 to 9999"),
    ("time", "10:00+02:00", {}, "a time zone, which a time would lose"),
    ("timetz", "10:00", {}, "no time zone"),
    ("timetz", "10:00+02:00,more", {}, "isoformat"),
    ("json", "{", {}, "Expecting"),
    ("json", '{"a": NaN}', {}, "JSON has no NaN"),
    ("json", "[" * 100_000, {}, "nested too deeply"),
    ("uuid", "123", {}, "UUID"),
    ("bytes", "\\xfg", {}, "hexadecimal"),
    ("varchar(3)", "abcd", {}, "4 characters, but only 3 fit"),
    ("varchar(3)", "abc ", {}, "4 characters, but only 3 fit"),
    ("text", "a\0b", {}, "NUL"),
    ("text", "a\ud800b", {}, "half of a character"),
]


@pytest.mark.parametrize("type, text, values, why", REFUSED, ids=[f"{row[0]} {row[1][:30]!r}" for row in REFUSED])
def test_a_value_that_would_change_is_refused(type: str, text: str, values: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueRefused) as caught:
        staged(type, [None, text], **values)
    message = str(caught.value)
    assert message.startswith("raw.things, line 1, row id='1', column value: ") and why in message
    assert len(message) < 400 and message.isprintable()


def test_a_dot_in_a_date_is_not_a_fraction() -> None:
    assert read("timestamp(0)", "05.02.2021 10:00:00", timestamps="%d.%m.%Y %H:%M:%S") == "2021-02-05 10:00:00"


@pytest.mark.parametrize("row", [("1",), ("1", "a", "b")], ids=["too few", "too many"])
def test_a_row_of_another_width_is_refused(row: tuple[str, ...]) -> None:
    columns = [Column("id", parse_type("int")), Column("value", parse_type("text"))]
    rows = TextRows(TABLE, columns, ValueFormats(), CsvFormat())
    with pytest.raises(
        ValueRefused, match=f"raw.things, line 7: the row has {len(row)} values, but there are 2 columns"
    ):
        list(rows.chunks([("line 7", row)]))


@pytest.mark.parametrize(
    "values, why",
    [
        ({"dates": "%d.%m."}, "has no year"),
        ({"dates": "%d %Y"}, "has no month"),
        ({"timestamps": "%d.%m.%Y %I:%M"}, "has no hour"),
        ({"dates": "%x"}, "depends on the machine"),
        ({"timestamps": "%Y-%m-%d %H:%M %Z"}, "depends on the machine"),
        ({"dates": "%Q"}, "bad directive"),
        ({"decimal_point": ";"}, "must be a point or a comma"),
        ({"thousands": "0"}, "must be a comma"),
        ({"decimal_point": ",", "thousands": ","}, "must be different"),
        ({"null": ["NA"]}, "Extra inputs are not permitted"),
    ],
    ids=str,
)
def test_an_ambiguous_format_is_refused(values: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ValueFormats(**values)


def test_chunks_have_a_mebibyte_of_whole_rows() -> None:
    columns = [Column("id", parse_type("int")), Column("value", parse_type("text"))]
    rows = TextRows(TABLE, columns, ValueFormats(), CsvFormat())
    chunks = list(rows.chunks((f"line {number}", (str(number), "é" * 500)) for number in range(3000)))
    assert sum(chunk.rows for chunk in chunks) == 3000
    assert all(chunk.data.count(b"\n") == chunk.rows and chunk.data.endswith(b"\n") for chunk in chunks)
    assert max(len(chunk.data) for chunk in chunks) < 2**20 + 2000 and len(chunks) == math.ceil(3000 * 1007 / 2**20)


def test_an_instant_is_staged_in_utc() -> None:
    assert read("timestamptz", "2021-02-05T10:00:00.5+05:30") == "2021-02-05 04:30:00.500000+00:00"
    assert read("timestamptz", "05.02.2021 10:00 +0100", timestamps="%d.%m.%Y %H:%M %z") == str(
        datetime(2021, 2, 5, 9, tzinfo=UTC)
    )


def test_dates_and_times_of_python() -> None:
    assert (read("date", str(date(2021, 2, 5))), read("time", str(time(1, 2, 3, 4)))) == (
        "2021-02-05",
        "01:02:03.000004",
    )


AS_TEXT = ", or declare the column as text under columns: in the table file"


def in_format(fields: str) -> str:
    return f", declare its format under source: values: {fields}{AS_TEXT}"


#: A refused text, its type, the formats of the table file, the reason, the remedy, and the changes that it suggests.
REMEDIES: dict[str, tuple[str, str, dict[str, str], str, str, dict[str, str]]] = {
    "a German true": ("WAHR", "boolean", {}, "it is not true or false", AS_TEXT, {}),
    "a French false": ("FAUX", "boolean", {}, "it is not true or false", AS_TEXT, {}),
    "a typographic minus": ("−5,25", "decimal(9, 2)", {"decimal_point": ","}, "is U+2212, not the -", AS_TEXT, {}),
    "a typographic minus of an integer": ("−5", "integer", {}, "is U+2212, not the -", AS_TEXT, {}),
    "a typographic minus of a float": ("−5.25", "double", {}, "is U+2212, not the -", AS_TEXT, {}),
    "a percentage": ("12,5%", "decimal(9, 2)", {"decimal_point": ","}, "it is a percentage", AS_TEXT, {}),
    "an integer in percent": ("12 %", "integer", {}, "it is a percentage", AS_TEXT, {}),
    "a word": ("cheap", "decimal(9, 2)", {}, "it is not a number", AS_TEXT, {}),
    "a currency": ("5,10 €", "decimal(9, 2)", {"decimal_point": ","}, "it is not a number", AS_TEXT, {}),
    "a decimal comma": ("5,25", "decimal(9, 2)", {}, "", in_format("decimal_point"), {"decimal_point": ","}),
    "a decimal point": (
        *("5.25", "double", {"decimal_point": ","}, "", in_format("decimal_point")),
        {"decimal_point": "."},
    ),
    "a mark of thousands": ("1,234", "integer", {}, "", in_format("thousands"), {"thousands": ","}),
    "a German number": (
        *("1.234,50", "decimal(9, 2)", {}, "", in_format("decimal_point and thousands")),
        {"decimal_point": ",", "thousands": "."},
    ),
    "too many digits": ("1.0050", "decimal(9, 2)", {}, "more than 2 digits after the point", AS_TEXT, {}),
    "too many digits, or thousands": (
        *("1.005", "decimal(9, 2)", {}, "more than 2 digits after the point", in_format("decimal_point and thousands")),
        {"decimal_point": ",", "thousands": "."},
    ),
    "too large": ("40000", "smallint", {}, "out of the range of smallint", AS_TEXT, {}),
    "a German date": ("05.02.2021", "date", {}, "", in_format("dates"), {"dates": "%d.%m.%Y"}),
    "an ISO date": ("2021-02-05", "date", {"dates": "%d.%m.%Y"}, "", in_format("dates"), {"dates": "%Y-%m-%d"}),
    "an American time": (
        *("2/5/2021 17:30", "timestamp", {}, "", in_format("timestamps")),
        {"timestamps": "%m/%d/%Y %H:%M"},
    ),
    "a time without a zone": ("2021-02-05 12:00", "timestamptz", {}, "it has no time zone", AS_TEXT, {}),
    "a word for a date": ("soon", "date", {}, "", AS_TEXT, {}),
    "a time of day": ("noon", "time", {}, "", AS_TEXT, {}),
    "no JSON": ("{", "json", {}, "", AS_TEXT, {}),
    "no UUID": ("x", "uuid", {}, "", AS_TEXT, {}),
    "a long text": (
        *("xxxx", "varchar(3)", {}, "only 3 fit"),
        *(", or declare the column as a longer type under columns: in the table file", {}),
    ),
    "a NUL": ("a\0", "varchar(9)", {}, "it contains a NUL", "", {}),
    "half of a character": ("\ud83d", "text", {}, "half of a character", "", {}),
}


@pytest.mark.parametrize("case", REMEDIES)
def test_the_remedy_of_a_refused_value_exists_and_works(case: str) -> None:
    text, type, formats, why, remedy, changes = REMEDIES[case]
    with pytest.raises(ValueRefused) as refused:
        staged(type, [text], **formats)
    assert why in str(refused.value)
    assert str(refused.value).endswith(f". Correct it in the source{remedy}")
    if changes:
        staged(type, [text], **{**formats, **changes})
    if AS_TEXT in remedy:
        assert text in staged("text", [text], **formats).decode().replace('""', '"')


@pytest.mark.parametrize(
    "text", ["#REF!", "#N/A", "#DIV/0!", "#NV", "#BEZUG!", "#ERREUR!", "#¡REF!", "#Н/Д", "#スピル!"]
)
def test_an_error_text_in_a_file_is_a_text_like_any_other(text: str) -> None:
    """A file has no formulas. Only `nulls` makes such a text a NULL, and no other type takes it."""
    assert staged("varchar(30)", [text]) == f'0,"{text}"\n'.encode()
    for type in ("varchar(30)", "integer", "date"):
        assert staged(type, [text], nulls=["", text]) == b"0,\n"
    for type in ("integer", "decimal(9,2)", "double", "boolean", "date", "timestamp", "uuid", "json"):
        with pytest.raises(ValueRefused, match="column value"):
            staged(type, [text])
