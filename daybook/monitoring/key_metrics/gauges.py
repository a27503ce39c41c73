"""How every table stands now, and this week until now, as Prometheus' gauges.

Their names are as https://prometheus.io/docs/practices/naming/ has it: base units, and the unit at the end. What nobody
knows has no sample, and not a zero.
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

#: Every gauge of a table, and what it says.
MEANINGS = {
    "loaded_until_timestamp_seconds": "How far the table's rows reach: the end of its newest interval.",
    "last_load_timestamp_seconds": "When the table was loaded or built last.",
    "freshness_seconds": "How far the table's newest rows are behind the clock.",
    "due_met": "1: what was due by now is there. 0: it is late. Without a due time there is no sample.",
    "open_incidents": "Incidents of the table that are not over.",
    "week_runs": "Runs of the table that ended this week (from Monday, UTC).",
    "week_failed_runs": "Those of them that failed.",
    "week_due_intervals": "Intervals of the table that fell due this week.",
    "week_in_time_intervals": "Those of them that were there in time.",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """All that is known of the tables at a moment (an aware datetime)."""

    now: datetime
    among: Sequence[Dataset]
    ends: Mapping[str, Coverage]
    """How far each table that was ever loaded has come."""
    standings: Sequence[Freshness] = ()
    """Of those with `due:`."""
    week: Sequence[Metrics] = ()
    """This week, as far as it is over."""
    troubled: Sequence[str] = field(default=())
    """The table of each open incident."""


def gauges(moment: Moment | None) -> Iterable[GaugeMetricFamily]:
    """The gauges of a moment; None: it could not be found out, and only that is told."""
    yield GaugeMetricFamily("daybook_up", "1: the warehouse and Prefect answered. 0: they did not.", moment is not None)
    if moment is None:
        return
    computed = moment.now.timestamp()
    yield GaugeMetricFamily("daybook_computed_timestamp_seconds", "When these figures were computed.", computed)
    for name, meaning in MEANINGS.items():
        family = GaugeMetricFamily(_TABLE + name, meaning, labels=_LABELS)
        values = _values(name, moment)
        for dataset in moment.among:
            value = values.get(dataset.name)
            if value is not None:
                family.add_metric([dataset.name, dataset.owner], float(value))
        yield family


def _values(name: str, moment: Moment) -> Mapping[str, float | None]:
    """The values of a gauge by table."""
    match name:
        case "loaded_until_timestamp_seconds":
            return {table: end.until.timestamp() for table, end in moment.ends.items()}
        case "last_load_timestamp_seconds":
            return {table: end.loaded_at.timestamp() for table, end in moment.ends.items()}
        case "freshness_seconds":
            return {table: max((moment.now - end.until).total_seconds(), 0) for table, end in moment.ends.items()}
        case "due_met":
            return {one.table: not one.is_late for one in moment.standings if one.due_at or one.is_late}
        case "open_incidents":
            open_ones = Counter(moment.troubled)
            return {dataset.name: open_ones[dataset.name] for dataset in moment.among}
    column = {
        "week_runs": "runs",
        "week_failed_runs": "runs_failed",
        "week_due_intervals": "intervals_due",
        "week_in_time_intervals": "intervals_in_time",
    }[name]
    return {row.table: getattr(row, column) for row in moment.week}
