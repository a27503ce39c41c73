"""List the files of a table and of its intervals, once per run, so that a run reads one state of the bucket."""

import hashlib
import logging
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from daybook.errors import FileRefused, IntervalError
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid, parse
from daybook.sources.s3_files.bucket import Bucket, Object
from daybook.sources.s3_files.path_template import Address

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec
    from daybook.sources.s3_files import Config

logger = logging.getLogger(__name__)

_NAMES_SHOWN = 5  # names in an error


@dataclass(frozen=True, slots=True)
class Place:
    """A folder or a single file, and its files."""

    interval: Interval | None
    """The interval of the files. None: the whole table."""
    files: tuple[Object, ...]


class Listing:
    """The places of a table's files in a bucket."""

    def __init__(self, table: "TableSpec", config: "Config", address: Address, bucket: Bucket, now: datetime) -> None:
        self._table, self._config, self._address, self._bucket, self._now = table, config, address, bucket, now

    @cached_property
    def whole(self) -> Sequence[Place]:
        """Return the places of the whole table, from the oldest interval that has a folder on.

        Raises:
            FileRefused: there are no files, or none for an interval from `start` on that has ended, and the table has
                `missing: fail`. Without a `start`, the oldest interval with a folder is the first one.
        """
        grid = self._table.grid
        if self._address.dated and grid is not None:
            found = self._found(grid)
            intervals = self._all_intervals(grid, found)
            self._refuse_missing([] if intervals else [self._address.fixed])
            start = self._table.start
            return self._places(grid, intervals, set(found), grid.first(start).start if start is not None else None)
        place = Place(None, self._files(self._address.key))
        self._refuse_missing([] if place.files else [self._address.key])
        return [place]

    @property
    def version(self) -> str:
        """Return a hash of the names, ETags and sizes of all files. It changes when a file is rewritten."""
        files = [(file.key, file.etag, file.size) for place in self.whole for file in place.files]
        return f"{len(files)} files {hashlib.sha256(repr(sorted(files)).encode()).hexdigest()}"

    def between(self, start: datetime, end: datetime) -> Sequence[Place]:
        """Return the places of the intervals from `start` to `end`. Raise FileRefused as `whole` does."""
        grid = self._table.grid
        assert grid is not None  # only a table with a grid has such loads
        intervals = grid.between(start, end)
        return self._places(grid, intervals, set(intervals))

    def newest_first(self) -> Iterator[Object]:
        """Yield all files, those of the newest interval first. An interval is listed when its turn comes."""
        grid = self._table.grid
        keys = [self._address.key]
        if self._address.dated and grid is not None:
            keys = [self._address.key_of(grid.label(interval)) for interval in reversed(self._found(grid))]
        for key in keys:
            yield from self._files(key)

    def _places(
        self, grid: Grid, intervals: Sequence[Interval], listed: Set[Interval], owed_from: datetime | None = None
    ) -> Sequence[Place]:
        """Return the places of `intervals`. Only those in `listed` are listed in the bucket; the others are empty.

        Intervals before `owed_from` may have no files.
        """
        keys = [self._address.key_of(grid.label(interval)) for interval in intervals]
        places = [
            Place(interval, self._files(key) if interval in listed else ())
            for interval, key in zip(intervals, keys, strict=True)
        ]
        self._refuse_missing(
            [
                key
                for interval, place, key in zip(intervals, places, keys, strict=True)
                if not place.files
                and interval.end <= self._now
                and self._table.expects(interval)
                and (owed_from is None or interval.start >= owed_from)
            ]
        )
        return places

    def _refuse_missing(self, lacking: Sequence[str]) -> None:
        """Raise FileRefused for keys without files, unless the table has `missing: empty`."""
        if not lacking or self._config.missing == "empty":
            return
        shown = ", ".join(self._bucket.uri(key) for key in lacking[:_NAMES_SHOWN])
        more = f" and {len(lacking) - _NAMES_SHOWN} more" if len(lacking) > _NAMES_SHOWN else ""
        raise FileRefused(
            f"{self._table.name}: found no file with rows at {shown}{more}, so nothing was loaded. If the files are "
            "late, run the load again when they exist. If no file means no rows, set missing: empty under source: in "
            "the table file"
        )

    def _files(self, key: str) -> tuple[Object, ...]:
        """Return the file `key`, or the files directly in the folder `key`, sorted by name.

        Names that start with `_` or `.` are skipped: by convention, they are not data (`_SUCCESS`). Empty files are
        skipped, too: they have no rows, and some tools create them to make a folder visible.
        """
        if not (key.endswith("/") or not key):
            return tuple(file for file in self._bucket.file(key) if file.size)
        found, folders = self._bucket.folder(key)
        deeper = [folder for folder in folders if folder[len(key)] not in "_."]
        if deeper:
            logger.warning(
                "%s: folders below %s are not read: %s. To read one, set path: to that folder",
                self._table.name,
                self._bucket.uri(key),
                ", ".join(folder[len(key) :] for folder in deeper[:_NAMES_SHOWN]),
            )
        data = [file for file in found if file.size and file.key[len(key)] not in "_."]
        return tuple(sorted(data, key=lambda file: file.key))

    def _all_intervals(self, grid: Grid, found: Sequence[Interval]) -> Sequence[Interval]:
        """Return the intervals of a full refresh: those with files, and all from `start` on that have ended."""
        start = self._table.start
        if start is None and not found:
            return []
        first = grid.first(start) if start is not None else found[0]
        over = grid.due(first.start, self._now)
        return sorted({*over, *found})

    def _found(self, grid: Grid) -> list[Interval]:
        """Return the intervals that have a folder or a file, oldest first."""
        files, folders = self._bucket.folder(self._address.fixed)
        labels = {self._address.label_in(name) for name in (*folders, *(file.key for file in files))} - {None}
        intervals, unknown = [], []
        for label in sorted(str(label) for label in labels):
            interval = _interval(grid, label)
            if interval is None:
                unknown.append(label)
            else:
                intervals.append(interval)
        if unknown:
            logger.warning(
                "%s: names at %s that are not the label of a single %s are not read: %s",
                self._table.name,
                self._bucket.uri(self._address.fixed) + "…",
                grid.unit,
                ", ".join(unknown[:_NAMES_SHOWN]),
            )
        return sorted(intervals)


def _interval(grid: Grid, label: str) -> Interval | None:
    """Return the interval with this exact label, or None."""
    try:
        interval = grid.at(parse(label))
        return interval if grid.label(interval) == label else None
    except IntervalError:
        return None
