"""What the benchmark of the backfill measured, and the figures that are told of it."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.backfill_planning import HOURS, Planning
from benchmarks.backfill_source import DAYS
from benchmarks.results import Target

MOST_OF_COPY = 3.0  # times the seconds of a single copy, beside one start
MOST_TO_PLAN = 1.0  # seconds
MOST_MEMORY = 100 * 10**6  # bytes above the imported flow's own

COPY, BACKFILL, START = "the load alone", "Daybook's backfill", "one start through the worker"
DAILY, AIRFLOW = "Daybook's backfill, one run a day", "Airflow, one run a day"


@dataclass(frozen=True)
class Way:
    """A way to load the range: the median of its seconds for so many days."""

    name: str
    days: int
    seconds: float
    runs: int
    """That this is the median of."""

    @property
    def of_all(self) -> float:
        """The seconds for all days: extrapolated where fewer were measured."""
        return self.seconds / self.days * DAYS

    @property
    def extrapolated(self) -> bool:
        """Whether `of_all` was not measured."""
        return self.days < DAYS


@dataclass(frozen=True)
class Results:
    """The seconds of each way (`days` are how many it loaded), of a start that loads nothing, and the plannings."""

    days: dict[str, int]
    seconds: dict[str, list[float]]
    start: list[float]
    plannings: Sequence[Planning]
    no_airflow: str = ""
    """Why Airflow is left out, where it is."""

    def ways(self) -> list[Way]:
        """Each way that was measured, the quickest one first."""
        ways = [
            Way(name, self.days[name], statistics.median(measured), len(measured))
            for name, measured in self.seconds.items()
        ]
        return sorted(ways, key=lambda way: way.of_all)

    def seconds_to_start(self) -> float:
        """The median of a run through the worker that loads nothing."""
        return statistics.median(self.start)

    def by_zone(self) -> Iterable[Planning]:
        """The planning of the median time, of each zone."""
        for zone in dict.fromkeys(planning.zone for planning in self.plannings):
            found = sorted((p for p in self.plannings if p.zone == zone), key=lambda planning: planning.seconds)
            yield found[len(found) // 2]

    def targets(self) -> list[Target]:
        """What the project asks for, against what was measured."""
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
