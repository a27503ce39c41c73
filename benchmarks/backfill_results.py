"""The results of the backfill benchmark, and the figures that the page shows."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.backfill_planning import HOURS, Planning
from benchmarks.backfill_source import DAYS
from benchmarks.page import Target

MOST_OF_COPY = 3.0  # times the seconds of a single load, plus one start
MOST_TO_PLAN = 1.0  # seconds
MOST_MEMORY = 100 * 10**6  # bytes above the imported flow's own

COPY, BACKFILL, START = "the load alone", "Daybook's backfill", "one start through the worker"
DAILY, AIRFLOW = "Daybook's backfill, one run a day", "Airflow, one run a day"


@dataclass(frozen=True)
class Way:
    """A way to load the range, and the median of its seconds for `days` days."""

    name: str
    days: int
    seconds: float
    runs: int
    """The number of runs behind the median."""

    @property
    def of_all(self) -> float:
        """Return the seconds for all days, extrapolated if fewer were measured."""
        return self.seconds / self.days * DAYS

    @property
    def extrapolated(self) -> bool:
        """Return True if `of_all` is extrapolated."""
        return self.days < DAYS


@dataclass(frozen=True)
class Results:
    """The seconds of each way (`days` is the number of days it loaded), of an empty run, and of each planning."""

    days: dict[str, int]
    seconds: dict[str, list[float]]
    start: list[float]
    plannings: Sequence[Planning]
    no_airflow: str = ""
    """The reason if Airflow was not measured."""

    def ways(self) -> list[Way]:
        """Return the measured ways, the fastest first."""
        ways = [
            Way(name, self.days[name], statistics.median(measured), len(measured))
            for name, measured in self.seconds.items()
        ]
        return sorted(ways, key=lambda way: way.of_all)

    def seconds_to_start(self) -> float:
        """Return the median seconds of a run through the worker that loads nothing."""
        return statistics.median(self.start)

    def by_zone(self) -> Iterable[Planning]:
        """Yield the planning with the median time of each time zone."""
        for zone in dict.fromkeys(planning.zone for planning in self.plannings):
            found = sorted((p for p in self.plannings if p.zone == zone), key=lambda planning: planning.seconds)
            yield found[len(found) // 2]

    def targets(self) -> list[Target]:
        """Return the project's targets with the measured values."""
        copy, backfill = (statistics.median(self.seconds[name]) for name in (COPY, BACKFILL))
        most = MOST_OF_COPY * copy + self.seconds_to_start()
        text = (
            f"{DAYS} days by a backfill: at most {MOST_OF_COPY:.0f} × {COPY} ({copy:.1f} s) plus {START} "
            f"({self.seconds_to_start():.1f} s), that is {most:.1f} s"
        )
        targets = [Target(text, f"{backfill:.1f} s", backfill <= most)]
        for planning in self.by_zone():
            what = f"planning {HOURS:,} hours, {planning.zone}"
            peak = max(other.peak for other in self.plannings if other.zone == planning.zone)
            in_time = planning.seconds <= MOST_TO_PLAN
            targets += [
                Target(f"{what}: at most {MOST_TO_PLAN:.0f} s", f"{planning.seconds:.2f} s", in_time),
                Target(
                    f"{what}: at most {MOST_MEMORY // 10**6} MB above the imported flow",
                    f"{peak / 1e6:.0f} MB",
                    peak <= MOST_MEMORY,
                ),
            ]
        return targets
