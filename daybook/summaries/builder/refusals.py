"""The error for a build that the database refused although every check passed."""

from daybook.errors import BuildFailed
from daybook.sql.database_error import Condition, DatabaseError

#: The fix to suggest for each condition that the database reports.
_REMEDIES = {
    Condition.BROKEN_RULE: (
        ". The rows break a constraint that was added to the table by hand: fix the rows, or drop the constraint"
    ),
    Condition.NO_PRIVILEGE: (
        ". Ask the table's owner to grant that to the user of the warehouse's block, or to make that user the owner"
    ),
}


def refused(name: str, error: DatabaseError) -> BuildFailed:
    """Return the error for the summary `name` (`schema.table`), with the fix if it is known."""
    remedy = next((text for condition, text in _REMEDIES.items() if condition in error.conditions), "")
    return BuildFailed(f"{name}: {error.message}{remedy}")
