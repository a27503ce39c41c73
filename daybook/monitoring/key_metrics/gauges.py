"""The state of every table, now and in this week so far, as Prometheus gauges.

The names follow https://prometheus.io/docs/practices/naming/: base units, with the unit at the end. An unknown value
has no sample, because zero would be wrong.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily

from daybook.ledger.ledger import Coverage
from daybook.model.dataset import Dataset
from daybook.monitoring.freshness import Freshness
from daybook.monitoring.key_metrics.weekly_metrics import Metrics

_TABLE = "daybook_table_"
_LABELS = ("table", "owner")

#: Every gauge of a table, with its help text.
MEANINGS = {
    "loaded_until_timestamp_seconds": "The end of the table's newest loaded interval.",
    "last_load_timestamp_seconds": "The time of the table's last load or build.",
    "freshness_seconds": "The age of the table's newest rows.",
    "due_met": "1: everything that is due is loaded. 0: the table is late. A table without a due time has no sample.",
    "open_incidents": "The table's open incidents.",
    "week_runs": "The table's runs that ended this week (from Monday, UTC).",
    "week_failed_runs": "The table's runs that failed this week (from Monday, UTC).",
    "week_due_intervals": "The table's intervals that were due this week (from Monday, UTC).",
    "week_in_time_intervals": "The table's intervals that were due this week (from Monday, UTC) and loaded in time.",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """The state of the tables at a moment (an aware datetime)."""

    now: datetime
    among: Sequence[Dataset]
    ends: Mapping[str, Coverage]
    """The newest interval of each table that was ever loaded."""
    freshness: Sequence[Freshness] = ()
    """The freshness of the tables with `due:`."""
    week: Sequence[Metrics] = ()
    """The metrics of this week so far."""
    open_incidents: Sequence[str] = field(default=())
    """The subject of each open incident, such as a table's name."""
    sleeps: bool = False
    """True if the warehouse sleeps while no query runs, so that each look at it is billed."""
    scraped: datetime | None = None
    """The moment for which the ages of rows are computed; None: `now`."""


def gauges(moment: Moment | None) -> Iterable[GaugeMetricFamily]:
    """Yield the gauges of a moment. If `moment` is None (a server did not answer), yield only `daybook_up 0`."""
    yield GaugeMetricFamily(
        "daybook_up", "1: the warehouse and Prefect answered. 0: one of them did not.", moment is not None
    )
    if moment is None:
        return
    computed = moment.now.timestamp()
    yield GaugeMetricFamily(
        "daybook_computed_timestamp_seconds", "The time at which these figures were computed.", computed
    )
    for name, meaning in MEANINGS.items():
        family = GaugeMetricFamily(_TABLE + name, meaning, labels=_LABELS)
        values = _values(name, moment)
        for dataset in moment.among:
            value = values.get(dataset.name)
            if value is not None:
                family.add_metric([dataset.name, dataset.owner], float(value))
        yield family


def _values(name: str, moment: Moment) -> Mapping[str, float | None]:
    """Return the values of a gauge by table."""
    match name:
        case "loaded_until_timestamp_seconds":
            return {table: end.until.timestamp() for table, end in moment.ends.items()}
        case "last_load_timestamp_seconds":
            return {table: end.loaded_at.timestamp() for table, end in moment.ends.items()}
        case "freshness_seconds":
            now = moment.scraped or moment.now
            return {table: max((now - end.until).total_seconds(), 0) for table, end in moment.ends.items()}
        case "due_met":
            return {one.table: not one.is_late for one in moment.freshness if one.due_at or one.is_late}
        case "open_incidents":
            open_ones = Counter(moment.open_incidents)
            return {dataset.name: open_ones[dataset.name] for dataset in moment.among}
    column = {
        "week_runs": "runs",
        "week_failed_runs": "runs_failed",
        "week_due_intervals": "intervals_due",
        "week_in_time_intervals": "intervals_in_time",
    }[name]
    return {row.table: getattr(row, column) for row in moment.week}
