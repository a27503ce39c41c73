"""Connections that are cut, reset or silent during a load: the old rows or the new ones, and never a run that hangs."""

from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import SourceLost, WarehouseLost
from daybook.load.load import load
from daybook.sources.database import mysql_wire, postgresql_copy
from daybook.sql import retries
from daybook.stage import parts
from tests.support.faulty_network import DAY, FAULTS, ROWS, Network, at_source, by_fault, change, make, net

pytestmark = pytest.mark.any_warehouse

__all__ = ["net"]


def day_of(table: Table) -> tuple[str, ...]:
    return () if table.load == "replace" else (DAY,)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read and write a few rows at a time, so that some are on the stage when the source is lost."""
    monkeypatch.setitem(parts.write_parts.__kwdefaults__, "part_bytes", 8_000)
    monkeypatch.setattr(mysql_wire, "_READ", 4_000)
    monkeypatch.setattr(postgresql_copy, "_CHUNK", 4_000)


SOURCES = [f"{source}-postgres-folder" for source in ("mariadb", "mysql", "postgres")]
PLACES: dict[str, dict[str, Any]] = {
    "login": {"bytes": 1},
    "rows": {"bytes": 40_000},
    "query": {},
    "answer": {"answer": True},
}


def at(place: str, net: Network) -> dict[str, Any]:
    """Return the options of `Gate.hold` for a place in an extraction."""
    assert net.ends.source is not None
    net.source.slow(0, 4096)  # small blocks: the gate drops a whole block at the point
    query = b"SELECT CONCAT(" if net.ends.source.is_mysql else b"COPY ("
    return PLACES[place] if "bytes" in PLACES[place] else {"trigger": query, **PLACES[place]}


@pytest.mark.each_value
@pytest.mark.parametrize("net", SOURCES, indirect=True)
@pytest.mark.parametrize("place", PLACES)
@by_fault
def test_a_source_that_is_lost_once(net: Network, place: str, fault: str, small_parts: None) -> None:
    table = make(net.ends)
    net.source.hold(**at(place, net), **FAULTS[fault])
    assert net.through.load(table, DAY).rows == ROWS
    assert net.source.hits == 1
    assert net.ends.rows(table) == at_source(net.ends)
    assert [rows for _, _, rows, _ in net.ends.ledger(table)] == [ROWS]
    assert net.ends.staged_keys() == [], "the parts of the first try are deleted, too"


@pytest.mark.parametrize("net", SOURCES, indirect=True)
@pytest.mark.parametrize("fault", ["FIN", pytest.param("silence", marks=pytest.mark.full)])
def test_a_source_that_stays_lost(net: Network, fault: str, small_parts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    table = make(net.ends)
    net.ends.load(table, DAY)
    before = net.ends.state(table)
    change(net.ends)
    net.source.hold(**at("rows", net), **FAULTS[fault] | {"always": True})
    with pytest.raises(SourceLost) as caught:
        net.through.load(table, DAY)
    said = "\n".join([str(caught.value), *caught.value.__notes__])
    assert f"{table.name} {DAY}: extract: " in said and "try 1 of 2: " in said
    assert "this machine can reach it. Then run this again" in said
    assert net.ends.state(table) == before
    left = net.ends.staged_keys()
    assert left and len(left) < 10, "only the parts of the last try are left"
    assert "remain, without a manifest, at " in said
    net.source.open()
    net.through.load(table, DAY)
    assert net.ends.rows(table) == at_source(net.ends)


WAREHOUSES = ["mariadb-postgres-folder", "mariadb-redshift-s3"]
STEPS: dict[str, dict[str, Any]] = {
    "copy": {"trigger": b"COPY "},
    "answer to copy": {"trigger": b"COPY ", "answer": True},
    "ledger": {"trigger": b'INSERT INTO "daybook"."ledger"', "answer": True},
    "commit": {"trigger": b"COMMIT\0"},
    "answer to commit": {"trigger": b"COMMIT\0", "answer": True},
}


@pytest.mark.each_value
@pytest.mark.parametrize("net", WAREHOUSES, indirect=True)
@pytest.mark.parametrize("strategy", ["replace_interval", "upsert", "replace"])
@pytest.mark.parametrize("first", [True, False], ids=["first load", "later load"])
@pytest.mark.parametrize("step", STEPS)
@by_fault
def test_a_warehouse_that_is_lost_once(net: Network, strategy: str, first: bool, step: str, fault: str) -> None:
    table = make(net.ends, strategy)
    if not first:
        net.ends.load(table, *day_of(table))
        change(net.ends)
    extracted = net.ends.extract(table, *day_of(table))
    net.warehouse.hold(**STEPS[step], **FAULTS[fault])
    report = load(extracted, net.through.warehouse, net.ends.stage)
    assert net.warehouse.hits == 1
    assert net.ends.rows(table) == at_source(net.ends)
    assert [rows for _, _, rows, _ in net.ends.ledger(table)] == [ROWS] * (not first) + [report.rows]
    assert report.rows == ROWS + (not first) and net.ends.staged_keys() == []


@pytest.mark.parametrize("net", WAREHOUSES[:1], indirect=True)
@by_fault
def test_a_copy_that_breaks_off(net: Network, fault: str) -> None:
    table = make(net.ends)
    extracted = net.ends.extract(table, DAY)
    net.warehouse.hold(sent=30_000, **FAULTS[fault])
    assert load(extracted, net.through.warehouse, net.ends.stage).rows == ROWS
    assert net.warehouse.hits == 1
    assert net.ends.rows(table) == at_source(net.ends) and net.ends.staged_keys() == []


@pytest.mark.parametrize("net", WAREHOUSES, indirect=True)
def test_no_answer_to_commit_ever_comes(net: Network) -> None:
    table = make(net.ends)
    extracted = net.ends.extract(table, DAY)
    net.warehouse.hold(b"COMMIT\0", answer=True, reset=True, always=True)
    assert load(extracted, net.through.warehouse, net.ends.stage).rows == ROWS
    assert net.warehouse.hits == 1, "the second try finds the load in the ledger"
    assert len(net.ends.ledger(table)) == 1 and net.ends.rows(table) == at_source(net.ends)


@pytest.mark.parametrize("net", WAREHOUSES, indirect=True)
@pytest.mark.parametrize("fault", ["RST", pytest.param("silence", marks=pytest.mark.full)])
def test_a_warehouse_that_stays_lost(net: Network, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    table = make(net.ends)
    net.ends.load(table, DAY)
    before = net.ends.state(table)
    change(net.ends)
    extracted = net.ends.extract(table, DAY)
    net.warehouse.hold(b"COMMIT\0", **FAULTS[fault] | {"always": True})
    with pytest.raises(WarehouseLost) as caught:
        load(extracted, net.through.warehouse, net.ends.stage)
    said = "\n".join([str(caught.value), *caught.value.__notes__])
    assert f"{table.name} {DAY}: load: " in said and extracted.manifest.prefix in said
    assert "this machine can reach it. Then run this again" in said
    assert net.ends.state(table) == before and net.ends.staged_keys()
    net.warehouse.open()
    assert load(extracted, net.through.warehouse, net.ends.stage).rows == ROWS + 1
    assert net.ends.rows(table) == at_source(net.ends) and net.ends.staged_keys() == []
