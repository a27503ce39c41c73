"""The rows of `daybook.audits` in each kind of warehouse."""

import json
from datetime import UTC, datetime, timedelta

from daybook.audit.audit_log import Audits, found_of
from daybook.audit.interval_audit import audit
from daybook.model.interval_grid import Grid
from tests.support.source_and_warehouse import Endpoints

NOW = datetime(2021, 3, 1, 4, tzinfo=UTC)
DAYS = Grid("day").between(datetime(2021, 2, 5), datetime(2021, 2, 8))


def test_one_row_per_interval_and_audit(from_mysql: Endpoints) -> None:
    ends = from_mysql
    assert ends.source
    ends.source.run("CREATE TABLE things (id varchar(200) PRIMARY KEY, at datetime, score int, KEY (at))")
    ends.source.insert("things", [(f"{n}", datetime(2021, 2, 5 + n // 3, n), n) for n in range(6)])
    table = ends.table(load="replace_interval", key=["id"], cursor="at", interval="day")
    ends.load(table, "2021-02-05", "2021-02-07")
    long = 'ü😀"\n' * 50
    ends.source.run("UPDATE things SET score = 99 WHERE id = '1'")
    ends.source.run("INSERT INTO things VALUES (%s, '2021-02-05 07:00', 1)", (long,))
    for at in (NOW, NOW + timedelta(days=1)):
        found = audit(table, DAYS, ends.warehouse, ends)
        with ends.warehouse.session() as session:
            Audits(ends.warehouse).record(session, [found_of(table.name, one, at, "a run") for one in found])
    kept = ends.destination.run(
        "SELECT interval_start, verdict, rows_at_source, rows_by_ledger, rows_in_warehouse, added, removed, changed, "
        "exact, keys, flow_run_id FROM daybook.audits WHERE table_name = %s ORDER BY interval_start",
        (table.name,),
    )
    assert [row[0].day for row in kept] == [5, 5, 6, 6, 7, 7]
    assert [row[1:9] for row in kept[::2]] == [
        ("source changed since", 4, 3, 3, 1, 0, 1, True),
        ("equal", 3, 3, 3, 0, 0, 0, True),
        ("never loaded", 0, 0, 0, 0, 0, 0, True),
    ]
    keys = json.loads(kept[0][9])
    assert keys["changed"] == ["id=1"] and long.startswith(keys["added"][0].removeprefix("id="))
    checksums = ends.destination.run(
        "SELECT checksum_at_source, checksum_by_ledger, checksum_in_warehouse FROM daybook.audits "
        "WHERE table_name = %s AND verdict <> 'never loaded' ORDER BY interval_start",
        (table.name,),
    )
    (source, ledger, warehouse), same = checksums[0], set(checksums[-1])
    assert ledger == warehouse != source
    assert len(same) == 1
