"""Which rows of an interval differ, found by bisecting: no table is ever fetched.

Rows are cut into pieces by the leading bits of the hash of their key (of the row, in a table without a key), so that
both databases cut alike whatever their collations say. Only pieces whose checksums differ are cut further, up to 256
ways a query, until they are small; then the hashes and keys of the small ones are fetched and compared. That makes
about log(rows) / log(256) queries a side, whatever the number of rows.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from daybook.sql.checksum.side import HASH_BITS, ComparisonPair, HashBucket, RowGroup
from daybook.sql.checksum.sums import Sum

_SMALL = 200  # rows of a piece that is opened
_AIM = 100  # rows that a piece should have after the next cut
_MOST_BITS = 8  # of one cut
_MOST_PIECES = 64  # that are followed: beyond that, numbers are lower bounds
MAX_KEYS = 5  # keys of each kind (added, removed, changed) that are reported


@dataclass(frozen=True, slots=True)
class Differences:
    """How many rows are only at the source (added), only in the warehouse (removed), or other there (changed).

    Of each, some keys: `id=5`, or `id=5, day=2021-02-05`. Where not `exact`, there are at least so many.
    """

    added: int = 0
    removed: int = 0
    changed: int = 0
    exact: bool = True
    added_keys: tuple[str, ...] = ()
    removed_keys: tuple[str, ...] = ()
    changed_keys: tuple[str, ...] = ()
    queries: int = 0
    """Of both sides."""
    bytes: int = 0
    """Of the values that came back, about."""

    @property
    def rows(self) -> int:
        """How many rows differ."""
        return self.added + self.removed + self.changed


NOTHING = Differences()


@dataclass
class _Found:
    """What has been found so far."""

    names: Iterable[str]
    exact: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    keys: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, rows: int, key: tuple[Any, ...] = ()) -> None:
        self.counts[kind] += rows
        if rows and key and len(self.keys[kind]) < MAX_KEYS:
            self.keys[kind].append(shown(self.names, key))

    def estimate(self, source: Sum, warehouse: Sum) -> None:
        """A piece that is not opened: all of it, where one side has none of it; else what must at least differ."""
        more = source.rows - warehouse.rows
        self.exact = self.exact and not (source.rows and warehouse.rows)
        self.add("added" if more > 0 else "removed" if more < 0 else "changed", abs(more) or 1)

    def told(self, queries: int = 0, bytes: int = 0) -> Differences:
        """All of it, and what it took."""
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
        """Rows that were fetched. Of those with one key, as many as both sides have are changed, and the rest is of
        one side alone."""
        keys: dict[int, tuple[Any, ...]] = {}
        more: dict[int, Counter[int]] = defaultdict(Counter)
        for likes, sign in ((warehouse, -1), (source, 1)):
            for like in likes:
                keys[like.key_hash] = like.key
                more[like.key_hash][like.row_hash] += sign * like.rows
        for key_hash, surplus in more.items():
            added = sum(rows for rows in surplus.values() if rows > 0)
            removed = -sum(rows for rows in surplus.values() if rows < 0)
            changed, key = min(added, removed), keys[key_hash]
            for kind, rows in (("changed", changed), ("added", added - changed), ("removed", removed - changed)):
                self.add(kind, rows, key)


def differences(both: ComparisonPair, stretch: Any, source: Sum, warehouse: Sum) -> Differences:
    """What differs between the two sides of an interval (or a range of keys), whose checksums are these."""
    both = both.metered()
    found = _Found(both.source.key)
    if source != warehouse and not (source.rows and warehouse.rows):
        kind, side = ("added", both.source) if source.rows else ("removed", both.warehouse)
        found.add(kind, source.rows or warehouse.rows)
        found.keys[kind] = [shown(side.key, key) for key in side.some_keys(stretch, MAX_KEYS)]
    elif source != warehouse:
        _bisect(both, stretch, found, {HashBucket(HASH_BITS, 0): (source, warehouse)})
    costs = (both.source.cost, both.warehouse.cost)
    return found.told(sum(cost.queries for cost in costs), sum(cost.bytes for cost in costs))


def estimate(source: Sum, warehouse: Sum) -> Differences:
    """What at least differs between two sides whose checksums are these, where nobody looks for the rows."""
    found = _Found(())
    if source != warehouse:
        found.estimate(source, warehouse)
    return found.told()


def _bisect(both: ComparisonPair, stretch: Any, found: _Found, pieces: Mapping[HashBucket, tuple[Sum, Sum]]) -> None:
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
        mine, theirs = both.ask(lambda side, into=shift - bits, of=list(large): side.pieces(stretch, into, of))  # type: ignore[misc]
        pieces = {
            piece: (mine.get(piece, Sum()), theirs.get(piece, Sum()))
            for piece in mine.keys() | theirs.keys()
            if mine.get(piece) != theirs.get(piece)
        }
    if small:
        found.compare(*both.ask(lambda side: side.rows_of(stretch, small)))


def shown(names: Iterable[str], key: Iterable[Any]) -> str:
    """A key as a person reads it."""
    pairs = zip(names, key, strict=True)
    return ", ".join(f"{name}={v.decode(errors='replace') if isinstance(v, bytes) else v}" for name, v in pairs)
