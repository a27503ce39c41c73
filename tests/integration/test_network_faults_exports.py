"""Exports to a Google sheet over connections that fail: the sheet has the old rows or the new ones."""

from collections.abc import Iterator
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import ExportLost
from daybook.integrations.google_sheets import export
from daybook.integrations.google_sheets.export import Written
from daybook.sources.google_sheets import client
from daybook.sources.google_sheets.ranges import parse
from daybook.sql import retries
from tests.daybook.sources.google_sheets.test_source import GoogleKeys
from tests.support.faulty_network import DAY, FAULTS, ROWS, SILENCE, Network, by_fault, by_some_faults, make, net
from tests.support.servers.gate import Gate, gate
from tests.support.servers.google import Google
from tests.support.servers.tls_proxy import TlsProxy

pytestmark = pytest.mark.any_warehouse

__all__ = ["net"]
BOTH = pytest.mark.parametrize("net", ["mariadb-postgres-folder", "mariadb-redshift-s3"], indirect=True)
PLACES: dict[str, dict[str, Any]] = {
    "login": {"bytes": 1},
    "count": {"trigger": b"count(*)", "answer": True},
    "rows": {"bytes": 30_000},
}


def loaded(net: Network) -> tuple[Table, export.Selection]:
    """Load the table, and return it with the rows that an export should write."""
    table = make(net.ends)
    net.ends.load(table, DAY)
    expected = export.select_table(net.ends.warehouse, table)
    assert len(expected.rows) == 1 + ROWS
    return table, expected


@pytest.mark.each_value
@BOTH
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("whole", [True, False], ids=["table", "query"])
@by_fault
def test_a_warehouse_that_is_lost_once_during_the_select(net: Network, place: str, whole: bool, fault: str) -> None:
    table, expected = loaded(net)
    net.warehouse.slow(0, 4096)
    net.warehouse.hold(**PLACES[place], **FAULTS[fault])
    if whole:
        found = export.select_table(net.through.warehouse, table)
    else:
        found = export.select(net.through.warehouse, f"SELECT * FROM {net.ends.name(table)} ORDER BY id")
    assert found.rows == expected.rows and net.warehouse.hits == 1


@pytest.mark.each_value
@BOTH
@by_some_faults
@pytest.mark.parametrize("answer", [True, False], ids=["answer", "request"])
def test_an_export_is_recorded_once(net: Network, answer: bool, fault: str) -> None:
    written = Written("id", f"google_sheets.{net.ends.destination.namespace}!Report", ROWS, loaded(net)[1].at)
    net.warehouse.hold(b'INSERT INTO "daybook"."ledger"', answer=answer, **FAULTS[fault])
    assert export.note(net.through.warehouse, written, None).rows == ROWS
    assert net.warehouse.hits == 1
    count = "SELECT count(*) FROM daybook.ledger WHERE table_name = %s"
    assert net.ends.destination.run(count, (written.name,)) == [(1,)]


@BOTH
@pytest.mark.parametrize("fault", ["RST", pytest.param("silence", marks=pytest.mark.full)])
def test_a_warehouse_that_stays_lost(net: Network, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    table, expected = loaded(net)
    net.warehouse.hold(b"AS exported", **FAULTS[fault] | {"always": True})
    with pytest.raises(ExportLost) as caught:
        export.select_table(net.through.warehouse, table)
    assert f"selecting {table.name}: " in str(caught.value) and caught.value.may_pass
    assert "this machine can reach it. Then run this again" in str(caught.value)
    net.warehouse.open()
    assert export.select_table(net.through.warehouse, table).rows == expected.rows


@pytest.fixture
def way(google: Google, google_server: tuple[Google, TlsProxy], monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Yield a gate to Google. Requests through it have a short time limit."""
    monkeypatch.setattr(client, "_TIMEOUTS", (SILENCE, SILENCE))
    with gate("127.0.0.1", google_server[1].port) as way:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{way.port}")
        yield way


#: The request with the rows breaks off, or the answer with the rows that are read back.
SHEET_PLACES: dict[str, dict[str, Any]] = {"request": {"sent": 20_000}, "reading back": {"bytes": 20_000}}


@pytest.mark.parametrize("net", ["mariadb-postgres-folder"], indirect=True)
@pytest.mark.parametrize("place", SHEET_PLACES)
@by_fault
def test_google_is_lost_once(net: Network, google: Google, way: Gate, place: str, fault: str) -> None:
    _, expected = loaded(net)
    id = google.new("Report")
    way.slow(0, 4096)
    way.hold(**SHEET_PLACES[place], **FAULTS[fault])
    export.write(expected, GoogleKeys(google).google("google"), id, parse("Report"))
    assert way.hits == 1
    assert len(google.spreadsheets[id].sheets["Report"].all()) == 1 + ROWS


@pytest.mark.parametrize("net", ["mariadb-postgres-folder"], indirect=True)
@pytest.mark.parametrize("fault", ["RST", pytest.param("silence", marks=pytest.mark.full)])
def test_google_stays_lost(
    net: Network, google: Google, way: Gate, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ATTEMPTS", 2)
    _, expected = loaded(net)
    id, account = google.new("Report"), GoogleKeys(google).google("google")
    google.spreadsheets[id].sheets["Report"].fill([["kept"]])
    way.slow(0, 4096)
    way.hold(sent=20_000, **FAULTS[fault] | {"always": True})
    with pytest.raises(ExportLost) as caught:
        export.write(expected, account, id, parse("Report"))
    assert f"{expected.what} into Report of {id}: no answer" in str(caught.value)
    assert "after 2 tries. Retry later" in str(caught.value) and caught.value.may_pass
    assert google.spreadsheets[id].sheets["Report"].all() == [["kept"]]
    way.open()
    assert export.write(expected, account, id, parse("Report")).rows == ROWS
