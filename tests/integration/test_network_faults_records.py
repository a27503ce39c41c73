"""A COMMIT whose answer is lost records nothing twice, and a lost warehouse is never blamed on the source."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from daybook.audit.audit_log import Audits, found_of
from daybook.audit.interval_audit import audit
from daybook.errors import ExtractFailed, LoadFailed, WarehouseLost
from daybook.ledger.ledger import Ledger
from daybook.load.load import load
from daybook.model.interval import Interval
from daybook.sql import retries
from daybook.sql.retries import with_retries
from tests.support.faulty_network import DAY, FAULTS, ROWS, Network, at_source, by_some_faults, change, make, net

pytestmark = pytest.mark.any_warehouse

__all__ = ["net"]
START = datetime(2021, 2, 5, tzinfo=UTC)
BOTH = pytest.mark.parametrize("net", ["mariadb-postgres-folder", "mariadb-redshift-s3"], indirect=True)


@BOTH
def test_a_confirmation_of_an_unchanged_source(net: Network) -> None:
    table = make(net.ends, "replace")
    net.ends.load(table)
    with net.ends.warehouse.session() as session:
        (entry,) = Ledger(net.ends.warehouse).newest(session, table.name)
    confirmed = replace(net.ends.extract(table), unchanged=entry)
    net.warehouse.hold(b"COMMIT\0", answer=True, reset=True)
    report = load(confirmed, net.through.warehouse, net.ends.stage)
    assert net.warehouse.hits == 1 and len(report.entries) == 1
    assert [strategy for _, _, _, strategy in net.ends.ledger(table)] == ["replace", "unchanged"]


@BOTH
@pytest.mark.parametrize("answer", [True, False], ids=["the answer", "the COMMIT"])
def test_the_findings_of_an_audit(net: Network, answer: bool) -> None:
    table = make(net.ends)
    net.ends.load(table, DAY)
    (found,) = audit(table, [Interval(START, START + timedelta(days=1))], net.ends.warehouse, net.ends)
    row = found_of(table.name, found, datetime.now(UTC), "run")
    net.warehouse.hold(b"COMMIT\0", answer=answer, reset=True)

    def record() -> None:
        with net.through.warehouse.session() as session:
            Audits(net.through.warehouse).record(session, [row])

    with_retries(record, what="recording", failed=LoadFailed, lost=WarehouseLost)
    assert net.warehouse.hits == 1
    count = "SELECT count(*) FROM daybook.audits WHERE table_name = %s"
    assert net.ends.destination.run(count, (table.name,)) == [(1,)]


@BOTH
@by_some_faults
def test_a_warehouse_that_is_lost_once_during_an_extraction(net: Network, fault: str) -> None:
    table = make(net.ends)
    net.ends.load(table, DAY)
    change(net.ends)
    net.warehouse.hold(b"things", answer=True, **FAULTS[fault])
    assert net.through.load(table, DAY).rows == ROWS + 1
    assert net.warehouse.hits == 1
    assert net.ends.rows(table) == at_source(net.ends) and net.ends.staged_keys() == []


@BOTH
def test_a_warehouse_that_stays_lost_during_an_extraction(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    table = make(net.ends)
    net.warehouse.hold(bytes=1, reset=True, always=True)
    with pytest.raises(WarehouseLost) as caught:
        net.through.load(table, DAY)
    assert not isinstance(caught.value, ExtractFailed)
    assert f"{table.name} {DAY}: extract: reading the warehouse: " in str(caught.value)
    assert net.warehouse.hits == 2, "the retries of the source do not repeat those of the warehouse"
