"""The results of the benchmark of full refreshes, and the figures that the page shows."""

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.full_refresh_source import Engine, Shape, State
from benchmarks.page import Target
from benchmarks.reader import Seen
from benchmarks.ways import DLT, FOLDER, PIPE
from benchmarks.whole_process import Cost

LEAST_ROWS = 1_000_000  # of a part: most of a smaller load is the start of the program
MOST_OF_PIPE = 1.2  # times the seconds of the pipe, in the flow
MOST_OF_DLT = 0.8  # times the seconds of dlt, as a whole process
MOST_MORE_MEMORY = 80 * 10**6  # bytes that the largest table takes more than the smallest


@dataclass(frozen=True)
class Run:
    """One load of one way."""

    way: str
    state: State
    rows: int
    """The rows that it loaded: fewer than the others if the way is too slow."""
    cost: Cost
    flow_seconds: float | None
    """The seconds of the flow run, for Daybook."""


@dataclass(frozen=True)
class Figures:
    """The median of a way's runs from one state, with the fastest and the slowest run."""

    way: str
    rows: int
    runs: int
    seconds: float
    fastest: float
    slowest: float
    flow_seconds: float | None
    legs: dict[str, float]
    """The seconds of each leg that the way reports."""
    cpu_seconds: float
    servers_cpu_seconds: float
    peak: int


@dataclass(frozen=True)
class Part:
    """What was measured with one source: an engine, a shape and a number of rows."""

    engine: Engine
    shape: Shape
    rows: int
    made: str
    """When, how and where it was measured."""
    versions: str
    runs: tuple[Run, ...]
    seen: tuple[tuple[str, State, Seen], ...]
    """What a reader saw, by way and state."""
    idle: Seen
    """What a reader sees while nothing is loaded."""
    left_out: dict[str, str]
    """The ways that could not be measured, with the reason."""

    @property
    def key(self) -> tuple[str, str, int]:
        """Return what identifies the part."""
        return self.engine, self.shape, self.rows

    def ways(self) -> list[str]:
        """Return the measured ways, in the order of their first runs' medians."""
        found = dict.fromkeys(run.way for run in self.runs)
        return sorted(found, key=lambda way: self._order(way))

    def _order(self, way: str) -> float:
        figures = next(filter(None, (self.figures(way, state) for state in self.states())))
        return figures.seconds * self.rows / figures.rows

    def states(self) -> list[State]:
        """Return the measured states, in order."""
        return list(dict.fromkeys(run.state for run in self.runs))

    def figures(self, way: str, state: State) -> Figures | None:
        """Return the figures of a way from one state."""
        runs = [run for run in self.runs if (run.way, run.state) == (way, state)]
        if not runs:
            return None
        seconds = [run.cost.seconds for run in runs]
        flows = [run.flow_seconds for run in runs if run.flow_seconds is not None]
        legs = {leg: [run.cost.legs[leg] for run in runs if leg in run.cost.legs] for leg in runs[0].cost.legs}
        return Figures(
            way,
            runs[0].rows,
            len(runs),
            statistics.median(seconds),
            min(seconds),
            max(seconds),
            statistics.median(flows) if flows else None,
            {leg: statistics.median(seconds) for leg, seconds in legs.items()},
            statistics.median(run.cost.cpu_seconds for run in runs),
            statistics.median(run.cost.servers_cpu_seconds for run in runs),
            max(run.cost.peak for run in runs),
        )

    def targets(self) -> Iterable[Target]:
        """Yield the project's targets with the measured values, unless the table is too small for them."""
        if self.rows < LEAST_ROWS:
            return
        for state in self.states():
            ours, pipe, dlt = (self.figures(way, state) for way in (FOLDER, PIPE, DLT))
            what = f"{self.shape}, from {self.engine}, {self.rows:,} rows, {title(state)}"
            if ours and ours.flow_seconds and pipe:
                ratio = ours.flow_seconds / pipe.seconds
                text = f"{what}: in the flow at most {MOST_OF_PIPE} × the pipe"
                yield Target(text, f"{ratio:.2f} ×", ratio <= MOST_OF_PIPE)
            if ours and dlt:
                ratio = ours.seconds / dlt.seconds
                text = f"{what}: as a whole process at most {MOST_OF_DLT} × {DLT}"
                yield Target(text, f"{ratio:.2f} ×", ratio <= MOST_OF_DLT)


def title(state: State) -> str:
    """Return the state as the page names it."""
    return {
        "first": "the first time",
        "unchanged": "again, unchanged",
        "some changed": "again, 1 % changed",
        "all changed": "again, all changed",
    }[state]


def memory_target(parts: Sequence[Part]) -> Iterable[Target]:
    """Yield the target for memory, if Daybook has loaded wide tables of several sizes."""
    peaks: dict[int, int] = {}
    for part in parts:
        found = [run.cost.peak for run in part.runs if run.way == FOLDER]
        if part.shape == "wide" and found:
            peaks[part.rows] = max(peaks.get(part.rows, 0), *found)
    if len(peaks) > 1 and max(peaks) >= LEAST_ROWS:
        more = peaks[max(peaks)] - peaks[min(peaks)]
        text = f"{max(peaks):,} rows take at most {MOST_MORE_MEMORY // 10**6} MB more than {min(peaks):,}"
        yield Target(f"{FOLDER}: {text}", f"{more / 1e6:.0f} MB", more <= MOST_MORE_MEMORY)


def read(file: Path) -> list[Part]:
    """Return the parts that a file has."""
    if not file.exists():
        return []
    return [
        Part(
            **{
                **part,
                "runs": tuple(Run(**{**run, "cost": Cost(**run["cost"])}) for run in part["runs"]),
                "seen": tuple((way, state, Seen(**seen)) for way, state, seen in part["seen"]),
                "idle": Seen(**part["idle"]),
            }
        )
        for part in json.loads(file.read_text(encoding="utf-8"))
    ]


def write(file: Path, parts: Iterable[Part]) -> None:
    """Write the parts into a file, a run a line."""
    ordered = sorted(parts, key=lambda part: (part.engine, part.shape != "wide", part.rows))
    text = json.dumps([asdict(part) for part in ordered], ensure_ascii=False)
    text = text.replace('{"engine"', '\n{"engine"').replace('{"way"', '\n{"way"').replace(', ["', ',\n["')
    file.write_text(text + "\n", encoding="utf-8")
