"""Propose the fields of a table file, from the names, types and indexes of the source's columns.

`daybook.definitions.describing.cursors` finds the times at which rows are created and modified. The purpose of other
columns comes from their names, regardless of case and underscores: see `DELETED` and `PRIVATE`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from daybook.definitions.describing.column_names import changes_later, meaning_of
from daybook.definitions.describing.cursors import NO_EVIDENCE, Evidence, FoundCursor, find_created, find_modified
from daybook.model.soft_deletes import flags
from daybook.model.types import Column
from daybook.strategies.base import FoundColumns
from daybook.strategies.registry import WHOLE_TABLE, all_strategies

#: Names of columns that mark a deleted row.
DELETED = ("deleted", "deleted_at", "deleted_on", "is_deleted", "date_deleted", "removed", "removed_at", "is_removed")
#: Names of columns with personal data: candidates for a mask.
PRIVATE = (
    *(
        "email",
        "e_mail",
        "email_address",
        "phone",
        "phone_number",
        "mobile",
        "ssn",
        "iban",
        "password",
        "password_hash",
    ),
    *("first_name", "last_name", "full_name", "birthday", "birth_date", "date_of_birth", "address", "street", "ip"),
    *("ip_address", "credit_card", "card_number"),
)
_CURSORS = frozenset({"date", "timestamp", "timestamptz"})


#: A table with at most this many rows is small: replacing all of it in each load is cheap.
SMALL = 1_000_000
#: A table with at most this many rows is tiny: replacing it is simpler than intervals of the creation of its rows.
TINY = 1_000


@dataclass(frozen=True, slots=True)
class Proposal:
    """The proposed fields of a table file. `remarks` has a comment for each field that needs one.

    Attributes:
        certainty: certain, likely or guess, for the load and its cursor.
        warning: why loads with these fields may miss changes, or "".
    """

    load: str
    key: tuple[str, ...]
    cursor: str | None
    deleted: str | None
    private: tuple[str, ...]
    remarks: dict[str, str]
    certainty: str = "certain"
    warning: str = ""


def propose(
    columns: Sequence[Column],
    key: tuple[str, ...],
    indexed: Sequence[str],
    view: bool,
    evidence: Evidence = NO_EVIDENCE,
) -> Proposal:
    """Propose fields for a table: the first strategy that fits, or a load of the whole table if none does.

    Args:
        columns: the source's columns.
        key: the columns of the source's key. Empty if it has none.
        indexed: the columns that an index begins with.
        view: True if the source is a view.
        evidence: what else is known of the table.
    """
    remarks = dict[str, str]()
    moments = [column for column in columns if column.type.kind in _CURSORS]
    deleted = _named(DELETED, [column for column in columns if flags(column.type)], ())
    modified = find_modified(moments, indexed, evidence)
    created = find_created([one for one in moments if one != deleted], indexed, evidence)
    found = FoundColumns(key, _name(created), _name(modified), deleted.name if deleted else None)
    fitting = ((strategy, strategy.proposed_cursor(found)) for strategy in all_strategies().values())
    strategy, name = next((fit for fit in fitting if fit[1]), (WHOLE_TABLE, None))
    cursor = next((one for one in (modified, created) if one and one.column.name == name), None)
    certainty, warning = cursor.certainty if cursor else "certain", ""
    small = evidence.rows is not None and evidence.rows <= SMALL
    if cursor and (stale := _stale(cursor, columns, created, deleted, key)):
        if small:
            remarks["load"] = f"a small table (about {evidence.rows:,} rows); {stale}"
            strategy, cursor, certainty = WHOLE_TABLE, None, "likely"
        else:
            certainty, warning = "guess", stale
    elif cursor and cursor is created and 0 < (evidence.rows or 0) <= TINY:
        # An empty table says nothing: it may be new, and grow. What sets a cursor in each change is right at any size.
        remarks["load"] = (
            f"a tiny table (about {evidence.rows:,} rows). If it grows, load it by intervals of {cursor.column.name}"
        )
        strategy, cursor, certainty = WHOLE_TABLE, None, "likely"
    if not key:
        remarks["key"] = (
            "a view has no key in the catalog, and a query none"
            if view
            else "the source has no primary key and no unique key without NULLs"
        )
    if cursor:
        remarks["cursor"] = f"{certainty}: {cursor.reason}{_about(cursor.column, indexed, view)}"
    elif "load" not in remarks:
        remarks["load"] = _why_whole(key, _column(modified), _column(created), deleted)
        if evidence.rows is not None and not small:
            warning = f"each load reads the whole table, about {evidence.rows:,} rows"
    if deleted:
        remarks["deleted"] = "deleted rows are kept with this flag; on_delete: apply deletes them in the warehouse"
    private = tuple(column.name for column in columns if _bare(column.name) in {_bare(name) for name in PRIVATE})
    name = cursor.column.name if cursor else None
    return Proposal(strategy.name, key, name, deleted.name if deleted else None, private, remarks, certainty, warning)


def _name(found: FoundCursor | None) -> str | None:
    return found.column.name if found else None


def _column(found: FoundCursor | None) -> Column | None:
    return found.column if found else None


def _stale(
    cursor: FoundCursor,
    columns: Sequence[Column],
    created: FoundCursor | None,
    deleted: Column | None,
    key: tuple[str, ...],
) -> str:
    """Return why loads by intervals of this cursor may miss changes of rows, or "" if nothing says so."""
    name = cursor.column.name
    if cursor.about:
        what = " ".join(cursor.about)
        return f"intervals of {name} miss other changes if it only changes with {what}"
    if cursor.has_nulls and not cursor.column.nullable:
        return f"{name} is a zero date or infinity in some rows, and intervals miss those rows"
    if cursor.has_nulls:
        return f"{name} is NULL in some rows, and intervals miss those rows until it is set"
    if cursor is not created:
        return ""
    later = [
        column.name
        for column in columns
        if column.name not in (name, *key)
        and column != deleted
        and (
            changes_later(column.name, column.type.kind in _CURSORS)
            or (column.type.kind in _CURSORS and getattr(meaning_of(column.name), "purpose", "") == "modified")
        )
    ]
    if not later:
        return ""
    return f"intervals of {name} miss rows that change on a later day, and {' and '.join(later[:2])} may change then"


def _named(names: Sequence[str], columns: Sequence[Column], indexed: Sequence[str]) -> Column | None:
    """Return the column with one of these names. Prefer indexed, then NOT NULL columns, then the order of `names`."""
    rank = {_bare(name): number for number, name in reversed(list(enumerate(names)))}
    found = [column for column in columns if _bare(column.name) in rank]
    return min(
        found,
        key=lambda column: (column.name not in indexed, column.nullable, rank[_bare(column.name)]),
        default=None,
    )


def _about(cursor: Column, indexed: Sequence[str], view: bool) -> str:
    remarks = []
    if cursor.name not in indexed and not view:
        remarks.append("; no index begins with it, so every load reads the whole table: add an index in the source")
    if cursor.nullable:
        remarks.append("; rows without it belong to no interval, so only a full refresh loads them")
    return "".join(remarks)


def _why_whole(key: tuple[str, ...], modified: Column | None, created: Column | None, deleted: Column | None) -> str:
    if modified and not key:
        return f"load: upsert with the cursor {modified.name} needs a key"
    if created and deleted:
        return f"{deleted.name} marks deleted rows, and intervals of {created.name} would miss that change"
    return "no column has the time when a row was created or modified"


def _bare(name: str) -> str:
    return name.lower().replace("_", "")
