"""The gauges for Prometheus, read back by the parser of its own client."""

import re
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from daybook.definitions.table import Table
from daybook.ledger.ledger import Coverage
from daybook.monitoring.freshness import Freshness, State
from daybook.monitoring.key_metrics.gauges import MEANINGS, Moment, gauges
from tests.daybook.monitoring.key_metrics.test_weekly_message import BAD, GOOD, UNKNOWN

NOW = datetime(2026, 7, 22, 11, tzinfo=UTC)


class Fixed:
    """A collector that returns the gauges of one moment."""

    def __init__(self, moment: Moment | None) -> None:
        self.moment = moment

    def collect(self):  # type: ignore[no-untyped-def]
        return gauges(self.moment)


def samples(moment: Moment | None) -> dict[str, dict[str, float]]:
    """Return each gauge's samples by table, as Prometheus' own parser reads them."""
    registry = CollectorRegistry()
    registry.register(Fixed(moment))
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        found[family.name] = {sample.labels.get("table", ""): sample.value for sample in family.samples}
    return found


def table(name: str) -> Table:
    source = {"kind": "database", "block": "production", "table": "x.y"}
    return Table(name=name, description="x", owner='the "data" \\ team\n', source=source, load="replace")  # type: ignore[arg-type]


def end(until: datetime) -> Coverage:
    return Coverage(loaded_at=NOW - timedelta(hours=2), until=until, since=until, first_at=until)


def test_known_values_have_samples_and_unknown_ones_have_none() -> None:
    names = [GOOD.table, BAD.table, UNKNOWN.table]
    found = samples(
        Moment(
            NOW,
            [table(name) for name in names],
            {GOOD.table: end(NOW - timedelta(hours=11)), BAD.table: end(NOW + timedelta(hours=1))},
            [
                Freshness(GOOD.table, "x", "UTC", State.FRESH, due_at=NOW),
                Freshness(BAD.table, "x", "UTC", State.STALE, due_at=NOW, since=NOW - timedelta(days=2)),
                Freshness(UNKNOWN.table, "x", "UTC", State.NOT_DUE),
            ],
            [GOOD, BAD, UNKNOWN],
            [BAD.table, BAD.table, "a work pool"],
        )
    )
    now = NOW.timestamp()
    assert found == {
        "daybook_up": {"": 1},
        "daybook_computed_timestamp_seconds": {"": now},
        "daybook_table_loaded_until_timestamp_seconds": {GOOD.table: now - 39600, BAD.table: now + 3600},
        "daybook_table_last_load_timestamp_seconds": {GOOD.table: now - 7200, BAD.table: now - 7200},
        "daybook_table_freshness_seconds": {GOOD.table: 39600, BAD.table: 0},
        "daybook_table_due_met": {GOOD.table: 1, BAD.table: 0},
        "daybook_table_open_incidents": {GOOD.table: 0, BAD.table: 2, UNKNOWN.table: 0},
        "daybook_table_week_runs": {GOOD.table: 7, BAD.table: 8},
        "daybook_table_week_failed_runs": {GOOD.table: 0, BAD.table: 2},
        "daybook_table_week_due_intervals": {GOOD.table: 7, BAD.table: 7},
        "daybook_table_week_in_time_intervals": {GOOD.table: 7, BAD.table: 6},
    }


def test_if_a_server_does_not_answer_only_daybook_up_is_sent() -> None:
    assert samples(None) == {"daybook_up": {"": 0}}


def test_the_names_follow_the_conventions_of_prometheus() -> None:
    """Names end with a base unit. `_total` is for counters only."""
    for name in MEANINGS:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        assert not name.endswith("_total")
        assert name.endswith("seconds") == ("timestamp" in name or "freshness" in name)
