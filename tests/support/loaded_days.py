"""Write days of a table to the ledger without loading them."""

from datetime import UTC, date, datetime, timedelta

from daybook.ledger.ledger import Entry, Ledger
from daybook.orchestration.blocks import open as blocks

NPS = "raw_data.nps"


def record_loads(table: str, *days: tuple[date, datetime]) -> None:
    """Record in the ledger that these days were loaded at these instants."""
    entries = []
    for day, moment in days:
        start = datetime.combine(day, datetime.min.time(), UTC)
        end = start + timedelta(days=1)
        entries.append(Entry(table, start, end, 10, "upsert", f"run of {day}", moment, f"load of {day}", moment))
    with blocks.warehouse().session() as session:
        Ledger(blocks.warehouse()).ensure(session)
        Ledger(blocks.warehouse()).record(session, entries)
