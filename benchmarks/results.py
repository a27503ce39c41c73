"""The results of the nps benchmark, and the figures that the page shows."""

from dataclasses import dataclass

from benchmarks.meter import Leg
from benchmarks.one_day import OneDay
from benchmarks.one_run import Run
from benchmarks.ways import KEY_AND_INDEX, WAYS

DAYBOOK = ("Daybook, folder", "Daybook, S3")
PIPE, PANDAS = "mariadb | psql", "pandas"

MOST_OF_PIPE = 1.5  # times the pipe's seconds
LEAST_OF_PANDAS = 5.0  # times as fast
MOST_MEMORY = 80 * 10**6  # bytes above the imported flow's own
MOST_OF_SMALL_TABLE = 1.2  # times the seconds into the small table: the variation of repeated runs


@dataclass(frozen=True)
class Figures:
    """The run of a way with the median time, for a number of rows. `peak` is the highest of any run."""

    way: str
    rows: int
    own: int
    legs: tuple[Leg, ...]
    seconds: float
    cpu_seconds: float
    servers_cpu_seconds: float
    peak: int | None

    @property
    def bare_seconds(self) -> float:
        """Return the seconds without the creation of key and index."""
        return sum(leg.seconds for leg in self.legs if leg.name != KEY_AND_INDEX)


@dataclass(frozen=True)
class Target:
    """A target and the measured value."""

    text: str
    measured: str
    met: bool


@dataclass(frozen=True)
class Results:
    """The runs of all ways for each number of rows, and the loads of single days."""

    rows: int
    """The number of rows for the comparison."""
    runs: tuple[Run, ...]
    days: tuple[OneDay, ...]

    def figures(self, way: str, rows: int) -> Figures:
        """Return the figures of `way` for `rows` rows."""
        runs = sorted(
            (run for run in self.runs if (run.way, run.rows) == (way, rows)), key=lambda run: run.whole.seconds
        )
        peaks = [run.whole.peak for run in runs if run.whole.peak is not None]
        middle = runs[len(runs) // 2]
        whole = middle.whole
        return Figures(
            *(way, rows, middle.own, middle.legs, whole.seconds, whole.cpu_seconds, middle.servers_cpu_seconds),
            max(peaks, default=None),
        )

    def compared(self) -> list[Figures]:
        """Return the figures of every way for the comparison."""
        return [self.figures(way, self.rows) for way in WAYS]

    def memory(self) -> list[Figures]:
        """Return the figures of every way and number of rows whose memory was measured."""
        found = sorted({(list(WAYS).index(run.way), run.rows) for run in self.runs if run.whole.peak is not None})
        return [self.figures(list(WAYS)[index], rows) for index, rows in found]

    def targets(self) -> list[Target]:
        """Return the project's targets with the measured values."""
        targets = []
        pipe, pandas = self.figures(PIPE, self.rows), self.figures(PANDAS, self.rows)
        for way in DAYBOOK:
            seconds = self.figures(way, self.rows).seconds
            ratio = seconds / pipe.seconds
            targets.append(Target(f"{way}: at most {MOST_OF_PIPE} × `{PIPE}`", f"{ratio:.2f} ×", ratio <= MOST_OF_PIPE))
            ratio = pandas.seconds / seconds
            text = f"{way}: at least {LEAST_OF_PANDAS:.0f} × faster than {PANDAS}"
            targets.append(Target(text, f"{ratio:.1f} ×", ratio >= LEAST_OF_PANDAS))
        for figures in self.memory():
            if figures.way in DAYBOOK and figures.peak is not None:
                text = (
                    f"{figures.way}, {figures.rows:,} rows: at most {MOST_MEMORY // 10**6} MB above the imported flow"
                )
                targets.append(Target(text, f"{figures.peak / 1e6:.0f} MB", figures.peak <= MOST_MEMORY))
        for small, large in self.day_pairs():
            ratio = large.seconds / small.seconds
            text = f"{large.strategy}: one day into {large.into:,} rows takes as long as into {small.into:,}"
            targets.append(Target(text, f"{ratio:.2f} ×", ratio <= MOST_OF_SMALL_TABLE))
        return targets

    def day_pairs(self) -> list[tuple[OneDay, OneDay]]:
        """Return for each strategy the day into the small table and the day into the large table."""
        pairs: dict[str, list[OneDay]] = {}
        for day in self.days:
            pairs.setdefault(day.strategy, []).append(day)
        return [(min(days, key=_into), max(days, key=_into)) for days in pairs.values()]


def _into(day: OneDay) -> int:
    return day.into
