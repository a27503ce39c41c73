"""The fingerprint of a row: a quick hash of one database, by which it recognizes rows that it has seen before.

A row's checksum takes a SHA-256 of a text that every supported database writes alike, which takes twice as long.
Only the database that computed a fingerprint can compare it. So a load records the fingerprints of the rows in the
warehouse together with their checksum. If they are still the same at the next load, so is the checksum.

A fingerprint must distinguish all rows that differ in any bit, and it must depend on all columns at once: sums of the
hashes of single columns stay the same if two rows exchange the values of a column.
"""

from dataclasses import dataclass

from daybook.sql.checksum.sums import Sum, checksum_of, parsed


@dataclass(frozen=True, slots=True)
class RowFingerprint:
    """The SQL of a row's fingerprint."""

    name: str
    """Identifies the function, the columns and their types: fingerprints with other names cannot be compared."""
    sql: str
    """The expression, a whole number. Its names are quoted columns."""

    def recorded(self, sum: Sum) -> str:
        """Return the sum of some rows' fingerprints as `daybook.checksums` keeps it."""
        return checksum_of(self.name, sum)

    def parsed(self, rows: int, recorded: str) -> Sum | None:
        """Return a recorded sum of `rows` rows, or None if it is of another fingerprint."""
        return parsed(self.name, rows, recorded)
