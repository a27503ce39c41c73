"""Audits and the reads of backfills over connections that fail, and slow connections, which do not."""

from datetime import UTC, datetime, timedelta

import pytest

from daybook.audit.interval_audit import audit
from daybook.audit.table_audit import audit_whole
from daybook.backfill.dry_run import forecast
from daybook.errors import AuditLost, SourceLost, WarehouseLost
from daybook.ledger.interval_status import read_statuses
from daybook.load.load import already_loaded
from daybook.load.planning.plan import plan
from daybook.model.interval import Interval
from daybook.sql import retries
from tests.support.faulty_network import (
    DAY,
    FAULTS,
    ROWS,
    SILENCE,
    Network,
    at_source,
    by_fault,
    by_some_faults,
    make,
    net,
)

pytestmark = pytest.mark.any_warehouse

__all__ = ["net"]
START = datetime(2021, 2, 5, tzinfo=UTC)
INTERVALS = [Interval(START, START + timedelta(days=1))]
BOTH = pytest.mark.parametrize(
    "net", ["mariadb-postgres-folder", "mysql-postgres-folder", "postgres-redshift-s3"], indirect=True
)
SIDE = pytest.mark.parametrize("side", ["source", "warehouse"])


@pytest.mark.each_value
@BOTH
@SIDE
@by_fault
@pytest.mark.parametrize("whole", [False, True], ids=["by interval", "whole"])
def test_an_audit(net: Network, side: str, fault: str, whole: bool) -> None:
    table = make(net.ends)
    net.ends.load(table, DAY)
    before = net.ends.state(table)
    gate = net.source if side == "source" else net.warehouse
    gate.hold(b"ount(", answer=True, **FAULTS[fault])
    if whole:
        found = [str(one.verdict) for one in audit_whole(table, net.through.warehouse, net.through)]
    else:
        found = [str(one.verdict) for one in audit(table, INTERVALS, net.through.warehouse, net.through)]
    assert found == ["equal"] and gate.hits == 1
    assert net.ends.state(table) == before


@BOTH
@SIDE
def test_an_audit_of_a_database_that_stays_lost(net: Network, side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    table = make(net.ends)
    net.ends.load(table, DAY)
    gate = net.source if side == "source" else net.warehouse
    gate.hold(b"ount(", reset=True, always=True)
    with pytest.raises(AuditLost) as caught:
        audit(table, INTERVALS, net.through.warehouse, net.through)
    assert f"{table.name} {DAY}: audit: " in str(caught.value)
    assert "this machine can reach it. Then run this again" in str(caught.value)


@BOTH
@by_some_faults
def test_the_reads_of_a_backfill(net: Network, fault: str) -> None:
    table = make(net.ends)
    net.ends.load(table, DAY)
    net.warehouse.hold(b'FROM "daybook"."ledger"', answer=True, **FAULTS[fault])
    statuses = read_statuses(net.through.warehouse, table.name, INTERVALS)
    assert net.warehouse.hits == 1 and [status.rows for status in statuses] == [ROWS]
    net.source.hold(b"ount(", answer=True, **FAULTS[fault])
    (found,) = forecast(table, statuses, "all", net.through)
    assert net.source.hits == 1 and (found.at_source, found.by_ledger) == (ROWS, ROWS)


@pytest.mark.parametrize("net", ["mariadb-postgres-folder"], indirect=True)
def test_the_reads_of_a_backfill_of_lost_databases(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    table = make(net.ends)
    net.ends.load(table, DAY)
    statuses = read_statuses(net.ends.warehouse, table.name, INTERVALS)
    net.warehouse.hold(bytes=1, reset=True, always=True)
    net.source.hold(bytes=1, reset=True, always=True)
    with pytest.raises(WarehouseLost, match="reading the ledger"):
        read_statuses(net.through.warehouse, table.name, INTERVALS)
    with pytest.raises(WarehouseLost, match=f"{table.name} {DAY}: reading the ledger"):
        already_loaded(plan(table, START.date()), net.through.warehouse, "run")
    with pytest.raises(SourceLost, match=f"{table.name}: counting"):
        forecast(table, statuses, "all", net.through)


@pytest.mark.parametrize("net", ["mysql-postgres-folder", "postgres-redshift-s3"], indirect=True)
def test_a_slow_network_is_no_fault(net: Network) -> None:
    """Every byte takes its time, and the whole load takes longer than the limit of silence."""
    table = make(net.ends)
    net.source.slow(0.015, 1 << 12)
    net.warehouse.slow(0.015, 1 << 12)
    report = net.through.load(table, DAY)
    assert report.rows == ROWS and sum(report.seconds.values()) > SILENCE
    assert net.ends.rows(table) == at_source(net.ends) and len(net.ends.ledger(table)) == 1
