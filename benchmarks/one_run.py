"""Run one way in a separate process, so that no run inherits the memory of another.

`run` starts `python -m benchmarks.one_run`, which reads its job from standard input, because the URLs have passwords.
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
    """The cost of one run of one way."""

    way: str
    rows: int
    own: int
    """The memory of the process after importing the flow, in bytes."""
    legs: tuple[Leg, ...]
    servers_cpu_seconds: float

    @property
    def whole(self) -> Leg:
        """Return the sum of all legs."""
        peaks = [leg.peak for leg in self.legs if leg.peak is not None]
        seconds, cpu_seconds = (sum(getattr(leg, name) for leg in self.legs) for name in ("seconds", "cpu_seconds"))
        return Leg("all", seconds, cpu_seconds, max(peaks, default=None))


def run(servers: Servers, way: str, table: str, expected: warehouse.Content) -> Run:
    """Load `table` of the source by `way` into an empty warehouse, and return the cost.

    Exit with a message if the run fails, or if the loaded rows are not the `expected` ones.
    """
    warehouse.reset(servers.addresses.warehouse)
    before = servers.cpu_seconds()
    job = {"way": way, "table": table, "addresses": servers.addresses.as_dict()}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.one_run"], input=json.dumps(job), stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        raise SystemExit(f"{way}: the run failed; its error is above")
    cpu_seconds = servers.cpu_seconds() - before
    found = warehouse.content(servers.addresses.warehouse)
    if found != expected:
        raise SystemExit(f"{way}: the loaded table has {found}, but the source has {expected}")
    warehouse.require_same_shape(servers.addresses.warehouse)
    measured = json.loads(done.stdout)
    legs = tuple(Leg(**leg) for leg in measured["legs"])
    return Run(way, expected.rows, measured["own"], legs, cpu_seconds)


def main() -> None:
    """Do the job from standard input, and write its legs to standard output."""
    import flows.nps  # noqa: F401  a worker's process has this in memory anyway

    logging.disable(logging.INFO)  # no Prefect server takes the log lines
    meter = Meter()
    from benchmarks.ways import WAYS

    job = json.load(sys.stdin)
    WAYS[job["way"]](Addresses.from_dict(job["addresses"]), job["table"], meter)
    print(json.dumps({"own": meter.own, "legs": [asdict(leg) for leg in meter.legs]}))


if __name__ == "__main__":
    main()
