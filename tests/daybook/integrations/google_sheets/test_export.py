"""Exports of tables and queries to a Google sheet: the content, what is kept, what is refused, the ledger's row."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import ExportFailed, ExportLost
from daybook.integrations.google_sheets import cells, export
from daybook.integrations.google_sheets.export import Written
from daybook.sources.google_sheets import client, ranges
from daybook.sources.google_sheets.ranges import Area, parse
from tests.daybook.sources.google_sheets.test_source import GoogleKeys
from tests.support.servers.google import Cell, Google, Sheet
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of

pytestmark = pytest.mark.any_warehouse

ROWS = [(2, "Bob", Decimal("7.25")), (1, "Ann", Decimal("5.10")), (3, None, None)]
SENT = [["id", "name", "price"], [1, "Ann", 5.1], [2, "Bob", 7.25], [3]]


@pytest.fixture
def table(warehouse_ends: Endpoints) -> Table:
    """The table raw.prices with three rows. The last one is nearly empty."""
    table = warehouse_ends.table(
        "prices",
        source={"kind": "google_sheet", "spreadsheet": "x", "sheet": "x"},
        key="id",
        columns={"id": "integer", "name": "varchar(20)", "price": "decimal(10, 2)"},
    )
    destination = warehouse_ends.destination
    if not warehouse_ends.on_redshift:
        destination.run(f"CREATE SCHEMA {table.schema_name}")
    destination.run(f"CREATE TABLE {warehouse_ends.name(table)} (id integer, name varchar(20), price decimal(10, 2))")
    destination.insert(warehouse_ends.name(table), ROWS)
    return table


@pytest.fixture
def report(google: Google) -> tuple[str, Sheet]:
    """A spreadsheet with the sheet Report of 1000 rows and 26 columns: its ID, and the sheet."""
    id = google.new("Notes", "Report")
    return id, google.spreadsheets[id].sheets["Report"]


def write(ends: Endpoints, google: Google, id: str, range: str, selection: export.Selection) -> Written:
    return export.write(selection, GoogleKeys(google).google("google"), id, parse(range))


def now_in(google: Google, id: str, title: str = "Report") -> Sheet:
    return google.spreadsheets[id].sheets[title]


def one_value(ends: Endpoints, sql: str) -> export.Selection:
    return export.select(ends.warehouse, f"SELECT {sql} AS value")


def test_a_table_is_written_in_one_request_in_key_order_and_recorded(
    warehouse_ends: Endpoints, google: Google, table: Table, report: tuple[str, Sheet]
) -> None:
    id, _ = report
    before = datetime.now(UTC)

    for run in ("first", "second"):
        google.requests.clear()
        written = write(warehouse_ends, google, id, "Report", export.select_table(warehouse_ends.warehouse, table))
        entry = export.note(warehouse_ends.warehouse, written, run)
        assert google.requests == [
            f"GET /v4/spreadsheets/{id}",
            f"POST /v4/spreadsheets/{id}:batchUpdate",
            f"GET /v4/spreadsheets/{id}/values/'Report'",
        ]
        assert now_in(google, id).all() == SENT
        assert (entry.table, entry.start, entry.rows, entry.strategy) == (
            f"google_sheets.{id}!Report",
            None,
            3,
            "replace",
        )
        assert before <= entry.snapshot_at == entry.end <= entry.loaded_at
    noted = warehouse_ends.destination.run(
        "SELECT table_name, rows_loaded, strategy, flow_run_id FROM daybook.ledger WHERE table_name = %s "
        "ORDER BY loaded_at",
        (entry.table,),
    )
    assert noted == [(entry.table, 3, "replace", run) for run in ("first", "second")]


def test_a_range_is_replaced_and_other_cells_and_formats_do_not_change(
    warehouse_ends: Endpoints, google: Google, table: Table, report: tuple[str, Sheet]
) -> None:
    id, sheet = report
    old = [[Cell(f"old {row}.{column}", format="0.00") for column in range(6)] for row in range(9)]
    sheet.fill(old)

    write(warehouse_ends, google, id, "Report!B3:E", export.select_table(warehouse_ends.warehouse, table))

    after = now_in(google, id)
    kept = [[f"old {row}.{column}" for column in range(6)] for row in range(9)]
    for row in range(2, 9):
        new = SENT[row - 2] if row - 2 < len(SENT) else []
        kept[row][1:5] = [*new, *[""] * (4 - len(new))]
    assert after.all() == kept
    assert {cell.format for cell in after.cells.values()} == {"0.00"}


def test_fewer_rows_than_before_clear_the_rest_of_the_range(
    warehouse_ends: Endpoints, google: Google, report: tuple[str, Sheet]
) -> None:
    id, _ = report
    for count in (5, 2):
        numbers = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(count))
        selection = export.select(warehouse_ends.warehouse, f"SELECT n FROM ({numbers}) AS numbers ORDER BY n DESC")
        assert write(warehouse_ends, google, id, "Report!A1:C", selection).rows == count
        assert now_in(google, id).all() == [["n"], *[[n] for n in reversed(range(count))]]


def test_the_sheet_grows_if_it_must(
    warehouse_ends: Endpoints, google: Google, table: Table, report: tuple[str, Sheet]
) -> None:
    id, sheet = report
    sheet.rows, sheet.columns = 3, 2

    write(warehouse_ends, google, id, "Report!B2:D", export.select_table(warehouse_ends.warehouse, table))

    after = now_in(google, id)
    assert (after.rows, after.columns) == (5, 4)
    assert after.all() == [[], *[["", *row] for row in SENT]]


VALUES: dict[str, tuple[str, Any]] = {
    "a text that looks like a formula": ("'=1+1'::varchar", "=1+1"),
    "a text that looks like a number": ("'007'::varchar", "007"),
    "a text that looks like a date": ("'2021-02-05'::varchar", "2021-02-05"),
    "a text with a percent sign": ("'100%'::varchar", "100%"),
    "a whole number": ("42::bigint", 42),
    "sixteen digits, which a sheet would round": ("1234567890123456::bigint", "1234567890123456"),
    "a decimal": ("5.10::decimal(10, 2)", 5.1),
    "a decimal of many digits": ("0.1234567890123456789::decimal(20, 19)", "0.1234567890123456789"),
    "a double": ("2.5::double precision", 2.5),
    "true": ("(1 = 1)", True),
    "a date": ("'2021-02-05'::date", "2021-02-05"),
    "a timestamp": ("'2021-02-05 12:30:00'::timestamp", "2021-02-05 12:30:00"),
    "an instant": ("'2021-02-05 12:30:00+01'::timestamptz", "2021-02-05 11:30:00+00:00"),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_cell_has_the_kind_of_its_value(
    warehouse_ends: Endpoints, google: Google, report: tuple[str, Sheet], case: str
) -> None:
    sql, expected = VALUES[case]
    id, _ = report

    write(warehouse_ends, google, id, "Report", one_value(warehouse_ends, sql))

    found = now_in(google, id).all()
    assert found == [["value"], [expected]]
    assert type(found[1][0]) is type(expected)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (Decimal("NaN"), "NaN"),
        (Decimal("-0.00"), 0),
        (Decimal("1E+400"), "1" + "0" * 400),
        (-(10**15), -(10**15)),
        (10**15 + 1, "1000000000000001"),
        (b"\x00\xff", "\\x00ff"),
        (memoryview(b"\x01"), "\\x01"),
        ({"a": [1, "é"]}, '{"a": [1, "é"]}'),
        (False, False),
        ("", ""),
        (timedelta(hours=25), "25:00:00"),
        (-timedelta(hours=838, minutes=59, seconds=59), "-838:59:59"),
        (timedelta(milliseconds=1500), "00:00:01.5"),
        (timedelta(), "00:00:00"),
    ],
)
def test_a_number_that_a_sheet_cannot_hold_becomes_a_text(value: Any, cell: Any) -> None:
    found = cells.cell_of(value)
    assert (found, type(found)) == (cell, type(cell))


#: PostgreSQL's values whose Python value in psycopg2 is another one, or none. Each cell is the text of the server.
AS_SENT: dict[str, Any] = {
    "interval '1 mon'": "1 mon",
    "interval '25:00:00'": "25:00:00",
    "interval '-838:59:59'": "-838:59:59",
    "interval '1 year 2 mons -3 days 04:05:06.789'": "1 year 2 mons -3 days +04:05:06.789",
    "ARRAY[interval '1 mon']": '{"1 mon"}',
    "'infinity'::date": "infinity",
    "'-infinity'::date": "-infinity",
    "'infinity'::timestamp": "infinity",
    "'-infinity'::timestamptz": "-infinity",
    "'20210-02-05'::date": "20210-02-05",
    "'20210-02-05 12:30'::timestamp": "20210-02-05 12:30:00",
    "'294276-12-31 23:59:59.999999+00'::timestamptz": "294276-12-31 23:59:59.999999+00",
    "'0044-03-15 BC'::date": "0044-03-15 BC",
    "'0044-03-15 12:30 BC'::timestamp": "0044-03-15 12:30:00 BC",
    "'0044-03-15 12:30+00 BC'::timestamptz": "0044-03-15 12:30:00+00 BC",
    "'24:00:00'::time": "24:00:00",
    "'24:00:00+05:30'::timetz": "24:00:00+05:30",
    "'NaN'::double precision": "NaN",
    "'Infinity'::real": "Infinity",
    "'-Infinity'::double precision": "-Infinity",
    "'NaN'::numeric": "NaN",
    "'Infinity'::numeric": "Infinity",
    "ARRAY[1, NULL, 3]": "{1,NULL,3}",
    "ARRAY['a', 'b c']::text[]": '{a,"b c"}',
    "ARRAY['infinity'::timestamp]": "{infinity}",
    "ARRAY['20210-02-05'::date]": "{20210-02-05}",
    "'[1,5)'::int4range": "[1,5)",
    "'[2021-02-05,infinity)'::daterange": "[2021-02-05,infinity)",
    "'[20210-02-05,)'::daterange": "[20210-02-05,)",
    "'{[1,2),[5,7)}'::int4multirange": "{[1,2),[5,7)}",
    """'{"a": 1.10, "a": 12345678901234567890.5}'::json""": '{"a": 1.10, "a": 12345678901234567890.5}',
    """'{"a": 1.10}'::jsonb""": '{"a": 1.10}',
    "'\\x00ff'::bytea": "\\x00ff",
    "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "'1234.5'::money": "$1,234.50",
    # Python has these values.
    "'9999-12-31'::date": "9999-12-31",
    "'0001-01-01'::date": "0001-01-01",
    "'9999-12-31 23:59:59.999999'::timestamp": "9999-12-31 23:59:59.999999",
    "'23:59:59.5'::time": "23:59:59.500000",
    "'12:30+05:30'::timetz": "12:30:00+05:30",
    "ARRAY[true]": "{t}",
    "NULL::interval": None,
    "NULL::date": None,
    "NULL::bytea": None,
    "NULL::real": None,
    "26::oid": 26,
    "2.5::real": 2.5,
    "7::smallint": 7,
    "false": False,
}


@pytest.mark.servers
def test_a_value_that_python_lacks_is_the_text_of_the_server(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Also if the role has other formats. On PostgreSQL: Redshift has few of these types."""
    with ends_of(None, "postgres-folder", request, tmp_path) as ends:
        database = ends.destination.run("SELECT current_database()")[0][0]
        for setting in ("IntervalStyle = 'iso_8601'", "bytea_output = 'escape'", "DateStyle = 'German'"):
            ends.destination.run(f'ALTER DATABASE "{database}" SET {setting}')
        selected = ", ".join(f"{sql} AS c{number}" for number, sql in enumerate(AS_SENT))
        _, found = export.select(ends.warehouse, f"SELECT {selected}").rows
    cells = dict(zip(AS_SENT, found, strict=True))
    assert cells == AS_SENT
    assert [type(cell) for cell in found] == [type(cell) for cell in AS_SENT.values()]


