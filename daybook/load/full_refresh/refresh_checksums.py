"""The checksums of a full refresh: of each interval, or of all rows of a table without intervals.

The checksum of a row takes longer than its COPY. So the warehouse recognizes by their fingerprints the intervals whose
rows are those of the last full refresh. Their checksums are known: only the hashes of the changed rows are taken off
and added.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from daybook.load.checksums import LoadChecksums
from daybook.load.full_refresh.changed_rows import ChangedRows
from daybook.load.staged import Staged
from daybook.model.interval import Interval
from daybook.sql.checksum.row_fingerprint import RowFingerprint
from daybook.sql.checksum.sums import Sum, parsed

#: The sum of the rows' hashes and that of their fingerprints.
Pair = tuple[Sum, Sum]
#: The rows, the checksum and the fingerprints of an interval as an earlier load recorded them.
Recorded = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class RefreshChecksums:
    """The checksums of a full refresh."""

    tally: LoadChecksums
    intervals: Sequence[Interval] | None
    """The intervals that were over at the snapshot. None: the table is not loaded by intervals."""
    fingerprint: RowFingerprint | None
    """The warehouse's quick hash of a row. None: it has none."""

    def of(self, staged: Staged, table: str, known: Mapping[Interval, Pair]) -> Staged:
        """Return `staged` with the checksums of its rows, which are in `table` (quoted), too.

        The sums of `known` intervals are not computed again. A table without intervals gets a checksum of all rows. For
        others, an audit compares the intervals.
        """
        if self.intervals is None:
            return replace(staged, total=self.tally.whole(table))
        if self.tally.recipe is None or not self.intervals:
            return staged
        if self.fingerprint is None:
            return replace(staged, parts=self.tally.sums(table, self.intervals))
        left = [one for one in self.intervals if one not in known]
        pairs = {**known, **self.tally.pairs(table, left, self.fingerprint.sql)}
        parts = {one: pairs[one][0] for one in self.intervals}
        recorded = {one: self.fingerprint.recorded(pairs[one][1]) for one in self.intervals}
        return replace(staged, parts=parts, fingerprints=recorded)

    def derived(self, table: str, changed: ChangedRows, recorded: Mapping[Interval, Recorded]) -> dict[Interval, Pair]:
        """Return the sums after the change for the intervals that `table` (quoted) has as they were recorded.

        Call it before the change. Intervals that have changed since, by hand or by another load, are left out.
        """
        earlier = {one: pair for one in self.intervals or () if (pair := self._parsed(recorded.get(one)))}
        if not earlier:
            return {}
        assert self.fingerprint is not None
        now = self.tally.sums_of(self.fingerprint.sql, table, list(earlier))
        kept = {one: pair for one, pair in earlier.items() if now[one] == pair[1]}
        if not changed.count or not kept:
            return kept
        for one, (hashes, sum) in self._pairs(changed.removed_sql(), list(kept)).items():
            kept[one] = (kept[one][0] - hashes, kept[one][1] - sum)
        for one, (hashes, sum) in self._pairs(changed.added_sql(), list(kept)).items():
            kept[one] = (kept[one][0] + hashes, kept[one][1] + sum)
        return kept

    def _pairs(self, rows: str, intervals: Sequence[Interval]) -> dict[Interval, Pair]:
        """Return both sums of the changed rows, for the intervals between the first and the last that have some."""
        assert self.fingerprint is not None
        return self.tally.pairs(rows, self.tally.spanned(rows, intervals), self.fingerprint.sql)

    def _parsed(self, recorded: Recorded | None) -> Pair | None:
        if recorded is None or self.tally.recipe is None or self.fingerprint is None:
            return None
        rows, checksum, fingerprints = recorded
        hashes = parsed(self.tally.recipe.fingerprint, rows, checksum)
        sum = self.fingerprint.parsed(rows, fingerprints)
        return (hashes, sum) if hashes and sum else None
