"""Which files there are, and of which interval: listed once, so that a run reads what was there when it began."""

import hashlib
import logging
from collections.abc import Sequence, Set
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
    """A folder, or one file, and what there is in it."""

    interval: Interval | None
    """Which it is of; None: of the whole table."""
    files: tuple[Object, ...]


class Listing:
    """The places of a table's files in a bucket."""

    def __init__(self, table: "TableSpec", config: "Config", address: Address, bucket: Bucket, now: datetime) -> None:
        self._table, self._config, self._address, self._bucket, self._now = table, config, address, bucket, now

    @cached_property
    def whole(self) -> Sequence[Place]:
        """All that a load of the whole table reads: from its `start`, or from the oldest interval that has a folder.

        Raises:
            FileRefused: there is nothing, or nothing of an interval that is over, and the table says `missing: fail`.
        """
        grid = self._table.grid
        if self._address.dated and grid is not None:
            found = self._found(grid)
            intervals = self._known(grid, found)
            self._complain([] if intervals else [self._address.fixed])
            return self._places(grid, intervals, set(found))
        place = Place(None, self._files(self._address.key))
        self._complain([] if place.files else [self._address.key])
        return [place]

    @property
    def version(self) -> str:
        """The names, ETags and sizes of all files, hashed: it is another one when a file is written again."""
        files = [(file.key, file.etag, file.size) for place in self.whole for file in place.files]
        return f"{len(files)} files {hashlib.sha256(repr(sorted(files)).encode()).hexdigest()}"

    def between(self, start: datetime, end: datetime) -> Sequence[Place]:
        """What a load of the intervals from `start` to `end` reads. Raises FileRefused as `whole` does."""
        grid = self._table.grid
        assert grid is not None  # else there is no such load
        intervals = grid.between(start, end)
        return self._places(grid, intervals, set(intervals))

    def newest(self) -> Object | None:
        """A file of the newest place that has one."""
        grid = self._table.grid
        keys = [self._address.key]
        if self._address.dated and grid is not None:
            keys = [self._address.key_of(grid.label(interval)) for interval in reversed(self._found(grid))]
        return next((file for key in keys for file in self._files(key)), None)

    def _places(self, grid: Grid, intervals: Sequence[Interval], listed: Set[Interval]) -> Sequence[Place]:
        """The places of `intervals`; only those of `listed` are looked into."""
        keys = [self._address.key_of(grid.label(interval)) for interval in intervals]
        places = [
            Place(interval, self._files(key) if interval in listed else ())
            for interval, key in zip(intervals, keys, strict=True)
        ]
        self._complain(
            [
                key
                for interval, place, key in zip(intervals, places, keys, strict=True)
                if not place.files and interval.end <= self._now and self._table.expects(interval)
            ]
        )
        return places

    def _complain(self, lacking: Sequence[str]) -> None:
        if not lacking or self._config.missing == "empty":
            return
        shown = ", ".join(self._bucket.uri(key) for key in lacking[:_NAMES_SHOWN])
        more = f" and {len(lacking) - _NAMES_SHOWN} more" if len(lacking) > _NAMES_SHOWN else ""
        raise FileRefused(
            f"{self._table.name}: there is no file with rows at {shown}{more}, and nothing was loaded. If it is only "
            "late, run it again when it is there; if no file means no rows, say missing: empty under source: in the "
            "table file"
        )

    def _files(self, key: str) -> tuple[Object, ...]:
        """The file `key`; or those directly in the folder, sorted by name.

        Passed over are names that begin with `_` or `.`, by which everybody calls what is no data (`_SUCCESS`), and
        files of no bytes, which some tools write to make a folder visible, and which have no rows.
        """
        if not (key.endswith("/") or not key):
            return tuple(file for file in self._bucket.file(key) if file.size)
        found, folders = self._bucket.folder(key)
        deeper = [folder for folder in folders if folder[len(key)] not in "_."]
        if deeper:
            logger.warning(
                "%s: files in folders below %s are not read: %s. Name the folder itself in path:",
                self._table.name,
                self._bucket.uri(key),
                ", ".join(folder[len(key) :] for folder in deeper[:_NAMES_SHOWN]),
            )
        data = [file for file in found if file.size and file.key[len(key)] not in "_."]
        return tuple(sorted(data, key=lambda file: file.key))

    def _known(self, grid: Grid, found: Sequence[Interval]) -> Sequence[Interval]:
        """The intervals of the whole table: those that are over, since a load of it speaks for them, and the found."""
        start = self._table.start
        if start is None and not found:
            return []
        first = grid.first(start) if start is not None else found[0]
        over = grid.due(first.start, self._now)
        return sorted({*over, *(interval for interval in found if interval.start >= first.start)})

    def _found(self, grid: Grid) -> list[Interval]:
        """The intervals that have a folder or a file, oldest first."""
        files, folders = self._bucket.folder(self._address.fixed)
        labels = {self._address.label_in(name) for name in (*folders, *(file.key for file in files))} - {None}
        intervals, strange = [], []
        for label in sorted(str(label) for label in labels):
            interval = _interval(grid, label)
            if interval is None:
                strange.append(label)
            else:
                intervals.append(interval)
        if strange:
            logger.warning(
                "%s: %s is called after no %s, and is not read: %s",
                self._table.name,
                self._bucket.uri(self._address.fixed) + "…",
                grid.unit,
                ", ".join(strange[:_NAMES_SHOWN]),
            )
        return sorted(intervals)


def _interval(grid: Grid, label: str) -> Interval | None:
    """The interval that is called exactly so."""
    try:
        interval = grid.at(parse(label))
        return interval if grid.label(interval) == label else None
    except IntervalError:
        return None