QUERIES = {
    "two statements": ("SELECT 1 AS a; DROP TABLE {table}", "one SELECT without a semicolon"),
    "a statement that deletes": ("DELETE FROM {table}", "syntax error"),
    "a statement behind a closed bracket": ("SELECT 1 AS a) AS b, (SELECT 2 AS c", ""),
    "an unknown column": ("SELECT colour FROM {table}", "colour"),
    "no query": ("", "syntax error"),
}


@pytest.mark.parametrize("case", QUERIES)
def test_a_query_that_is_not_a_select_changes_nothing(warehouse_ends: Endpoints, table: Table, case: str) -> None:
    query, words = QUERIES[case]
    name = warehouse_ends.name(table)

    with pytest.raises(ExportFailed) as refused:
        export.select(warehouse_ends.warehouse, query.format(table=name))

    assert words in str(refused.value)
    assert len(warehouse_ends.rows(table)) == len(ROWS)


@pytest.mark.servers
def test_a_select_cannot_write_through_a_function(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """On PostgreSQL: Redshift has no functions that write."""
    with ends_of(None, "postgres-folder", request, tmp_path) as ends:
        ends.destination.run("CREATE TABLE kept AS SELECT 1 AS a")
        ends.destination.run(
            "CREATE FUNCTION wipe() RETURNS integer LANGUAGE sql AS 'DELETE FROM public.kept; SELECT 1'"
        )
        with pytest.raises(ExportFailed, match="read-only transaction"):
            export.select(ends.warehouse, "SELECT wipe()")
        assert ends.destination.run("SELECT a FROM kept") == [(1,)]


def test_a_comment_at_the_end_and_one_semicolon_are_fine(warehouse_ends: Endpoints) -> None:
    assert export.select(warehouse_ends.warehouse, "SELECT 1 AS a -- one\n;").rows == [["a"], [1]]
    assert export.select(warehouse_ends.warehouse, "SELECT 1 AS a -- one").rows == [["a"], [1]]


def test_a_table_that_was_never_loaded_is_refused(warehouse_ends: Endpoints, table: Table) -> None:
    warehouse_ends.destination.run(f"DROP TABLE {warehouse_ends.name(table)}")
    with pytest.raises(ExportFailed, match=rf"^{table.name} is not in the warehouse yet: load or build it first$"):
        export.select_table(warehouse_ends.warehouse, table)


def test_a_text_that_is_too_long_for_a_cell_is_refused_with_its_place(warehouse_ends: Endpoints) -> None:
    with pytest.raises(ExportFailed, match=r"^the query, row 1, column value: it has 50,001 characters, and a cell"):
        one_value(warehouse_ends, "repeat('x', 50001)")


def test_more_cells_than_a_spreadsheet_can_hold_are_not_fetched(
    warehouse_ends: Endpoints, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST_CELLS", 11)
    with pytest.raises(ExportFailed, match=r"3 rows with 3 columns, but a spreadsheet holds 11 cells\. Select"):
        export.select_table(warehouse_ends.warehouse, table)


def full(google: Google, id: str) -> None:
    google.spreadsheets[id].sheets["Notes"].rows = 384_615  # of 26 columns: ten cells are left
    google.spreadsheets[id].sheets["Report"].rows = 1
    google.spreadsheets[id].sheets["Report"].columns = 1


def chart(google: Google, id: str) -> None:
    google.spreadsheets[id].sheets["Report"].rows = 0


def viewer(google: Google, id: str) -> None:
    google.spreadsheets[id].shared_with[google.email] = "reader"


def renamed(google: Google, id: str) -> None:
    sheets = google.spreadsheets[id].sheets
    sheets["Report 2021"] = sheets.pop("Report")


REFUSALS: dict[str, tuple[Callable[[Google, str], Any], str, str]] = {
    "a range of too few rows": (lambda google, id: None, "Report!A1:C3", "has room for 3 rows, but the header"),
    "a range of too few columns": (lambda google, id: None, "Report!A:B", "has room for 2 columns, but there are 3"),
    "ten million cells": (full, "Report", "would have 10,000,002 cells, but Google allows 10,000,000. 9,999,990 are"),
    "too many columns": (lambda google, id: None, "Report!ZZY1:ZZZ", "room for 2 columns"),
    "a chart": (chart, "Report", "the sheet 'Report' is a chart and has no cells"),
    "shared to view": (viewer, "Report", "cannot write the spreadsheet"),
    "not shared": (lambda google, id: google.spreadsheets[id].shared_with.clear(), "Report", "as Editor"),
    "deleted": (lambda google, id: google.spreadsheets.clear(), "Report", "does not exist, or was deleted"),
    "another name on the tab": (renamed, "Report", "has no sheet 'Report'. Its sheets are 'Notes', 'Report 2021'"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_an_export_that_is_refused_says_why_and_does_not_change_the_sheet(
    warehouse_ends: Endpoints, google: Google, table: Table, report: tuple[str, Sheet], case: str
) -> None:
    spoil, range, words = REFUSALS[case]
    id, sheet = report
    sheet.fill([["kept"]])
    spoil(google, id)

    with pytest.raises(ExportFailed) as refused:
        write(warehouse_ends, google, id, range, export.select_table(warehouse_ends.warehouse, table))

    assert str(refused.value).startswith(f"{table.name} into {range} of {id}: ")
    assert words in str(refused.value)
    assert not refused.value.may_pass
    assert sheet.cells == {(0, 0): Cell("kept")}


@pytest.mark.parametrize("fault", ["quota", "internal error", "error page", "hang-up", "cut off"])
def test_a_write_whose_response_was_lost_is_retried_and_grows_the_sheet_once(
    warehouse_ends: Endpoints, google: Google, table: Table, report: tuple[str, Sheet], fault: str
) -> None:
    id, sheet = report
    sheet.rows = 2
    google.fail(fault, after=True)

    write(warehouse_ends, google, id, "Report", export.select_table(warehouse_ends.warehouse, table))

    assert now_in(google, id).all() == SENT
    assert now_in(google, id).rows == len(SENT)
    assert [request.split()[0] for request in google.requests] == ["GET", "POST", "GET", "POST", "GET"]


def test_an_exceeded_quota_fails_after_a_limited_time(
    warehouse_ends: Endpoints, google: Google, table: Table, report: tuple[str, Sheet]
) -> None:
    id, sheet = report
    sheet.fill([["kept"]])
    selection = export.select_table(warehouse_ends.warehouse, table)
    google.fail(*["quota"] * client.ATTEMPTS)

    with pytest.raises(ExportLost, match=r"HTTP 429: Quota exceeded .* after 8 tries.*60 per account") as lost:
        write(warehouse_ends, google, id, "Report", selection)

    assert lost.value.may_pass
    assert len(google.requests) == client.ATTEMPTS
    assert now_in(google, id).all() == [["kept"]]


def test_an_edit_of_the_range_during_the_export_is_detected(
    warehouse_ends: Endpoints, google: Google, table: Table, report: tuple[str, Sheet]
) -> None:
    id, _ = report
    google.on_write = lambda: now_in(google, id).cells.update({(7, 0): Cell("scribble")})

    with pytest.raises(ExportFailed, match=r"4 rows with 10 filled cells were sent, but the sheet has 8 with 11"):
        write(warehouse_ends, google, id, "Report", export.select_table(warehouse_ends.warehouse, table))


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("Report", Area("Report")),
        ("'My report'", Area("My report")),
        ("'It''s'!B3:F", Area("It's", 2, None, 1, 6, "B3:F")),
        ("Report!a1:c10", Area("Report", 0, 10, 0, 3, "A1:C10")),
        ("Report!A:F", Area("Report", 0, None, 0, 6, "A:F")),
        ("Report!3:7", Area("Report", 2, 7, 0, None, "3:7")),
        ("A1", Area("A1")),
        ("What?! A sheet!AA2:AZ", Area("What?! A sheet", 1, None, 26, 52, "AA2:AZ")),
    ],
)
def test_ranges_as_people_type_them(text: str, area: Area) -> None:
    assert parse(text) == area
    assert parse(area.a1) == area


@pytest.mark.parametrize(
    "text", ["", "!A1:B2", "Report!B3", "Report!A0:B2", "Report!:", "Report!A1:B2:C3", "Report!AAAA1:B"]
)
def test_an_invalid_range_is_refused_with_examples(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not a range: give a sheet, or its first and last cell, as in Report!A1:F"
    ):
        parse(text)


@pytest.mark.parametrize("text", ["Report!B1:A9", "Report!A9:B3"])
def test_a_range_that_ends_before_it_begins_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        parse(text)


def test_a_sheet_with_a_very_long_name_is_refused_before_it_is_written(
    warehouse_ends: Endpoints, google: Google
) -> None:
    title = "é" * 100
    id = google.new(title)
    with pytest.raises(ExportFailed, match="too long for the ledger"):
        write(warehouse_ends, google, id, title, one_value(warehouse_ends, "1"))
    assert google.requests == []


def test_the_names_of_cells() -> None:
    assert [ranges.cell_name(0, 0), ranges.cell_name(6, 27)] == ["A1", "AB7"]
