"""The results of audits: the table `daybook.audits` in the warehouse, with one row per interval and audit."""

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from daybook.audit.interval_audit import Audited
from daybook.audit.row_diff import MAX_KEYS, Differences
from daybook.audit.table_audit import AuditedRange
from daybook.audit.verdict import Verdict
from daybook.ledger.state_table import StateTable
from daybook.sql.checksum.sums import Sum, checksum_of
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

COLUMNS = {
    "table_name": "varchar(255) NOT NULL",
    "interval_start": "timestamptz",
    "interval_end": "timestamptz",
    "verdict": "varchar(64) NOT NULL",
    "rows_at_source": "bigint",
    "rows_by_ledger": "bigint",
    "rows_in_warehouse": "bigint NOT NULL",
    "added": "bigint NOT NULL",
    "removed": "bigint NOT NULL",
    "changed": "bigint NOT NULL",
    "exact": "boolean NOT NULL",
    "keys": "varchar(16000) NOT NULL",
    "checksum_at_source": "varchar(64)",
    "checksum_by_ledger": "varchar(64)",
    "checksum_in_warehouse": "varchar(64) NOT NULL",
    "audited_at": "timestamptz NOT NULL",
    "flow_run_id": "varchar(64)",
}
_MAX_KEY_TEXT = 80  # characters: Redshift counts bytes, and JSON can take twelve bytes per character


@dataclass(frozen=True, slots=True)
class Found:
    """One row of `daybook.audits`: the result for one interval, or for a whole table if the interval is None.

    Instants are in UTC. `added`, `removed` and `changed` are the rows that a load would add, remove and change. If
    `exact` is False, they are lower bounds. `keys` is JSON with up to five keys of each kind: `{"added": ["id=5"]}`.
    """

    table_name: str
    interval_start: datetime | None
    interval_end: datetime | None
    verdict: str
    rows_at_source: int | None
    rows_by_ledger: int | None
    rows_in_warehouse: int
    added: int
    removed: int
    changed: int
    exact: bool
    keys: str
    checksum_at_source: str | None
    checksum_by_ledger: str | None
    checksum_in_warehouse: str
    audited_at: datetime
    flow_run_id: str | None


class Audits:
    """The table `daybook.audits` of a warehouse. It is append-only."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._state_table = StateTable(warehouse, "audits", COLUMNS)

    def record(self, session: Session, found: Sequence[Found]) -> None:
        """Add all results of one audit of a table, unless an earlier attempt has added them."""
        self._state_table.ensure(session)
        added = f"SELECT count(*) FROM {self._state_table.table} WHERE table_name = %s AND audited_at = %s"
        if not found or session.one(added, (found[0].table_name, found[0].audited_at)):
            return
        with session.undone_on_error():
            session.run("BEGIN")
            self._state_table.append(session, [astuple(one) for one in found])
            session.run("COMMIT")


def found_of(table: str, audited: Audited, at: datetime, flow_run_id: str | None) -> Found:
    """Return the row for an interval that was audited at the instant `at`."""
    differences, fingerprint = audited.differences, audited.recipe.fingerprint
    return Found(
        table,
        audited.interval.start,
        audited.interval.end,
        str(audited.verdict),
        audited.source.rows,
        audited.rows_by_ledger,
        audited.warehouse.rows,
        *(differences.added, differences.removed, differences.changed, differences.exact),
        _keys([differences]),
        checksum_of(fingerprint, audited.source),
        audited.ledger.checksum if audited.ledger and audited.rows_by_ledger is not None else None,
        checksum_of(fingerprint, audited.warehouse),
        at,
        flow_run_id,
    )


def found_whole(table: str, ranges: Sequence[AuditedRange], at: datetime, flow_run_id: str | None) -> Found:
    """Return the row for a whole table that was audited by ranges of its key. It is one row: checksums add up."""
    source, warehouse = (
        sum(sums, Sum()) for sums in zip(*((one.source, one.warehouse) for one in ranges), strict=True)
    )
    differences = [one.differences for one in ranges]
    fingerprint = ranges[0].recipe.fingerprint
    return Found(
        table,
        None,
        None,
        str(min((one.verdict for one in ranges), key=lambda verdict: verdict is Verdict.EQUAL)),
        source.rows,
        None,
        warehouse.rows,
        sum(one.added for one in differences),
        sum(one.removed for one in differences),
        sum(one.changed for one in differences),
        all(one.exact for one in differences),
        _keys(differences),
        checksum_of(fingerprint, source),
        None,
        checksum_of(fingerprint, warehouse),
        at,
        flow_run_id,
    )


def _keys(differences: Sequence[Differences]) -> str:
    kinds = ("added", "removed", "changed")
    keys = {
        kind: [key[:_MAX_KEY_TEXT] for one in differences for key in getattr(one, f"{kind}_keys")] for kind in kinds
    }
    return json.dumps({kind: some[:MAX_KEYS] for kind, some in keys.items() if some})
