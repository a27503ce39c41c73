"""Propose the fields of a table file, from the names, types and indexes of the source's columns.

The purpose of a column comes from its name, regardless of case and underscores: see `MODIFIED`, `CREATED`, `DELETED`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from daybook.model.soft_deletes import flags
from daybook.model.types import Column
from daybook.strategies.base import FoundColumns
from daybook.strategies.registry import WHOLE_TABLE, all_strategies

#: Names of columns that every update of a row changes: the cursor of an upsert.
MODIFIED = (
    *("modified", "modified_at", "modified_on", "updated", "updated_at", "updated_on", "last_modified"),
    *("last_modified_at", "last_updated", "last_updated_at", "changed_at", "date_modified", "date_updated"),
)
#: Names of columns that are written once: the cursor of an append-only table.
CREATED = (
    *("created", "created_at", "created_on", "inserted_at", "date_created", "creation_date", "occurred_at"),
    *("event_time", "event_at", "ts", "timestamp"),
)
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


@dataclass(frozen=True, slots=True)
class Proposal:
    """The proposed fields of a table file. `remarks` has a comment for each field that needs one."""

    load: str
    key: tuple[str, ...]
    cursor: str | None
    deleted: str | None
    private: tuple[str, ...]
    remarks: dict[str, str]


def propose(columns: Sequence[Column], key: tuple[str, ...], indexed: Sequence[str], view: bool) -> Proposal:
    """Propose fields for a table: the first strategy that fits, or a load of the whole table if none does.

    Args:
        columns: the source's columns.
        key: the columns of the source's key. Empty if it has none.
        indexed: the columns that an index begins with.
        view: True if the source is a view.
    """
    remarks = dict[str, str]()
    moments = [column for column in columns if column.type.kind in _CURSORS]
    modified, created = _named(MODIFIED, moments, indexed), _named(CREATED, moments, indexed)
    deleted = _named(DELETED, [column for column in columns if flags(column.type)], ())
    found = FoundColumns(key, _name(created), _name(modified), _name(deleted))
    fitting = ((strategy, strategy.proposed_cursor(found)) for strategy in all_strategies().values())
    strategy, name = next((fit for fit in fitting if fit[1]), (WHOLE_TABLE, None))
    cursor = next((column for column in moments if column.name == name), None)
    if not key:
        remarks["key"] = (
            "a view has no key in the catalog"
            if view
            else "the source has no primary key and no unique key without NULLs"
        )
    if cursor is None:
        remarks["load"] = _why_whole(key, modified, created, deleted)
    else:
        remarks["cursor"] = _about(cursor, indexed, view)
    if deleted:
        remarks["deleted"] = "deleted rows are kept with this flag; on_delete: apply deletes them in the warehouse"
    private = tuple(column.name for column in columns if _bare(column.name) in {_bare(name) for name in PRIVATE})
    return Proposal(strategy.name, key, _name(cursor), _name(deleted), private, remarks)


def _name(column: Column | None) -> str | None:
    return column.name if column else None


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
        remarks.append("no index begins with it, so every load reads the whole table: add an index in the source")
    if cursor.nullable:
        remarks.append("rows without it belong to no interval, so only a full refresh loads them")
    return "; ".join(remarks)


def _why_whole(key: tuple[str, ...], modified: Column | None, created: Column | None, deleted: Column | None) -> str:
    if modified and not key:
        return f"load: upsert with the cursor {modified.name} needs a key"
    if created and deleted:
        return f"{deleted.name} marks deleted rows, and intervals of {created.name} would miss that change"
    return "no column has the time when a row was created or modified"


def _bare(name: str) -> str:
    return name.lower().replace("_", "")
