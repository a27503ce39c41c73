"""Compute the key metrics of some weeks from the warehouse and from Prefect."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from prefect.client.orchestration import SyncPrefectClient

from daybook.definitions.registry import datasets
from daybook.definitions.summary import Summary
from daybook.model.dataset import Dataset
from daybook.model.interval import Interval
from daybook.monitoring.key_metrics.compute import measure
from daybook.monitoring.key_metrics.recovery import Outage
from daybook.monitoring.key_metrics.weekly_metrics import Metrics
from daybook.orchestration.metrics.ended_runs import ended_runs
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.warehouses.base import Warehouse

logger = logging.getLogger("daybook.key_metrics")

_AROUND = timedelta(days=1)  # a run may commit at the end of a week and end in the next one


def readable() -> list[Dataset]:
    """Return every table and summary whose file can be read. Log a warning for each unreadable file."""
    found, problems = datasets()
    for problem in problems:
        logger.warning("%s", problem)
    return found


def measured(
    client: SyncPrefectClient, warehouse: Warehouse, among: Sequence[Dataset], weeks: Sequence[Interval], now: datetime
) -> list[Metrics]:
    """Return the metrics of these tables in these adjacent weeks, the oldest week first, up to `now`.

    Raises the errors of the warehouse or of Prefect's client if one of them cannot be reached.
    """
    summaries = {dataset.name for dataset in among if isinstance(dataset, Summary)}
    tables = {dataset.name for dataset in among} - summaries
    span = Interval(weeks[0].start - _AROUND, weeks[-1].end + _AROUND)
    reported = ended_runs(client, tables, summaries, span)
    open_incidents = [Outage(one.subject, one.kind, one.since) for one in IncidentStore(client, warehouse).open]
    return [row for week in weeks for row in measure(warehouse, among, week, now, reported, open_incidents)]
