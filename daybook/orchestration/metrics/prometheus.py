"""Export the state of every table to Prometheus. `daybook prometheus` serves it.

If the warehouse or the Prefect server cannot be asked, the exporter returns `daybook_up 0` and logs the reason.
A scrape never fails.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
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
from daybook.orchestration.metrics.measure import measured, readable
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.redaction import without_secrets

logger = logging.getLogger("daybook.prometheus")

_FRESH = 30.0  # seconds for which an answer is good: several Prometheus servers may scrape the same exporter


class Exporter(Collector):
    """Gives Prometheus what `find_out` finds out; it is asked again once its last answer is `good_for` seconds old."""

    def __init__(self, find_out: Callable[[], Moment], good_for: float = _FRESH) -> None:
        self._find_out, self._good_for = find_out, good_for
        self._lock, self._asked = threading.Lock(), float("-inf")
        self._answer: Moment | None = None

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges; `daybook_up 0` alone where nothing could be found out."""
        with self._lock:  # of scrapes at the same moment one asks, and the others get its answer
            if time.monotonic() - self._asked >= self._good_for:
                self._answer, self._asked = self._ask(), time.monotonic()
            return gauges(self._answer)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The names, without asking for values: so the registry learns them at once."""
        return gauges(None)

    @property
    def answered(self) -> bool:
        """Whether the last answer was one."""
        return self._answer is not None

    def _ask(self) -> Moment | None:
        try:
            return self._find_out()
        except Exception as error:
            logger.error("daybook_up 0: %s: %s", type(error).__name__, without_secrets(str(error)).split("\n")[0])
            return None


def registry_of(exporter: Exporter) -> CollectorRegistry:
    """A registry with nothing else in it: the exporter's own memory and processor are nobody's question."""
    registry = CollectorRegistry()
    registry.register(exporter)
    return registry


def find_out() -> Moment:
    """Ask the warehouse and Prefect's server how every table stands. Raises what they raise."""
    now, among = datetime.now(UTC), readable()
    with server() as client:
        warehouse = blocks.warehouse()
        week = measured(client, warehouse, among, [WEEKS.containing(now)], now)
        with warehouse.session() as session:
            ends = Ledger(warehouse).ends(session, [dataset.name for dataset in among])
        standings = look(warehouse, [dataset for dataset in among if dataset.due], now)
        troubled = [incident.subject for incident in IncidentStore(client, warehouse).open]
    return Moment(now, among, ends, standings, week, troubled)
