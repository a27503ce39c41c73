"""Find the rows of an interval that differ, by bisecting, without fetching whole tables.

Rows are divided into buckets by the leading bits of the hash of their key (or of the row, if the table has no key).
Both databases divide them in the same way, regardless of their collations. Only buckets whose checksums differ are
divided further, into up to 256 per query, until they are small. Then the hashes and keys of the small buckets are
fetched and compared. This takes about log(rows) / log(256) queries on each side.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from daybook.sql.checksum.side import HASH_BITS, ComparisonPair, HashBucket, RowGroup
from daybook.sql.checksum.sums import Sum

_SMALL = 200  # rows of a bucket that is fetched
_AIM = 100  # rows that a bucket should have after the next division
_MOST_BITS = 8  # bits of one division
_MOST_PIECES = 64  # buckets to bisect; the counts of any others are lower bounds
MAX_KEYS = 5  # keys of each kind (added, removed, changed) that are reported


@dataclass(frozen=True, slots=True)
class Differences:
    """The rows that are only in the source (added), only in the warehouse (removed), or different (changed).

    Some keys of each kind are included: `id=5`, or `id=5, day=2021-02-05`. If `exact` is False, the counts are lower
    bounds.
    """

    added: int = 0
    removed: int = 0
    changed: int = 0
    exact: bool = True
    added_keys: tuple[str, ...] = ()
    removed_keys: tuple[str, ...] = ()
    changed_keys: tuple[str, ...] = ()
    queries: int = 0
    """The number of queries on both sides."""
    bytes: int = 0
    """The approximate size of the values that were fetched."""

    @property
    def rows(self) -> int:
        """Return the number of rows that differ."""
        return self.added + self.removed + self.changed


NOTHING = Differences()


@dataclass
class _Found:
    """The differences found so far."""

    names: Iterable[str]
    exact: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    keys: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, rows: int, key: tuple[Any, ...] = ()) -> None:
        self.counts[kind] += rows
        if rows and key and len(self.keys[kind]) < MAX_KEYS:
            self.keys[kind].append(shown(self.names, key))

    def estimate(self, source: Sum, warehouse: Sum) -> None:
        """Add a bucket that is not fetched: all of its rows if one side has none, otherwise a lower bound."""
        more = source.rows - warehouse.rows
        self.exact = self.exact and not (source.rows and warehouse.rows)
        self.add("added" if more > 0 else "removed" if more < 0 else "changed", abs(more) or 1)

    def result(self, queries: int = 0, bytes: int = 0) -> Differences:
        """Return the differences, with the number of queries and bytes that were needed to find them."""
        return Differences(
            self.counts["added"],
            self.counts["removed"],
            self.counts["changed"],
            self.exact,
            tuple(self.keys["added"]),
            tuple(self.keys["removed"]),
            tuple(self.keys["changed"]),
            queries,
            bytes,
        )

    def compare(self, source: Iterable[RowGroup], warehouse: Iterable[RowGroup]) -> None:
        """Add fetched rows. Rows with the same key on both sides are changed. Surplus rows of one side are added or
        removed."""
        keys: dict[int, tuple[Any, ...]] = {}
        more: dict[int, Counter[int]] = defaultdict(Counter)
        for groups, sign in ((warehouse, -1), (source, 1)):
            for group in groups:
                keys[group.key_hash] = group.key
                more[group.key_hash][group.row_hash] += sign * group.rows
        for key_hash, surplus in more.items():
            added = sum(rows for rows in surplus.values() if rows > 0)
            removed = -sum(rows for rows in surplus.values() if rows < 0)
            changed, key = min(added, removed), keys[key_hash]
            for kind, rows in (("changed", changed), ("added", added - changed), ("removed", removed - changed)):
                self.add(kind, rows, key)


def differences(both: ComparisonPair, bucket: Any, source: Sum, warehouse: Sum) -> Differences:
    """Return the differences between the two sides of an interval or key range that have these checksums."""
    both = both.metered()
    found = _Found(both.source.key)
    if source != warehouse and not (source.rows and warehouse.rows):
        kind, side = ("added", both.source) if source.rows else ("removed", both.warehouse)
        found.add(kind, source.rows or warehouse.rows)
        found.keys[kind] = [shown(side.key, key) for key in side.some_keys(bucket, MAX_KEYS)]
    elif source != warehouse:
        _bisect(both, bucket, found, {HashBucket(HASH_BITS, 0): (source, warehouse)})
    costs = (both.source.cost, both.warehouse.cost)
    return found.result(sum(cost.queries for cost in costs), sum(cost.bytes for cost in costs))


def estimate(source: Sum, warehouse: Sum) -> Differences:
    """Return lower bounds of the differences between two sides that have these checksums, without reading rows."""
    found = _Found(())
    if source != warehouse:
        found.estimate(source, warehouse)
    return found.result()


def _bisect(both: ComparisonPair, bucket: Any, found: _Found, pieces: Mapping[HashBucket, tuple[Sum, Sum]]) -> None:
    small: list[HashBucket] = []
    while True:
        large: dict[HashBucket, int] = {}
        for place, (piece, (source, warehouse)) in enumerate(sorted(pieces.items())):
            rows = max(source.rows, warehouse.rows)
            if len(small) + len(large) >= _MOST_PIECES or (place >= MAX_KEYS and not (source.rows and warehouse.rows)):
                found.estimate(source, warehouse)
            elif rows <= _SMALL or piece.shift == 0:
                small.append(piece)
            else:
                large[piece] = rows
        if not large:
            break
        shift = next(iter(large)).shift
        bits = min(max(math.ceil(math.log2(max(large.values()) / _AIM)), 1), _MOST_BITS, shift)
        mine, theirs = both.ask(lambda side, into=shift - bits, of=list(large): side.pieces(bucket, into, of))  # type: ignore[misc]
        pieces = {
            piece: (mine.get(piece, Sum()), theirs.get(piece, Sum()))
            for piece in mine.keys() | theirs.keys()
            if mine.get(piece) != theirs.get(piece)
        }
    if small:
        found.compare(*both.ask(lambda side: side.rows_of(bucket, small)))


def shown(names: Iterable[str], key: Iterable[Any]) -> str:
    """Return a key as text: `id=5, day=2021-02-05`."""
    pairs = zip(names, key, strict=True)
    return ", ".join(f"{name}={v.decode(errors='replace') if isinstance(v, bytes) else v}" for name, v in pairs)
