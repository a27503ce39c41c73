"""The checksums of the intervals of a full refresh: the table `daybook.checksums`.

The ledger has only one row for a full refresh. With a checksum per interval, an audit can report which side of a
differing interval has changed since.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from daybook.ledger.ledger import Entry
from daybook.ledger.state_table import StateTable
from daybook.model.interval import Interval
from daybook.sql.checksum.sums import Sum, checksum_of
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

COLUMNS = {
    "table_name": "varchar(255) NOT NULL",
    "load_id": "varchar(36) NOT NULL",
    "interval_start": "timestamptz NOT NULL",
    "interval_end": "timestamptz NOT NULL",
    "rows_loaded": "bigint NOT NULL",
    "checksum": "varchar(64) NOT NULL",
    "fingerprints": "varchar(64)",
}

_At = tuple[str, datetime, datetime]


class Checksums:
    """The table `daybook.checksums` of a warehouse. It is append-only."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._state_table = StateTable(warehouse, "checksums", COLUMNS)

    def ensure(self, session: Session) -> None:
        """Create the table if it does not exist."""
        self._state_table.ensure(session)

    def record(
        self,
        session: Session,
        table: str,
        load_id: str,
        fingerprint: str,
        sums: Mapping[Interval, Sum],
        fingerprints: Mapping[Interval, str],
    ) -> None:
        """Add the checksum of each interval of the load `load_id`. Call it in the transaction of the load.

        `fingerprints` are the recorded fingerprints of the rows of each interval, as far as the warehouse has them.
        """
        self._state_table.append(
            session,
            [
                (table, load_id, one.start, one.end, sum.rows, checksum_of(fingerprint, sum), fingerprints.get(one))
                for one, sum in sums.items()
            ],
        )

    def of_last_refresh(
        self, session: Session, table: str, entries: Sequence[Entry]
    ) -> dict[Interval, tuple[int, str, str]]:
        """Return the rows, the checksum and the fingerprints of each interval of the last full refresh in `entries`.

        Intervals without fingerprints are left out.
        """
        last = next((entry for entry in reversed(entries) if entry.is_full_refresh), None)
        if last is None:
            return {}
        return dict(
            self._state_table.read(
                session,
                lambda start, end, *figures: (Interval(start, end), figures),
                "SELECT interval_start, interval_end, rows_loaded, checksum, fingerprints "
                f"FROM {self._state_table.table} WHERE table_name = %s AND load_id = %s AND fingerprints IS NOT NULL",
                [table, last.load_id],
            )
        )

    def entries_per_interval(
        self, session: Session, table: str, pairs: Sequence[tuple[Interval, Entry | None]]
    ) -> list[Entry | None]:
        """Return the ledger entry of each interval, narrowed to that interval if its checksum is known."""
        wide = [(interval, entry) for interval, entry in pairs if entry and not entry.is_of(interval)]
        checksums = self._checksums(session, table, wide)

        def narrowed(interval: Interval, entry: Entry | None) -> Entry | None:
            found = checksums.get((entry.load_id, interval.start, interval.end)) if entry else None
            if entry is None or found is None:
                return entry
            rows, checksum = found
            return replace(entry, start=interval.start, end=interval.end, rows=rows, checksum=checksum)

        return [narrowed(interval, entry) for interval, entry in pairs]

    def _checksums(
        self, session: Session, table: str, wide: Iterable[tuple[Interval, Entry]]
    ) -> dict[_At, tuple[int, str]]:
        pairs = list(wide)
        if not pairs:
            return {}
        loads = sorted({entry.load_id for _, entry in pairs})
        state_table, places = self._state_table, ", ".join(["%s"] * len(loads))
        return dict(
            state_table.read(
                session,
                lambda load, start, end, rows, checksum: ((load, start, end), (rows, checksum)),
                f"SELECT load_id, interval_start, interval_end, rows_loaded, checksum FROM {state_table.table} "
                f"WHERE table_name = %s AND load_id IN ({places}) AND interval_start >= %s AND interval_end <= %s",
                [table, *loads, min(one.start for one, _ in pairs), max(one.end for one, _ in pairs)],
            )
        )
