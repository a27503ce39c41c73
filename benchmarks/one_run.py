"""One run of one way in a process of its own, so that no run inherits another's memory.

`python -m benchmarks.one_run`, which `run` starts, reads what to do from standard input: the addresses have passwords.
"""

import json
import logging
import subprocess
import sys
from dataclasses import asdict, dataclass

from benchmarks import warehouse
from benchmarks.meter import Leg, Meter
from benchmarks.servers import Addresses, Servers


@dataclass(frozen=True)
class Run:
    """What one run of one way cost."""

    way: str
    rows: int
    own: int
    """Bytes of memory that the process had once it had imported the flow."""
    legs: tuple[Leg, ...]
    servers_cpu_seconds: float

    @property
    def whole(self) -> Leg:
        """All legs as one."""
        peaks = [leg.peak for leg in self.legs if leg.peak is not None]
        seconds, cpu_seconds = (sum(getattr(leg, name) for leg in self.legs) for name in ("seconds", "cpu_seconds"))
        return Leg("all", seconds, cpu_seconds, max(peaks, default=None))


def run(servers: Servers, way: str, table: str, expected: warehouse.Content) -> Run:
    """Load `table` of the source by `way` into a warehouse that does not have it, and measure that.

    Exits with a message when the run fails, or when what it loaded is not `expected`.
    """
    warehouse.begin_anew(servers.addresses.warehouse)
    before = servers.cpu_seconds()
    job = {"way": way, "table": table, "addresses": servers.addresses.as_dict()}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.one_run"], input=json.dumps(job), stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        raise SystemExit(f"{way}: the run failed, as it says above")
    cpu_seconds = servers.cpu_seconds() - before
    found = warehouse.content(servers.addresses.warehouse)
    if found != expected:
        raise SystemExit(f"{way}: the table that it made holds {found}, and the source {expected}")
    warehouse.require_same_shape(servers.addresses.warehouse)
    measured = json.loads(done.stdout)
    legs = tuple(Leg(**leg) for leg in measured["legs"])
    return Run(way, expected.rows, measured["own"], legs, cpu_seconds)


def main() -> None:
    """Run the way that standard input names; write its legs to standard output."""
    import flows.nps  # noqa: F401  what a worker's process has anyway is not the load's

    logging.disable(logging.INFO)  # there is no Prefect server here for the lines to go to
    meter = Meter()
    from benchmarks.ways import WAYS

    job = json.load(sys.stdin)
    WAYS[job["way"]](Addresses.from_dict(job["addresses"]), job["table"], meter)
    print(json.dumps({"own": meter.own, "legs": [asdict(leg) for leg in meter.legs]}))


if __name__ == "__main__":
    main()
