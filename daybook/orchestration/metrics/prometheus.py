"""Export the state of every table to Prometheus. `daybook prometheus` serves it.

If the warehouse or the Prefect server cannot be asked, the exporter returns `daybook_up 0` and logs the reason.
A scrape never fails.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from daybook.ledger.ledger import Ledger
from daybook.monitoring.freshness import look
from daybook.monitoring.key_metrics import WEEKS
from daybook.monitoring.key_metrics.gauges import Moment, gauges
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.blocks.server import server
from daybook.orchestration.load_runs.first_loads import with_expected_first_loads
from daybook.orchestration.metrics.measure import measured, readable
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.redaction import without_secrets

logger = logging.getLogger("daybook.prometheus")

FRESH = 30.0  # seconds to cache an answer: several Prometheus servers may scrape the same exporter
RARE = 3600.0  # seconds to cache the answer of a warehouse that sleeps, unless a deadline comes before


class Exporter(Collector):
    """Export the gauges of the `Moment` that `find_out` returns, cached for `good_for` seconds.

    By default, it is cached for `FRESH` seconds. If the warehouse sleeps, it is cached for `RARE` seconds, or until the
    state of a table may change without a load. The ages of rows are those of the scrape.
    """

    def __init__(self, find_out: Callable[[], Moment], good_for: float | None = None) -> None:
        self._find_out, self._good_for = find_out, good_for
        self._lock, self._asked = threading.Lock(), float("-inf")
        self._answer: Moment | None = None

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the gauges, or only `daybook_up 0` if `find_out` failed."""
        with self._lock:  # one of several concurrent scrapes asks, and the others wait for its answer
            if time.monotonic() - self._asked >= self._lifetime():
                self._answer, self._asked = self._ask(), time.monotonic()
            return gauges(self._answer and replace(self._answer, scraped=datetime.now(UTC)))

    def _lifetime(self) -> float:
        """Return for how many seconds the last answer is good."""
        answer = self._answer
        if self._good_for is not None or answer is None or not answer.sleeps:
            return FRESH if self._good_for is None else self._good_for
        changes = [(one.changes_at - answer.now).total_seconds() for one in answer.freshness if one.changes_at]
        return max(FRESH, min([RARE, *changes]))

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the names without values, so that registering the exporter does not query any server."""
        return gauges(None)

    @property
    def answered(self) -> bool:
        """Return True if the last call of `find_out` succeeded."""
        return self._answer is not None

    def _ask(self) -> Moment | None:
        try:
            return self._find_out()
        except Exception as error:
            logger.error("daybook_up 0: %s: %s", type(error).__name__, without_secrets(str(error)).split("\n")[0])
            return None


def registry_of(exporter: Exporter) -> CollectorRegistry:
    """Return a registry with this exporter only, without metrics about the exporter's own process."""
    registry = CollectorRegistry()
    registry.register(exporter)
    return registry


def find_out() -> Moment:
    """Read the state of every table from the warehouse and Prefect's server. Raises what they raise."""
    now, among = datetime.now(UTC), readable()
    with server() as client:
        warehouse = blocks.warehouse()
        week = measured(client, warehouse, among, [WEEKS.containing(now)], now)
        with warehouse.session() as session:
            ends = Ledger(warehouse).ends(session, [dataset.name for dataset in among])
        expected = [dataset for dataset in among if dataset.due]
        freshness = with_expected_first_loads(client, expected, look(warehouse, expected, now), now)
        open_incidents = [incident.subject for incident in IncidentStore(client, warehouse).open]
    return Moment(now, among, ends, freshness, week, open_incidents, warehouse.sleeps)
