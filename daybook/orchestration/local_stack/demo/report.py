"""Print the demo's results from the warehouse."""

from datetime import UTC, datetime

from sqlalchemy import Connection, text

from daybook.orchestration.local_stack.console import Narrator

LEDGER = text(
    "SELECT table_name, interval_start, interval_end, rows_loaded, strategy, flow_run_id, loaded_at "
    "FROM daybook.ledger WHERE table_name = 'raw_data.nps' ORDER BY loaded_at DESC LIMIT 5"
)

WEEK = text(
    "SELECT day.date, day.nps, week.nps AS week, week.margin_95, week.answers FROM analytics.nps_summary day "
    "JOIN analytics.nps_rolling week ON week.date = day.date ORDER BY day.date DESC LIMIT 7"
)
BUILT = text("SELECT 1 FROM pg_tables WHERE schemaname = 'analytics' AND tablename = 'nps_rolling'")


def show_ledger(narrator: Narrator, warehouse: Connection) -> None:
    """Print the newest five ledger rows of raw_data.nps, oldest first."""
    columns = ["table", "from", "to (exclusive)", "rows", "strategy", "flow run", "loaded at"]
    rows = [
        [
            row.table_name,
            _instant(row.interval_start),
            _instant(row.interval_end),
            f"{row.rows_loaded:,}",
            row.strategy,
            str(row.flow_run_id)[:8],
            _instant(row.loaded_at),
        ]
        for row in reversed(warehouse.execute(LEDGER).all())
    ]
    narrator.table("The ledger (daybook.ledger, UTC)", columns, rows, right=frozenset({"rows"}))


def show_daily_nps(narrator: Narrator, warehouse: Connection) -> None:
    """Print the net promoter score of each of the last seven days and of its week. Print nothing before a build."""
    if not warehouse.scalar(BUILT):
        return
    columns = ["day (UTC)", "NPS", "7-day NPS", "± 95 %", "answers in 7 days"]
    rows = [
        [f"{row.date:%a %Y-%m-%d}", str(row.nps), str(row.week), str(row.margin_95), f"{row.answers:,}"]
        for row in reversed(warehouse.execute(WEEK).all())
    ]
    title = "Daily NPS (analytics.nps_summary, analytics.nps_rolling)"
    narrator.table(title, columns, rows, right=frozenset(columns[1:]))


def _instant(when: datetime | None) -> str:
    """Return `when` in UTC, to the second. None, the start of a full refresh, is "ever"."""
    if when is None:
        return "ever"
    return f"{when.astimezone(UTC) if when.tzinfo else when:%Y-%m-%d %H:%M:%S}"
