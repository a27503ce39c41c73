"""Planning ten years of hours, in a process of its own: the grid, what the ledger says of it, and how it is coalesced.

`python -m benchmarks.backfill_planning`, which `measure` starts, reads what to do from standard input: the address has
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
#: Days that the clock is set forward and back on are in the second one.
ZONES = ("UTC", "Europe/Berlin")
_NAME = "raw_data.hourly"


@dataclass(frozen=True)
class Planning:
    """What one planning of HOURS intervals cost; bytes above what the process had once it had imported the flow."""

    zone: str
    own: int
    legs: tuple[Leg, ...]

    @property
    def seconds(self) -> float:
        """All of it."""
        return sum(leg.seconds for leg in self.legs)

    @property
    def peak(self) -> int:
        """The most bytes of any leg."""
        return max(leg.peak or 0 for leg in self.legs)


def fill_ledger(url: str) -> None:
    """Leave the PostgreSQL at `url` with a ledger that has a row for every hour."""
    warehouse.begin_anew(url)
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
    )


def measure(url: str, zone: str) -> Planning:
    """Plan all hours of the ledger at `url`, for a table of this zone. Exits with a message when that fails."""
    job = json.dumps({"url": url, "zone": zone})
    command = [sys.executable, "-m", "benchmarks.backfill_planning"]
    done = subprocess.run(command, input=job, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit("planning: the run failed, as it says above")
    measured = json.loads(done.stdout)
    return Planning(zone, measured["own"], tuple(Leg(**leg) for leg in measured["legs"]))


def main() -> None:
    """Plan what standard input names; write the legs to standard output."""
    import flows.backfill  # noqa: F401  what a worker's process has anyway is not the plan's
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
