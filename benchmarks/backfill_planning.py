"""Measure the planning of ten years of hours in a separate process: the grid, the ledger's statuses, coalescing.

`measure` starts `python -m benchmarks.backfill_planning`, which reads its job from standard input, because the URL has
a password.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import NullPool, create_engine

from benchmarks import warehouse
from benchmarks.meter import Leg, Meter
from daybook.definitions.table import Table
from daybook.ledger.ledger import Ledger
from daybook.warehouses.registry import open_warehouse

HOURS = 87_600
START = datetime(2011, 1, 1, tzinfo=UTC)
END = START + timedelta(hours=HOURS)
#: The second zone has days on which the clock is set forward or back.
ZONES = ("UTC", "Europe/Berlin")
_NAME = "raw_data.hourly"


@dataclass(frozen=True)
class Planning:
    """The cost of planning HOURS intervals. Memory is in bytes above that of the process after importing the flow."""

    zone: str
    own: int
    legs: tuple[Leg, ...]

    @property
    def seconds(self) -> float:
        """Return the seconds of all legs."""
        return sum(leg.seconds for leg in self.legs)

    @property
    def peak(self) -> int:
        """Return the highest peak of any leg, in bytes."""
        return max(leg.peak or 0 for leg in self.legs)


def fill_ledger(url: str) -> None:
    """Reset the PostgreSQL at `url`, and fill its ledger with a row for every hour."""
    warehouse.reset(url)
    target = open_warehouse(create_engine(url, poolclass=NullPool))
    with target.session() as session:
        Ledger(target).ensure(session)
    warehouse.run(
        url,
        "INSERT INTO daybook.ledger (table_name, interval_start, interval_end, rows_loaded, strategy, flow_run_id, "
        f"loaded_at, load_id, snapshot_at) SELECT '{_NAME}', hour, hour + INTERVAL '1 hour', 5000, "
        "'replace_interval', gen_random_uuid()::text, hour + INTERVAL '2 hours', gen_random_uuid()::text, "
        f"hour + INTERVAL '1 hour' FROM generate_series(timestamptz '{START.isoformat()}', "
        f"timestamptz '{END.isoformat()}' - INTERVAL '1 hour', INTERVAL '1 hour') AS hour",
        "ANALYZE daybook.ledger",
        # Without the table, no interval would count as loaded
        f"CREATE TABLE {_NAME} AS SELECT 1 AS id",
    )


def measure(url: str, zone: str) -> Planning:
    """Plan all hours of the ledger at `url` for a table in this time zone. Exit with a message if that fails."""
    job = json.dumps({"url": url, "zone": zone})
    command = [sys.executable, "-m", "benchmarks.backfill_planning"]
    done = subprocess.run(command, input=job, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit("planning: the run failed; its error is above")
    measured = json.loads(done.stdout)
    return Planning(zone, measured["own"], tuple(Leg(**leg) for leg in measured["legs"]))


def main() -> None:
    """Do the job from standard input, and write its legs to standard output."""
    import flows.backfill  # noqa: F401  a worker's process has this in memory anyway
    from daybook.ledger.interval_status import read_statuses
    from daybook.load.planning.owed_intervals import expected_in_range
    from daybook.model.interval import coalesce

    job = json.load(sys.stdin)
    table = Table.model_validate(
        {
            "name": _NAME,
            "description": "One answer a row.",
            "owner": "benchmarks",
            "source": {"kind": "database", "table": "prod.hourly"},
            "cursor": "created_at",
            "interval": "hour",
            "timezone": job["zone"],
            "load": "replace_interval",
        }
    )
    target = open_warehouse(create_engine(job["url"], poolclass=NullPool))
    meter = Meter()
    with meter.leg("grid"):
        intervals = expected_in_range(table, START, END)
    with meter.leg("ledger"):
        statuses = read_statuses(target, table.name, intervals)
    with meter.leg("coalescing"):
        stretches = coalesce([found.interval for found in statuses if found.chosen_by("all")], 500)
    if sum(found.entry is not None for found in statuses) != HOURS or sum(map(len, stretches)) != HOURS:
        raise SystemExit(f"{len(statuses)} intervals and {len(stretches)} stretches are not {HOURS} loaded hours")
    print(json.dumps({"own": meter.own, "legs": [asdict(leg) for leg in meter.legs]}))


if __name__ == "__main__":
    main()
