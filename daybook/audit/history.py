"""What audits have found: a row an interval and audit, in the table `daybook.audits` of the warehouse."""

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import datetime

from daybook.audit.audit import Audited
from daybook.audit.differences import Differences
from daybook.audit.verdict import checksum_of
from daybook.book import Book
from daybook.warehouses import Warehouse
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
_LONGEST = 80  # characters of a key: Redshift counts bytes, and JSON spells some characters by twelve of them


@dataclass(frozen=True, slots=True)
class Found:
    """What an audit found of an interval; `interval_start` and `interval_end` are None where it was a whole table.

    Instants are in UTC. `added`, `removed` and `changed` are rows as a load would bring them about; where not `exact`,
    they are at least so many. `keys` is JSON: up to five of each, `{"added": ["id=5"]}`.
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
    """The table `daybook.audits` of a warehouse, which is only ever added to."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._book = Book(warehouse, "audits", COLUMNS)

    def record(self, session: Session, found: Iterable[Found]) -> None:
        """Add what an audit has found."""
        self._book.ensure(session)
        self._book.append(session, [astuple(one) for one in found])


def found_of(table: str, audited: Audited, at: datetime, flow_run_id: str | None) -> Found:
    """What is kept of an interval that was audited at this instant."""
    there, fingerprint = audited.differences or Differences(), audited.recipe.fingerprint
    keys = {kind: getattr(there, f"{kind}_keys") for kind in ("added", "removed", "changed")}
    return Found(
        table,
        audited.interval.start,
        audited.interval.end,
        str(audited.verdict),
        audited.source.rows if audited.source else None,
        audited.rows_by_ledger,
        audited.warehouse.rows,
        there.added,
        there.removed,
        there.changed,
        there.exact,
        json.dumps({kind: [key[:_LONGEST] for key in some] for kind, some in keys.items() if some}),
        checksum_of(fingerprint, audited.source) if audited.source else None,
        audited.ledger.checksum if audited.ledger else None,
        checksum_of(fingerprint, audited.warehouse),
        at,
        flow_run_id,
    )
