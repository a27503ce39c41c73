"""What the demo shows at its end, read from the warehouse."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, text

from deployments.local.console import Narrator

LEDGER = text(
    "SELECT table_name, interval_start, interval_end, rows_loaded, strategy, flow_run_id, loaded_at "
    "FROM daybook.ledger WHERE table_name = 'raw_data.nps' ORDER BY loaded_at DESC LIMIT 5"
)

# Promoters (9 and 10) minus detractors (0 to 6), in percent of all who answered.
DAILY_NPS = text(
    "SELECT CAST(created_at AS date) AS day, COUNT(*) AS answers, "
    "SUM(CASE WHEN score >= 9 THEN 1 ELSE 0 END) AS promoters, "
    "SUM(CASE WHEN score <= 6 THEN 1 ELSE 0 END) AS detractors "
    "FROM raw_data.nps WHERE created_at >= :first AND created_at < :after GROUP BY 1 ORDER BY 1"
)


def show_ledger(narrator: Narrator, warehouse: Connection) -> None:
    """Print the ledger's newest five rows of raw_data.nps, the newest last."""
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
    narrator.table("What the ledger says (daybook.ledger, UTC)", columns, rows, right=frozenset({"rows"}))


def show_daily_nps(narrator: Narrator, warehouse: Connection, last_day: date) -> None:
    """Print the net promoter score of each of the seven days up to and including `last_day` (UTC)."""
    week = {"first": last_day - timedelta(days=6), "after": last_day + timedelta(days=1)}
    columns = ["day", "answers", "promoters", "detractors", "NPS"]
    rows = [
        [
            f"{row.day:%a %Y-%m-%d}",
            f"{row.answers:,}",
            f"{row.promoters:,}",
            f"{row.detractors:,}",
            f"{100 * (row.promoters - row.detractors) / row.answers:.1f}",
        ]
        for row in warehouse.execute(DAILY_NPS, week)
    ]
    narrator.table("Daily NPS, from raw_data.nps in the warehouse", columns, rows, right=frozenset(columns[1:]))


def _instant(when: datetime | None) -> str:
    """`when` in UTC, to the second; the ledger has no start where a table has none."""
    if when is None:
        return "ever"
    return f"{when.astimezone(UTC) if when.tzinfo else when:%Y-%m-%d %H:%M:%S}"
