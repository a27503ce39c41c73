"""Tables from a Google sheet: loaded values, refused sheets, and the good copy that a bad sheet leaves."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from google.oauth2.service_account import Credentials
from ruamel.yaml import YAML

from daybook.definitions.table import Table
from daybook.errors import (
    DaybookError,
    DuplicateKey,
    NullKey,
    SchemaMismatch,
    ShrinkGuard,
    SourceError,
    SourceLost,
    ValueRefused,
)
from daybook.load.load import load
from daybook.sources.base import Span
from daybook.sources.google_sheets import client
from daybook.sources.google_sheets.source import GoogleSheet
from daybook.stage.csv_format import CsvFormat
from daybook.stage.parts import read_parts
from tests.support.servers.google import Cell, Google, Sheet
from tests.support.source_and_warehouse import ON_ONE_WAREHOUSE, Endpoints

pytestmark = pytest.mark.any_warehouse

COLUMNS = {"id": "integer", "name": "varchar(20)", "price": "decimal(10, 2)", "since": "date"}
HEADER = ["id", "name", "price", "since"]
GOOD = [HEADER, [1, "Ann", Cell(5.1, "5.10", "0.00"), "2021-02-05"], [2, "Bob", "7.25", "2021-02-06"]]
LOADED = [("1", "Ann", "5.10", "2021-02-05"), ("2", "Bob", "7.25", "2021-02-06")]


class GoogleKeys:
    """The only block that a sheet needs."""

    def __init__(self, server: Google) -> None:
        self._server = server

    def google(self, name: str) -> Credentials:
        assert name == "google"
        return Credentials.from_service_account_info(self._server.account)  # type: ignore[no-untyped-call,no-any-return]

    def engine(self, name: str) -> Any:
        raise AssertionError("a sheet needs no database")

    s3 = engine


@pytest.fixture
def ends(warehouse_ends: Endpoints, google: Google) -> Endpoints:
    warehouse_ends.keys = GoogleKeys(google)
    return warehouse_ends


def table_of(ends: Endpoints, spreadsheet: str, *, source: dict[str, Any] | None = None, **fields: Any) -> Table:
    where = {"kind": "google_sheet", "spreadsheet": spreadsheet, "sheet": "Prices", **(source or {})}
    return ends.table("prices", **{"source": where, "key": "id", "columns": COLUMNS, **fields})


def sheet(google: Google, rows: list[list[Any]], **fields: Any) -> tuple[str, Sheet]:
    """Create a spreadsheet with `rows` in its sheet Prices. Return its id, and the sheet."""
    id = google.new("Notes", "Prices", **fields)
    prices = google.spreadsheets[id].sheets["Prices"]
    prices.fill(rows)
    return id, prices


def texts(ends: Endpoints, table: Table) -> list[tuple[str | None, ...]]:
    return ends.destination.texts(f"SELECT * FROM {ends.name(table)} ORDER BY id")


def test_a_sheet_is_loaded_by_one_request_and_reruns_are_idempotent(ends: Endpoints, google: Google) -> None:
    id, _ = sheet(google, GOOD)
    table = table_of(ends, f"https://docs.google.com/spreadsheets/d/{id}/edit?usp=sharing#gid=1")

    for _ in range(2):
        google.requests.clear()
        report = ends.load(table)
        assert report.rows == 2
        assert google.requests == [f"GET /v4/spreadsheets/{id}/values/'Prices'"]
        assert texts(ends, table) == LOADED
    assert [(rows, strategy) for _, _, rows, strategy in ends.ledger(table)] == [(2, "replace")] * 2
    assert ends.staged_keys() == []


VALUES: dict[str, tuple[dict[str, Any], str, Any, str | None]] = {
    "a text 5.10 stays 5.10": ({}, "varchar(9)", "5.10", "5.10"),
    "a number shown as 5.10 stays 5.10": ({}, "decimal(9, 2)", Cell(5.1, "5.10", "0.00"), "5.10"),
    "a number without a format": ({}, "decimal(9, 2)", 5.1, "5.1"),
    "a German number": ({"decimal_point": ",", "thousands": "."}, "decimal(9, 2)", Cell(1234.5, "1.234,50"), "1234.50"),
    "a French number": ({"decimal_point": ",", "thousands": " "}, "integer", Cell(1234567, "1 234 567"), "1234567"),
    "a German date": ({"dates": "%d.%m.%Y"}, "date", Cell(44232, "05.02.2021"), "2021-02-05"),
    "an American time": (
        {"timestamps": "%m/%d/%Y %H:%M:%S"},
        "timestamp",
        Cell(44232.5, "2/5/2021 12:00:00"),
        "2021-02-05 12:00:00",
    ),
    "true": ({}, "boolean", True, "t"),
    "a postcode with a zero in front": ({}, "varchar(9)", "01234", "01234"),
    "a text that looks like a formula": ({}, "varchar(9)", "=1+1", "=1+1"),
    "a text with a line break, a quote and a comma": ({}, "varchar(19)", 'a\nb "c", d', 'a\nb "c", d'),
    "characters of four bytes": ({}, "varchar(16)", "😀é中", "😀é中"),
    "an empty cell": ({}, "varchar(9)", None, None),
    "an empty number": ({}, "integer", None, None),
    "n/a, declared as NULL": ({"nulls": ["", "n/a"]}, "decimal(9, 2)", "n/a", None),
    "#NV, declared as NULL": ({"nulls": ["", "#NV", "#BEZUG!"]}, "integer", "#NV", None),
    "#N/A, declared as NULL": ({"nulls": ["", "#N/A"]}, "integer", "#N/A", None),
}


@pytest.mark.parametrize("case", VALUES)
def test_the_text_that_a_cell_shows_is_loaded(ends: Endpoints, google: Google, case: str) -> None:
    values, type, cell, expected = VALUES[case]
    id, _ = sheet(google, [["id", "value"], [1, cell], [2, cell]])
    table = table_of(ends, id, source={"values": values}, columns={"id": "integer", "value": type})

    ends.load(table)

    found = texts(ends, table)
    if type.startswith("decimal") and expected is not None:
        found = [(id, str(value).rstrip("0")) for id, value in found]
        expected = expected.rstrip("0")
    if type == "boolean":
        found = [(id, str(value)[0]) for id, value in found]  # PostgreSQL writes t, DuckDB true
    assert found == [("1", expected), ("2", expected)]


def test_a_header_further_down_and_columns_in_another_order(ends: Endpoints, google: Google) -> None:
    rows = [["Prices, by the sales team"], [], [None, *reversed(HEADER)]]
    rows += [[None, "2021-02-05", "5.10", "Ann", 1], [None, "2021-02-06", "7.25", "Bob", 2]]
    id, prices = sheet(google, rows)
    prices.cells = {(row, column - 1): cell for (row, column), cell in prices.cells.items() if column or row}
    prices.cells[0, 0] = Cell("Prices")
    table = table_of(ends, id, source={"header_row": 3})

    ends.load(table)

    assert texts(ends, table) == LOADED


def test_short_rows_are_padded_and_blank_rows_are_logged(
    ends: Endpoints, google: Google, caplog: pytest.LogCaptureFixture
) -> None:
    blank = [Cell(None), Cell("", None)]
    id, _ = sheet(google, [HEADER, [1, "Ann"], [], GOOD[2], blank, [Cell("")], []])
    table = table_of(ends, id)

    assert ends.load(table).rows == 2

    assert texts(ends, table) == [("1", "Ann", None, None), LOADED[1]]
    assert f"{table.name}: 1 rows of 'Prices' are blank and not loaded: 3" in caplog.text


def test_masked_values_are_never_staged_or_loaded(ends: Endpoints, google: Google) -> None:
    id, _ = sheet(google, GOOD)
    columns = COLUMNS | {"name": "varchar(64)"}
    table = table_of(ends, id, columns=columns, mask={"name": "hash", "price": None, "since": "drop"})

    staged = ends.extract(table)

    lines = b"".join(read_parts(ends.stage, staged.manifest))
    assert lines.count(b"\n") == len(LOADED)
    assert not [clear for clear in (b"Ann", b"5.10", b"2021-02-05") if clear in lines]
    load(staged, ends.warehouse, ends.stage)
    assert texts(ends, table) == [(key, sha256(name.encode()).hexdigest(), None) for key, name, *_ in LOADED]


def change(**cells: Any) -> Callable[[Sheet], None]:
    """Return a function that sets these cells, by their names."""

    def apply(prices: Sheet) -> None:
        for name, value in cells.items():
            prices.cells[int(name[1:]) - 1, ord(name[0]) - ord("A")] = Cell(value)

    return apply


def rename(prices: Google, id: str) -> None:
    sheets = prices.spreadsheets[id].sheets
    sheets["Price list"] = sheets.pop("Prices")


BAD_SHEETS: dict[str, tuple[Callable[[Sheet], None], type[DaybookError], list[str]]] = {
    "a header twice": (
        change(D1="name"),
        SourceError,
        ["row 1 of 'Prices'", "D1 repeats the name 'name' of B1: rename one"],
    ),
    "a header twice but for blanks": (
        change(D1=" name "),
        SourceError,
        ["D1 repeats the name 'name' of B1: rename one"],
    ),
    "a blank header above values": (
        change(B1=" "),
        SourceError,
        ["B1 is blank, but B2 below it is not: name the column"],
    ),
    "a value outside of the table": (change(F3="x"), SourceError, ["F1 is blank, but F3 below it is not"]),
    "a blank header above nothing": (
        change(B1="", B2="", B3=""),
        SourceError,
        ["B1 is blank: name the column, or delete it"],
    ),
    "no header": (change(A1="", B1="", C1="", D1=""), SourceError, ["row 1 of 'Prices' has no column names"]),
    "an empty sheet": (lambda prices: prices.fill([]), SourceError, ["the sheet is empty there"]),
    "a renamed column": (change(C1="cost"), SchemaMismatch, ["column 'price' is gone: ALTER TABLE"]),
    "an invalid number": (
        change(C3="cheap"),
        ValueRefused,
        ["row 3, ", "column price: 'cheap' does not fit decimal(10, 2)"],
    ),
    "an invalid date": (
        change(D2="05.02.2021"),
        ValueRefused,
        ["row 2, ", "column since: '05.02.2021' does not fit date"],
    ),
    "a formula that failed": (change(C2="#REF!"), ValueRefused, ["cell C2: it shows #REF!"]),
    "a formula that is not done": (change(B3="Loading..."), ValueRefused, ["cell B3: it shows Loading..."]),
    "a row without its key": (change(A3=""), NullKey, ["have no key: id is NULL"]),
    "a key twice": (change(A3=1), DuplicateKey, ["share a key"]),
    "a header and no rows": (lambda prices: prices.fill([HEADER]), ShrinkGuard, ["0 rows"]),
}


#: The errors #NULL!, #DIV/0!, #VALUE!, #REF!, #NAME?, #NUM! and #N/A of some locales, and #ERROR! or #SPILL!.
LOCALIZED = {
    "English": "#NULL! #DIV/0! #VALUE! #REF! #NAME? #NUM! #N/A #ERROR! #SPILL! #CALC! #GETTING_DATA",
    "German": "#NULL! #DIV/0! #WERT! #BEZUG! #NAME? #ZAHL! #NV #ÜBERLAUF!",
    "French": "#NUL! #DIV/0! #VALEUR! #REF! #NOM? #NOMBRE! #N/A #ERREUR!",
    "Spanish": "#¡NULO! #¡DIV/0! #¡VALOR! #¡REF! #¿NOMBRE? #¡NUM! #N/D #¡DESBORDAMIENTO!",
    "Italian": "#NULLO! #DIV/0! #VALORE! #RIF! #NOME? #NUM! #N/D #ESPANSIONE!",
    "Portuguese": "#NULO! #DIV/0! #VALOR! #REF! #NOME? #NÚM! #N/D #ERRO!",
    "Dutch": "#LEEG! #DEEL/0! #WAARDE! #VERW! #NAAM? #GETAL! #N/B #OVERLOOP!",
    "Polish": "#ZERO! #DZIEL/0! #ARG! #ADR! #NAZWA? #LICZBA! #N/D! #BŁĄD!",
    "Russian": "#ПУСТО! #ДЕЛ/0! #ЗНАЧ! #ССЫЛКА! #ИМЯ? #ЧИСЛО! #Н/Д #ПЕРЕНОС!",
    "Swedish": "#SKÄRNING! #DIVISION/0! #VÄRDEFEL! #REFERENS! #NAMN? #OGILTIGT! #SAKNAS!",
    "Danish": "#NUL! #DIVISION/0! #VÆRDI! #REFERENCE! #NAVN? #NUM! #I/T",
    "Norwegian": "#NULL! #DIV/0! #VERDI! #REF! #NAVN? #NUM! #I/T",
    "Finnish": "#TYHJÄ! #JAKO/0! #ARVO! #VIITTAUS! #NIMI? #LUKU! #PUUTTUU!",
    "Czech": "#NULL! #DĚLENÍ_NULOU! #HODNOTA! #ODKAZ! #NÁZEV? #ČÍSLO! #NENÍ_K_DISPOZICI",
    "Hungarian": "#NULLA! #ZÉRÓOSZTÓ! #ÉRTÉK! #HIV! #NÉV? #SZÁM! #HIÁNYZIK",
    "Turkish": "#BOŞ! #SAYI/0! #DEĞER! #BAŞV! #AD? #SAYI! #YOK",
    "Japanese": "#NULL! #DIV/0! #VALUE! #REF! #NAME? #NUM! #N/A #スピル!",
}


def one_cell(type: str, text: str, **values: Any) -> bytes:
    """Return the staged CSV of a sheet with one text in a column of this type."""
    source = {"kind": "google_sheet", "spreadsheet": "x", "sheet": "Prices", "values": values}
    table = Table(
        name="raw.prices", description="x", owner="x", load="replace", source=source, columns={"id": "int", "v": type}
    )
    sheet = GoogleSheet(table, table.source, [["id", "v"], ["1", text]], datetime.now(UTC))  # type: ignore[arg-type]
    return b"".join(chunk.data for chunk in sheet.rows(sheet.columns(), Span(None, None), CsvFormat()))


@pytest.mark.parametrize("language", LOCALIZED)
def test_an_error_of_a_formula_is_refused_in_the_language_of_the_sheet(language: str) -> None:
    for text in LOCALIZED[language].split():
        for type in ("varchar(30)", "integer", "date"):
            with pytest.raises(ValueRefused, match=r"cell B2: it shows .* list it under values: nulls:") as refused:
                one_cell(type, text)
            assert f"it shows {text}, so its formula" in str(refused.value)
            assert one_cell(type, text, nulls=["", text]) == b"1,\n"


@pytest.mark.parametrize("text", ["#nv", "# NV", "#NVIDIA", "NV", "#1", "#", "#tag!", "WAHR"])
def test_a_text_that_is_not_an_error_is_loaded(text: str) -> None:
    assert one_cell("varchar(30)", text) == f'1,"{text}"\n'.encode()


@pytest.mark.parametrize("case", BAD_SHEETS)
@ON_ONE_WAREHOUSE
def test_a_bad_sheet_leaves_the_last_good_copy(ends: Endpoints, google: Google, case: str) -> None:
    refused(ends, google, *BAD_SHEETS[case])


@pytest.mark.parametrize("warehouse_ends", ["postgres-folder"], indirect=True)
def test_what_the_warehouse_refuses_leaves_the_last_good_copy(ends: Endpoints, google: Google) -> None:
    refused(ends, google, change(B2="x" * 21), ValueRefused, ["row 2", "it has 21 characters, but only 20 fit"])


def refused(
    ends: Endpoints, google: Google, damage: Callable[[Sheet], None], error: type[Exception], words: list[str]
) -> None:
    """Load a sheet, damage it, and see that the next load says these words and changes nothing."""
    id, prices = sheet(google, GOOD)
    table = table_of(ends, id)
    ends.load(table)
    before = ends.state(table)
    damage(prices)

    with pytest.raises(error) as caught:
        ends.load(table)

    assert str(caught.value).startswith(table.name)
    assert [word for word in words if word not in str(caught.value)] == []
    assert ends.state(table) == before


@pytest.mark.parametrize(
    "fault",
    ["quota", "internal error", "error page", "page with status 200", "empty answer", "no object", "half of the JSON",
     "cut off", "hang-up"],
)  # fmt: skip
@ON_ONE_WAREHOUSE
def test_a_temporary_failure_is_retried_and_logged(
    ends: Endpoints, google: Google, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    id, _ = sheet(google, GOOD)
    table = table_of(ends, id)
    google.fail(fault, fault)

    ends.load(table)

    assert texts(ends, table) == LOADED
    assert len(google.requests) == 3
    retries = [record.getMessage() for record in caplog.records if "retry in" in record.getMessage()]
    assert [line.startswith(f"{table.name}: sheet 'Prices': try {n} of 8: ") for n, line in enumerate(retries, 1)] == [
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("quota", "HTTP 429: Quota exceeded"),
        ("internal error", "HTTP 500: Internal error encountered."),
        ("error page", "HTTP 502, after 8 tries"),
        ("page with status 200", "the answer is not JSON: it is a web page, or cut off, after 8 tries"),
        ("cut off", "no answer (ChunkedEncodingError), after 8 tries"),
        ("hang-up", "no answer (ProxyError), after 8 tries"),
    ],
)
@ON_ONE_WAREHOUSE
def test_retries_are_limited(ends: Endpoints, google: Google, fault: str, words: str) -> None:
    id, _ = sheet(google, GOOD)
    table = table_of(ends, id)
    ends.load(table)
    before = ends.state(table)
    google.requests.clear()
    google.fail(*[fault] * client.ATTEMPTS)

    with pytest.raises(SourceLost) as lost:
        ends.load(table)

    assert lost.value.may_pass
    assert str(lost.value).startswith(f"{table.name}: sheet 'Prices': {words}")
    assert "<" not in str(lost.value)
    assert len(google.requests) == client.ATTEMPTS
    assert ends.state(table) == before


def test_the_waits_are_longer_than_the_minute_of_a_quota() -> None:
    waits = [min(2.0**n, client.LONGEST_WAIT) for n in range(client.ATTEMPTS - 1)]
    assert 60 < sum(waits) < 180


def not_shared(google: Google, id: str) -> None:
    google.spreadsheets[id].shared_with.clear()


def gone(google: Google, id: str) -> None:
    del google.spreadsheets[id]


REFUSALS: dict[str, tuple[Callable[[Google, str], None], list[str], int]] = {
    "not shared": (not_shared, ["daybook@analytics.iam.gserviceaccount.com cannot read", "as Viewer"], 1),
    "deleted": (gone, ["does not exist, or was deleted", "Correct its id or address"], 1),
    "another name on the tab": (rename, ["no such sheet", "it has 'Notes', 'Price list'"], 2),
    "the API is off": (
        lambda google, id: google.fail("API off"),
        ["the Google Sheets API is not enabled in the project"],
        1,
    ),
    "an Excel file": (lambda google, id: google.fail("Excel file"), ["Save it as a Google Sheet"], 1),
}


@pytest.mark.parametrize("case", REFUSALS)
@ON_ONE_WAREHOUSE
def test_a_permanent_failure_is_explained_and_not_retried(ends: Endpoints, google: Google, case: str) -> None:
    damage, words, requests = REFUSALS[case]
    id, _ = sheet(google, GOOD)
    table = table_of(ends, id)
    ends.load(table)
    before = ends.state(table)
    google.requests.clear()
    damage(google, id)

    with pytest.raises(SourceError) as refused:
        ends.load(table)

    assert [word for word in words if word not in str(refused.value)] == []
    assert str(refused.value).startswith(f"{table.name}: sheet 'Prices': ")
    assert len(google.requests) == requests
    assert ends.state(table) == before


@ON_ONE_WAREHOUSE
def test_a_revoked_key_is_explained_without_showing_it(
    ends: Endpoints, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, _ = sheet(google, GOOD)
    known = GoogleKeys(google).google("google")
    monkeypatch.setattr(ends.keys, "google", lambda name: known)
    monkeypatch.setitem(google.account, "client_email", "somebody@else.iam.gserviceaccount.com")

    with pytest.raises(
        SourceError, match=r"does not accept the key of daybook@.*account not found.*Put a valid key into its block"
    ):
        ends.load(table_of(ends, id))

    assert google.requests == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"load": "upsert", "cursor": "since", "interval": "day"},
            "a sheet has no history, so each load replaces the whole table",
        ),
        ({"cursor": "since"}, "a sheet has no history"),
        ({"columns": None}, "declare its columns with their types"),
    ],
)
@ON_ONE_WAREHOUSE
def test_an_invalid_table_file_is_refused(ends: Endpoints, google: Google, fields: dict[str, Any], words: str) -> None:
    id, _ = sheet(google, GOOD)
    with pytest.raises(SourceError, match=words):
        ends.load(table_of(ends, id, **fields))


@pytest.mark.parametrize("wrong", ["", "https://example.com/1abc", "My prices"])
def test_anything_but_an_id_or_an_address_of_a_spreadsheet_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a spreadsheet: give its id, or its address"):
        client.spreadsheet_id(wrong)


def test_the_page_has_a_table_file_with_every_field() -> None:
    text = (Path(__file__).parents[4] / "docs" / "guides" / "google-sheets.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    content = YAML(typ="safe", pure=True).load(example)
    table = Table(name="raw_data.prices", **content)
    assert table.source.spreadsheet == "1aBcD2eFgH3iJkL"
    assert set(content["source"]) == set(type(table.source).model_fields) - {"block"}
