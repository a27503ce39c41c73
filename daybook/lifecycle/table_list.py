"""List all tables with what the ledger has of them. It takes four queries for any number of tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from daybook.definitions.registry import datasets
from daybook.definitions.summary import Summary
from daybook.definitions.summary_files import summary_names
from daybook.definitions.table import Table
from daybook.definitions.table_files import table_names
from daybook.definitions.targets.project_target import of_target
from daybook.errors import LoadFailed, WarehouseLost
from daybook.ledger.failures import Failures
from daybook.ledger.ledger import Coverage, Ledger
from daybook.model.dataset import Dataset
from daybook.monitoring.deadlines import Deadlines, start_of
from daybook.sql.retries import with_retries
from daybook.warehouses.base import Warehouse

#: The state of a table whose ledger was not read.
UNKNOWN = "unknown"
#: The state of a table whose intervals before the first loaded one are missing, back to its `start:`.
NO_HISTORY = "no history"


@dataclass(frozen=True, slots=True)
class Listed:
    """A table or summary of the list. Instants are in UTC."""

    name: str
    kind: str
    """The kind of its source, `summary`, or `no file` for a table that only the ledger knows."""
    state: str
    """`loaded`, `no history`, `behind`, `late`, `failed`, `never loaded`, `invalid file`, or, without the ledger,
    `unknown`."""
    loaded_until: datetime | None = None
    """The end of the newest interval that is loaded."""
    last_interval: str = ""
    """The label of that interval, on the table's own clock."""
    loaded_at: datetime | None = None
    failed_since: datetime | None = None
    """The time of the first failure since the last load or build. None: the last run did not fail."""
    schedule: str | None = None
    due: str | None = None
    owner: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the fields, with instants in ISO 8601."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the tables: the coverage of each, and the time of its first failure after the last commit."""

    coverage: Mapping[str, Coverage]
    failed_since: Mapping[str, datetime]

    def with_failures(self, found: Mapping[str, datetime]) -> "Known":
        """Return this with more failures. One that is older than the last load of its table does not count."""
        cover = self.coverage
        later = {name: at for name, at in found.items() if name not in cover or at > cover[name].loaded_at}
        return replace(self, failed_since={**later, **self.failed_since})


def read_ledger(warehouse: Warehouse) -> Known:
    """Read the ledger and the failures of all tables.

    Raises:
        LoadFailed: the ledger could not be read.
    """

    def ask() -> Known:
        with warehouse.session() as session:
            return Known(Ledger(warehouse).ends(session), Failures(warehouse).first_since_commit(session))

    return with_retries(ask, what="reading the ledger", failed=LoadFailed, lost=WarehouseLost)


def listed(
    known: Known | None, now: datetime, patterns: Sequence[str] = (), folder: Path | None = None
) -> list[Listed]:
    """Return the tables that match one of `patterns` (`raw_data.*`, `orders`; none: all), by name.

    `known` is what the warehouse knows. None: it could not be asked, and states are unknown.
    """
    found, _ = datasets(folder)
    rows = [_row(dataset, known, now) for dataset in found]
    names = {row.name for row in rows}
    invalid = {*table_names(folder), *summary_names(folder)} - names
    rows += [Listed(name, "?", "invalid file") for name in invalid]
    coverage = known.coverage if known else {}
    for name in of_target(coverage, names | invalid):
        if name not in names and name not in invalid:
            cover = coverage[name]
            until = f"{cover.until:%Y-%m-%d %H:%M}"
            rows.append(Listed(name, "no file", "loaded", cover.until, until, cover.loaded_at))
    rows = [row for row in rows if not patterns or any(_matches(row.name, pattern) for pattern in patterns)]
    return sorted(rows, key=lambda row: row.name)


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or ("." not in pattern and fnmatchcase(name.partition(".")[2], pattern))


def _row(dataset: Dataset, known: Known | None, now: datetime) -> Listed:
    kind = "summary" if isinstance(dataset, Summary) else dataset.source.kind if isinstance(dataset, Table) else "?"
    cover = known.coverage.get(dataset.name) if known else None
    schedule = getattr(dataset, "schedule", None)
    return Listed(
        dataset.name,
        kind,
        _state(dataset, known, cover, now) if known else UNKNOWN,
        cover.until if cover else None,
        _last_label(dataset, cover) if cover else "",
        cover.loaded_at if cover else None,
        known.failed_since.get(dataset.name) if known else None,
        schedule.text if schedule else None,
        f"{dataset.due:%H:%M} {dataset.timezone}" if dataset.due else None,
        dataset.owner,
    )


def _state(dataset: Dataset, known: Known, cover: Coverage | None, now: datetime) -> str:
    if dataset.name in known.failed_since:
        return "failed"
    if cover is None:
        return "never loaded"
    if dataset.due and _is_late(dataset, cover, now):
        return "late"
    grid = dataset.load_grid
    if grid and cover.until < grid.containing(now).start:
        return "behind"
    return NO_HISTORY if _lacks_history(dataset, cover) else "loaded"


def _lacks_history(dataset: Dataset, cover: Coverage) -> bool:
    if not isinstance(dataset, Table) or dataset.catch_up_policy != "all" or dataset.load_grid is None:
        return False
    first = start_of(dataset)
    return first is not None and cover.since > first


def _is_late(dataset: Dataset, cover: Coverage, now: datetime) -> bool:
    newest = next(Deadlines(dataset, start_of(dataset) or cover.since).passed(now), None)
    if newest is None:
        return False
    return cover.until < newest.end if dataset.load_grid else cover.loaded_at < newest.start


def _last_label(dataset: Dataset, cover: Coverage) -> str:
    grid = dataset.load_grid
    if grid is None:
        return "all of it"
    last = grid.containing(cover.until - timedelta.resolution)
    return grid.label(last if last.end <= cover.until else grid.previous(last))  # a full refresh ends within one
